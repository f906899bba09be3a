"""Energy that a customer passes on takes off its largest demand (转供)."""

import pytest
from tests.service.billing.rules.make import component, piece, rules_of, span, subject, tariff

from denghuo.service.billing.lines import Part
from denghuo.service.billing.rules import rate

BASIC = {"by": "demand", "prices": [{"price": "40"}], "document": "测试文号〔2026〕1号"}
DOCUMENT = tariff(component("energy", "0.5"), classes=["two_part_demand"], basic=BASIC)
FIRST, LAST = "2026-04-01", "2026-04-30"


def billed(shift: str | None, kwh: int, demand: str, **more: object) -> tuple[str, str]:
    part = Part.model_validate({"point_no": "R1", "way": "quantity", "quantity_wh": kwh * 1000, "resale": shift})
    terms = {"tariff_class": "two_part_demand", "spans": [span(FIRST, LAST, kw="100")], "parts": [part], **more}
    rated = rate(subject(piece("90000"), piece(demand, "demand"), **terms), DOCUMENT)
    line = rated.lines[-1]
    assert ("basic.resale" in rules_of(line)) == (shift is not None)
    return str((line.quantity_milli or 0) / 1000), line.sentence.zh


@pytest.mark.parametrize(
    ("shift", "kwh", "quantity"),
    [
        # 200 kW were measured, 100 kW agreed: what is above 105 kW counts twice.
        (None, 18_000, "295.0"),
        ("one_shift", 18_000, "100.0"),  # 100 kW taken off
        ("two_shifts", 18_000, "195.0"),  # 50 kW
        ("three_shifts", 5_400, "275.0"),  # 10 kW
        ("farming", 2_700, "275.0"),  # 10 kW
        ("one_shift", 90_000, "100.0"),  # more than there is
    ],
)
def test_the_demand_is_less_by_what_is_passed_on(shift: str | None, kwh: int, quantity: str) -> None:
    found, said = billed(shift, kwh, "200")
    assert found == quantity and ("折 1 千瓦" in said) == (shift is not None)


def test_energy_of_a_part_of_a_month_stands_for_that_of_a_whole_one() -> None:
    found, said = billed("one_shift", 9_000, "200", last_day="2026-04-15")
    assert found == "100.0" and "9000 × 30/15 千瓦时" in said

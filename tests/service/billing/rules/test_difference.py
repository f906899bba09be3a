"""A month rated again (退补电费): the lines of the difference add up to the difference of the bills, to the fen."""

from datetime import date
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import component, given, piece, subject, tariff, yuan

from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.difference import differences

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


def test_reactive_energy_that_was_wrong_is_settled_by_the_power_factor_alone() -> None:
    inputs, expected = given("pf-01")
    document = tariff(
        component("energy", "0.3"),
        component("government_funds", "0.02", group="fund"),
        power_factor={"document": "水电财字〔83〕215号"},
    )

    def month(kvarh: int) -> Any:
        return rate(subject(piece("40000"), piece(str(kvarh), "reactive_fwd"), standard=90), document)

    was, now = month(inputs["kvarh"]), month(inputs["kvarh"] + inputs["missing_kvarh"])
    (line,) = differences(was, now, FIRST, LAST)
    assert (line.code, line.amount) == ("power_factor", yuan(expected["back_bill"]))
    assert line.amount == now.total - was.total
    assert line.sentence.zh.startswith("2026-03-01 至 2026-03-31：原计 600.00 元")
    assert line.sentence.zh.endswith(f"补 {line.amount} 元。")


@for_all(was=st.integers(0, 10**6), now=st.integers(0, 10**6), used=st.integers(0, 5000))
def test_lines_add_up_to_the_difference(was: int, now: int, used: int) -> None:
    document = tariff(
        component("energy", [{"price": "0.617", "tier": 1}, {"price": "0.667", "tier": 2}]),
        component("government_funds", "0.0271", group="fund"),
        tiers={"period": "annual", "tables": [{"up_to": ["3120"]}]},
    )
    one, two = (rate(subject(piece(str(kwh)), used_before_wh=used * 1000), document) for kwh in (was, now))
    lines = differences(one, two, FIRST, LAST)
    assert sum(line.amount.fen for line in lines) == two.total.fen - one.total.fen
    energy = [line for line in lines if line.code == "energy"]
    assert sum(line.quantity_milli or 0 for line in energy) == (now - was) * 1000
    assert bool(lines) == (one.total != two.total)
    # The way back is the same with the other sign.
    back = differences(two, one, FIRST, LAST)
    assert {(line.code, line.tier, line.amount.fen) for line in back} == {
        (line.code, line.tier, -line.amount.fen) for line in lines
    }


def test_a_line_has_a_price_where_only_the_quantity_differs() -> None:
    cheap, dear = (tariff(component("energy", price)) for price in ("0.5", "0.6"))
    was = rate(subject(piece("100")), cheap)
    (more,) = differences(was, rate(subject(piece("150")), cheap), FIRST, LAST)
    assert (str(more.price), more.quantity_milli, str(more.amount)) == ("0.5000", 50_000, "25.00")
    (other,) = differences(was, rate(subject(piece("100")), dear), FIRST, LAST)
    assert (other.price, other.quantity_milli, str(other.amount)) == (None, 0, "10.00")

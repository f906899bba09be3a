"""Large customers from contract to issued bill: basic charge by capacity and by demand, pauses, and the power factor.

Free share and floor of the demand, the table of standards and the days of a part month are parameters of tariffs, dated rows
and contracts.
"""

import pathlib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import pyarrow as pa
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    DOCUMENT,
    MONTH,
    OPERATOR,
    County,
    Supply,
    county,
    daily,
    settle_county,
    tariff,
)
from tests.service.billing.test_terms import all_identical, bill, contract_no, verified
from tests.service.bindings import clock

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import midnight
from denghuo.kernel.values import ApparentPower, Energy, Power, Price
from denghuo.service.billing.api import StartCycle
from denghuo.service.contract.api import AgreeSpecial, ChangeTerms, ContractApi, Part, Transformer
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, ReadingApi
from denghuo.service.tariff.api import BasicCharge, DemandRule, PowerFactor, PriceAt, TariffDocument

RUNNING = Supply(1, 1, daily(40), "two_part_capacity", 200, capacity_kva=400)
PAUSED = Supply(2, 1, daily(40), "two_part_capacity", 200, capacity_kva=400)
TOO_SHORT = Supply(3, 1, daily(40), "two_part_capacity", 200, capacity_kva=400)
GROWN = Supply(4, 1, daily(40), "two_part_capacity", 200, capacity_kva=400)
DEMAND = Supply(5, 1, daily(40), "two_part_demand", 100, capacity_kva=200)
OVER = Supply(6, 1, daily(40), "two_part_demand", 100, capacity_kva=200)
FLOOR = Supply(7, 1, daily(40), "two_part_demand", 100, capacity_kva=400)
SOLAR = Supply(9, 2, daily(40), "general_single_part", 200, surplus=daily(30), capacity_kva=125)
CHANGER = Supply(10, 2, daily(40), "general_single_part", 200, capacity_kva=125)
SMALL = Supply(11, 2, daily(40), "general_single_part", 90)
PUMPS = Supply(12, 2, daily(40), "agricultural", 200, capacity_kva=125)
RESELLER = Supply(13, 2, daily(40), "two_part_demand", 100, capacity_kva=200)
ALL = [RUNNING, PAUSED, TOO_SHORT, GROWN, DEMAND, OVER, FLOOR, SOLAR, CHANGER, SMALL, PUMPS, RESELLER]
REACTIVE = [RUNNING, SOLAR, CHANGER, SMALL, PUMPS]
"""1,200 kWh against 900 kvarh: 0.80."""


def prices() -> list[TariffDocument]:
    factor = PowerFactor(document=DOCUMENT)
    voltages = ["0.22", "0.38", "10"]

    def two_part(by: Literal["capacity", "demand"], **more: Any) -> TariffDocument:
        basic = BasicCharge(by=by, prices=[PriceAt(price=Price.of("30"))], document=DOCUMENT, demand=DemandRule())
        code = more.pop("code", f"test.{by}")
        classes = [f"two_part_{by}"]
        return tariff(
            code, "energy", "0.5", classes=classes, voltages=voltages, basic=basic, power_factor=factor, **more
        )

    floor = two_part("demand", code="test.floor", default=False)
    assert floor.basic is not None
    rule = DemandRule.model_validate({"floor_share": "40"})
    return [
        two_part("capacity"),
        two_part("demand"),
        floor.model_copy(update={"basic": floor.basic.model_copy(update={"demand": rule})}),
        tariff(
            "test.single",
            "energy",
            "0.5",
            classes=["general_single_part", "agricultural"],
            voltages=voltages,
            power_factor=factor,
        ),
        tariff(
            "test.solar",
            "purchase_energy",
            "0.4",
            kind="purchase",
            classes=["generation"],
            settlements=["surplus_feed_in", "full_feed_in"],
        ),
    ]


def take(found: County, quantity: str, shown: Sequence[tuple[Supply, int, int]]) -> None:
    """A register at the first and the last midnight of the month; a demand as it was read at the end."""
    rows = [
        {
            "meter_no": f"M{supply.serial:05d}",
            "read_at": midnight(date(2026, 4, 1) + timedelta(days=day)),
            "quantity": quantity,
            "band": "total",
            "value_e4": value * 10_000,
        }
        for supply, start, end in shown
        for day, value in ((0, start), (30, end))
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
    reference = found.datasets.publish(REGISTER_INTAKE, MONTH, quantity, table, clock())
    found.directory(ReadingApi).receive_registers(OPERATOR, Intake(rows=reference))


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, ALL, prices())
        take(made, "reactive_fwd", [(one, 0, 900) for one in REACTIVE])
        take(made, "demand", [(DEMAND, 0, 105), (OVER, 0, 120), (FLOOR, 0, 90), (RESELLER, 0, 110)])
        yield made


def agree(found: County, supply: Supply, day: int, **more: Any) -> None:
    request = AgreeSpecial(
        contract_no=contract_no(found, supply),
        effective_from=date(2026, 4, day),
        applied_on=date(2026, 3, 20),
        reason="用户申请办理",
        **more,
    )
    found.ask(ContractApi).agree_special(OPERATOR, request)


def change(found: County, supply: Supply, day: int, **more: Any) -> None:
    request = ChangeTerms(
        contract_no=contract_no(found, supply),
        effective_from=date(2026, 4, day),
        applied_on=date(2026, 3, 2),
        reason="用户申请变更",
        **more,
    )
    found.ask(ContractApi).change_terms(OPERATOR, request)


def units(state: Literal["paused", "running"], last: int | None) -> list[Transformer]:
    """Two of 200 kVA; the second is in a state from the 11th on."""
    day = date(2026, 4, 1)
    body: dict[str, Any] = {"capacity_kva": ApparentPower.of("200")}
    then = None if last is None else day.replace(day=last) if last <= 30 else date(2026, 5, last - 30)
    return [
        Transformer(transformer_no="T1", first_day=date(2024, 8, 5), **body),
        Transformer(transformer_no="T2", first_day=date(2024, 8, 5), last_day=day.replace(day=10), **body),
        Transformer(transformer_no="T2", first_day=day.replace(day=11), last_day=then, state=state, **body),
    ]


@pytest.mark.scope("B05-07", "B05-08")
def test_large_customers_are_billed_as_they_agreed(found: County) -> None:
    agree(found, PAUSED, 11, transformers=units("paused", 60))
    # Taken as a pause of a month with notice, then ended after ten days, which is charged in full.
    agree(found, TOO_SHORT, 11, transformers=units("paused", 60))
    first, *short = units("paused", 20)
    back = first.model_copy(update={"transformer_no": "T2", "first_day": date(2026, 4, 21)})
    agree(found, TOO_SHORT, 11, transformers=[first, *short, back])
    fixed = Part(point_no="R1", way="quantity", quantity_kwh=Energy.of("900"), resale="one_shift")
    agree(found, RESELLER, 1, parts=[fixed])
    change(found, GROWN, 16, capacity_kva=ApparentPower.of("800"))
    change(found, FLOOR, 1, contract_kw=Power.of("90"), tariff_code="test.floor")
    change(found, RUNNING, 1, voltage_kv="10")
    change(found, CHANGER, 1, voltage_kv="10")
    agree(found, CHANGER, 2, on_load_changer=True)
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()

    def told(supply: Supply, code: str) -> list[tuple[str, str]]:
        return [(str(one.quantity), str(one.amount)) for one in bill(found, supply).lines if one.code == code]

    # 30 yuan a kVA: ten days of 30 at 400, twenty at 200; at 400 throughout where the pause was too short; at 800 from the 16th.
    assert told(PAUSED, "basic_capacity") == [("400", "4000.00"), ("200", "4000.00")]
    assert told(TOO_SHORT, "basic_capacity") == [("400", "12000.00")]
    assert told(GROWN, "basic_capacity") == [("400", "6000.00"), ("800", "12000.00")]
    # Contract demand 100 kW: 105 is not above 105 %, 120 is by 15 kW which count twice; 160 kW are 40 % of the capacity.
    assert told(DEMAND, "basic_demand") == [("100", "3000.00")]
    assert told(OVER, "basic_demand") == [("135", "4050.00")]
    # 900 kWh that are passed on to one shift stand for 5 of the 110 kW.
    assert told(RESELLER, "basic_demand") == [("100", "3000.00")]
    assert told(FLOOR, "basic_demand") == [("160", "4800.00")]

    # 0.80 below 0.90 at high voltage above 160 kVA: 5 % of energy and basic charge; 0.85: 2.5 %; farms are at their standard.
    assert told(RUNNING, "power_factor") == [("5", "630.00")]
    assert told(PUMPS, "power_factor") == [("0", "0.00")]
    # An on-load tap changer from the 2nd on: one day of 40 kWh at 0.85, the rest at 0.90. Below 100 kW there is no standard.
    assert told(CHANGER, "power_factor") == [("2.5", "0.50"), ("5", "29.00")]
    assert told(SMALL, "power_factor") == []
    # What the plant fed in is not part of the factor: the supply's 1,200 kWh are, and the line says so.
    assert told(SOLAR, "power_factor") == [("2.5", "15.00")]
    assert "上网电量 900 千瓦时" in bill(found, SOLAR).lines[-1].sentence.zh

    for supply in ALL:
        verified(found, supply)
    all_identical(found, len(ALL) + 1)

"""Contracts with more than a class and a meter, from agreed terms to the issued bill: a month whose terms or prices change."""

import base64
import json
import pathlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    DOCUMENT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Supply,
    county,
    daily,
    prices,
    settle_county,
    take_registers,
    tariff,
)
from tests.service.records import meter, point

from denghuo.kernel.values import ApparentPower, Energy, Percent, Power, Price
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.billing.api import (
    Bill,
    BillRef,
    ExceptionRef,
    FindBills,
    FindExceptions,
    ReplayMonth,
    StartCycle,
    TryOnAll,
)
from denghuo.service.contract.api import (
    AgreeSpecial,
    BehindTransformer,
    ChangeTerms,
    ContractApi,
    ContractsOf,
    LineLoss,
    LossRow,
    Part,
    TransformerLoss,
)
from denghuo.service.point.api import PointApi, RegisterPoints
from denghuo.service.tariff.api import (
    DraftTariff,
    FreeEnergy,
    HouseholdRoom,
    TariffApi,
    TariffDocument,
    TariffVersion,
)
from denghuo_verify.check import verify

CHANGED = Supply(1, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
DEARER = Supply(2, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
UNREAD = Supply(3, 1, {day: shown for day, shown in daily(30).items() if day not in (10, 11, 12)}, contract_kw=10)
ENDED = Supply(4, 1, daily(6), tariff_class="agricultural")
LOSSES = Supply(5, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
PARTS = Supply(6, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
FAMILY = Supply(7, 1, daily(120), contract_kw=10)
PLAIN = Supply(8, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
ALL = [CHANGED, DEARER, UNREAD, ENDED]
TABLED = Supply(9, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
PLATED = Supply(10, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
BEHIND = Supply(11, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
UNAGREED = Supply(12, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
SPECIAL = [LOSSES, PARTS, FAMILY, PLAIN, TABLED, PLATED, BEHIND]


def households() -> list[TariffDocument]:
    """The county's prices, with more room for large households, free energy for those entitled to it, and a price for farms."""
    resident, *others = prices()
    assert resident.tiers is not None
    room = HouseholdRoom(persons_from=5, per_month=Energy.of("100"))
    source = FreeEnergy(per_month=Energy.of("15"), document=DOCUMENT)
    tiers = resident.tiers.model_copy(update={"households": [room]})
    farm = tariff("test.farm", "energy", "0.5", classes=["agricultural"])
    return [resident.model_copy(update={"tiers": tiers, "free_energy": source}), *others, farm]


@pytest.fixture(params=["local", "remote"])
def special(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, [*SPECIAL, UNAGREED], households())
        for serial, main in ((21, BEHIND), (22, UNAGREED)):
            sub_meter(made, serial, main)
        yield made


def sub_meter(found: County, serial: int, main: Supply) -> None:
    """A meter of 10 kWh a day behind that of a supply."""
    found.directory(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(serial)]))
    behind = point(main.serial, main.station, point_no=f"SUB{serial}", role="sub_meter", meter_no=f"M{serial:05d}")
    assert not found.directory(PointApi).register_points(OPERATOR, RegisterPoints(points=[behind])).refused
    take_registers(found, [Supply(serial, main.station, daily(10))])


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, ALL)
        yield made


def publish(found: County, **changes: Any) -> None:
    business = next(one for one in prices() if one.code == "test.business")
    drafted = found.directory(TariffApi).draft(OPERATOR, DraftTariff(document=business.model_copy(update=changes)))
    assert drafted.publishable, drafted.findings
    found.directory(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))


def contract_no(found: County, supply: Supply) -> str:
    rows = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=supply.account_no)).rows
    return rows[0].contract_no


def change(found: County, supply: Supply, day: int, **changes: Any) -> None:
    request = ChangeTerms(
        contract_no=contract_no(found, supply), effective_from=date(2026, 4, day), reason="用电性质变更", **changes
    )
    found.ask(ContractApi).change_terms(OPERATOR, request)


def bill(found: County, supply: Supply) -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{supply.account_no}101"))


def told(shown: Bill) -> list[tuple[str, str, str, str]]:
    """Days, quantity, price and amount of the lines."""
    return [
        (f"{line.first_day:%d}-{line.last_day:%d}" if line.first_day and line.last_day else "", *map(str, figures))
        for line in shown.lines
        for figures in [(line.quantity, line.price, line.amount)]
    ]


@pytest.mark.scope("B04-11")
def test_a_month_whose_terms_or_prices_change_is_billed_in_stages(found: County) -> None:
    dearer = [one.model_copy(update={"price": Price.of("0.80")}) for one in prices()[1].components[0].prices]
    component = prices()[1].components[0].model_copy(update={"prices": dearer})
    publish(found, components=[component], effective_from=date(2026, 4, 21))
    change(found, CHANGED, 11, tariff_class="resident")
    change(found, UNREAD, 11, tariff_class="general_single_part")
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()

    # A change of class: ten days at one price, twenty at the other, from the register of the eleventh.
    changed = bill(found, CHANGED)
    assert told(changed) == [("01-10", "400", "0.7853", "314.12"), ("11-30", "800", "0.6170", "493.60")]
    assert str(changed.amount) == "807.72" and changed.state == "issued"
    assert [(str(one.start), str(one.end), one.piece) for one in changed.registers] == [
        ("1000.00", "1400.00", 1),
        ("1400.00", "2200.00", 2),
    ]
    assert [len(line.registers) for line in changed.lines] == [1, 1]
    assert changed.lines[0].sentence.en.startswith("From 2026-04-01 to 2026-04-10: ")

    # The tier year of residents counts from the change: nine months, and no month before.
    stages = verified(found, CHANGED)["bill"]["rating"]["stages"]
    assert (stages[1]["tier_months"], [one.zh for one in changed.remarks]) == (9, [])

    # A tariff that another version follows.
    assert told(bill(found, DEARER)) == [("01-20", "800", "0.7853", "628.24"), ("21-30", "400", "0.8000", "320.00")]

    # Without a register at that midnight the line between its neighbours counts, and the bill says so.
    unread = bill(found, UNREAD)
    assert told(unread)[0] == ("01-10", "300", "0.6170", "185.10")
    assert [one.status for one in unread.registers] == ["estimated"] * 3 and unread.estimated_days == 2
    assert any("2026-04-11" in one.zh for one in unread.remarks)

    # Nothing in force, no bill; the county has no price for farms.
    (held,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    assert (held.account_no, held.code) == (ENDED.account_no, "tariff_unknown")
    assert len(found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).rows) == 3
    assert found.billing.exception(ACCOUNTANT, ExceptionRef(exception_no=held.exception_no)).remedy.en

    # The file says what each stage was rated from, and by which tariffs.
    for supply in (DEARER, UNREAD):
        verified(found, supply)
    all_identical(found, 3)
    body = verified(found, CHANGED)
    assert (body["version"], [one["code"] for one in body["tariffs"]]) == (2, ["test.business"])
    assert [
        (one["first_day"], one["last_day"], one["tariff_class"], one["tariff_code"])
        for one in body["bill"]["rating"]["stages"]
    ] == [
        ("2026-04-01", "2026-04-10", "general_single_part", "test.business"),
        ("2026-04-11", "2026-04-30", "resident", "test.resident"),
    ]
    assert body["bill"]["rating"]["tariffs"] == [{"code": "test.business", "version": 1}]
    assert body["proof"] is not None and body["tariff"]["code"] == "test.resident"


def verified(found: County, supply: Supply) -> dict[str, Any]:
    """The file of a bill, which the offline verifier computes again to the fen."""
    file = found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=f"202604{supply.account_no}101"))
    body: dict[str, Any] = json.loads(base64.b64decode(file.content))
    report = verify(body)
    assert report.verdict == "verified", report
    return body


def all_identical(found: County, bills: int) -> None:
    """What is kept with the bills gives every line again, to the last character."""
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert (page.checked, page.identical, page.rows) == (bills, bills, [])


def agree(found: County, supply: Supply, since: int | date, **terms: Any) -> None:
    """Special terms of a contract since a day, or a day of April."""
    day = since if isinstance(since, date) else date(2026, 4, since)
    number = contract_no(found, supply)
    request = AgreeSpecial(contract_no=number, effective_from=day, reason="补签专用条款", **terms)
    found.ask(ContractApi).agree_special(OPERATOR, request)


def behind(other: Supply) -> Part:
    """The main meter of another account as a sub-meter."""
    return Part(point_no=f"{other.account_no}01", way="meter", account_no=other.account_no)


@pytest.mark.scope("B05-09")
@pytest.mark.scope("B05-13")
def test_losses_parts_and_households_are_billed_as_agreed(special: County) -> None:
    loss = TransformerLoss(transformer_no="T1", way="agreed", active_kwh=Energy.of("120"))
    agree(special, LOSSES, 16, losses=[loss], line_losses=[LineLoss(line_no="L1", share=Percent.of("2"))])
    ratio = Part(point_no="D1", way="ratio", ratio=Percent.of("30"), tariff_code="test.farm")
    fixed = Part(point_no="D2", way="quantity", quantity_kwh=Energy.of("200"))
    agree(special, PARTS, 1, parts=[ratio, fixed])
    agree(
        special,
        TABLED,
        1,
        losses=[TransformerLoss(transformer_no="T2", way="table")],
        loss_rows=[
            LossRow(transformer_no="T2", up_to_kwh=Energy.of("2000"), active_kwh=Energy.of("90")),
            LossRow(transformer_no="T2", active_kwh=Energy.of("130")),
        ],
        behind=[BehindTransformer(transformer_no="T2", account_no=PLAIN.account_no)],
    )
    agree(special, BEHIND, 1, parts=[Part(point_no="SUB21", way="meter", tariff_code="test.farm")])
    plate = {"capacity_kva": ApparentPower.of("315"), "no_load_kw": Power.of("0.67"), "load_kw": Power.of("3.65")}
    agree(special, PLATED, 1, losses=[TransformerLoss(transformer_no="T3", way="nameplate", **plate)])
    agree(special, FAMILY, 1, persons=6, persons_since=date(2026, 1, 10), free_energy=True)
    special.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    special.settle()

    # Half a month without losses, half with 120 x 15/30 kWh of the transformer and 2 % of what then goes through the line.
    lossy = bill(special, LOSSES)
    assert told(lossy) == [("01-15", "600", "0.7853", "471.18"), ("16-30", "673", "0.7853", "528.51")]
    assert any(step.kind == "loss" for step in lossy.lines[1].steps)
    assert not any(step.kind == "loss" for step in lossy.lines[0].steps)
    # The fixed 200 kWh, billed elsewhere, go first; 30 % of the rest are at the price of farms.
    assert told(bill(special, PARTS)) == [("", "700", "0.7853", "549.71"), ("", "300", "0.5000", "150.00")]
    # 2,400 kWh behind the transformer lose 130 by its table, half of them here.
    assert told(bill(special, TABLED)) == [("", "1265", "0.7853", "993.40")]
    # 0.67 kW x 720 h and next to nothing of the load loss.
    assert told(bill(special, PLATED)) == [("", "1682", "0.7853", "1320.87")]
    # Eleven months of 100 kWh more room in the first tier, which all 3,600 kWh fit into; 15 kWh are free.
    assert told(bill(special, FAMILY)) == [("", "3600", "0.6170", "2221.20"), ("", "15", "0.6170", "-9.26")]
    # A real sub-meter: 300 of the 1,200 kWh; where nothing is agreed about one, there is no bill.
    assert told(bill(special, BEHIND)) == [("", "900", "0.7853", "706.77"), ("", "300", "0.5000", "150.00")]
    (held,) = special.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    assert (held.account_no, held.code) == (UNAGREED.account_no, "rating_failed") and "SUB22" in held.reason.en
    assert told(bill(special, PLAIN)) == [("", "1200", "0.7853", "942.36")]

    # What is not ordinary is not rated by columns.
    tried = special.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="test.business"))
    assert (tried.contracts, tried.by_rules, tried.not_rated, str(tried.difference)) == (6, 5, 1, "0.00")

    # The file holds the terms, and the tariff of the part.
    for supply in SPECIAL:
        verified(special, supply)
    all_identical(special, len(SPECIAL))
    body = verified(special, PARTS)
    assert [one["code"] for one in body["tariffs"]] == ["test.farm"]
    assert body["bill"]["rating"]["parts"][0]["ratio"] == "30.00"
    assert [one["way"] for one in body["bill"]["rating"]["parts"]] == ["ratio", "quantity"]

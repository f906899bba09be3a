"""Market customers by the 15 minutes (现货): prices published, curves taken in, contracts agreed, the month billed and verified.

All prices are made up for the test.
"""

import base64
import json
import pathlib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    prices,
    settle_county,
)
from tests.service.billing.test_curves import Curve, steady, take_curves
from tests.service.billing.test_market_terms import agree, at, bill, contract_no, market_tariff, to_market, told
from tests.service.bindings import clock

from denghuo.kernel.values import Energy, Percent, Price
from denghuo.service.billing.api import (
    AsKnown,
    BillRef,
    FindBillsBySpotPrices,
    FindEstimatedBills,
    FindExceptions,
    FindRecalculations,
    NotTriable,
    ReplayMonth,
    SetReviewRule,
    SoFar,
    StartCycle,
    Trial,
    Try,
)
from denghuo.service.contract.api import AgreeSpecial, ContractApi, ForwardEnergy, PlannedEnergy, SpecialTerms
from denghuo.service.contract.special import faults
from denghuo.service.tariff.api import AskSpotPrices, DraftSpotPrices, SpotTableRef, TariffApi
from denghuo_verify.check import verify
from denghuo_verify.points import prices_of

LINKED, MIXED, SETTLED, GAPPY, WITHOUT_CURVE, WITHOUT_PRICE, GUESSED = ALL = [
    Supply(serial, 1, daily(24), tariff_class="general_single_part", contract_kw=10) for serial in range(1, 8)
]
APRIL = {"first_day": date(2026, 4, 1), "last_day": date(2026, 4, 30)}


def real_time(slot: int) -> str:
    """As dear as the curve is high, so that each of its three levels has a price of its own."""
    return "0.2" if slot < 24 or slot >= 88 else "0.8" if 32 <= slot < 44 else "0.5"


def publish_prices(found: County, node: str = "N1") -> None:
    """Real-time prices by the quarter-hour, day-ahead prices by the hour."""
    rows = ["node,series,day,time,price"]
    for day in range(1, 31):
        rows += [
            f"{node},real_time,2026-04-{day:02d},{slot // 4:02d}:{slot % 4 * 15:02d},{real_time(slot)}"
            for slot in range(96)
        ]
        rows += [f"{node},day_ahead,2026-04-{day:02d},{hour:02d}:00,0.4" for hour in range(24)]
    request = DraftSpotPrices(
        area="310000", month=MONTH, document_no="测试现货价格", highest=Price.of("1.5"), text="\n".join(rows)
    )
    found.ask(TariffApi).draft_spot_prices(OPERATOR, request)
    found.ask(TariffApi).publish_spot_prices(OTHER_PERSON, SpotTableRef(area="310000", month=MONTH))


def draft_correction(found: County, node: str) -> None:
    """The ninth at 1 yuan all day: 24 kWh for 24.00 instead of 11.40 yuan."""
    rows = [f"{node},real_time,2026-04-09,{slot // 4:02d}:{slot % 4 * 15:02d},1" for slot in range(96)]
    request = DraftSpotPrices(
        area="310000",
        month=MONTH,
        document_no="测试更正",
        highest=Price.of("1.5"),
        text="\n".join(["node,series,day,time,price", *rows]),
        correction=True,
    )
    found.ask(TariffApi).draft_spot_prices(OPERATOR, request)


def settle_by_points(found: County, supply: Supply) -> None:
    """20 kWh a day contracted, 24 declared a day ahead."""
    forward = ForwardEnergy(**APRIL, quantity_kwh=Energy.of("20"), document="ZC-1", price=Price.of("0.38"))
    request = AgreeSpecial(
        contract_no=contract_no(found, supply),
        effective_from=date(2026, 4, 1),
        market_node="N1",
        market_document="测试结算规则",
        forward=[forward],
        declared=[PlannedEnergy(**APRIL, quantity_kwh=Energy.of("24"))],
        reason="签订中长期合约",
    )
    found.ask(ContractApi).agree_special(OPERATOR, request)


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL, [*prices(), market_tariff()])
        publish_prices(made)
        for supply in ALL:
            to_market(made, supply)
        linked: dict[str, Any] = {"retail_spot_share": Percent.of("100"), "market_node": "N1"}
        for supply in (GAPPY, WITHOUT_CURVE, GUESSED):
            agree(made, supply, **linked)
        agree(made, LINKED, **linked, retail_cap=Price.of("0.45"))
        agree(made, WITHOUT_PRICE, **(linked | {"market_node": "N2"}))
        mixed = linked | {"retail_spot_share": Percent.of("40")}
        agree(
            made, MIXED, **mixed, retail_prices=at("0.42"), retail_fee=Price.of("0.01"), retail_floor=Price.of("0.46")
        )
        settle_by_points(made, SETTLED)
        whole = {f"M{one.serial:05d}": steady for one in (LINKED, MIXED, SETTLED, WITHOUT_PRICE)}
        gappy: dict[str, Curve] = {
            "M00004": lambda day, slot: None if day == 7 and slot < 4 else steady(day, slot),
            "M00007": lambda day, slot: None if day in (20, 21) else steady(day, slot),
        }
        take_curves(made, whole | gappy)
        made.settle()
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()

    return prepare(make)


def checked(found: County, supply: Supply, folder: pathlib.Path, tampered: bool = False) -> Any:
    """The verifier's report from bill file, readings file with curves, and the published prices."""
    reference = BillRef(bill_no=f"202604{supply.account_no}101")
    document = json.loads(base64.b64decode(found.billing.bill_file(ACCOUNTANT, reference).content))
    apart = json.loads(base64.b64decode(found.billing.readings_file(ACCOUNTANT, reference).content))
    asked = AskSpotPrices(area="310000", node="N1", month=MONTH)
    text = base64.b64decode(found.ask(TariffApi).spot_file(OPERATOR, asked).content).decode()
    if tampered:
        text = text.replace("N1,real_time,2026-04-09,10:00,0.8000", "N1,real_time,2026-04-09,10:00,0.7000")
        apart["curves"][0]["values"][960], apart["curves"][0]["values"][970] = "0.3", "0.2"
    file = folder / "prices.csv"
    file.write_text(text, encoding="utf-8")
    return verify(document | {"readings": apart["readings"], "curves": apart["curves"]}, prices=prices_of(file))


@pytest.mark.scope("B05-06")
def test_fifteen_minute_prices_times_fifteen_minute_energy(found: County, tmp_path: pathlib.Path) -> None:
    """720 kWh a month: 8 kWh a day at 0.2, 6 at 0.8, 10 at 0.5 yuan are 342.00 at spot prices, 0.475 a kWh."""
    transmission = ("transmission", "720", "144.00")
    assert told(bill(found, LINKED)) == [
        ("retail_spot", "720", "342.00"),
        ("retail_bound", "720", "-18.00"),
        transmission,
    ]
    assert told(bill(found, MIXED)) == [
        ("retail_fixed", "720", "181.44"),
        ("retail_spot", "720", "136.80"),
        ("retail_fee", "720", "7.20"),
        ("retail_bound", "720", "5.76"),
        transmission,
    ]
    # 600 kWh contracted; 120 more declared at the day-ahead price; what was used less 250 Wh a point at real-time prices.
    assert told(bill(found, SETTLED)) == [
        ("market_contract", "600", "228.00"),
        ("market_day_ahead", "120", "48.00"),
        ("market_real_time", "0", "27.00"),
        transmission,
    ]
    documents = [line.document_no for line in bill(found, SETTLED).lines]
    assert documents[:3] == ["ZC-1", "测试结算规则", "测试结算规则"]
    assert "2880 点" in bill(found, LINKED).lines[0].sentence.zh and "N1" in bill(found, LINKED).lines[0].sentence.zh
    gappy = bill(found, GAPPY)
    assert told(gappy)[0][:2] == ("retail_spot", "720") and "4 点曲线缺失" in gappy.lines[0].sentence.zh
    assert any("结算点" in one.zh for one in gappy.remarks)
    # Of two days, more than may be filled by the register alone, what stands in says where its energy lies.
    guessed = bill(found, GUESSED)
    assert told(guessed)[0] == ("retail_spot", "720", "342.00") and guessed.estimated_days == 2
    assert "192 点按估计值分摊" in guessed.lines[0].sentence.zh and guessed.estimates is not None
    assert "48 千瓦时依据估计值，占 67‰；方法：示数差按相似日分摊" in guessed.estimates.said.zh
    for supply in (LINKED, MIXED, SETTLED, GAPPY, GUESSED):
        report = checked(found, supply, tmp_path)
        assert report.verdict == "verified", report.differs
        assert not [one for one in report.notes if one.where.startswith("points")]
        told_differently = {one.where for one in checked(found, supply, tmp_path, tampered=True).differs}
        assert any(where.startswith("points 1 real_time 2026-04-09 #40") for where in told_differently)
        assert any(where.startswith("points 1 2026-04-") for where in told_differently)
    held = {row.account_no: row for row in found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH)).rows}
    assert {number: (row.code, row.cause) for number, row in held.items()} == {
        WITHOUT_CURVE.account_no: ("curve_missing", "collection"),
        WITHOUT_PRICE.account_no: ("spot_price_missing", "tariff"),
    }
    assert "M00005" in held[WITHOUT_CURVE.account_no].reason.zh and "N2" in held[WITHOUT_PRICE.account_no].reason.zh
    take_curves(found, {"M00005": steady})
    found.settle()
    assert told(bill(found, WITHOUT_CURVE))[0] == ("retail_spot", "720", "342.00")
    limit = {"code": "outlier_amount", "kind": "supply", "tariff_class": "general_single_part", "reason": "收紧限额"}
    found.billing.set_review_rule(ACCOUNTANT, SetReviewRule.model_validate(limit | {"limit": 100}))
    publish_prices(found, "N2")
    found.settle()
    assert told(bill(found, WITHOUT_PRICE))[0] == ("retail_spot", "720", "342.00")
    assert bill(found, WITHOUT_PRICE).state == "held"
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert page.checked == page.identical >= 4
    for supply in (LINKED, SETTLED):
        known = found.billing.as_known(ACCOUNTANT, AsKnown(account_no=supply.account_no, month=MONTH, kind="supply"))
        assert (known.amount, known.differences) == (bill(found, supply).amount, [])
        so_far = found.billing.bill_so_far(ACCOUNTANT, SoFar(account_no=supply.account_no, month=MONTH))
        assert so_far.amount == bill(found, supply).amount
    a_trial_comes_to_the_same_lines(found)
    real_values_of_points_are_told_with_the_difference(found)
    corrected_prices_name_bills_and_rate_drafts_again(found)


def real_values_of_points_are_told_with_the_difference(found: County) -> None:
    """On both days that were estimated all was used at night: 18 kWh at 0.2 and 6 at 0.5 instead of 11.40 yuan a day."""
    asked = FindEstimatedBills(month=MONTH)
    before = found.billing.estimated_bills(ACCOUNTANT, asked).rows
    assert [(row.account_no, row.state, str(row.energy), row.methods.zh) for row in before] == [
        (GAPPY.account_no, "rests", "1", "示数差按相似日分摊"),
        (GUESSED.account_no, "rests", "48", "示数差按相似日分摊"),
    ]
    take_curves(found, {"M00007": lambda day, slot: None if day not in (20, 21) else (750 if slot < 32 else 0)})
    found.settle()
    after = found.billing.estimated_bills(ACCOUNTANT, asked).rows
    assert [(row.account_no, row.state, str(row.difference)) for row in after] == [
        (GUESSED.account_no, "differs", "-9.60"),
        (GAPPY.account_no, "rests", "0.00"),
    ]


def a_trial_comes_to_the_same_lines(found: County) -> None:
    """Contract, day ahead and real time typed point by point, or the hours of one price as one point each."""
    typed: dict[str, Any] = {
        "tariff_code": "test.market",
        "month": MONTH,
        "voltage": "0.22",
        "readings": [{"value": "720"}],
    }
    # 20 kWh a day contracted and 24 declared are 20.8333 and 25 kWh a point over a month of 96 points.
    hours = [(range(24), "0.2"), (range(24, 32), "0.5"), (range(32, 44), "0.8"), (range(44, 88), "0.5")]
    hours.append((range(88, 96), "0.2"))
    points = [
        {
            "contract": str(600 * len(slots) / 96),
            "contract_price": "0.38",
            "day_ahead": str(720 * len(slots) / 96),
            "day_ahead_price": "0.4",
            "actual": str(sum(30 * (steady(1, slot) or 0) for slot in slots) / 1000),
            "real_time_price": price,
        }
        for slots, price in hours
    ]
    tried = found.billing.trial(ACCOUNTANT, Try.model_validate(typed | {"market_points": points}))
    assert lines_of(tried) == told(bill(found, SETTLED))
    package = {"retail_prices": at("0.42"), "retail_fee": "0.01", "retail_floor": "0.46", "retail_spot_share": "40"}
    spot = [{"actual": one["actual"], "real_time_price": one["real_time_price"]} for one in points]
    tried = found.billing.trial(ACCOUNTANT, Try.model_validate(typed | package | {"market_points": spot}))
    assert lines_of(tried) == told(bill(found, MIXED))
    # A month by its averages: all that was metered at one price.
    whole = {"retail_spot_share": "100", "market_points": [{"real_time_price": "0.475"}]}
    assert lines_of(found.billing.trial(ACCOUNTANT, Try.model_validate(typed | whole)))[0] == (
        "retail_spot",
        "720",
        "342.00",
    )
    for wrong, field in (
        ({"tariff_code": "test.business", "market_points": spot}, "market_points"),
        ({"market_points": [{"contract": "1"}]}, "market_points.0.real_time_price"),
        ({"market_points": [{"contract": "1", "real_time_price": "1"}]}, "market_points.0.contract_price"),
        ({"market_points": [{"day_ahead": "1", "real_time_price": "1"}]}, "market_points.0.day_ahead_price"),
        ({"market_points": [{"real_time_price": "1"}, spot[0]]}, "market_points.0.actual"),
        ({"retail_spot_share": "40", "retail_prices": at("0.4")}, "market_points"),
        ({"retail_prices": at("0.4"), "market_points": spot}, "retail_spot_share"),
        ({"retail_spot_share": "40", "market_points": spot}, "retail_prices"),
    ):
        with pytest.raises(NotTriable) as refused:
            found.billing.trial(ACCOUNTANT, Try.model_validate(typed | wrong))
        assert field in [one["field"] for one in refused.value.fields["errors"]]


def lines_of(tried: Trial) -> list[tuple[str, str, str]]:
    return [(line.code, str(line.quantity), str(line.amount)) for line in tried.lines]


def corrected_prices_name_bills_and_rate_drafts_again(found: County) -> None:
    asked = FindBillsBySpotPrices(area="310000", month=MONTH)
    assert found.billing.bills_by_spot_prices(ACCOUNTANT, asked).total == 0  # nothing was rated before its prices came
    draft_correction(found, "N1")
    by_points = [LINKED, MIXED, SETTLED, GAPPY, WITHOUT_CURVE, GUESSED]
    for published in (False, True):
        if published:
            publish_correction(found)
        named = found.billing.bills_by_spot_prices(ACCOUNTANT, asked)
        assert {one.account_no: str(one.difference) for one in named.rows} == {
            LINKED.account_no: "0.00",  # its cap holds
            MIXED.account_no: "0.00",  # and so does the floor
            SETTLED.account_no: changed_at_points(),
            GAPPY.account_no: "12.60",
            WITHOUT_CURVE.account_no: "12.60",
            GUESSED.account_no: "12.60",
        }
        assert (named.issued, named.not_issued) == (len(by_points), 0)
    assert found.billing.bills_by_spot_prices(ACCOUNTANT, asked.model_copy(update={"issue": 1})).total == 0
    draft_correction(found, "N2")
    named = found.billing.bills_by_spot_prices(ACCOUNTANT, asked)
    assert [(one.account_no, str(one.difference)) for one in named.rows] == [(WITHOUT_PRICE.account_no, "12.60")]
    publish_correction(found)
    # Its draft was taken back and rated again.
    assert told(bill(found, WITHOUT_PRICE))[0] == ("retail_spot", "720", "354.60")
    done = found.billing.recalculations(ACCOUNTANT, FindRecalculations(month=MONTH)).rows
    assert [(one.cause, one.state, one.due, one.done, one.issued, one.held) for one in reversed(done)] == [
        ("curves", "done", 1, 1, 1, 0),
        ("spot_prices", "done", 1, 1, 0, 1),
        ("curves", "done", 2, 2, 0, 0),
        ("spot_prices", "done", 1, 1, 0, 1),
    ]
    first = found.billing.recalculations(ACCOUNTANT, FindRecalculations(limit=2))
    rest = found.billing.recalculations(ACCOUNTANT, FindRecalculations(limit=2, after=first.next))
    assert [*first.rows, *rest.rows] == done and first.total == rest.total == 4


def publish_correction(found: County) -> None:
    later = replace(OTHER_PERSON, now=clock())
    found.ask(TariffApi).publish_spot_prices(later, SpotTableRef(area="310000", month=MONTH))
    found.settle()


def changed_at_points() -> str:
    """What SETTLED owes more: used less declared of each point of the ninth, at 1 yuan instead of its price."""
    moved = sum(((steady(9, slot) or 0) - 250) * (1000 - int(float(real_time(slot)) * 1000)) for slot in range(96))
    return f"{moved / 1_000_000:.2f}"


def test_what_does_not_go_together_is_refused() -> None:
    odd = PlannedEnergy(
        first_day=date(2026, 4, 2), last_day=date(2026, 4, 1), start="08:00", end="08:00", quantity_kwh=Energy(0)
    )
    contracted = ForwardEnergy(**APRIL, quantity_kwh=Energy.of("1"), document="Z", price=Price(0))
    package: dict[str, Any] = {"retail_title": "联动套餐", "retail_document": "LS-1", "market_node": "N1"}
    whole = package | {"retail_spot_share": Percent.of("100")}
    rules: dict[str, Any] = {"market_node": "N1", "market_document": "测试结算规则"}
    cases: list[tuple[dict[str, Any], list[str]]] = [
        (whole, []),
        (rules | {"forward": [contracted]}, []),
        (package | {"retail_spot_share": Percent.of("40")}, ["retail_prices"]),
        (whole | {"retail_spot_share": Percent.of("140")}, ["retail_spot_share", "retail_prices"]),
        (whole | {"market_node": None}, ["market_node"]),
        (whole | rules | {"forward": [contracted]}, ["forward"]),
        ({"forward": [contracted]}, ["market_document", "market_node"]),
        (rules | {"declared": [odd]}, ["declared.0.last_day", "declared.0.end", "declared.0.quantity_kwh"]),
    ]
    for given, fields in cases:
        errors = faults("supply", "general_single_part", "market", "1", SpecialTerms(**given))
        assert [one["field"] for one in errors] == fields, (given, errors)
        assert all(one["zh"] and one["en"] for one in errors)
    agency = faults("supply", "general_single_part", "agency", "1", SpecialTerms(**whole))
    assert [(one["field"], one["value"]) for one in agency] == [("retail_title", "agency")]

"""Two price areas in one company (单位价区): the tariff goes by the class of the account and the area of its unit, on every way."""

import pathlib
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
    settle_county,
    tariff,
)
from tests.service.bindings import NOW

from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.api import (
    AsKnown,
    Bill,
    BillRef,
    EstimateDay,
    FindBills,
    FindExceptions,
    FindRecalculations,
    Recalculate,
    SetReviewRule,
    SoFar,
    StartCycle,
    TryOnAll,
    WhatIf,
)
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.rules import choose
from denghuo.service.host import relay
from denghuo.service.tariff.api import (
    AreaProposalRef,
    AreaRefused,
    AskUnitArea,
    AskUnitAreas,
    AssignAreas,
    DraftTariff,
    InForce,
    LoadPublished,
    NoSuchProposal,
    OverlappingTariff,
    ProposalDecided,
    SamePerson,
    TariffApi,
    TariffDocument,
    TariffVersion,
    UnitArea,
    UnitAreas,
)

HERE, THERE = "1405810.01", "1405810.02"
HOUSE, FAR_HOUSE = Supply(1, 1, daily(8)), Supply(2, 2, daily(8))
SHOP, FAR_SHOP = (Supply(at, at - 2, daily(40), tariff_class="general_single_part", contract_kw=10) for at in (3, 4))
FAR_SOLAR = Supply(5, 2, daily(3), surplus=daily(9))
ALL = [HOUSE, FAR_HOUSE, SHOP, FAR_SHOP, FAR_SOLAR]
BEGIN = date(2024, 1, 1)
AREA = {"area": "320000", "area_title": TextPair(zh="邻区", en="Next area")}


def said(org: str, area: str | None, from_day: date = BEGIN) -> UnitArea:
    return UnitArea(org=org, area=area, from_day=from_day)


def further() -> list[TariffDocument]:
    """What the other area has: residents without tiers, business; nothing is bought from plants there."""
    return [
        tariff("far.resident", "energy", "0.5", **AREA),
        tariff("far.business", "energy", "0.9", classes=["general_single_part"], **AREA),
    ]


def publish(found: County, document: TariffDocument) -> None:
    drafted = found.directory(TariffApi).draft(OPERATOR, DraftTariff(document=document))
    found.directory(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(empty: County) -> None:
        settle_county(empty, ALL)
        ask = empty.directory(TariffApi)
        # Nothing tells the defaults of two areas apart while no unit has an area.
        with pytest.raises(OverlappingTariff) as refused:
            publish(empty, further()[0])
        assert (
            "先登记单位价区" in refused.value.detail["zh"]
            and "price areas of units first" in refused.value.detail["en"]
        )
        taken = ask.assign_areas(OPERATOR, AssignAreas(units=[said("1405810", "310000"), said(THERE, "320000")]))
        assert (taken.taken, taken.refused) == (2, [])
        for document in further():
            publish(empty, document)

    return prepare(make)


def run_month(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    relay.settle(found.directory, lambda: NOW)


@pytest.fixture(scope="module")
def billed_county(prepare: Prepare, prepared_county: Prepared) -> Prepared:
    return prepare(run_month, of=prepared_county)


def bills_of(found: County) -> dict[str, Decimal]:
    rows = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, kind="supply", limit=200)).rows
    return {row.account_no: Decimal(str(row.amount)) for row in rows}


def bill_of(found: County, supply: Supply) -> Bill:
    (row,) = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, kind="supply", account_no=supply.account_no)).rows
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=row.bill_no))


def test_a_month_of_two_areas_is_billed_by_the_tariffs_of_each(billed: County) -> None:
    assert bills_of(billed) == {
        HOUSE.account_no: Decimal("148.08"),  # 240 x 0.617
        FAR_HOUSE.account_no: Decimal("120.00"),  # 240 x 0.5
        SHOP.account_no: Decimal("942.36"),  # 1,200 x 0.7853
        FAR_SHOP.account_no: Decimal("1080.00"),  # 1,200 x 0.9
        FAR_SOLAR.account_no: Decimal("45.00"),  # 90 x 0.5
    }
    # The bill says by which unit; the station without an area of its own has that of the company.
    own, far = bill_of(billed, HOUSE), bill_of(billed, FAR_HOUSE)
    assert own.price_area is not None and far.price_area is not None
    assert own.price_area.zh == "测试区（310000），按单位 1405810，自 2024-01-01 起"
    assert far.price_area.en == f"Next area (320000), by unit {THERE}, from 2024-01-01"
    assert (own.tariff_code, far.tariff_code) == ("test.resident", "far.resident")
    # No tariff of the area buys from a plant: who is held is told of which area.
    (held,) = billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, code="tariff_unknown")).rows
    assert held.account_no == FAR_SOLAR.account_no and "purchase/generation/surplus_feed_in/320000" in held.reason.zh


def test_all_other_ways_go_by_the_area_too(billed: County) -> None:
    ask = replace(ACCOUNTANT, now=NOW)
    told = billed.billing.bill_so_far(ask, SoFar(account_no=FAR_HOUSE.account_no, month=MONTH))
    assert (told.tariff_code, told.amount) == ("far.resident", Money.of("120.00"))
    day = billed.billing.estimate_day(OPERATOR, EstimateDay(month=MONTH, everyone=True))
    assert day.estimated == 5 and day.without == 1
    tried = tariff("far.tried", "energy", "0.6", default=False, **AREA)
    drafted = billed.ask(TariffApi).draft(OPERATOR, DraftTariff(document=tried))
    # A tariff of an area is tried on the customers of that area.
    whole = billed.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="far.tried", version=drafted.version))
    assert (whole.contracts, whole.now, whole.then) == (2, Money.of("165.00"), Money.of("198.00"))
    plans = billed.billing.what_if(ACCOUNTANT, WhatIf(account_no=FAR_SHOP.account_no))
    assert {row.tariff_code for row in plans.plans} == {"far.business"}
    rated = billed.billing.recalculate(ACCOUNTANT, Recalculate(account_no=FAR_HOUSE.account_no, month=MONTH))
    assert rated


def test_as_known_before_a_unit_changed_its_area(billed: County) -> None:
    later = NOW + timedelta(days=40)
    api = billed.ask(TariffApi)
    assert api.assign_area(Call.system(later), said(THERE, "310000")).changed
    assert not api.assign_area(Call.system(later), said(THERE, "310000")).changed
    asked = AsKnown(account_no=FAR_HOUSE.account_no, month=MONTH, known_on=NOW.date())
    now = replace(ACCOUNTANT, now=later)
    assert billed.billing.as_known(now, asked).amount == Money.of("120.00")
    today = billed.billing.as_known(now, asked.model_copy(update={"known_on": None}))
    assert today.amount == Money.of("148.08")
    # The bill still says what was known when it was rated.
    row = bill_of(billed, FAR_HOUSE)
    assert row.price_area is not None and "320000" in row.price_area.zh


def test_an_area_that_changes_within_the_month_cuts_it(quick: County) -> None:
    api = quick.directory(TariffApi)
    assert api.assign_area(OPERATOR, said(HERE, "320000", date(2026, 4, 11))).changed
    run_month(quick)
    bill = bill_of(quick, HOUSE)
    # Ten days of 8 kWh in the first tier, twenty days at the other area's price.
    assert bill.amount == Money.of("129.36")  # 80 x 0.617 + 160 x 0.5
    assert {(line.tariff_code, line.first_day) for line in bill.lines} == {
        ("test.resident", date(2026, 4, 1)),
        ("far.resident", date(2026, 4, 11)),
    }
    # The station takes the area of the company again.
    api.assign_area(OPERATOR, said(HERE, None, date(2026, 4, 11)))
    rows = {row.org: row for row in api.unit_areas(OPERATOR, AskUnitAreas(on=date(2026, 4, 30))).rows}
    assert (rows[HERE].area, rows[HERE].by_unit) == ("310000", "1405810")


def test_a_proposed_area_holds_once_another_person_publishes_it_and_no_draft_is_issued_by_the_old_one(
    found: County,
) -> None:
    rule = SetReviewRule(code="outlier_amount", kind="supply", tariff_class="resident", limit=100, reason="收紧限额")
    found.billing.set_review_rule(ACCOUNTANT, rule)
    run_month(found)
    (before,) = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, account_no=FAR_HOUSE.account_no)).rows
    assert (before.state, str(before.amount)) == ("held", "120.00")
    api = found.ask(TariffApi)
    with pytest.raises(AreaRefused):
        api.propose_area(OPERATOR, said(THERE, "990000"))
    first = api.propose_area(OPERATOR, said(THERE, None))
    proposed = api.propose_area(OPERATOR, said(THERE, "310000"))
    shown = api.unit_areas(OPERATOR, AskUnitAreas(org=THERE))
    assert [(one.proposal_no, one.state) for one in shown.proposed] == [(proposed.proposal_no, "draft")]
    assert [row.area for row in shown.rows] == ["320000"], "nothing holds yet"
    with pytest.raises(SamePerson):
        api.publish_area(OPERATOR, AreaProposalRef(proposal_no=proposed.proposal_no))
    with pytest.raises(ProposalDecided):
        api.withdraw_area(OPERATOR, AreaProposalRef(proposal_no=first.proposal_no))
    with pytest.raises(NoSuchProposal):
        api.publish_area(OTHER_PERSON, AreaProposalRef(proposal_no=99))
    # What nobody published is withdrawn, changes nothing, and leaves room for the next.
    gone = api.withdraw_area(OPERATOR, AreaProposalRef(proposal_no=proposed.proposal_no))
    assert (gone.state, gone.decided_by) == ("withdrawn", OPERATOR.actor)
    assert api.unit_areas(OPERATOR, AskUnitAreas(org=THERE)).proposed == []
    proposed = api.propose_area(OPERATOR, said(THERE, "310000"))
    done = api.publish_area(OTHER_PERSON, AreaProposalRef(proposal_no=proposed.proposal_no))
    assert (done.state, done.proposed_by, done.decided_by) == ("published", OPERATOR.actor, OTHER_PERSON.actor)
    assert [row.area for row in api.unit_areas(OPERATOR, AskUnitAreas(org=THERE)).rows] == ["310000"]
    relay.settle(found.directory, lambda: NOW + timedelta(hours=1))
    # What was rated by the other area and not issued was taken back and is rated by this one; what was issued stands.
    (after,) = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, account_no=FAR_HOUSE.account_no)).rows
    assert (after.state, str(after.amount)) == ("held", "148.08")
    assert bills_of(found)[FAR_SHOP.account_no] == Decimal("1080.00")
    runs = found.billing.recalculations(ACCOUNTANT, FindRecalculations(month=MONTH)).rows
    assert {(run.cause, run.org, run.state) for run in runs} == {("areas", THERE, "done")}
    # The plant that no tariff of the other area buys from is billed now.
    assert not found.billing.exceptions(
        ACCOUNTANT, FindExceptions(month=MONTH, code="tariff_unknown", state="open")
    ).rows


def test_what_is_entered_is_judged_item_by_item(found: County) -> None:
    api = found.ask(TariffApi)
    clerk = Call(
        actor="approver", now=NOW, permits=frozenset({"tariff.*", "permission.*"}), scope=(HERE,), channel="peer"
    )
    items = [
        said(HERE, "310000"),
        said(HERE, "320000"),
        said(THERE, "310000"),
        said("1405811", "310000"),
        said(HERE, "990000", NOW.date()),
    ]
    taken = api.assign_areas(clerk, AssignAreas(units=items))
    assert (taken.taken, taken.unchanged) == (1, 0)
    assert [(one.item, one.field) for one in taken.refused] == [(1, "from_day"), (2, "org"), (3, "org"), (4, "area")]
    with pytest.raises(AreaRefused) as refused:
        api.assign_area(OPERATOR, said(HERE, "990000"))
    assert refused.value.fields["field"] == "area" and "没有任何电价" in refused.value.detail["zh"]
    seen = api.unit_areas(clerk, AskUnitAreas(on=NOW.date()))
    assert [(row.org, row.area, row.by_unit) for row in seen.rows] == [(HERE, "310000", HERE)]
    assert [one.assigned_by for one in seen.assigned] == ["approver"]
    # One unit alone; of one that is not the clerk's nothing is told, and before it was entered it had the company's.
    assert api.unit_area(clerk, AskUnitArea(org=HERE, on=NOW.date())) == seen.rows[0]
    assert api.unit_area(clerk, AskUnitArea(org=THERE)).area is None
    before = api.unit_area(OPERATOR, AskUnitArea(org=HERE, known_at=NOW - timedelta(days=1)))
    assert (before.area, before.by_unit) == (None, None)


def test_price_data_of_a_second_area_comes_in_as_its_default(quick: County) -> None:
    api = quick.directory(TariffApi)
    api.load_published(OPERATOR, LoadPublished(area="zhejiang"))
    (loaded,) = api.in_force(OPERATOR, InForce(on=date(2026, 4, 30), area="330000")).tariffs
    assert loaded.default


def test_price_areas_come_in_with_an_import(quick: County, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "company"
    folder.mkdir()
    rows = f"{HERE},320000,2030-01-01\n{THERE},,2030-01-01\n{THERE},310000,2030-13-01\n1405899,310000,2030-01-01\n"
    (folder / "price_areas.csv").write_text(f"org_code,area,from_day\n{rows}", encoding="utf-8")
    report = take_over(folder, quick.directory, OPERATOR, datasets=quick.datasets, say=lambda line: None)
    (table,) = report.tables
    assert (table.read, table.taken, report.exit_code) == (4, 2, 1)
    assert [(one.line, one.field) for one in report.refusals] == [(4, "from_day"), (5, "org_code")]
    found = {
        one.org: one.area for one in quick.ask(TariffApi).unit_areas(OPERATOR, AskUnitAreas(on=date(2030, 1, 1))).rows
    }
    assert (found[HERE], found[THERE]) == ("320000", "310000")


# --- the choice ---------------------------------------------------------------------------------------------------------------


def chosen(documents: list[TariffDocument], area: str | None) -> str:
    return choose(
        documents, tariff_class="resident", kind="supply", settlement="agency", on=date(2026, 4, 1), area=area
    ).code


def test_a_part_of_an_area_takes_what_the_whole_has_and_no_other() -> None:
    whole = tariff("whole", "energy", "0.5", area="130000")
    south = tariff("south", "energy", "0.6", area="130000-S")
    assert chosen([whole], "130000-S") == "whole"
    assert chosen([whole, south], "130000-S") == "south"
    assert chosen([whole, south], "130000-N") == "whole"
    for area, code in ((None, "ambiguous_tariff"), ("130001", "no_tariff")):
        with pytest.raises(CannotRate) as refused:
            chosen([whole, south], area)
        assert refused.value.fields["code"] == code
    with pytest.raises(CannotRate) as refused:
        chosen([whole, south], None)
    assert "登记单位价区" in refused.value.detail["zh"]


UNITS = ["1", "1.1", "1.1.1", "1.2"]


@given(
    st.lists(
        st.builds(
            said,
            st.sampled_from(UNITS),
            st.sampled_from([None, "310000", "320000"]),
            st.integers(0, 30).map(lambda day: BEGIN + timedelta(days=day)),
        ),
        unique_by=lambda one: (one.org, one.from_day),
        max_size=8,
    ),
    st.sampled_from(UNITS),
)
def test_an_area_holds_from_its_day_until_the_next_and_for_all_below(entries: list[UnitArea], org: str) -> None:
    areas = UnitAreas(entries)
    days = [BEGIN + timedelta(days=at) for at in range(-1, 32)]
    told = []
    for day in days:
        found = areas.on(org, day)
        told.append(found.area if found else None)
        # Nearest unit above that says something of the day.
        expected = None
        for unit in UNITS[::-1]:
            if org == unit or org.startswith(f"{unit}."):
                earlier = [one for one in entries if one.org == unit and one.from_day <= day]
                mine = max(earlier, key=lambda one: one.from_day, default=None)
                if mine is not None and mine.area is not None:
                    expected = mine.area
                    break
        assert told[-1] == expected
    changed = areas.changes(org, days[0], days[-1])
    moved = next((at for at in range(1, len(days)) if told[at] != told[at - 1]), None)
    assert changed == (None if moved is None else days[moved])

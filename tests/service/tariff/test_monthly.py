"""The month's prices through both bindings: a table comes in, is compared with last month in words, is published in one step."""

from datetime import date, timedelta

import pytest
from tests.service.bindings import NOW
from tests.service.tariff.conftest import APPROVER, CLERK, STATION

from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.problem import NotPermitted
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import (
    AreaRef,
    DraftPriceTable,
    DraftTariff,
    FindPriceTables,
    FindTariffs,
    InForce,
    LoadPublished,
    NoSuchArea,
    NoSuchPriceTable,
    NotADraft,
    NothingToCorrect,
    OverlappingTariff,
    PriceTableFaulty,
    PriceTablePublished,
    PriceTableRef,
    PriceTableShown,
    SamePerson,
    TariffApi,
    TariffFaulty,
    TariffRef,
    TariffVersion,
    WholeCompanyOnly,
)

JANUARY = shipped.price_table("420000", "2026-01") or ""
FEBRUARY = JANUARY.replace("0.38447,", "0.37447,")
"""The table of January with a cheaper purchase price, and without the printed prices that would contradict it."""
CODES = ["hb.business.single", "hb.business.single.tou", "hb.two_part.capacity", "hb.two_part.demand"]
HUBEI = PriceTableRef(area="420000", month="2026-01")


def without_printed(text: str) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    dropped = {lines[0].index(name) for name in ("non_tou", "sharp", "peak", "valley")}
    return "\n".join(",".join(cell for at, cell in enumerate(line) if at not in dropped) for line in lines)


def draft(api: TariffApi, month: str = "2026-01", text: str = JANUARY, **more: str) -> PriceTableShown:
    request = DraftPriceTable(area="hubei", month=month, document_no=f"湖北{month}代理购电价格表", text=text, **more)
    return api.draft_price_table(CLERK, request)


@pytest.mark.scope("B05-02")
def test_a_table_becomes_the_month_and_a_second_person_publishes_it_in_one_step(api: TariffApi) -> None:
    shown = draft(api)
    assert (shown.head.area, shown.head.status, shown.head.tariffs) == ("420000", "draft", 4)
    assert [(one.code, one.version, one.before_version) for one in shown.versions] == [
        (code, 1, None) for code in CODES
    ]
    assert {(one.line, one.field) for one in shown.notices} == {(2, "total"), (3, "total"), (4, "total"), (5, "peak")}
    on = InForce(on=date(2026, 1, 15), area="420000")
    assert api.in_force(CLERK, on).tariffs == []
    with pytest.raises(NotPermitted):
        api.publish_price_table(CLERK, HUBEI)
    both = Call(actor="clerk", now=NOW, permits=frozenset({"tariff.*"}), scope=("",))
    with pytest.raises(SamePerson):
        api.publish_price_table(both, HUBEI)
    with pytest.raises(WholeCompanyOnly):
        api.publish_price_table(STATION, HUBEI)
    published = api.publish_price_table(APPROVER, HUBEI)
    assert (published.head.status, published.head.published_by) == ("published", "approver")
    assert [one.code for one in api.in_force(CLERK, on).tariffs] == CODES
    assert api.in_force(CLERK, InForce(on=date(2026, 2, 1), area="420000")).tariffs == []
    with pytest.raises(PriceTablePublished):
        api.publish_price_table(APPROVER, HUBEI)
    with pytest.raises(PriceTablePublished):
        draft(api)


def test_next_month_is_compared_with_last_month_in_words(api: TariffApi) -> None:
    draft(api, text=without_printed(JANUARY))
    api.publish_price_table(APPROVER, HUBEI)
    shown = draft(api, "2026-02", without_printed(FEBRUARY))
    assert [(one.version, one.before_version) for one in shown.versions] == [(2, 1)] * 4
    said = [one.sentence for one in shown.differences if one.code == "hb.two_part.demand"]
    assert len(said) == 1  # neither the days in force nor the number of the table
    assert "代理购电价格由 0.38447 降至 0.37447，降 0.0100 元（2.60%）。" in [one.zh for one in said]
    assert "Agency purchase price falls from 0.38447 to 0.37447, by 0.0100 yuan (2.60 %)." in [one.en for one in said]
    assert len({one.where for one in shown.differences}) == len(shown.differences)
    assert shown.versions[0].changes == sum(one.code == CODES[0] for one in shown.differences)
    api.publish_price_table(APPROVER, PriceTableRef(area="420000", month="2026-02"))
    # January is not a tariff without successor any more.
    assert api.tariff(CLERK, TariffRef(code=CODES[0], version=1)).findings == []


def test_a_second_reading_of_the_month_replaces_the_first(api: TariffApi) -> None:
    draft(api)
    only_two_part = "\n".join(line for line in JANUARY.splitlines() if not line.startswith("single"))
    shown = draft(api, text=only_two_part)
    assert [one.code for one in shown.versions] == CODES[2:]
    drafts = api.tariffs(CLERK, FindTariffs(area="420000", status="draft"))
    assert [row.code for row in drafts.rows] == CODES[2:]
    assert api.tariffs(CLERK, FindTariffs(area="420000", status="withdrawn")).total == 2


def test_a_faulty_table_is_refused_with_every_place(api: TariffApi) -> None:
    text = JANUARY.replace("0.2103", "21.03").replace("110kV", "111kV")
    with pytest.raises(PriceTableFaulty) as raised:
        draft(api, text=text)
    places = [(one["line"], one["field"], one["value"]) for one in raised.value.faults]
    assert places == [(2, "transmission", "21.03"), (7, "voltage", "111kV")]
    assert all(one["remedy"]["zh"] and one["what"]["en"] for one in raised.value.faults)
    assert api.price_tables(CLERK, FindPriceTables()).total == 0


def test_all_versions_are_published_or_none(api: TariffApi) -> None:
    draft(api)
    api.withdraw(CLERK, TariffVersion(code=CODES[3], version=1))
    with pytest.raises(NotADraft) as raised:
        api.publish_price_table(APPROVER, HUBEI)
    assert raised.value.code == CODES[3]
    assert api.in_force(CLERK, InForce(on=date(2026, 1, 15), area="420000")).tariffs == []


def test_a_draft_that_another_replaced_is_not_published_with_the_table(api: TariffApi) -> None:
    draft(api)
    document = api.tariff(CLERK, TariffRef(code=CODES[0], version=1)).document
    other = document.model_copy(update={"title": document.title.model_copy(update={"zh": "另一份"})})
    assert api.draft(CLERK, DraftTariff(document=other)).version == 1
    with pytest.raises(NotADraft) as raised:
        api.publish_price_table(APPROVER, HUBEI)
    assert raised.value.state == "replaced"


def test_a_month_that_no_document_prices_is_drafted_and_not_published(api: TariffApi) -> None:
    """Henan's shares of flat were not found, and this table prints no prices by band."""
    request = DraftPriceTable(area="410000", month="2026-01", document_no="河南价格表", text=without_printed(JANUARY))
    shown = api.draft_price_table(CLERK, request)
    assert shown.head.tariffs == 4
    with pytest.raises(TariffFaulty) as raised:
        api.publish_price_table(APPROVER, PriceTableRef(area="410000", month="2026-01"))
    assert raised.value.findings[0]["where"] == "/seasons"


def test_tables_are_listed_newest_first_and_paged(api: TariffApi) -> None:
    for month in ("2026-01", "2026-02", "2026-03"):
        draft(api, month)
    first = api.price_tables(CLERK, FindPriceTables(area="420000", limit=2))
    assert [row.month for row in first.rows] == ["2026-03", "2026-02"] and first.total == 3
    rest = api.price_tables(CLERK, FindPriceTables(area="420000", limit=2, after=first.next))
    assert [row.month for row in rest.rows] == ["2026-01"]
    assert rest.rows[0].area_title.en == "Hubei"
    assert api.price_tables(CLERK, FindPriceTables(status="published")).total == 0
    # A superscript is a digit to some and no number to any.
    assert api.price_tables(CLERK, FindPriceTables(after="2026-02|420000|²")).rows
    assert api.tariffs(CLERK, FindTariffs(after="hb|²")) is not None
    assert api.price_table(CLERK, HUBEI).head.month == "2026-01"


def test_unknown_area_and_month_are_refused(api: TariffApi) -> None:
    with pytest.raises(NoSuchArea):
        api.draft_price_table(
            CLERK, DraftPriceTable(area="atlantis", month="2026-01", document_no="某表", text=JANUARY)
        )
    with pytest.raises(NoSuchPriceTable):
        api.price_table(CLERK, PriceTableRef(area="420000", month="2025-12"))
    with pytest.raises(NoSuchPriceTable):
        api.publish_price_table(APPROVER, PriceTableRef(area="420000", month="2025-12"))


def test_what_ships_of_an_area_is_looked_up(api: TariffApi) -> None:
    rows = {row.area: row for row in api.areas(CLERK, Nothing()).rows}
    assert len(rows) == 35 and rows["310000"].complete == 10 and rows["310000"].partial == 0
    assert (rows["420000"].documents, rows["420000"].partial) == ("鄂发改价管〔2024〕77号", 4)
    assert rows["130000"].complete == 1
    shown = api.area(CLERK, AreaRef(area="shanxi"))
    assert [str(one.effective_from) for one in shown.documents] == ["2022-01-01", "2026-05-01"]
    assert [one.code for one in shown.tariffs][-1] == "sx.two_part.demand" and all(one.partial for one in shown.tariffs)
    assert shown.documents[0].floats is not None and "输配电价" in shown.documents[0].floats.zh
    with pytest.raises(NoSuchArea):
        api.area(CLERK, AreaRef(area="atlantis"))


@pytest.mark.scope("B05-03")
def test_every_area_loads(api: TariffApi) -> None:
    """Complete tariffs come into force, partial ones are kept as drafts for a month's table; a repeat changes nothing."""
    for area in shipped.areas():
        loaded = api.load_published(APPROVER, LoadPublished(area=area))
        assert loaded.loaded + loaded.drafted == len(loaded.codes) > 0, area
        again = api.load_published(APPROVER, LoadPublished(area=area))
        assert (again.loaded, again.drafted) == (0, 0)
    drafts = api.tariffs(CLERK, FindTariffs(area="420000", status="draft"))
    assert [row.code for row in drafts.rows] == CODES
    draft(api)
    api.publish_price_table(APPROVER, HUBEI)
    assert [one.code for one in api.in_force(CLERK, InForce(on=date(2026, 1, 1), area="420000")).tariffs] == CODES


def test_a_second_area_takes_no_contract_of_the_first(api: TariffApi) -> None:
    """Contracts name no area: with two defaults none of them could be billed."""
    with pytest.raises(WholeCompanyOnly):
        api.load_published(STATION, LoadPublished(area="shanghai"))
    api.load_published(APPROVER, LoadPublished(area="shanghai"))
    api.load_published(APPROVER, LoadPublished(area="beijing"))
    on = date(2026, 4, 15)
    residents = api.in_force(CLERK, InForce(on=on, tariff_class="resident")).tariffs
    assert [one.code for one in residents if one.default] == ["sh.resident.tiered"]
    assert "bj.resident.tiered" in [one.code for one in residents]
    shown = draft(api, "2026-04")
    assert {one.value for one in shown.notices if one.field == "default"} == {CODES[0], *CODES[2:]}
    api.publish_price_table(APPROVER, PriceTableRef(area="420000", month="2026-04"))
    everything = api.in_force(CLERK, InForce(on=on)).tariffs
    assert not any(one.default for one in everything if one.area != "310000")
    assert api.load_published(APPROVER, LoadPublished(area="beijing")).unchanged == 1
    own = api.tariff(CLERK, TariffRef(code="bj.resident.tiered")).document
    api.draft(CLERK, DraftTariff(document=own.model_copy(update={"code": "bj.resident.own", "default": True})))
    with pytest.raises(OverlappingTariff) as raised:
        api.publish(APPROVER, TariffVersion(code="bj.resident.own", version=1))
    assert raised.value.other_code == "sh.resident.tiered"


def correct(api: TariffApi, text: str, document_no: str = "更正通知") -> PriceTableShown:
    return api.draft_price_table(
        CORRECTOR,
        DraftPriceTable(area="hubei", month="2026-01", document_no=document_no, text=text, correction=True),
    )


CORRECTOR = Call(actor="clerk", now=NOW + timedelta(days=40), permits=CLERK.permits, scope=CLERK.scope)
CORRECTED = Call(actor="approver", now=NOW + timedelta(days=41), permits=APPROVER.permits, scope=APPROVER.scope)


@pytest.mark.parametrize("document_no", ["更正通知", "湖北2026-01代理购电价格表"])
def test_a_published_month_is_corrected_by_two_persons_and_stays_as_it_was_known(
    api: TariffApi, document_no: str
) -> None:
    text = without_printed(JANUARY)
    draft(api, text=text)
    api.publish_price_table(APPROVER, HUBEI)
    shown = correct(api, text.replace("0.38447,", "0.37447,"), document_no)
    assert (shown.head.issue, shown.head.status) == (2, "draft")
    assert [(one.code, one.version, one.before_version) for one in shown.versions] == [(code, 2, 1) for code in CODES]
    said = [one.sentence.en for one in shown.differences if one.code == "hb.two_part.demand"]
    assert said == ["Agency purchase price falls from 0.38447 to 0.37447, by 0.0100 yuan (2.60 %)."]
    on = InForce(on=date(2026, 1, 15), area="420000")
    assert {one.version for one in api.in_force(CLERK, on).tariffs} == {1}  # until a second person publishes it
    both = Call(actor="clerk", now=CORRECTED.now, permits=frozenset({"tariff.*"}), scope=("",))
    with pytest.raises(SamePerson):
        api.publish_price_table(both, HUBEI)
    assert api.publish_price_table(CORRECTED, HUBEI).head.status == "published"

    assert {one.version for one in api.in_force(CLERK, on).tariffs} == {2}
    known = [
        {one.version for one in api.in_force(CLERK, on.model_copy(update={"known_at": at})).tariffs}
        for at in (CORRECTED.now - timedelta(seconds=1), CORRECTED.now)
    ]
    assert known == [{1}, {2}]
    tables = api.price_tables(CLERK, FindPriceTables(area="420000")).rows
    assert [(one.issue, one.status, one.replaced_at) for one in tables] == [
        (2, "published", None),
        (1, "replaced", CORRECTED.now),
    ]
    first = api.price_tables(CLERK, FindPriceTables(area="420000", limit=1))
    rest = api.price_tables(CLERK, FindPriceTables(area="420000", limit=1, after=first.next))
    assert [one.table_no for one in (*first.rows, *rest.rows)] == ["420000-2026-01-2", "420000-2026-01-1"]
    was = api.price_table(CLERK, HUBEI.model_copy(update={"issue": 1}))
    assert [one.version for one in was.versions] == [1] * 4
    replaced = api.tariffs(CLERK, FindTariffs(area="420000", status="replaced")).rows
    assert [(one.code, one.version) for one in replaced] == [(code, 1) for code in CODES]
    with pytest.raises(PriceTablePublished):
        api.publish_price_table(CORRECTED, HUBEI)


def test_a_correction_of_some_prices_leaves_the_others_and_can_be_corrected_again(api: TariffApi) -> None:
    text = without_printed(JANUARY)
    draft(api, text=text)
    api.publish_price_table(APPROVER, HUBEI)
    two_part = "\n".join(line for line in text.splitlines() if not line.startswith("single"))
    shown = correct(api, two_part.replace("0.38447,", "0.37447,"))
    assert {one.value for one in shown.notices if one.field == "tariff"} == set(CODES[:2])
    api.publish_price_table(CORRECTED, HUBEI)
    on = InForce(on=date(2026, 1, 15), area="420000")
    assert [one.version for one in api.in_force(CLERK, on).tariffs] == [1, 1, 2, 2]
    again = correct(api, text.replace("0.38447,", "0.36447,"), "第二次更正")
    assert [(one.version, one.before_version) for one in again.versions] == [(2, 1), (2, 1), (3, 2), (3, 2)]
    assert api.publish_price_table(CORRECTED, HUBEI).head.issue == 3
    assert [one.version for one in api.in_force(CLERK, on).tariffs] == [2, 2, 3, 3]
    # February is not touched, and the newest tariff is that of the month that begins last.
    draft(api, "2026-02", without_printed(FEBRUARY))
    api.publish_price_table(APPROVER, PriceTableRef(area="420000", month="2026-02"))
    correct(api, text, "第三次更正")
    api.publish_price_table(CORRECTED, HUBEI)
    assert api.tariff(CLERK, TariffRef(code=CODES[0])).document.effective_from == date(2026, 2, 1)
    assert len(api.in_force(CLERK, InForce(on=date(2026, 2, 1), area="420000")).tariffs) == 4


def test_a_correction_needs_a_published_table_and_a_published_table_a_correction(api: TariffApi) -> None:
    with pytest.raises(NothingToCorrect) as raised:
        correct(api, JANUARY)
    assert raised.value.month == "2026-01"
    draft(api)
    with pytest.raises(NothingToCorrect):
        correct(api, JANUARY)

"""Tariffs through both bindings: two persons, effective-dated versions, shipped price data, pages, comparison."""

import base64
import json
import pathlib
from datetime import date
from typing import Any

import psycopg
import pytest
import yaml
from pydantic import ValidationError
from tests.service.billing.rules.make import component, seasons, tariff, tiers
from tests.service.bindings import NOW
from tests.service.tariff.conftest import APPROVER, CLERK, STATION

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotPermitted
from denghuo.service.tariff.api import (
    AskBands,
    AskedDay,
    CheckTariff,
    CompareTariffs,
    DraftTariff,
    FindTariffs,
    InForce,
    LoadPublished,
    NoSuchArea,
    NotADraft,
    OverlappingTariff,
    PartialTariff,
    ReadUrdb,
    SamePerson,
    TariffApi,
    TariffDocument,
    TariffFaulty,
    TariffNotFound,
    TariffRef,
    TariffVersion,
    WholeCompanyOnly,
)

APRIL = date(2026, 4, 15)


def simple(price: str = "0.5", **more: Any) -> TariffDocument:
    return tariff(component("energy", price), **more)


def put_into_force(api: TariffApi, document: TariffDocument) -> int:
    version = api.draft(CLERK, DraftTariff(document=document)).version
    api.publish(APPROVER, TariffVersion(code=document.code, version=version))
    return version


@pytest.mark.scope("B05-02")
def test_draft_is_published_by_another_person(api: TariffApi) -> None:
    drafted = api.draft(CLERK, DraftTariff(document=simple()))
    assert (drafted.status, drafted.publishable, drafted.version) == ("draft", True, 1)
    this = TariffVersion(code=drafted.code, version=1)
    assert api.in_force(CLERK, InForce(on=APRIL)).tariffs == []
    with pytest.raises(NotPermitted):
        api.publish(CLERK, this)
    both = Call(actor="clerk", now=NOW, permits=frozenset({"tariff.*"}), scope=("",))
    with pytest.raises(SamePerson) as raised:
        api.publish(both, this)
    assert raised.value.drafted_by == "clerk"
    with pytest.raises(WholeCompanyOnly):
        api.publish(STATION, this)
    row = api.publish(APPROVER, this)
    assert (row.status, row.drafted_by, row.published_by) == ("published", "clerk", "approver")
    assert [one.version for one in api.in_force(CLERK, InForce(on=APRIL)).tariffs] == [1]
    with pytest.raises(NotADraft):
        api.publish(APPROVER, this)
    with pytest.raises(NotADraft):
        api.withdraw(CLERK, this)


@pytest.mark.scope("B05-02")
def test_the_database_itself_refuses_one_person_and_overlap(api: TariffApi, database_dsn: str) -> None:
    put_into_force(api, simple(effective_to="2026-01-01"))
    put_into_force(api, simple(effective_from="2026-01-01"))
    with psycopg.connect(database_dsn) as connection:
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute("UPDATE tariff.version SET in_force = '[2020-01-01,2026-02-01)' WHERE version = 1")
    with psycopg.connect(database_dsn) as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE tariff.version SET published_by = drafted_by WHERE version = 1")


def test_draft_replaces_the_open_draft_and_can_be_withdrawn(api: TariffApi) -> None:
    api.draft(CLERK, DraftTariff(document=simple("0.5")))
    again = api.draft(CLERK, DraftTariff(document=simple("0.6")))
    assert again.version == 1
    assert str(api.tariff(CLERK, TariffRef(code=again.code)).prices[0].price) == "0.6000"
    api.withdraw(CLERK, TariffVersion(code=again.code, version=1))
    assert api.tariff(CLERK, TariffRef(code=again.code)).head.status == "withdrawn"
    assert api.draft(CLERK, DraftTariff(document=simple("0.7"))).version == 2


def test_successor_ends_an_open_predecessor_and_other_overlap_is_refused(api: TariffApi) -> None:
    first = put_into_force(api, simple("0.5"))
    second = put_into_force(api, simple("0.6", effective_from="2026-05-01", effective_to="2026-07-01"))
    before, after = (api.tariff(CLERK, TariffRef(code="test.tariff", version=one)).head for one in (first, second))
    assert (before.effective_to, after.effective_to) == (date(2026, 5, 1), date(2026, 7, 1))
    for on, version in ((date(2026, 4, 30), first), (date(2026, 5, 1), second), (date(2026, 6, 30), second)):
        assert [one.version for one in api.in_force(CLERK, InForce(on=on)).tariffs] == [version]
    assert api.in_force(CLERK, InForce(on=date(2026, 7, 1))).tariffs == []
    months = InForce(on=date(2026, 4, 30), until=date(2026, 5, 1))
    assert [one.version for one in api.in_force(CLERK, months).tariffs] == [first, second]
    with pytest.raises(ValidationError, match="before"):
        InForce(on=date(2026, 5, 1), until=date(2026, 4, 30))
    third = api.draft(CLERK, DraftTariff(document=simple("0.7", effective_from="2026-06-15")))
    with pytest.raises(OverlappingTariff) as raised:
        api.publish(APPROVER, TariffVersion(code=third.code, version=third.version))
    assert (raised.value.other_version, raised.value.effective_from) == (second, "2026-06-15")
    # Nothing of the refused publication stays.
    assert api.tariff(CLERK, TariffRef(code=third.code, version=third.version)).head.status == "draft"


def test_one_default_for_the_same_contracts(api: TariffApi) -> None:
    put_into_force(api, simple(code="test.one", default=True))
    put_into_force(api, simple(code="test.farm", default=True, classes=["agricultural"]))
    other = api.draft(CLERK, DraftTariff(document=simple(code="test.two", default=True)))
    with pytest.raises(OverlappingTariff) as raised:
        api.publish(APPROVER, TariffVersion(code=other.code, version=other.version))
    assert raised.value.other_code == "test.one"


def test_draft_with_errors_is_kept_and_not_published(api: TariffApi) -> None:
    faulty = tariff(component("energy", "-0.5"))
    drafted = api.draft(CLERK, DraftTariff(document=faulty))
    assert not drafted.publishable
    with pytest.raises(TariffFaulty) as raised:
        api.publish(APPROVER, TariffVersion(code=drafted.code, version=drafted.version))
    assert raised.value.findings[0]["where"] == "/components/0/prices/0/price"
    assert "负" in raised.value.findings[0]["message"]["zh"]


def example(amount: str) -> dict[str, Any]:
    line = {"code": "energy", "amount": amount}
    used = [{"value": "100"}]
    return {"title": "百度", "month": "2026-04", "voltage": "10", "quantities": used, "lines": [line], "total": amount}


def test_a_tariff_whose_own_example_comes_out_otherwise_is_not_published(api: TariffApi) -> None:
    assert api.check(CLERK, CheckTariff(document=simple(examples=[example("50.00")]))).publishable
    drafted = api.draft(CLERK, DraftTariff(document=simple(examples=[example("50.00"), example("50.01")])))
    assert [(one.where, one.severity) for one in drafted.findings] == [("/examples/1", "error")]
    assert "50.00" in drafted.findings[0].message.en and "50.01" in drafted.findings[0].message.zh
    with pytest.raises(TariffFaulty):
        api.publish(APPROVER, TariffVersion(code=drafted.code, version=drafted.version))


def test_a_tariff_that_lacks_monthly_prices_is_not_published(api: TariffApi) -> None:
    drafted = api.draft(CLERK, DraftTariff(document=simple(partial=True)))
    assert [(one.where, one.severity) for one in drafted.findings] == [("/partial", "notice")]
    with pytest.raises(PartialTariff):
        api.publish(APPROVER, TariffVersion(code=drafted.code, version=drafted.version))


def test_an_end_is_noticed_until_there_is_a_successor(api: TariffApi) -> None:
    ending = simple(effective_to="2026-05-01")
    assert [one.where for one in api.draft(CLERK, DraftTariff(document=ending)).findings] == ["/effective_to"]
    api.publish(APPROVER, TariffVersion(code=ending.code, version=1))
    api.draft(CLERK, DraftTariff(document=simple(effective_from="2026-05-01")))
    assert api.tariff(CLERK, TariffRef(code=ending.code, version=1)).findings == []


@pytest.mark.parametrize("effective_to", ["2026-04-01", "2026-03-01"])
def test_what_is_in_force_on_no_day_is_refused(api: TariffApi, effective_to: str) -> None:
    with pytest.raises(TariffFaulty) as raised:
        api.draft(CLERK, DraftTariff(document=simple("0.5", effective_from="2026-04-01", effective_to=effective_to)))
    assert raised.value.findings[0]["where"] == "/effective_to"


@pytest.mark.parametrize("request_", [DraftTariff(), DraftTariff(document=simple(), text="code: x")])
def test_a_draft_is_a_document_or_a_text(api: TariffApi, request_: DraftTariff) -> None:
    with pytest.raises(TariffFaulty):
        api.draft(CLERK, request_)


def test_file_goes_out_and_comes_in_again(api: TariffApi) -> None:
    put_into_force(api, simple("0.123456"))
    file = api.tariff_file(CLERK, TariffRef(code="test.tariff"))
    text = base64.b64decode(file.content).decode()
    assert file.file_name == "test.tariff.v1.yaml" and yaml.safe_load(text)["code"] == "test.tariff"
    again = api.draft(CLERK, DraftTariff(text=text))
    one, two = (api.tariff(CLERK, TariffRef(code="test.tariff", version=number)).document for number in (1, 2))
    assert again.version == 2 and one.model_copy(update={"version": 2}) == two
    assert api.compare(CLERK, CompareTariffs(code="test.tariff", version=1, other_version=2)).rows == []


def test_check_stores_nothing(api: TariffApi) -> None:
    found = api.check(CLERK, CheckTariff(text="code: test.x\nprice: 1\n"))
    assert not found.publishable and {one.where for one in found.findings} >= {"/components", "/price"}
    assert api.check(CLERK, CheckTariff(document=simple())).publishable
    assert api.tariffs(CLERK, FindTariffs()).total == 0


def test_unknown_tariff_is_not_found(api: TariffApi) -> None:
    with pytest.raises(TariffNotFound) as raised:
        api.tariff(CLERK, TariffRef(code="no.such", version=3))
    assert (raised.value.code, raised.value.version) == ("no.such", 3)
    with pytest.raises(TariffNotFound):
        api.compare(CLERK, CompareTariffs(code="no.such", version=1, other_version=2))


def test_shipped_prices_load_once(api: TariffApi) -> None:
    loaded = api.load_published(APPROVER, LoadPublished())
    assert (loaded.loaded, loaded.unchanged) == (10, 0)
    again = api.load_published(APPROVER, LoadPublished(area="shanghai"))
    assert (again.loaded, again.unchanged, again.codes) == (0, 10, loaded.codes)
    assert api.tariffs(CLERK, FindTariffs()).total == 10
    in_force = {one.code: one for one in api.in_force(CLERK, InForce(on=APRIL, area="310000")).tariffs}
    assert sorted(in_force) == loaded.codes
    assert [one.code for one in api.in_force(CLERK, InForce(on=APRIL, tariff_class="two_part_demand")).tariffs] == [
        "sh.two_part.demand"
    ]
    with pytest.raises(NoSuchArea) as raised:
        api.load_published(APPROVER, LoadPublished(area="atlantis"))
    assert {"shanghai", "hubei", "inner-mongolia-west", "hebei"} <= set(raised.value.known)
    with pytest.raises(NoSuchArea):
        api.load_published(APPROVER, LoadPublished(area=".."))


def test_a_page_sees_prices_bands_tiers_and_findings(api: TariffApi) -> None:
    api.load_published(APPROVER, LoadPublished())
    shown = api.tariff(CLERK, TariffRef(code="sh.resident.tiered.tou"))
    assert [(row.tier, row.above, row.up_to) for row in shown.tiers] == [
        (1, "0", "3120"),
        (2, "3120", "4800"),
        (3, "4800", None),
    ]
    assert {(row.band, row.windows) for row in shown.times} == {("peak", "06:00-22:00"), ("valley", "22:00-06:00")}
    two = api.tariff(CLERK, TariffRef(code="sh.two_part.capacity"))
    assert two.head.classes.zh == "两部制（容量）" and two.head.settlements.en == "Agency purchase"
    assert two.head.illustrative and "沪发改价管〔2022〕50号" in two.head.document_no
    agency = [row for row in two.prices if row.component == "agency_energy" and row.season is not None]
    assert str(next(row.price for row in agency if row.band == "sharp")) == "0.97893"  # 0.43508 x 225 %
    assert all(row.illustrative and row.note for row in agency)
    assert all(finding.severity == "notice" for finding in two.findings)
    capacity = [(row.voltage, str(row.price)) for row in two.prices if row.component == "basic_capacity"]
    assert ("20", "28.0000") in capacity and ("0.38", "25.5000") in capacity


def test_list_filters_and_pages(api: TariffApi) -> None:
    api.load_published(APPROVER, LoadPublished())
    found = [row.code for row in api.tariffs(CLERK, FindTariffs(keyword="上海居民")).rows]
    assert found == ["sh.resident.tiered", "sh.resident.tiered.tou", "sh.resident.untiered"]
    assert api.tariffs(CLERK, FindTariffs(keyword="沪发改价管〔2022〕50")).total == 3
    assert api.tariffs(CLERK, FindTariffs(keyword="%")).total == 0
    assert api.tariffs(CLERK, FindTariffs(kind="purchase")).total == 2
    assert api.tariffs(CLERK, FindTariffs(on=date(2026, 5, 1), kind="supply")).total == 4
    seen: list[str] = []
    after: str | None = None
    while True:
        page = api.tariffs(CLERK, FindTariffs(limit=3, after=after))
        seen += [row.code for row in page.rows]
        if page.next is None:
            break
        after = page.next
    assert len(seen) == 10 and seen == sorted(set(seen))


def test_versions_are_compared_in_words(api: TariffApi) -> None:
    old = tariff(
        component("energy", [{"price": "0.617", "tier": 1}, {"price": "0.667", "tier": 2}]),
        tiers=tiers("annual", "3120"),
    )
    new = tariff(
        component("energy", [{"price": "0.600", "tier": 1}, {"price": "0.7004", "tier": 2}]),
        component("government_funds", "0.0291", group="fund"),
        tiers=tiers("annual", "3000"),
        effective_from="2026-05-01",
    )
    first, second = put_into_force(api, old), put_into_force(api, new)
    rows = api.compare(CLERK, CompareTariffs(code=old.code, version=first, other_version=second)).rows
    said = [row.sentence.zh for row in rows]
    assert any("第1档由 0.6170 降至 0.6000，降 0.0170 元（2.76%）" in one for one in said)
    assert any("第2档由 0.6670 涨至 0.7004，涨 0.0334 元（5.01%）" in one for one in said)
    assert any("3120" in one and "3000" in one for one in said)
    assert any(row.before is None and "0.0291" in (row.after or "") for row in rows)
    assert any("rises from 0.6670 to 0.7004" in row.sentence.en for row in rows)


def test_time_bands_are_compared(api: TariffApi) -> None:
    for ratio in ("150", "160"):
        put_into_force(
            api,
            tariff(
                component("energy", "0.5", floats=True),
                seasons=seasons(peak=ratio, flat=None, valley="50"),
                effective_from="2026-01-01" if ratio == "150" else "2026-05-01",
            ),
        )
    rows = api.compare(CLERK, CompareTariffs(code="test.tariff", version=1, other_version=2)).rows
    assert any("浮动比例由 150.00 改为 160.00" in row.sentence.zh for row in rows)


def test_a_united_states_rate_is_read_and_drafted(api: TariffApi) -> None:
    rates = json.loads((pathlib.Path(__file__).parent / "urdb" / "rates.json").read_text("utf-8"))
    read = api.read_urdb(CLERK, ReadUrdb(text=json.dumps(rates["PGE_B-19"]), start=date(2020, 6, 1)))
    found = read.rows
    assert [(one.effective_from.month, one.publishable) for one in found] == [(6, True), (10, True)]
    assert {(one.severity, one.where) for one in read.findings} == {("notice", "/components/0")}
    assert {one.effective_from for one in read.prices} == {one.effective_from for one in found}
    assert len(read.prices) == sum(one.prices for one in found)
    assert api.draft(CLERK, DraftTariff(document=found[0].document)).publishable
    shown = api.tariff(CLERK, TariffRef(code=found[0].code))
    assert {(row.component, row.band, row.unit) for row in shown.prices if row.group == "basic"} == {
        ("customer_charge", None, "day"),
        ("demand_charge", None, "kW_month"),
        ("demand_charge", "peak", "kW_month"),
        ("demand_charge", "flat", "kW_month"),
    }
    average = api.read_urdb(CLERK, ReadUrdb(text=json.dumps(rates["PGE_B-19"]), daily_average=True)).rows
    assert str(average[0].document.charges[0].price) == "719.50625"
    with pytest.raises(TariffFaulty) as raised:
        api.read_urdb(CLERK, ReadUrdb(text=json.dumps(rates["PGE_B-19"] | {"mincharge": 5})))
    assert raised.value.findings[0]["where"] == "/mincharge"


def test_the_bands_of_days_are_told(api: TariffApi) -> None:
    hot = {
        "title": {"zh": "高温", "en": "hot"},
        "overlay": True,
        "temperature_from": 35,
        "bands": [{"band": "sharp", "windows": [{"start": "10:30", "end": "12:00"}], "ratio": "120", "of": "peak"}],
    }
    bands = [*seasons(peak="150", flat=None, valley="50"), hot]
    put_into_force(api, tariff(component("energy", "0.5", floats=True), seasons=bands))
    days = [AskedDay(day=date(2026, 7, 1), maxima=[34]), AskedDay(day=date(2026, 7, 2), kind="rest_day", maxima=[35])]
    spans = api.bands(CLERK, AskBands(code="test.tariff", days=days)).spans
    told = [(one.band, one.start, one.end) for one in spans if one.day.day == 2]
    assert told == [
        ("valley", "00:00", "06:00"),
        ("flat", "06:00", "08:00"),
        ("peak", "08:00", "10:30"),
        ("sharp", "10:30", "12:00"),
        ("flat", "12:00", "18:00"),
        ("peak", "18:00", "21:00"),
        ("flat", "21:00", "22:00"),
        ("valley", "22:00", "24:00"),
    ]
    assert {one.band for one in spans if one.day.day == 1} == {"valley", "flat", "peak"}
    put_into_force(api, simple(code="test.plain"))
    plain = api.bands(CLERK, AskBands(code="test.plain", days=days[:1])).spans
    assert [(one.band, one.start, one.end) for one in plain] == [("total", "00:00", "24:00")]
    with pytest.raises(TariffNotFound):
        api.bands(CLERK, AskBands(code="no.such", days=days))

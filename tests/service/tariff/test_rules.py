"""The checker, the reader of tariff files and the clock of bands: faults are found, with their place."""

import contextlib
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.billing.rules.make import DOCUMENT, component, seasons, tariff, tiers
from tests.service.tariff.whole import changed, places, whole

from denghuo.service.tariff.api import Season, TariffDocument
from denghuo.service.tariff.rules import (
    Unreadable,
    check,
    differences,
    file_text,
    price_rows,
    read_text,
    tier_rows,
    time_rows,
)
from denghuo.service.tariff.rules.clock import DayFacts, bands_of_day, day_of
from denghuo.service.tariff.shipped import published

ENERGY = component("energy", "0.5")
FLOATS = component("energy", "0.5", floats=True)


def errors(document: TariffDocument) -> list[tuple[str, str]]:
    return [(one.where, one.message.en) for one in check(document) if one.severity == "error"]


def bands(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": {"zh": "季", "en": "season"}, "bands": list(rows), **more}


def band(name: str, *windows: str, ratio: str | None = "150") -> dict[str, Any]:
    parts = [dict(zip(("start", "end"), window.split("-"), strict=True)) for window in windows]
    return {"band": name, "windows": parts, "ratio": ratio}


TITLE = {"zh": "名", "en": "name"}


def charge(**more: Any) -> dict[str, Any]:
    return {"code": "customer_charge", "title": TITLE, "per": "month", "price": "10", "document": DOCUMENT, **more}


def tiered(**more: Any) -> TariffDocument:
    prices = [{"price": "0.5", "tier": 1}, {"price": "0.6", "tier": 2}]
    return tariff(component("energy", prices), tiers={**tiers("annual", "2520"), **more})


def two_part(by: str, basic: dict[str, Any] | None = None, **more: Any) -> TariffDocument:
    charge = {"by": by, "prices": [{"price": "40"}], "document": DOCUMENT, **(basic or {})}
    return tariff(ENERGY, classes=[f"two_part_{by}"], basic=charge, **more)


def test_rules_that_a_later_text_ended_are_noticed() -> None:
    def noticed(document: TariffDocument) -> set[str]:
        assert errors(document) == []
        return {one.where for one in check(document, succeeded=True)}

    assert noticed(two_part("capacity", days="thirty")) == {"/days"}
    assert noticed(two_part("capacity", days="thirty", effective_to="2024-06-01")) == set()
    older = two_part("demand", basic={"demand": {"above": "contract"}})
    assert noticed(older) == {"/basic/demand/above"}
    before = older.model_copy(update={"effective_from": date(2010, 1, 1), "effective_to": date(2016, 7, 1)})
    assert noticed(before) == set() == noticed(two_part("demand"))


def test_right_tariffs_have_no_errors() -> None:
    assert errors(tariff(ENERGY)) == []
    assert errors(tariff(FLOATS, seasons=seasons(sharp="200", peak="150", flat=None, valley="50", deep="20"))) == []
    for document in published("310000") or []:
        assert errors(document) == [], document.code


EXAMPLE = {"title": "例", "month": "2026-04", "voltage": "10", "lines": [], "total": "0.00"}


FAULTS: list[tuple[str, str, TariffDocument]] = [
    ("/components/0/prices/0/price", "negative", tariff(component("energy", "-0.01"))),
    ("/components/0/prices/0/price", "too large", tariff(component("energy", "1000000000000000000"))),
    ("/components/0/code", "unknown component", tariff(component("enrgy", "0.5"))),
    ("/components/1/code", "stands twice", tariff(ENERGY, ENERGY)),
    ("/components/0/document", "not among the sources", tariff({**ENERGY, "document": "无此文号"})),
    (
        "/components/0/prices/0/note",
        "needs a note",
        tariff(component("energy", [{"price": "0.5", "illustrative": True}])),
    ),
    (
        "/components/0/prices",
        "no price at 0.22 kV",
        tariff(component("energy", [{"price": "0.5", "voltages": ["10"]}])),
    ),
    ("/components/0/prices", "has 2 prices", tariff(component("energy", [{"price": "0.5"}, {"price": "0.6"}]))),
    (
        "/components/0/prices/0/voltages",
        "is not of this tariff",
        tariff(component("energy", [{"price": "0.5", "voltages": ["220"]}, {"price": "0.5"}])),
    ),
    ("/components/0/floats", "no bands", tariff(FLOATS)),
    (
        "/components/0/prices",
        "no peak band",
        tariff(component("energy", [{"price": "1"}, {"price": "2", "band": "peak"}])),
    ),
    (
        "/components/0/prices",
        "no price for valley",
        tariff(
            component("energy", [{"price": "1"}, {"price": "2", "band": "peak"}, {"price": "1", "band": "flat"}]),
            seasons=seasons(peak=None, flat=None, valley=None),
        ),
    ),
    ("/seasons/0/bands/2/ratio", "missing", tariff(FLOATS, seasons=seasons(peak="150", flat=None, valley=None))),
    ("/seasons/0/bands/0/ratio", "out of reason", tariff(FLOATS, seasons=seasons(peak="-1", flat=None, valley="50"))),
    (
        "/seasons/0/bands",
        "06:00-08:00 is missing",
        tariff(FLOATS, seasons=[bands(band("peak", "08:00-22:00"), band("valley", "22:00-06:00"))]),
    ),
    (
        "/seasons/0/bands",
        "windows overlap: 21:30-22:00",
        tariff(FLOATS, seasons=[bands(band("peak", "06:00-22:00"), band("valley", "21:30-06:00"))]),
    ),
    (
        "/seasons/0/bands/0/windows",
        "is empty",
        tariff(FLOATS, seasons=[bands(band("peak", "08:00-08:00"), band("flat"))]),
    ),
    ("/seasons/0/bands", "only one band", tariff(FLOATS, seasons=[bands(band("peak"), band("flat"))])),
    ("/seasons/0/bands", "stands twice", tariff(FLOATS, seasons=[bands(band("flat"), band("flat", "01:00-02:00"))])),
    (
        "/seasons",
        "month 4, workday, day 1 of the week: 0 sets",
        tariff(FLOATS, seasons=[bands(band("flat"), months=[1, 2, 3, *range(5, 13)])]),
    ),
    (
        "/seasons",
        "month 1, workday, day 1 of the week: 2 sets",
        tariff(FLOATS, seasons=[bands(band("flat")), bands(band("flat"))]),
    ),
    (
        "/seasons",
        "month 1, rest_day, day 1 of the week: 0 sets",
        tariff(FLOATS, seasons=[bands(band("flat"), days="workday")]),
    ),
    (
        "/seasons/1",
        "must be an overlay",
        tariff(FLOATS, seasons=[bands(band("flat")), bands(band("flat"), days="holiday", holidays=["春节"])]),
    ),
    ("/tiers/tables/0/up_to", "must be positive and rise", tariff(ENERGY, tiers=tiers("annual", "4800", "3120"))),
    ("/tiers", "no price by tier", tariff(ENERGY, tiers=tiers("annual", "3120"))),
    (
        "/components/0/prices",
        "no price: 0.22 kV, tier 2",
        tariff(component("energy", [{"price": "1", "tier": 1}]), tiers=tiers("annual", "3120")),
    ),
    ("/components/0/prices", "no tier 3", tariff(component("energy", [{"price": "1", "tier": 3}]))),
    (
        "/tiers/tables",
        "month 12 has 0 tables",
        tariff(
            component("energy", [{"price": "1", "tier": 1}, {"price": "2", "tier": 2}]),
            tiers=tiers("monthly", "200", months=range(1, 12)),
        ),
    ),
    ("/basic", "needs a basic charge", tariff(ENERGY, classes=["two_part_demand"])),
    (
        "/basic/by",
        "does not fit",
        tariff(ENERGY, basic={"by": "demand", "prices": [{"price": "40"}], "document": "测试文号〔2026〕1号"}),
    ),
    ("/effective_to", "before the beginning", tariff(ENERGY, effective_to="2020-01-01")),
    ("/settlements", "do not fit", tariff(ENERGY, settlements=["full_feed_in"])),
    (
        "/classes",
        "do not fit",
        tariff(component("purchase_energy", "1", group="purchase"), kind="purchase", settlements=["full_feed_in"]),
    ),
    (
        "/examples/0/total",
        "not the sum",
        tariff(
            ENERGY,
            examples=[
                {
                    "title": "x",
                    "month": "2026-04",
                    "voltage": "10",
                    "lines": [{"code": "energy", "amount": "1.00"}],
                    "total": "2.00",
                }
            ],
        ),
    ),
    (
        "/examples/0/lines",
        "unknown line",
        tariff(
            ENERGY,
            examples=[
                {
                    "title": "x",
                    "month": "2026-04",
                    "voltage": "10",
                    "lines": [{"code": "enrgy", "amount": "1.00"}],
                    "total": "1.00",
                }
            ],
        ),
    ),
    ("/components", "there is no component", tariff()),
    ("/seasons", "no price depends on them", tariff(ENERGY, seasons=seasons(peak=None, flat=None, valley=None))),
    (
        "/seasons/0/bands/1/of",
        "states no share of flat for sharp",
        tariff(FLOATS, seasons=[bands(band("flat"), {**band("peak", "08:00-09:00"), "of": "sharp"})]),
    ),
    (
        "/seasons/0/bands/1/of",
        "states no share of flat for peak",
        tariff(FLOATS, seasons=[bands(band("flat"), {**band("peak", "08:00-09:00"), "of": "peak"})]),
    ),
    (
        "/seasons/0/bands/2/ratio",
        "no multiple of 0.01 %",
        tariff(
            FLOATS,
            seasons=[
                bands(
                    band("flat"),
                    band("peak", "08:00-09:00", ratio="150.01"),
                    {**band("sharp", "20:00-21:00", ratio="120.01"), "of": "peak"},
                )
            ],
        ),
    ),
    (
        "/seasons",
        "month 1, workday, day 6 of the week: 0 sets",
        tariff(FLOATS, seasons=[bands(band("flat"), weekdays=[1, 2, 3, 4, 5])]),
    ),
    ("/seasons/0/weekdays", "repeated", tariff(FLOATS, seasons=[bands(band("flat"), weekdays=[1, 1])])),
    (
        "/seasons/0/temperature_from",
        "is missing",
        tariff(FLOATS, seasons=[bands(band("flat"), temperature_days=3)]),
    ),
    (
        "/charges/0/code",
        "unknown charge",
        tariff(ENERGY, charges=[charge(code="levy")]),
    ),
    ("/charges/1/code", "stands twice", tariff(ENERGY, charges=[charge(), charge()])),
    ("/charges/0/price", "out of reason", tariff(ENERGY, charges=[charge(price="-1")])),
    ("/charges/0/band", "only a demand charge", tariff(ENERGY, charges=[charge(band="peak")])),
    ("/charges/0/document", "not among the sources", tariff(ENERGY, charges=[charge(document="无此文号")])),
    ("/tiers/households", "persons must rise", tiered(households=[{"persons_from": 5, "per_month": "0"}])),
    (
        "/basic/discount",
        "charged by demand",
        two_part("capacity", basic={"discount": {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT}}),
    ),
    (
        "/free_energy/per_month",
        "must be positive",
        tariff(ENERGY, free_energy={"per_month": "0", "document": DOCUMENT}),
    ),
    (
        "/free_energy/document",
        "not among the sources",
        tariff(ENERGY, free_energy={"per_month": "15", "document": "无此文号"}),
    ),
    (
        "/examples/0/tariff_class",
        "not of the tariff",
        tariff(ENERGY, examples=[EXAMPLE | {"tariff_class": "resident"}]),
    ),
    ("/examples/0/settlement", "not of the tariff", tariff(ENERGY, examples=[EXAMPLE | {"settlement": "market"}])),
    # Prices in fen, a threshold that everyone reaches, a window that cuts a point of the curve, standards that contradict.
    ("/components/0/prices/0/price", "too large", tariff(component("energy", "61.7"))),
    ("/basic/prices/0/price", "too large", two_part("capacity", basic={"prices": [{"price": "2800"}]})),
    (
        "/basic/discount/energy_per_kva",
        "must be positive",
        two_part("demand", basic={"discount": {"energy_per_kva": "0", "price_share": "90", "document": DOCUMENT}}),
    ),
    (
        "/seasons/0/bands/0/windows",
        "quarter-hour",
        tariff(FLOATS, seasons=[bands(band("peak", "08:10-22:00"), band("valley", "22:00-08:10"))]),
    ),
    (
        "/power_factor/standards/1",
        "two standards from 0",
        tariff(ENERGY, power_factor={"standards": [{"standard": 90}, {"standard": 85}], "document": DOCUMENT}),
    ),
]


@pytest.mark.parametrize(("where", "words", "document"), FAULTS, ids=[f"{where} {words}" for where, words, _ in FAULTS])
def test_fault_is_found_with_its_place(where: str, words: str, document: TariffDocument) -> None:
    found = errors(document)
    assert any(place == where and words in message for place, message in found), found


def test_a_tariff_that_begins_or_ends_within_a_month_is_noticed() -> None:
    document = tariff(ENERGY, effective_from="2026-04-10", effective_to="2026-05-16")
    notices = [(one.where, one.severity) for one in check(document)]
    assert ("/effective_from", "notice") in notices and ("/effective_to", "notice") in notices
    assert errors(document) == []


def test_negative_prices_are_for_adjustments() -> None:
    assert errors(tariff(ENERGY, component("history_deviation", "-0.00362", group="adjustment"))) == []


# --- the clock ---------------------------------------------------------------------------------------------------------------


def test_sharp_and_deep_are_tested_before_peak_and_valley() -> None:
    season = Season.model_validate(
        bands(
            band("valley", "22:30-06:00"),
            band("peak", "08:00-11:00"),
            band("flat"),
            band("sharp", "10:30-12:00"),
            band("deep", "00:00-01:30"),
        )
    )
    day = day_of(season)

    def at(hour: int, minute: int = 0) -> str | None:
        return day[hour * 60 + minute]

    assert [at(8), at(10, 29), at(10, 30), at(11, 59), at(12)] == ["peak", "peak", "sharp", "sharp", "flat"]
    assert [at(22, 29), at(22, 30), at(0), at(1, 30), at(5, 59), at(6)] == [
        "flat",
        "valley",
        "deep",
        "valley",
        "valley",
        "flat",
    ]
    assert errors(tariff(FLOATS, seasons=[season.model_dump()])) == []


@given(cuts=st.sets(st.integers(0, 47), min_size=4, max_size=8))
def test_bands_that_part_the_day_at_half_hours_cover_it_once(cuts: set[int]) -> None:
    marks = sorted(cuts)
    clock = [f"{mark // 2:02d}:{mark % 2 * 30:02d}" for mark in marks]
    windows = [f"{start}-{end}" for start, end in zip(clock, [*clock[1:], clock[0]], strict=True)]
    season = bands(band("peak", *windows[::2]), band("valley", *windows[1::2], ratio="50"))
    assert errors(tariff(FLOATS, seasons=[season])) == []
    gap = bands(band("peak", *windows[2::2]), band("valley", *windows[1::2]))
    missing = f"{clock[0]}-{clock[1]} is missing"
    assert any(missing in message for _, message in errors(tariff(FLOATS, seasons=[gap])))


# --- tariff files -----------------------------------------------------------------------------------------------------------


def test_file_round_trips_exactly() -> None:
    for document in published("310000") or []:
        assert read_text(file_text(document)) == document
        assert read_text(json.dumps(document.model_dump(mode="json"), ensure_ascii=False)) == document


HOSTILE = {
    "python tag": "!!python/object/apply:os.system ['touch /tmp/denghuo-owned']",
    "own tag": "code: !secret x",
    "anchor": "code: &a x\ntitle: *a",
    "billion laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
    "deep": "[" * 5_000,
    "deep mapping": "{a: " * 200,
    "many": "a: [" + "x, " * 30_000 + "]",
    "long": "x" * 300_000,
    "repeated key": "code: a.b\ncode: a.c",
    "key that is no text": "? [a]\n: b",
    "two documents": "code: a\n---\ncode: b",
    "empty": "",
    "only a comment": "# nothing",
    "list": "- a",
    "scalar": "42",
    "broken": "code: [unclosed",
    "tab": "code:\n\t- x",
    "control characters": "code: \x00\x07",
    "bad escape": 'code: "\\xZZ"',
    "surrogate": 'code: "\\ud800"',
    "merge": "<<: {code: a}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_text(text)
    for finding in raised.value.findings:
        assert finding.where and finding.message.zh and len(finding.message.en) < 400


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"price": "abc"}, "price"),
        ({"price": "1e5"}, "price"),
        ({"price": "0.123456789"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"voltages": ["11"]}, "voltages"),
        ({"band": "noon"}, "band"),
        ({"tier": "0"}, "tier"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_misfits_name_their_place(change: dict[str, Any], where: str) -> None:
    body = tariff(ENERGY).model_dump(mode="json", exclude_defaults=True)
    body["components"][0]["prices"][0] |= change
    with pytest.raises(Unreadable) as raised:
        read_text(json.dumps(body))
    assert any(one.where.startswith(f"/components/0/prices/0/{where}") for one in raised.value.findings)


_PIECES = st.sampled_from(
    [
        "code:",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a ",
        "!!x ",
        ">",
        "'",
        '"',
        "0.5",
        "电",
        "\t",
        "\n",
        "\n  - ",
        "---\n",
        "? ",
        "%",
        "<<: ",
        "~",
        "null",
        " ",
    ]
)


@given(text=st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=60).map("".join)))
@settings(max_examples=150)
def test_any_text_is_a_tariff_or_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_text(text)


# --- anything as a tariff ----------------------------------------------------------------------------------------------------

WHOLE = whole().model_dump(mode="json", exclude={"version"})
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 400),
    st.text(max_size=8),
    st.sampled_from(
        ["0", "-1", "0.01", "99999999", "24:00", "00:00", "12:30", "sharp", "flat", "total", "2026-02-01", "10"]
    ),
    st.lists(st.sampled_from(["10", "1", 3, {}, None]), max_size=3),
    st.dictionaries(st.sampled_from(["band", "price", "title", "x"]), st.text(max_size=3), max_size=2),
)


@given(changes=st.lists(st.tuples(st.sampled_from([at for at, _ in places(WHOLE)]), _ODD), min_size=1, max_size=4))
@settings(max_examples=150)
def test_no_change_of_a_tariff_crashes_reader_or_checker(changes: list[tuple[tuple[str | int, ...], Any]]) -> None:
    """Whatever is put anywhere: it is refused, or checked, shown and written; each finding has a place and words."""
    body: Any = WHOLE
    for at, value in changes:
        with contextlib.suppress(LookupError, TypeError):
            body = changed(body, at, value)
    try:
        document = read_text(json.dumps(body, ensure_ascii=False))
    except Unreadable as unreadable:
        findings = unreadable.findings
        assert findings
    else:
        findings = check(document)
        assert read_text(file_text(document)) == document
        price_rows(document), time_rows(document), tier_rows(document)
        assert bool(differences(whole(), document)) is (document != whole())
        for kind in ("workday", "rest_day", "holiday"):
            assert len(bands_of_day(document, DayFacts(date(2026, 6, 6), kind, "春节", 3, (36, 35, 35)))) == 24 * 60
    for finding in findings:
        assert finding.where and finding.message.zh and finding.message.en and len(finding.message.en) < 400


def test_the_whole_tariff_is_right_but_partial() -> None:
    assert errors(whole()) == []
    assert ("/partial", "notice") in [(one.where, one.severity) for one in check(whole())]


def test_an_end_without_successor_is_noticed() -> None:
    ending = tariff(ENERGY, effective_to="2026-05-01")
    said = [one.message.en for one in check(ending) if one.where == "/effective_to"]
    assert said == ["from 2026-05-01 on there is no successor"]
    assert check(ending, succeeded=True) == [] == check(tariff(ENERGY))

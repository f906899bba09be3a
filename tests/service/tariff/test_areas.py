"""What is published of every province loads, by the area's id, as tariffs that the checker finds right; and says what the documents
say."""

import csv
import pathlib
from datetime import date
from decimal import Decimal

import pytest
from tests.service.tariff.whole import windows

from denghuo.kernel.values import Price
from denghuo.service.billing.rules import example_faults
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import Band, TariffDocument, share_of_flat
from denghuo.service.tariff.rules import check, file_text, frames, price_rows, read_text
from denghuo.service.tariff.rules.areas import FILES, numbers
from denghuo.service.tariff.rules.areas import windows as read_windows
from denghuo.service.tariff.rules.clock import DayFacts, bands_of_day

AUGUST = date(2026, 8, 1)
NATIONAL = shipped.national()
FOLDER = pathlib.Path(shipped.__file__).parent / "published" / "national"
TABLES = {name: list(csv.DictReader((FOLDER / f"{name}.csv").open("r", encoding="utf-8"))) for name in FILES}
GIVEN = next((one for up in FOLDER.parents if (one := up / "shared" / "rules" / "tariffs").is_dir()), None)
"""The tables as they were collected from the documents, where they are at hand."""
WITHOUT_TRANSMISSION = {"440300", "540000"}  # Shenzhen (a table of its own) and Xizang


def frame(code: str, on: date = AUGUST) -> TariffDocument:
    area = next(area for area in NATIONAL.values() if code.startswith(f"{area.prefix}."))
    return next(one for one in frames(area, on) if one.code == code)


def test_thirty_four_areas_ship_with_time_bands_and_thirty_two_with_transmission_prices() -> None:
    assert len(NATIONAL) == 34
    assert len({area.prefix for area in NATIONAL.values()}) == 34
    assert all(area.documents for area in NATIONAL.values())
    assert {code for code, area in NATIONAL.items() if not area.transmission} == WITHOUT_TRANSMISSION


@pytest.mark.scope("B05-03")
@pytest.mark.parametrize("code", NATIONAL, ids=[area.title.en for area in NATIONAL.values()])
def test_each_area_loads_by_its_id_and_passes_the_checker(code: str) -> None:
    area = shipped.area_of(code)
    assert area is not None
    found = frames(area, AUGUST)
    assert {one.classes[0] for one in found} == {"general_single_part", "two_part_capacity", "two_part_demand"}
    assert len({one.code for one in found}) == len(found)
    for one in found:
        assert [finding for finding in check(one) if finding.severity == "error"] == [], one.code
        assert one.partial and one.area == code and one.sources
        assert read_text(file_text(one)) == one
        price_rows(one)


@pytest.mark.parametrize("code", NATIONAL, ids=[area.title.en for area in NATIONAL.values()])
def test_each_table_row_stands_in_a_tariff(code: str) -> None:
    """Nothing of the tables is lost on the way: each transmission price, fund, basic price and window is found again."""
    area = NATIONAL[code]
    found = [
        one
        for one in frames(area, AUGUST)
        if not any(one.code.startswith(f"{area.prefix}.{z.code}.") for z in area.zones)
    ]
    for row in area.transmission:
        by_class = {"single": ["general_single_part"], "two": ["two_part_capacity", "two_part_demand"]}[row["scheme"]]
        for one in (one for one in found if one.classes[0] in by_class):
            component = next(part for part in one.components if part.code == "transmission")
            for level in set(row["voltages"].split()) & set(one.voltages):
                assert [price.price for price in component.prices if level in price.voltages] == [
                    Price.of(row["energy"])
                ]
                if one.basic is not None:
                    cell = row["demand" if one.basic.by == "demand" else "capacity"]
                    assert [price.price for price in one.basic.prices if level in price.voltages] == [Price.of(cell)]
    fund = next(row["fund"] for row in TABLES["areas"] if row["area"] == code)
    shown = {price.price for one in found for part in one.components if part.group == "fund" for price in part.prices}
    assert (Price(round(Decimal(fund) * 10**8)) in shown) if fund else not shown
    in_force = {document.source.number for document in area.on(AUGUST)}
    for row in TABLES["time_of_use"]:
        if row["document"] in in_force:
            assert any(_has_row(season, row) for one in found for season in one.seasons), row


def _has_row(season: object, row: dict[str, str]) -> bool:
    given = {band: read_windows(row[band]) for band in ("sharp", "peak", "flat", "valley", "deep") if row[band]}
    body = season.model_dump()  # type: ignore[attr-defined]
    months = set(numbers(row["months"]) or range(1, 13))
    held = {entry["band"]: [tuple(one.values()) for one in entry["windows"]] for entry in body["bands"]}
    return (
        body["document"] == row["document"]
        and set(body["months"]) <= months
        and held == {band: [(one.start, one.end) for one in parts] for band, parts in given.items()}
    )


def minutes(document: TariffDocument, facts: DayFacts) -> dict[str, int]:
    day = bands_of_day(document, facts)
    return {band: day.count(band) // 30 for band in dict.fromkeys(day)}


@pytest.mark.parametrize(
    ("code", "facts", "half_hours"),
    [
        # hours of sharp/peak/flat/valley/deep as the published tables add up
        ("hb.two_part.demand", DayFacts(date(2026, 7, 1)), {"sharp": 4, "peak": 12, "flat": 16, "valley": 16}),
        ("bj.two_part.demand", DayFacts(date(2026, 7, 1)), {"sharp": 6, "peak": 12, "flat": 14, "valley": 16}),
        (
            "jx.two_part.demand",
            DayFacts(date(2026, 8, 3)),
            {"sharp": 4, "peak": 8, "flat": 22, "valley": 10, "deep": 4},
        ),
        ("xz.two_part.demand", DayFacts(date(2026, 1, 5)), {"sharp": 6, "peak": 12, "flat": 30}),
        ("hl.business.single.tou", DayFacts(date(2026, 3, 2)), {"peak": 16, "flat": 16, "valley": 16}),
        ("hebs.two_part.demand", DayFacts(date(2026, 4, 1)), {"peak": 16, "flat": 16, "valley": 10, "deep": 6}),
        # Guangdong: sharp on any day from 35 degrees on
        ("gd.two_part.demand", DayFacts(date(2026, 5, 9)), {"peak": 14, "flat": 18, "valley": 16}),
        ("gd.two_part.demand", DayFacts(date(2026, 5, 9), maxima=(34,)), {"peak": 14, "flat": 18, "valley": 16}),
        (
            "gd.two_part.demand",
            DayFacts(date(2026, 5, 9), maxima=(35,)),
            {"sharp": 6, "peak": 8, "flat": 18, "valley": 16},
        ),
        # Sichuan: outside July and August only after three hot days running, and only two-part users
        ("sc.two_part.demand", DayFacts(date(2026, 9, 1), maxima=(36, 36)), {"peak": 20, "flat": 16, "valley": 12}),
        ("sc.two_part.demand", DayFacts(date(2026, 9, 1), maxima=(36, 34, 36)), {"peak": 20, "flat": 16, "valley": 12}),
        (
            "sc.two_part.demand",
            DayFacts(date(2026, 9, 1), maxima=(35, 36, 35)),
            {"sharp": 6, "peak": 14, "flat": 16, "valley": 12},
        ),
        (
            "sc.business.single.tou",
            DayFacts(date(2026, 9, 1), maxima=(39, 39, 39)),
            {"peak": 20, "flat": 16, "valley": 12},
        ),
        # Shanghai: deep valley on named holidays and on rest days of some months
        ("sh.two_part.demand", DayFacts(date(2026, 9, 26), "holiday", "中秋节"), {"peak": 20, "flat": 12, "deep": 16}),
        ("sh.two_part.demand", DayFacts(date(2026, 9, 26), "rest_day"), {"peak": 20, "flat": 12, "deep": 16}),
        (
            "sh.two_part.demand",
            DayFacts(date(2026, 7, 4), "rest_day"),
            {"sharp": 4, "peak": 16, "flat": 12, "valley": 16},
        ),
        # Anhui: holidays of three days and more, two-part users
        ("ah.two_part.demand", DayFacts(date(2026, 10, 1), "holiday", "国庆节", 8), {"deep": 8}),
        ("ah.two_part.demand", DayFacts(date(2026, 10, 1), "holiday", "国庆节", 2), {"deep": 0}),
        # Shanxi: the second document from May 2026 on
        ("sx.two_part.demand", DayFacts(date(2026, 6, 1)), {"sharp": 6, "peak": 10, "flat": 16, "valley": 16}),
        ("sx.two_part.demand", DayFacts(date(2026, 10, 1), "holiday", "国庆节", 8), {"deep": 4}),
    ],
)
def test_days_have_the_hours_of_the_documents(code: str, facts: DayFacts, half_hours: dict[Band, int]) -> None:
    held = minutes(frame(code), facts)
    assert sum(held.values()) == 48
    whole = sum(half_hours.values()) == 48
    assert held == half_hours if whole else {band: held.get(band, 0) for band in half_hours} == half_hours


@pytest.mark.parametrize(
    ("code", "month", "shares"),
    [
        ("sx.two_part.demand", 7, {"sharp": "192.00", "peak": "160.00", "valley": "45.00"}),
        ("bj.business.single.tou.lv", 7, {"sharp": "205.20", "peak": "171.00", "valley": "36.00"}),
        ("bj.business.single.tou.hv", 7, {"sharp": "216.00", "peak": "180.00", "valley": "30.00"}),
        ("gd.two_part.demand", 7, {"sharp": "212.50", "peak": "170.00", "valley": "38.00"}),
        ("ah.two_part.demand", 7, {"peak": "184.30", "deep": "30.56"}),
        ("ah.two_part.demand", 4, {"peak": "174.00", "deep": "30.56"}),
        ("sh.business.single.tou", 4, {"peak": "117.00", "valley": "55.00"}),
        ("sh.business.single.tou", 9, {"peak": "120.00", "valley": "55.00"}),
        ("sh.two_part.demand", 7, {"sharp": "225.00", "peak": "180.00", "valley": "40.00", "deep": "20.00"}),
        ("sd.two_part.demand", 2, {"sharp": "200.00", "peak": "170.00", "valley": "30.00", "deep": "10.00"}),
        ("js.business.single.tou.small", 1, {"peak": "160.00"}),
        ("js.business.single.tou.large", 1, {"peak": "170.00"}),
        ("js.two_part.capacity", 1, {"peak": "180.00"}),
        ("nmw.two_part.demand", 7, {"sharp": "184.80", "deep": "35.20"}),
    ],
)
def test_shares_of_flat_are_those_of_the_documents(code: str, month: int, shares: dict[str, str]) -> None:
    seasons = sorted((one for one in frame(code).seasons if month in one.months), key=lambda one: one.overlay)
    for band, share in shares.items():
        found = share_of_flat(seasons, band)
        assert found is not None and str(found[0]) == share


def test_a_document_holds_from_its_first_day_to_its_last() -> None:
    assert {one.document for one in frame("sx.two_part.demand", date(2026, 4, 30)).seasons} == {
        "晋发改商品发〔2021〕479号"
    }
    assert {one.document for one in frame("sx.two_part.demand", date(2026, 5, 1)).seasons} == {
        "晋发改商品发〔2026〕15号"
    }


def test_what_no_document_gives_is_absent() -> None:
    assert [part.code for part in frame("xz.two_part.demand").components] == []
    assert frame("sz.two_part.demand").basic is None
    assert [part.code for part in frame("hebn.two_part.demand").components] == ["transmission"]  # no fund was found
    assert all(entry.ratio is None for season in frame("ha.two_part.demand").seasons for entry in season.bands)
    said = [finding.message.en for finding in check(frame("tj.two_part.demand")) if finding.where == "/seasons"]
    assert said == ["no bands were found for months 7, 8"]


@pytest.mark.parametrize(
    ("code", "prices"),
    [
        ("ln.two_part.demand", {"66": "0.084", "110": "0.084"}),
        ("bj.two_part.demand", {"35": "0.165", "66": "0.165", "110": "0.165"}),
        ("zj.two_part.demand", {"220": "0.0663", "330": "0.0663", "500": "0.0663"}),
    ],
)
def test_voltages_between_and_above_have_the_price_of_their_row(code: str, prices: dict[str, str]) -> None:
    component = next(part for part in frame(code).components if part.code == "transmission")
    found = {level: str(price.price) for price in component.prices for level in price.voltages}
    assert {level: Price.of(found[level]) for level in prices} == {
        level: Price.of(price) for level, price in prices.items()
    }
    assert ("66" in found) == ("66" in prices)


def test_yulin_has_transmission_prices_of_its_own() -> None:
    own = frame("sn.yl.two_part.demand")
    component = next(part for part in own.components if part.code == "transmission")
    assert [(price.voltages[-1], str(price.price)) for price in component.prices] == [
        ("20", "0.1083"),
        ("35", "0.0873"),
        ("110", "0.0673"),
        ("500", "0.0543"),
    ]
    assert not own.default and frame("sn.two_part.demand").default


RESIDENT = ["beijing", "hebei", "hunan", "shandong", "shanghai", "shenzhen", "zhejiang"]


@pytest.mark.parametrize("name", RESIDENT)
def test_complete_tariffs_ship_and_their_examples_come_out(name: str) -> None:
    documents = shipped.published(name)
    assert documents
    for document in documents:
        assert [finding for finding in check(document) if finding.severity == "error"] == []
        assert document.examples and example_faults(document) == []


def test_shandong_says_households_and_free_energy() -> None:
    document = next(one for one in shipped.published("370000") or [] if one.tiers is not None)
    assert document.tiers is not None and document.free_energy is not None
    assert document.tiers.year_by == "reading" and str(document.free_energy.per_month) == "15"
    assert [(one.persons_from, str(one.per_month)) for one in document.tiers.households] == [(5, "100")]


def test_windows_of_the_tables_are_read() -> None:
    expected = windows("09:00-11:30", "15:30-20:00", "23:30-05:30", "22:00-24:00")
    assert [one.model_dump() for one in read_windows("9-11.5,15.5-20,23.5-5.5,22-24")] == expected
    assert read_windows("rest") == [] and numbers("12,1-2") == [12, 1, 2]


def _collected(name: str) -> list[dict[str, str]]:
    assert GIVEN is not None
    return list(csv.DictReader((GIVEN / f"{name}.csv").open("r", encoding="utf-8")))


@pytest.mark.skipif(GIVEN is None, reason="the collected tables are not here")
def test_every_collected_transmission_price_is_shipped() -> None:
    rows = _collected("td_prices_4th_cycle_202608")
    assert (len(rows), len({row["area"] for row in rows})) == (276, 32)
    prices = ("energy_yuan_per_kWh", "demand_yuan_per_kW_month", "capacity_yuan_per_kVA_month")
    for code, area in NATIONAL.items():
        given = [row for row in rows if row["area"] == area.title.zh]
        own = [row for row in TABLES["transmission"] if row["area"] == code]
        assert sorted((row["scheme"], *_figures(row, prices)) for row in given) == sorted(
            (row["scheme"], *_figures(row, ("energy", "demand", "capacity"))) for row in own
        ), code
        funds = {Decimal(row["gov_fund_yuan_per_kWh"]) for row in given if row["gov_fund_yuan_per_kWh"]}
        stated = next(row["fund"] for row in TABLES["areas"] if row["area"] == code)
        assert not funds or (stated and Decimal(stated) in funds), code


def _figures(row: dict[str, str], names: tuple[str, ...]) -> list[Decimal]:
    return [Decimal(row[name] or "0") for name in names]


@pytest.mark.skipif(GIVEN is None, reason="the collected tables are not here")
def test_every_collected_time_band_is_shipped() -> None:
    """Each row stands as it was collected; where it is a rule of every day with an overlay in it, as these two."""
    rows = _collected("tou_periods")
    assert (len(rows), len({row["area"] for row in rows})) == (89, 34)
    names = ("sharp", "peak", "flat", "valley", "deep")
    shipped_rows: dict[str, set[tuple[str, ...]]] = {}
    for row in TABLES["time_of_use"]:
        shipped_rows.setdefault(row["document"], set()).add(tuple(row[name] for name in names))
    for row in rows:
        whole = tuple(row[name] for name in names)
        split = {("", *whole[1:]), (whole[0], "", "", "", "")}
        assert whole in shipped_rows[row["doc"]] or split <= shipped_rows[row["doc"]], row

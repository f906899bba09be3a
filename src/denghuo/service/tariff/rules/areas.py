"""The published facts of the provinces as tables (分省电价事实): time bands by document, transmission prices, funds, zones.

The tables are what the documents say, one fact a row; `frames` makes partial tariffs of them. What no document gives is absent.
"""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Percent, Price, parse_decimal, round_half_up
from denghuo.service.tariff.api import BandWindows, Component, PriceAt, Season, Source, Window
from denghuo.service.tariff.rules.showing import months_text
from denghuo.service.tariff.season import EVERY_MONTH

Row = Mapping[str, str]
BAND_COLUMNS = ("sharp", "peak", "flat", "valley", "deep")
FILES = ("areas", "time_of_use_documents", "time_of_use", "time_of_use_shares", "transmission", "zones")
REST = "rest"
_SEASON_WORDS = {
    "year": ("全年", "all year"),
    "spring": ("春季", "spring"),
    "summer": ("夏季", "summer"),
    "autumn": ("秋季", "autumn"),
    "winter": ("冬季", "winter"),
    "spring and autumn": ("春秋季", "spring and autumn"),
    "summer and winter": ("夏冬季", "summer and winter"),
    "windy": ("大风季", "windy season"),
    "calm": ("小风季", "calm season"),
    "wet": ("丰水期", "wet season"),
    "dry": ("枯水期", "dry season"),
    "sharp months": ("尖峰月", "months with a sharp band"),
    "holidays": ("节假日", "holidays"),
    "rest days": ("休息日", "rest days"),
    "hot days": ("高温日", "hot days"),
}


@dataclass(frozen=True)
class TimeDocument:
    """A document on time of use: when it holds, which components float, and the rows of its bands and shares.

    floats: empty where the document that was found does not say. price_places: decimals to which the whole price of a band is
    published, where it says so.
    """

    source: Source
    effective_from: date | None
    effective_to: date | None
    floats: frozenset[str]
    price_places: int | None
    note: TextPair | None
    seasons: tuple[Row, ...]
    shares: tuple[Row, ...]

    def holds_on(self, day: date) -> bool:
        return (self.effective_from or day) <= day and (self.effective_to is None or day < self.effective_to)


@dataclass(frozen=True)
class Zone:
    """A part of a province with transmission prices of its own, by voltage."""

    code: str
    title: TextPair
    scheme: str
    prices: Mapping[str, Price]


@dataclass(frozen=True)
class Area:
    """What is published of one area. `transmission`: rows of scheme (single, two), voltages, energy, demand, capacity, note."""

    code: str
    prefix: str
    title: TextPair
    fund: Price | None
    fund_single: Price | None
    line_loss: Percent | None
    note: TextPair | None
    documents: tuple[TimeDocument, ...]
    transmission: tuple[Row, ...]
    zones: tuple[Zone, ...]

    def on(self, day: date) -> list[TimeDocument]:
        """The documents on time of use that hold on a day."""
        return [document for document in self.documents if document.holds_on(day)]


def read_areas(texts: Mapping[str, str]) -> dict[str, Area]:
    """All areas by code, from the texts of the CSV files named in `FILES`."""
    tables = {name: list(csv.DictReader(texts[name].splitlines())) for name in FILES}
    return {row["area"]: _area(row, tables) for row in tables["areas"]}


def _area(row: Row, tables: Mapping[str, list[dict[str, str]]]) -> Area:
    def own(name: str, column: str, value: str) -> tuple[Row, ...]:
        return tuple(one for one in tables[name] if one[column] == value)

    documents = tuple(
        TimeDocument(
            source=Source(
                number=one["document"],
                title=f"{row['zh']}分时电价",
                address=one["address"],
            ),
            effective_from=_day(one["effective_from"]),
            effective_to=_day(one["effective_to"]),
            floats=frozenset(one["floats"].split()),
            price_places=int(one["price_places"]) if one["price_places"] else None,
            note=_pair(one["note_zh"], one["note_en"]),
            seasons=own("time_of_use", "document", one["document"]),
            shares=own("time_of_use_shares", "document", one["document"]),
        )
        for one in own("time_of_use_documents", "area", row["area"])
    )
    return Area(
        code=row["area"],
        prefix=row["prefix"],
        title=TextPair(zh=row["zh"], en=row["en"]),
        fund=_fund(row["fund"]),
        fund_single=_fund(row["fund_single"]),
        line_loss=Percent.of(row["line_loss_percent"]) if row["line_loss_percent"] else None,
        note=_pair(row["note_zh"], row["note_en"]),
        documents=documents,
        transmission=own("transmission", "area", row["area"]),
        zones=_zones(own("zones", "area", row["area"])),
    )


def _zones(rows: Iterable[Row]) -> tuple[Zone, ...]:
    found: dict[str, Zone] = {}
    for row in rows:
        before = found.get(row["zone"])
        prices = {
            **(before.prices if before else {}),
            **dict.fromkeys(row["voltages"].split(), Price.of(row["energy"])),
        }
        found[row["zone"]] = Zone(row["zone"], TextPair(zh=row["zh"], en=row["en"]), row["scheme"], prices)
    return tuple(found.values())


# --- seasons of the tariff model ---------------------------------------------------------------------------------------------


def seasons(document: TimeDocument, scheme: str, variant: str) -> list[Season]:
    """The seasons of a document for a scheme (single, two). A season over whose months the shares differ is split by months."""
    found: list[Season] = []
    for row in document.seasons:
        if row["scheme"] not in ("all", scheme):
            continue
        by_shares: dict[tuple[str, ...], list[int]] = {}
        months = numbers(row["months"]) or EVERY_MONTH
        for month in months:
            by_shares.setdefault(_shares(document, scheme, variant, month, row), []).append(month)
        found += [_season(document, row, part, cells, len(by_shares) > 1) for cells, part in by_shares.items()]
    return found


def variants(documents: Iterable[TimeDocument], scheme: str) -> list[Row | None]:
    """The rows that state a variant of a scheme (by voltage or size); [None] where there is only one."""
    rows = [
        row for document in documents for row in document.shares if row["scheme"] in ("all", scheme) and row["variant"]
    ]
    return [*{row["variant"]: row for row in rows}.values()] or [None]


def _shares(document: TimeDocument, scheme: str, variant: str, month: int, row: Row) -> tuple[str, ...]:
    """The share cells of the bands of a row in a month."""
    fitting = [
        one
        for one in document.shares
        if one["scheme"] in ("all", scheme)
        and one["variant"] == variant
        and month in (numbers(one["months"]) or EVERY_MONTH)
    ]
    return tuple(fitting[0].get(band, "") if fitting and row[band] else "" for band in BAND_COLUMNS)


def _season(document: TimeDocument, row: Row, months: list[int], cells: tuple[str, ...], split: bool) -> Season:
    named = _SEASON_WORDS.get(row["season"])
    span = months_text(months)
    if named is None or split:
        named = (f"{span} 月", f"months {span}")
    bands = []
    for band, cell in zip(BAND_COLUMNS, cells, strict=True):
        if row[band]:
            base, _, times = cell.rpartition("*")
            share = {"ratio": _share(times), "of": base or "flat"} if cell else {}
            bands.append(BandWindows.model_validate({"band": band, "windows": windows(row[band]), **share}))
    return Season.model_validate(
        {
            "title": TextPair(zh=named[0], en=named[1]),
            "months": months,
            "days": row["days"] or "all",
            "holidays": row["holidays"].split(),
            "holiday_days_from": int(row["holiday_days_from"]) if row["holiday_days_from"] else None,
            "temperature_from": int(row["temperature_from"]) if row["temperature_from"] else None,
            "temperature_days": int(row["temperature_days"] or 1),
            "temperature_at": row["temperature_at"],
            "overlay": row["overlay"] == "yes",
            "bands": bands,
            "document": document.source.number,
        }
    )


def windows(cell: str) -> list[Window]:
    """ "8-11,15.5-20" as windows; "rest" as none, which stands for the rest of the day."""
    if cell == REST:
        return []
    parts = (part.split("-") for part in cell.split(","))
    return [Window(start=_clock(start), end=_clock(end)) for start, end in parts]


def _clock(hours: str) -> str:
    whole, _, half = hours.partition(".")
    return f"{int(whole):02d}:{'30' if half == '5' else '00'}"


def _share(times: str) -> str:
    """1.843 times as the text of a percentage."""
    return str(Percent(Price.of(times).e8 // 10_000))


def numbers(cell: str) -> list[int]:
    """ "12,1,2" or "2-6,9-11" as numbers."""
    found: list[int] = []
    for part in cell.split(",") if cell else []:
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def transmission_component(
    area: Area, scheme: str, zone: Zone | None, levels: Collection[str], floats: bool, document: str
) -> Component | None:
    """The transmission and distribution price at some voltages; None where none was found."""
    prices = []
    for row in area.transmission:
        at = [level for level in row["voltages"].split() if level in levels]
        if row["scheme"] == scheme and at:
            price = zone.prices.get(at[0]) if zone is not None else Price.of(row["energy"])
            if price is not None:
                note = _pair(row["note_zh"], row["note_en"])
                prices.append(PriceAt.model_validate({"price": price, "voltages": at, "note": note}))
    if not prices:
        return None
    title = TextPair(zh="输配电价", en="Transmission and distribution")
    return Component(code="transmission", title=title, prices=prices, floats=floats, document=document)


def _day(cell: str) -> date | None:
    return date.fromisoformat(cell) if cell else None


def _fund(cell: str) -> Price | None:
    """A fund is the sum of parts and may have a ninth decimal (Henan: 0.028889375), which a price does not hold: half up."""
    return Price(round_half_up(parse_decimal(cell, 9), 10)) if cell else None


def _pair(zh: str, en: str) -> TextPair | None:
    return TextPair(zh=zh, en=en) if zh else None

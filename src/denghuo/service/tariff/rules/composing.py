"""The tariffs of a month from the monthly price table: what changes by the month comes from the table, the rest from the tariffs of
the month before or from the area's frames.

A price that the table prints for a band rules over the share of flat that a document gives; where the two agree to the rounding of
the table, the share is kept, because it says how the price came about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Price
from denghuo.service.tariff.api import (
    AGENCY_CASES,
    COMPONENTS,
    AgencyMultiple,
    BasicCharge,
    Component,
    PriceAt,
    Source,
    TableFault,
    TariffDocument,
    floated_price,
    share_of_flat,
)
from denghuo.service.tariff.rules.areas import Area
from denghuo.service.tariff.rules.frames import (
    AGENCY_FROM,
    AGENCY_RULES,
    DEMAND_RULES,
    POWER_FACTOR,
    THIRD_CYCLE,
    TRANSMISSION_FROM,
    Outline,
    frame,
    funds_component,
    outlines,
    third_cycle_discount,
)
from denghuo.service.tariff.rules.price_table import BY_BAND, FROM_EARLIER, OPERATION, SIGNED, SUM_NOTICED, TableRow

AGENCY = TextPair(zh="代理购电价格", en="Agency purchase price")
DEVIATION = TextPair(zh="历史偏差折价", en="Deviation of earlier months")
PARTS = {
    "line_loss": TextPair(zh="上网环节线损费用", en="Line loss"),
    "transmission": TextPair(zh="输配电价", en="Transmission and distribution"),
    "system_operation": TextPair(zh="系统运行费用", en="System operation"),
}
PARTS_OF_OPERATION = {
    code: TextPair(zh=COMPONENTS.entries[code]["zh"], en=COMPONENTS.entries[code]["en"]) for code in OPERATION
}
Cell = dict[str | None, Price]
"""Prices at a voltage by band; None = without time of use."""


@dataclass(frozen=True)
class Composed:
    """A tariff of the month, the version of the month before that it follows, and what a person should know of it."""

    tariff: TariffDocument
    before: TariffDocument | None
    notices: list[TableFault]


def compose(
    area: Area, month: Month, table: Source, rows: Sequence[TableRow], last_month: Iterable[TariffDocument]
) -> list[Composed]:
    """The tariffs of a month; a kind for which the table has no row is left out.

    last_month: the area's published tariffs in force on the day before the month.
    """
    previous = {tariff.code: tariff for tariff in last_month}
    composed = []
    for outline in outlines(area, month.first_day):
        fitting = [row for row in rows if row.scheme == outline.kind.scheme and set(row.voltages) & set(outline.levels)]
        if fitting and outline.zone is None:
            base = frame(area, outline, month.first_day)
            before = previous.get(base.code)
            composed.append(_Month(area, month, table, outline, base, before, fitting).composed())
    return composed


class _Month:
    """One tariff of the month in the making."""

    def __init__(
        self,
        area: Area,
        month: Month,
        table: Source,
        outline: Outline,
        base: TariffDocument,
        before: TariffDocument | None,
        rows: Sequence[TableRow],
    ) -> None:
        self._month = month
        self._table = table
        self._outline = outline
        self._base = base
        self._before = before
        self._rows = {level: row for row in rows for level in row.voltages if level in outline.levels}
        carried = self._carried(area)
        self._seasons = list(carried.seasons)
        self._floats = outline.floats
        if carried is before:
            self._floats = frozenset(part.code for part in before.components if part.floats)
        # Whether system operation floats is said of it as a whole; a month may tell its items apart and the next may not.
        if not self._floats.isdisjoint({"system_operation", *OPERATION}):
            self._floats |= {"system_operation", *OPERATION}
        self._titles = self._priced_apart(rows)
        self._apart = all("average" in row.parts and "deviation" in row.parts for row in rows)
        self._notices: list[TableFault] = []

    def composed(self) -> Composed:
        kept = self._before or self._base
        components = [*self._energy(), *self._parts(), self._fund()]
        basic = self._basic()
        tariff = kept.model_copy(
            update={
                "version": 0,
                "partial": False,
                "voltages": list(self._rows),
                "effective_from": self._month.first_day,
                "effective_to": self._month.next.first_day,
                "components": components,
                "seasons": self._seasons,
                "basic": basic,
                "agency_multiple": self._multiple(),
                "examples": [],
                "note": None,
            }
        )
        sources = [
            self._table,
            *kept.sources,
            *self._base.sources,
            POWER_FACTOR,
            DEMAND_RULES,
            THIRD_CYCLE,
            AGENCY_RULES,
        ]
        tariff = tariff.model_copy(update={"sources": _referred(tariff, sources)})
        return Composed(TariffDocument.model_validate(tariff.model_dump()), self._before, self._notices)

    def _carried(self, area: Area) -> TariffDocument:
        """Where the time of use comes from: the month before, whose bands may be a utility's own, unless the published ones
        changed with this month."""
        if self._before is None:
            return self._base
        earlier = area.on(self._before.effective_from) if self._outline.kind.time_of_use else []
        return self._before if tuple(earlier) == self._outline.documents else self._base

    # -- components -------------------------------------------------------------------------------------------------------

    def _energy(self) -> list[Component]:
        """The agency price, with absolute prices where printed ones differ from the shares, and the deviation of earlier months
        where the table tells it apart."""
        cells: dict[str, Cell] = {}
        for level, row in self._rows.items():
            flat = row.parts["average"] if self._apart else row.parts["agent"]
            cells[level] = {None: flat, **self._absolute(row)}
        found = [self._component("agency_energy", AGENCY, cells)]
        if self._apart:
            title = self._of_month("deviation", DEVIATION)
            found.append(self._component("history_deviation", title, self._flat("deviation"), group="adjustment"))
        return found

    def _parts(self) -> list[Component]:
        return [
            self._component(
                code, self._of_month(code, title), self._flat(code), group="adjustment" if code in SIGNED else "energy"
            )
            for code, title in self._titles.items()
        ]

    @staticmethod
    def _priced_apart(rows: Sequence[TableRow]) -> dict[str, TextPair]:
        """The parts that are lines of their own: the items of system operation where the table has them, else the whole of it."""
        items = {code: title for code, title in PARTS_OF_OPERATION.items() if all(code in row.parts for row in rows)}
        if not items:
            return PARTS
        return {code: title for code, title in PARTS.items() if code != "system_operation"} | items

    def _of_month(self, part: str, title: TextPair) -> TextPair:
        """A title with the month from which the gain or loss comes, where the table says it; all rows say the same."""
        month = next(iter(self._rows.values())).arose_in
        if month is None or part not in FROM_EARLIER:
            return title
        return TextPair(zh=f"{title.zh}（{month}）", en=f"{title.en} ({month})")

    def _fund(self) -> Component:
        component = funds_component(Price(0), self._table.number)
        return component.model_copy(update={"prices": _prices(self._flat("funds"))})

    def _flat(self, part: str) -> dict[str, Cell]:
        """A part of the rows by voltage, the same in every band."""
        return {level: {None: row.parts[part]} for level, row in self._rows.items()}

    def _component(self, code: str, title: TextPair, cells: Mapping[str, Cell], group: str = "energy") -> Component:
        return Component.model_validate(
            {
                "code": code,
                "title": title,
                "group": group,
                "prices": _prices(cells),
                "floats": code in self._floats,
                "document": self._table.number,
            }
        )

    def _absolute(self, row: TableRow) -> Cell:
        """The agency price of bands whose printed price the shares do not give: the printed price less all other parts."""
        found: Cell = {}
        energy = row.parts["average"] if self._apart else row.parts["agent"]
        bands = {entry.band for season in self._seasons for entry in season.bands if self._month.month in season.months}
        for band in BY_BAND:
            if band == "flat" or band not in row.bands or band not in bands:
                continue
            others = row.parts["funds"] + (row.parts["deviation"] if self._apart else Price(0))
            for code in self._titles:
                others += self._floated(row.parts[code], code, band)
            by_share = others + self._floated(energy, "agency_energy", band)
            difference = abs(by_share - row.bands[band])
            if difference > SUM_NOTICED:
                found[band] = row.bands[band] - others
                if difference.e8 > 10 ** (8 - self._outline.price_places):
                    self._differs(row, band, by_share)
        if found and "flat" in bands and "agency_energy" not in self._floats:
            found["flat"] = energy
        return found

    def _floated(self, price: Price, code: str, band: str) -> Price:
        seasons = sorted((one for one in self._seasons if self._month.month in one.months), key=lambda one: one.overlay)
        share = share_of_flat(seasons, band)
        if code not in self._floats or share is None:
            return price
        return floated_price(price, share[0], self._base.rounding)

    def _differs(self, row: TableRow, band: str, by_share: Price) -> None:
        if not self._floats:
            return
        printed = row.bands[band]
        fault = TableFault(
            line=row.line,
            field=band,
            value=str(printed),
            what=TextPair(
                zh=f"按浮动比例应为 {by_share}，表列 {printed}", en=f"by share of flat {by_share}, printed {printed}"
            ),
            remedy=TextPair(zh="已按表列价格起草，请复核", en="drafted at the printed price; check it"),
        )
        if fault not in self._notices:
            self._notices.append(fault)

    def _multiple(self) -> AgencyMultiple | None:
        """Who pays a multiple of the agency price: by the rules of agency purchase, unless the month before says otherwise. The
        deviation of earlier months is part of the agency price."""
        parts = ["agency_energy", "history_deviation"] if self._apart else ["agency_energy"]
        kept = self._before.agency_multiple if self._before is not None else None
        if kept is None and self._month.first_day < AGENCY_FROM:
            return None
        cases = list(AGENCY_CASES.entries)
        fresh = kept or AgencyMultiple.model_validate({"cases": cases, "document": AGENCY_RULES.number})
        return AgencyMultiple.model_validate(fresh.model_dump() | {"components": parts})

    # -- basic charge -----------------------------------------------------------------------------------------------------

    def _basic(self) -> BasicCharge | None:
        by = self._outline.kind.by
        if by is None:
            return None
        cells: dict[str, Cell] = {
            level: {None: price}
            for level, row in self._rows.items()
            if (price := row.demand if by == "demand" else row.capacity) is not None
        }
        fresh = BasicCharge(by=by, prices=_prices(cells), document=self._table.number)
        kept = self._before.basic if self._before is not None else None
        if kept is not None:
            return kept.model_copy(update={"prices": fresh.prices, "document": fresh.document})
        if by == "demand" and self._month.first_day < TRANSMISSION_FROM:
            return fresh.model_copy(update={"discount": third_cycle_discount()})
        return fresh


def _prices(cells: Mapping[str, Cell]) -> list[PriceAt]:
    """Prices by voltage; voltages with the same prices share a row, and one price for all stands without voltages."""
    groups: dict[tuple[tuple[str | None, Price], ...], list[str]] = {}
    for level, prices in cells.items():
        groups.setdefault(tuple(prices.items()), []).append(level)
    return [
        PriceAt.model_validate({"price": price, "band": band, "voltages": levels if len(groups) > 1 else []})
        for prices, levels in groups.items()
        for band, price in prices
    ]


def carried_into(before: TariffDocument, after: TariffDocument) -> TariffDocument:
    """A month's tariff with the days and the price table of the month that follows: what it differs in from that month is what
    really changes, and not what every month brings."""
    tables = [
        next((part.document for part in tariff.components if part.code == "agency_energy"), "")
        for tariff in (before, after)
    ]
    body = before.model_dump(mode="json") | {
        "effective_from": after.effective_from.isoformat(),
        "effective_to": after.effective_to.isoformat() if after.effective_to else None,
    }
    new = {source.number: source.model_dump(mode="json") for source in after.sources}
    body["sources"] = [
        new.get(tables[1], source) if source["number"] == tables[0] else source for source in body["sources"]
    ]
    return TariffDocument.model_validate(_renamed(body, *tables))


def _renamed(node: Any, old: str, new: str) -> Any:
    if isinstance(node, dict):
        return {
            key: new if key == "document" and value == old else _renamed(value, old, new) for key, value in node.items()
        }
    return [_renamed(item, old, new) for item in node] if isinstance(node, list) else node


def _referred(tariff: TariffDocument, sources: Iterable[Source]) -> list[Source]:
    """The sources that the tariff names, each once."""
    body = tariff.model_dump(mode="json", exclude={"sources"})
    named = set(_documents(body))
    return list({source.number: source for source in sources if source.number in named}.values())


def _documents(node: object) -> Iterable[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "document" and value is not None:
                yield value
            else:
                yield from _documents(value)
    elif isinstance(node, list):
        for item in node:
            yield from _documents(item)

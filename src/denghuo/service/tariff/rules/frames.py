"""Partial tariffs of an area (电价框架) from its published facts: what of a business tariff does not change by the month.

A frame holds time bands, transmission price, fund, basic charge and power factor as far as documents give them. It is a tariff in
the language of all tariffs and passes its checker, marked partial; the monthly price table completes it (composing.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import ApparentPower, Energy, Percent, Price
from denghuo.service.tariff.api import (
    BasicCharge,
    ChargedBy,
    Component,
    DemandDiscount,
    PowerFactor,
    PriceAt,
    Source,
    StandardFor,
    TariffDocument,
)
from denghuo.service.tariff.rules.areas import (
    Area,
    Row,
    TimeDocument,
    Zone,
    seasons,
    transmission_component,
    variants,
)

TRANSMISSION = Source(
    number="发改价格〔2026〕1077号",
    title="第四监管周期省级电网输配电价，2026年8月1日起",
    address="https://www.ndrc.gov.cn/xwdt/tzgg/202607/t20260710_1406433.html",
)
TRANSMISSION_FROM = date(2026, 8, 1)
POWER_FACTOR = Source(
    number="(83)水电财字215号",
    title="功率因数调整电费办法",
    address="https://1566.cn/qiyeguanli/guanliguiding/168473219972818.html",
)
DEMAND_RULES = Source(
    number="发改办价格〔2016〕1583号",
    title="完善两部制电价用户基本电价执行方式",
    address="https://58z.net/z/310404533.html",
)
THIRD_CYCLE = Source(
    number="发改价格〔2023〕526号",
    title="第三监管周期省级电网输配电价",
    address="https://yctzcsy.com/hyxw/1919.html",
)
AGENCY_RULES = Source(
    number="发改办价格〔2021〕809号",
    title="组织开展电网企业代理购电工作有关事项",
)
AGENCY_FROM = date(2021, 12, 1)
HIGH_VOLTAGES = ("6", "10", "20", "35", "66", "110", "220", "330", "500")
VOLTAGES = {"single": ("0.22", "0.38", *HIGH_VOLTAGES), "two": ("0.38", *HIGH_VOLTAGES)}


@dataclass(frozen=True)
class Kind:
    """A kind of business tariff: its code within the area, its scheme in the tables, and whether its prices follow the time."""

    code: str
    scheme: str
    tariff_class: str
    title: TextPair
    time_of_use: bool
    default: bool
    by: ChargedBy | None = None


KINDS = (
    Kind(
        "business.single",
        "single",
        "general_single_part",
        TextPair(zh="工商业单一制电价", en="business, single part"),
        time_of_use=False,
        default=True,
    ),
    Kind(
        "business.single.tou",
        "single",
        "general_single_part",
        TextPair(zh="工商业单一制分时电价", en="business, single part, time of use"),
        time_of_use=True,
        default=False,
    ),
    Kind(
        "two_part.capacity",
        "two",
        "two_part_capacity",
        TextPair(zh="两部制电价（按容量）", en="two-part by capacity"),
        time_of_use=True,
        default=True,
        by="capacity",
    ),
    Kind(
        "two_part.demand",
        "two",
        "two_part_demand",
        TextPair(zh="两部制电价（按需量）", en="two-part by demand"),
        time_of_use=True,
        default=True,
        by="demand",
    ),
)


@dataclass(frozen=True)
class Outline:
    """One business tariff of an area: its kind, the documents on time of use, the variant, the zone, and the voltages it is for."""

    kind: Kind
    documents: tuple[TimeDocument, ...]
    variant: Row | None
    zone: Zone | None

    @property
    def name(self) -> str:
        return self.variant["variant"] if self.variant else ""

    @property
    def levels(self) -> list[str]:
        only = self.variant["voltages"].split() if self.variant else []
        return [level for level in VOLTAGES[self.kind.scheme] if not only or level in only]

    @property
    def price_places(self) -> int:
        """Decimals to which the whole price of a band is published: six, where no document says otherwise."""
        return min((one.price_places for one in self.documents if one.price_places is not None), default=6)

    @property
    def floats(self) -> frozenset[str]:
        return frozenset[str]().union(*(document.floats for document in self.documents))


def outlines(area: Area, on: date) -> list[Outline]:
    """The business tariffs of an area by the documents that hold on a day."""
    found = []
    for kind in KINDS:
        documents = tuple(area.on(on)) if kind.time_of_use else ()
        zones = [None, *(zone for zone in area.zones if zone.scheme == kind.scheme)]
        found += [
            Outline(kind, documents, variant, zone) for variant in variants(documents, kind.scheme) for zone in zones
        ]
    return found


def frames(area: Area, on: date) -> list[TariffDocument]:
    """The partial tariffs of an area by the documents that hold on a day; a kind of which nothing is known is left out."""
    found = [frame(area, outline, on) for outline in outlines(area, on)]
    return [one for one in found if one.seasons or any(part.code == "transmission" for part in one.components)]


def frame(area: Area, outline: Outline, on: date) -> TariffDocument:
    """What is known of one business tariff on a day; there may be no component and no season in it."""
    kind, zone, documents = outline.kind, outline.zone, outline.documents
    known, levels, transmission = on >= TRANSMISSION_FROM, outline.levels, None
    if known:
        transmission = transmission_component(
            area, kind.scheme, zone, levels, "transmission" in outline.floats, TRANSMISSION.number
        )
    components = [one for one in (transmission, _funds(area, kind.scheme) if known else None) if one is not None]
    if transmission is not None:
        levels = [level for price in transmission.prices for level in price.voltages]
    basic = _basic(area, kind, levels) if known and kind.by is not None else None
    sources = [*([TRANSMISSION] if known else []), *(document.source for document in documents), POWER_FACTOR]
    if basic is not None:
        sources.append(DEMAND_RULES)
    begun = [document.effective_from for document in documents] + ([TRANSMISSION_FROM] if known else [])
    parts = (area.prefix, zone.code if zone else "", kind.code, outline.name)
    return TariffDocument.model_validate(
        {
            "code": ".".join(part for part in parts if part),
            "title": _title(area, outline),
            "area": area.code,
            "area_title": area.title,
            "classes": [kind.tariff_class],
            "voltages": levels,
            "default": kind.default and zone is None,
            "partial": True,
            "effective_from": max((day for day in begun if day), default=on.replace(month=1, day=1)),
            "sources": sources,
            "components": components,
            "seasons": [season for document in documents for season in seasons(document, kind.scheme, outline.name)],
            "basic": basic,
            "power_factor": _power_factor(levels),
            "note": _note(area, documents, known),
        }
    )


def _title(area: Area, outline: Outline) -> TextPair:
    zh, en, kind = area.title.zh, area.title.en, outline.kind
    if outline.zone is not None:
        zh, en = f"{zh}{outline.zone.title.zh}", f"{en} ({outline.zone.title.en})"
    zh, en = f"{zh}{kind.title.zh}", f"{en} {kind.title.en}"
    if outline.variant is not None:
        zh, en = f"{zh}（{outline.variant['variant_zh']}）", f"{en}, {outline.variant['variant_en']}"
    return TextPair(zh=zh, en=en)


def _note(area: Area, documents: Iterable[TimeDocument], known: bool) -> TextPair | None:
    notes = [area.note if known else None, *(document.note for document in documents)]
    if known and area.line_loss is not None:
        notes.append(TextPair(zh=f"上网环节综合线损率 {area.line_loss}%", en=f"combined line loss {area.line_loss} %"))
    said = [note for note in notes if note is not None]
    return TextPair(zh="；".join(one.zh for one in said), en="; ".join(one.en for one in said)) if said else None


def _funds(area: Area, scheme: str) -> Component | None:
    fund = area.fund_single if scheme == "single" and area.fund_single is not None else area.fund
    return None if fund is None else funds_component(fund, TRANSMISSION.number)


def funds_component(price: Price, document: str) -> Component:
    """The government funds as one component, outside the base of the power-factor adjustment."""
    return Component(
        code="government_funds",
        title=TextPair(zh="政府性基金及附加", en="Government funds"),
        group="fund",
        prices=[PriceAt(price=price)],
        in_power_factor_base=False,
        document=document,
    )


def _basic(area: Area, kind: Kind, levels: list[str]) -> BasicCharge | None:
    prices = []
    for row in area.transmission:
        cell = row["demand" if kind.by == "demand" else "capacity"]
        at = [level for level in row["voltages"].split() if level in levels]
        if row["scheme"] == kind.scheme and cell and at:
            prices.append(PriceAt.model_validate({"price": cell, "voltages": at}))
    return BasicCharge(by=kind.by, prices=prices, document=TRANSMISSION.number) if prices and kind.by else None


def third_cycle_discount() -> DemandDiscount:
    """The demand price of the third cycle, reduced from 260 kWh per kVA and month on; not seen in the documents of the fourth."""
    return DemandDiscount(energy_per_kva=Energy.of("260"), price_share=Percent.of("90"), document=THIRD_CYCLE.number)


def _power_factor(levels: list[str]) -> PowerFactor:
    high = [level for level in levels if level in HIGH_VOLTAGES]
    standards = [StandardFor(standard=85, capacity_from=ApparentPower.of("100"))]
    if high:
        # "160千伏安以上": 160 kVA itself is not above, and capacities are whole VA.
        above = ApparentPower.of("160.001")
        standards.append(StandardFor.model_validate({"standard": 90, "capacity_from": above, "voltages": high}))
    return PowerFactor(standards=standards, document=POWER_FACTOR.number)

"""The checker of tariffs: everything that would make a bill wrong or impossible, with its place in the document."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from denghuo.kernel.fields import TextPair
from denghuo.service.tariff.api import (
    BASIC_LINES,
    CHARGES,
    COMPONENTS,
    Component,
    Finding,
    PriceAt,
    TariffDocument,
    Tiers,
)
from denghuo.service.tariff.rules.clock import season_findings, season_notices, seasons_in_force

CALENDAR_DAYS_FROM = date(2024, 6, 1)
FREE_SHARE_FROM = date(2016, 7, 1)
ENERGY_PRICE_MAX_E8 = 10 * 10**8
"""More than any price per kWh, and less than one that was typed in fen."""
BASIC_PRICE_MAX_E8 = 1_000 * 10**8
CHARGE_PRICE_MAX_E8 = 10_000 * 10**8
ENERGY_MAX_WH = 10**15
Found = tuple[str, str, str]


def check(tariff: TariffDocument, succeeded: bool = False) -> list[Finding]:
    """All findings; the tariff may be published where none is an error. `succeeded`: another version begins where it ends."""
    errors = [
        *_head(tariff),
        *_sources(tariff),
        *_components(tariff),
        *season_findings(tariff),
        *_tiers(tariff),
        *_basic(tariff),
        *_charges(tariff),
        *_terms(tariff),
        *_standards(tariff),
        *_examples(tariff),
    ]
    notices = _notices(tariff, succeeded)
    return [_finding("error", *found) for found in errors] + [_finding("notice", *found) for found in notices]


def _finding(severity: str, where: str, zh: str, en: str) -> Finding:
    return Finding.model_validate({"where": where, "severity": severity, "message": TextPair(zh=zh, en=en)})


def _head(tariff: TariffDocument) -> Iterator[Found]:
    if tariff.effective_to is not None and tariff.effective_to <= tariff.effective_from:
        yield "/effective_to", "失效日应晚于生效日", "the end lies at or before the beginning"
    for name, values in (
        ("classes", tariff.classes),
        ("settlements", tariff.settlements),
        ("voltages", tariff.voltages),
    ):
        if len(set(values)) != len(values):
            yield f"/{name}", "有重复", "has repeated values"
    feeds_in = {"surplus_feed_in", "full_feed_in"}
    wanted = tariff.kind == "purchase"
    if wanted != bool(feeds_in & set(tariff.settlements)) or (wanted and not set(tariff.settlements) <= feeds_in):
        yield "/settlements", "结算方式与供购不符", f"settlements do not fit kind {tariff.kind}"
    if wanted != ("generation" in tariff.classes):
        yield "/classes", "用电类别与供购不符", f"classes do not fit kind {tariff.kind}"


def _sources(tariff: TariffDocument) -> Iterator[Found]:
    numbers = Counter(source.number for source in tariff.sources)
    for number, count in numbers.items():
        if count > 1:
            yield "/sources", f"文号 {number} 重复", f"document {number} stands twice"
    for where, named in _documents(tariff):
        if named is not None and named not in numbers:
            yield where, f"文号 {named} 不在依据文件中", f"document {named} is not among the sources"


def _documents(tariff: TariffDocument) -> Iterator[tuple[str, str | None]]:
    for at, component in enumerate(tariff.components):
        yield f"/components/{at}/document", component.document
        for row, price in enumerate(component.prices):
            yield f"/components/{at}/prices/{row}/document", price.document
    for at, season in enumerate(tariff.seasons):
        yield f"/seasons/{at}/document", season.document
    if tariff.tiers is not None:
        yield "/tiers/document", tariff.tiers.document
    for at, charge in enumerate(tariff.charges):
        yield f"/charges/{at}/document", charge.document
    if tariff.basic is not None:
        yield "/basic/document", tariff.basic.document
        for row, price in enumerate(tariff.basic.prices):
            yield f"/basic/prices/{row}/document", price.document
        if tariff.basic.discount is not None:
            yield "/basic/discount/document", tariff.basic.discount.document
        if tariff.basic.charging_stations is not None:
            yield "/basic/charging_stations/document", tariff.basic.charging_stations.document
    for name, part in (
        ("free_energy", tariff.free_energy),
        ("agency_multiple", tariff.agency_multiple),
        ("subsidy", tariff.subsidy),
    ):
        if part is not None:
            yield f"/{name}/document", part.document
    if tariff.power_factor is not None:
        yield "/power_factor/document", tariff.power_factor.document


# --- components ------------------------------------------------------------------------------------------------------------


def _components(tariff: TariffDocument) -> Iterator[Found]:
    if not tariff.components and not tariff.partial:
        yield "/components", "没有价格项目", "there is no component"
    told_apart = any(part.floats or any(row.band for row in part.prices) for part in tariff.components)
    if tariff.seasons and not tariff.partial and not told_apart and not any(charge.band for charge in tariff.charges):
        yield "/seasons", "有时段而没有随时段变化的价格", "there are time bands, but no price depends on them"
    codes = Counter(component.code for component in tariff.components)
    for at, component in enumerate(tariff.components):
        where = f"/components/{at}"
        if component.code not in COMPONENTS.entries:
            yield f"{where}/code", f"未知的价格项目 {component.code}", f"unknown component {component.code}"
        if codes[component.code] > 1:
            yield f"{where}/code", f"价格项目 {component.code} 重复", f"component {component.code} stands twice"
        if component.group in ("basic", "power_factor"):
            yield (
                f"{where}/group",
                "基本电费与力调在 basic、power_factor 中规定",
                "basic charge and power factor are stated in basic and power_factor",
            )
        if (component.group == "purchase") != (tariff.kind == "purchase") and component.group != "adjustment":
            yield f"{where}/group", "费用类别与供购不符", f"group {component.group} does not fit kind {tariff.kind}"
        yield from _prices(where, component.prices, tariff, ENERGY_PRICE_MAX_E8, component.group == "adjustment")
        yield from _coverage(where, component, tariff)


def _prices(
    where: str, prices: Sequence[PriceAt], tariff: TariffDocument, largest: int, may_be_negative: bool
) -> Iterator[Found]:
    seen: Counter[tuple[str, str | None, int | None]] = Counter()
    for row, price in enumerate(prices):
        place = f"{where}/prices/{row}"
        if price.price.e8 < 0 and not may_be_negative:
            yield f"{place}/price", f"单价 {price.price} 为负", f"price {price.price} is negative"
        if abs(price.price.e8) > largest:
            yield (
                f"{place}/price",
                f"单价 {price.price} 过大，请核对单位",
                f"price {price.price} is too large: see the unit",
            )
        if price.illustrative and price.note is None:
            yield f"{place}/note", "示例价应说明来历", "an illustrative price needs a note on what it is"
        if price.band == "total":
            yield f"{place}/band", "不分时的价格不写时段", "a price without time of use names no band"
        for voltage in price.voltages:
            if voltage not in tariff.voltages:
                yield f"{place}/voltages", f"{voltage} 千伏不在本电价内", f"{voltage} kV is not of this tariff"
        for at in price.voltages or ("*",):
            seen[at, price.band, price.tier] += 1
    for (level, band, tier), count in seen.items():
        if count > 1:
            named = f"{level} kV/{band or '*'}/{tier or '*'}"
            yield f"{where}/prices", f"{named} 有 {count} 个价格", f"{named} has {count} prices"


def _coverage(where: str, component: Component, tariff: TariffDocument) -> Iterator[Found]:
    """Each voltage, band and tier must have a price."""
    entries = [entry for season in seasons_in_force(tariff) for entry in season.bands]
    bands = {entry.band for entry in entries}
    with_ratio = {entry.band for entry in entries if entry.ratio is not None} | {"flat"}
    priced = {row.band for row in component.prices if row.band is not None}
    known = {entry.band for season in tariff.seasons for entry in season.bands}
    for band in sorted(priced - known - {"total"}):
        yield f"{where}/prices", f"电价没有{band}时段", f"the tariff has no {band} band"
    if component.floats and not known:
        yield f"{where}/floats", "随分时浮动，而电价没有时段", "floats with time of use, but the tariff has no bands"
    tiers = _tier_numbers(tariff.tiers)
    used = {row.tier for row in component.prices if row.tier is not None}
    for tier in sorted(used - tiers):
        yield f"{where}/prices", f"电价没有第 {tier} 档", f"the tariff has no tier {tier}"
    for voltage in tariff.voltages:
        rows = [row for row in component.prices if voltage in row.voltages] or [
            row for row in component.prices if not row.voltages
        ]
        if not rows:
            yield f"{where}/prices", f"缺少 {voltage} 千伏的价格", f"no price at {voltage} kV"
            continue
        in_tiers: list[int | None] = [*sorted(tiers)] if used and not component.some_tiers else [None]
        for in_tier in in_tiers:
            named = {row.band for row in rows if component.some_tiers or row.tier in (None, in_tier)}
            label = f"{voltage} kV" + (f", tier {in_tier}" if in_tier else "")
            if not named:
                yield f"{where}/prices", f"缺少价格：{label}", f"no price: {label}"
            elif (priced or component.floats) and bands:
                for band in sorted(bands - named):
                    if not (None in named and (component.floats and band in with_ratio)):
                        yield f"{where}/prices", f"缺少{band}时段的价格：{label}", f"no price for {band}: {label}"


def _tier_numbers(tiers: Tiers | None) -> set[int]:
    return set(range(1, len(tiers.tables[0].up_to) + 2)) if tiers is not None else set()


# --- tiers, basic charge, examples --------------------------------------------------------------------------------------------


def _tiers(tariff: TariffDocument) -> Iterator[Found]:
    tiers = tariff.tiers
    if tiers is None:
        return
    months: Counter[int] = Counter()
    for at, table in enumerate(tiers.tables):
        limits = [limit.wh for limit in table.up_to]
        if limits != sorted(set(limits)) or limits[0] <= 0 or limits[-1] > ENERGY_MAX_WH:
            yield f"/tiers/tables/{at}/up_to", "分档电量应为递增的正数", "limits must be positive and rise"
        if len(limits) != len(tiers.tables[0].up_to):
            yield f"/tiers/tables/{at}/up_to", "各月档数应相同", "all months need the same number of tiers"
        months.update(set(table.months))
    if tiers.period == "annual" and len(tiers.tables) > 1:
        yield "/tiers/tables", "年阶梯只有一组分档", "annual tiers have one table"
    for month in range(1, 13):
        if months[month] != 1:
            yield "/tiers/tables", f"{month} 月有 {months[month]} 组分档", f"month {month} has {months[month]} tables"
    persons = [room.persons_from for room in tiers.households]
    if persons != sorted(set(persons)) or any(room.per_month.wh <= 0 for room in tiers.households):
        yield "/tiers/households", "人口数应递增、增加电量应为正数", "persons must rise and the room be positive"
    if not any(row.tier is not None for component in tariff.components for row in component.prices):
        yield "/tiers", "有分档而没有分档价格", "there are tiers, but no price by tier"


def _basic(tariff: TariffDocument) -> Iterator[Found]:
    by_class = {"two_part_capacity": "capacity", "two_part_demand": "demand"}
    wanted = {by_class.get(one) for one in tariff.classes}
    basic = tariff.basic
    if basic is None:
        if wanted - {None} and not tariff.partial:
            yield "/basic", "两部制电价缺少基本电费", "a two-part tariff needs a basic charge"
        return
    if wanted != {basic.by}:
        yield "/basic/by", "基本电费计收方式与用电类别不符", f"charged by {basic.by} does not fit the classes"
    yield from _prices("/basic", basic.prices, tariff, BASIC_PRICE_MAX_E8, may_be_negative=False)
    for voltage in tariff.voltages:
        if not any(not row.voltages or voltage in row.voltages for row in basic.prices):
            yield "/basic/prices", f"缺少 {voltage} 千伏的基本电价", f"no basic price at {voltage} kV"
    for row, price in enumerate(basic.prices):
        if price.band is not None or price.tier is not None:
            yield f"/basic/prices/{row}", "基本电价不分时段和阶梯", "a basic price has neither band nor tier"
    if basic.demand.free_share.number < 10_000:
        yield "/basic/demand/free_share", "不应低于 100%", "must not be below 100 %"
    floor = basic.demand.floor_share
    if floor is not None and not 0 <= floor.number <= 10_000:
        yield "/basic/demand/floor_share", "应在 0 与 100% 之间", "must lie between 0 and 100 %"
    if basic.discount is not None and basic.by != "demand":
        yield "/basic/discount", "优惠只用于按需量计收", "the discount is for those who are charged by demand"
    if basic.discount is not None and basic.discount.energy_per_kva.wh <= 0:
        yield "/basic/discount/energy_per_kva", "应为正数，否则人人享受", "must be positive, or everyone would have it"
    if basic.discount is not None and not 0 <= basic.discount.price_share.number <= 10_000:
        yield "/basic/discount/price_share", "应在 0 与 100% 之间", "must lie between 0 and 100 %"


def _charges(tariff: TariffDocument) -> Iterator[Found]:
    bands = {entry.band for season in tariff.seasons for entry in season.bands}
    seen = Counter((charge.code, charge.band) for charge in tariff.charges)
    for at, charge in enumerate(tariff.charges):
        where = f"/charges/{at}"
        if charge.code not in CHARGES.entries:
            yield f"{where}/code", f"未知的费用 {charge.code}", f"unknown charge {charge.code}"
        if seen[charge.code, charge.band] > 1:
            yield f"{where}/code", f"费用 {charge.code} 重复", f"charge {charge.code} stands twice"
        if charge.price.e8 < 0 or charge.price.e8 > CHARGE_PRICE_MAX_E8:
            yield f"{where}/price", f"单价 {charge.price} 不合理", f"price {charge.price} is out of reason"
        if charge.band is not None and (charge.per != "demand" or charge.band not in bands):
            yield (
                f"{where}/band",
                "只有需量电费可按电价的时段计收",
                "only a demand charge has a band, and one of the tariff",
            )


def _terms(tariff: TariffDocument) -> Iterator[Found]:
    """What holds for some customers only: the multiplied agency price, the subsidy, free energy."""
    codes = {component.code for component in tariff.components}
    multiple = tariff.agency_multiple
    if multiple is not None:
        for code in multiple.components:
            if code not in codes:
                yield "/agency_multiple/components", f"电价没有价格项目 {code}", f"the tariff has no component {code}"
        if multiple.share.number <= 10_000:
            yield "/agency_multiple/share", "应大于 100%", "must be above 100 %"
    if tariff.subsidy is not None and "generation_subsidy" not in codes:
        yield "/subsidy", "电价没有发电补贴项目", "the tariff has no component generation_subsidy"
    if tariff.free_energy is not None and tariff.free_energy.per_month.wh <= 0:
        yield "/free_energy/per_month", "应为正数", "must be positive"


def _standards(tariff: TariffDocument) -> Iterator[Found]:
    """Which power-factor standard holds must follow from voltage and capacity alone."""
    seen: Counter[tuple[str, int]] = Counter()
    for at, row in enumerate(tariff.power_factor.standards if tariff.power_factor else []):
        for level in row.voltages or ("*",):
            seen[level, row.capacity_from.va] += 1
            if seen[level, row.capacity_from.va] == 2:
                yield (
                    f"/power_factor/standards/{at}",
                    f"{level} 千伏自 {row.capacity_from} 千伏安起有两个标准",
                    f"{level} kV has two standards from {row.capacity_from} kVA on",
                )


def _examples(tariff: TariffDocument) -> Iterator[Found]:
    codes = [*(one.code for one in tariff.components), *(one.code for one in tariff.charges)]
    known = {*codes, *BASIC_LINES.entries}
    for at, example in enumerate(tariff.examples):
        where = f"/examples/{at}"
        for line in example.lines:
            if line.code not in known:
                yield f"{where}/lines", f"未知的项目 {line.code}", f"unknown line {line.code}"
        if sum(line.amount.fen for line in example.lines) != example.total.fen:
            yield f"{where}/total", "合计不等于各行之和", "the total is not the sum of the lines"
        if example.voltage not in tariff.voltages:
            yield f"{where}/voltage", "该电压不在本电价内", "this voltage is not of the tariff"
        if example.tariff_class not in (None, *tariff.classes):
            yield f"{where}/tariff_class", "该类别不在本电价内", "this class is not of the tariff"
        if example.settlement not in (None, *tariff.settlements):
            yield f"{where}/settlement", "该结算方式不在本电价内", "this settlement is not of the tariff"


def _ended_rules(tariff: TariffDocument) -> Iterator[Found]:
    """What the tariff states and a later text ended while it is in force: it is charged as stated, and should be meant."""
    last = tariff.effective_to or date.max
    if tariff.days == "thirty" and last > CALENDAR_DAYS_FROM:
        yield (
            "/days",
            f"自 {CALENDAR_DAYS_FROM} 起不足月按当月日历天数（供电营业规则），本电价仍按三十分之一",
            f"from {CALENDAR_DAYS_FROM} on parts of a month count by its calendar days; this tariff keeps thirtieths",
        )
    if tariff.basic is not None and tariff.basic.demand.above == "contract" and last > FREE_SHARE_FROM:
        yield (
            "/basic/demand/above",
            f"自 {FREE_SHARE_FROM} 起只有超过 105% 的部分加倍（发改办价格〔2016〕1583号），本电价仍自合同值起算",
            f"from {FREE_SHARE_FROM} on only what lies above 105 % counts twice; this tariff counts from the contract",
        )


def _notices(tariff: TariffDocument, succeeded: bool) -> Iterator[Found]:
    if tariff.partial:
        yield "/partial", "缺少按月公布的价格，不能发布", "prices of the month are missing; it cannot be published"
    elif tariff.effective_to is not None and not succeeded:
        day = tariff.effective_to.isoformat()
        yield "/effective_to", f"自 {day} 起没有后续版本", f"from {day} on there is no successor"
    yield from season_notices(tariff)
    yield from _ended_rules(tariff)
    if tariff.effective_from.day != 1:
        yield "/effective_from", "月中生效：当月须分段计费", "begins within a month, whose bills need both tariffs"
    if tariff.effective_to is not None and tariff.effective_to.day != 1:
        yield (
            "/effective_to",
            "月中失效：没有后续电价则当月不能计费",
            "ends within a month, which cannot be rated without a successor",
        )
    for at, component in enumerate(tariff.components):
        prices = [*component.prices]
        if any(price.illustrative for price in prices):
            yield (
                f"/components/{at}",
                f"“{component.title.zh}”含示例价",
                f"{component.title.en} has illustrative prices",
            )
        if tariff.seasons and all(price.band is not None for price in prices):
            yield (
                f"/components/{at}",
                "没有不分时价格：缺少分时示数的表不能计费",
                "no price without time of use: a meter without such registers cannot be rated",
            )

"""A tariff as flat rows for a page: prices with floated ones computed, time bands, tiers."""

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Price, decimal_text
from denghuo.service.tariff.api import (
    BasicCharge,
    Charge,
    Component,
    PriceAt,
    PriceRow,
    Season,
    TariffDocument,
    TierRow,
    TimeRow,
    floated_price,
    share_of_flat,
)


def price_rows(tariff: TariffDocument) -> list[PriceRow]:
    """Every price of the tariff by voltage, band and tier; a price for all voltages is one row without a voltage."""
    rows: list[PriceRow] = []
    for component in tariff.components:
        absolute = {(row.band, row.tier, tuple(row.voltages)) for row in component.prices}
        for price in component.prices:
            rows += _rows(component, price)
            if not component.floats or price.band is not None:
                continue
            for season in tariff.seasons:
                together = [other for other in tariff.seasons if set(other.months) & set(season.months)]
                for entry in season.bands:
                    found = share_of_flat([season, *together], entry.band)
                    if (
                        found is not None
                        and entry.ratio
                        and (entry.band, price.tier, tuple(price.voltages)) not in absolute
                    ):
                        floated = floated_price(price.price, found[0], tariff.rounding)
                        rows += _rows(component, price, band=entry.band, season=season.title, floated=floated)
    if tariff.basic is not None:
        for price in tariff.basic.prices:
            rows += _basic(tariff.basic, price)
    return [*rows, *(_charge(charge) for charge in tariff.charges)]


def _rows(
    component: Component,
    price: PriceAt,
    band: str | None = None,
    season: TextPair | None = None,
    floated: Price | None = None,
) -> list[PriceRow]:
    shown = {
        "component": component.code,
        "title": component.title,
        "group": component.group,
        "season": season,
        "band": band or price.band,
        "tier": price.tier,
        "price": floated or price.price,
        "unit": "kWh",
        "document_no": price.document or component.document,
        "illustrative": price.illustrative,
        "note": price.note,
    }
    return [PriceRow.model_validate(shown | {"voltage": voltage}) for voltage in (*price.voltages,) or (None,)]


def _basic(basic: BasicCharge, price: PriceAt) -> list[PriceRow]:
    by_capacity = basic.by == "capacity"
    shown = {
        "component": "basic_capacity" if by_capacity else "basic_demand",
        "title": TextPair(
            zh="基本电费（容量）" if by_capacity else "基本电费（需量）", en=f"Basic charge by {basic.by}"
        ),
        "group": "basic",
        "season": None,
        "band": None,
        "tier": None,
        "price": price.price,
        "unit": "kVA_month" if by_capacity else "kW_month",
        "document_no": price.document or basic.document,
        "illustrative": price.illustrative,
        "note": price.note,
    }
    return [PriceRow.model_validate(shown | {"voltage": voltage}) for voltage in (*price.voltages,) or (None,)]


def _charge(charge: Charge) -> PriceRow:
    return PriceRow(
        component=charge.code,
        title=charge.title,
        group="basic",
        season=None,
        voltage=None,
        band=charge.band,
        tier=None,
        price=charge.price,
        unit="kW_month" if charge.per == "demand" else charge.per,
        document_no=charge.document,
        illustrative=False,
        note=None,
    )


def time_rows(tariff: TariffDocument) -> list[TimeRow]:
    return [
        TimeRow(
            season=season.title,
            months=months_text(season.months),
            days=season.days,
            conditions=_conditions(season),
            band=entry.band,
            windows="; ".join(f"{window.start}-{window.end}" for window in entry.windows) or "…",
            ratio=entry.ratio,
            of=entry.of,
        )
        for season in tariff.seasons
        for entry in season.bands
    ]


def _conditions(season: Season) -> TextPair | None:
    """What else a day must be for a season to hold."""
    zh, en = [], []
    if season.weekdays:
        zh.append("星期" + "、".join("一二三四五六日"[day - 1] for day in season.weekdays))
        en.append(", ".join(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[day - 1] for day in season.weekdays))
    if season.holidays:
        zh.append("、".join(season.holidays))
        en.append(", ".join(season.holidays))
    if season.holiday_days_from is not None:
        zh.append(f"{season.holiday_days_from} 天及以上假期")
        en.append(f"holidays of {season.holiday_days_from} days and more")
    if season.temperature_from is not None:
        running = season.temperature_days
        place = (season.temperature_at, f" at {season.temperature_at}" if season.temperature_at else "")
        zh.append(f"{place[0]}{f'连续 {running} 日' if running > 1 else ''}最高气温 {season.temperature_from}℃ 及以上")
        en.append(
            f"maximum{place[1]} from {season.temperature_from} °C on"
            + (f", {running} days running" if running > 1 else "")
        )
    return TextPair(zh="；".join(zh), en="; ".join(en)) if zh else None


def tier_rows(tariff: TariffDocument) -> list[TierRow]:
    if tariff.tiers is None:
        return []
    rows = []
    for table in tariff.tiers.tables:
        limits = [0, *(limit.wh for limit in table.up_to)]
        for number, above in enumerate(limits, 1):
            up_to = limits[number] if number < len(limits) else None
            rows.append(
                TierRow(
                    tier=number,
                    months=months_text(table.months),
                    above=decimal_text(above, 3, 0),
                    up_to=None if up_to is None else decimal_text(up_to, 3, 0),
                )
            )
    return rows


def months_text(months: list[int]) -> str:
    """1,2,3,7 as "1-3, 7"."""
    parts: list[list[int]] = []
    for month in sorted(set(months)):
        if parts and month == parts[-1][-1] + 1:
            parts[-1].append(month)
        else:
            parts.append([month])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in parts)

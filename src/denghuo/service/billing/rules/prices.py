"""The price of a component for a voltage, band and tier: absolute prices before ratios."""

from collections.abc import Iterable
from dataclasses import dataclass

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent, Price
from denghuo.service.billing.lines import CannotRate, Step
from denghuo.service.billing.rules.quantities import seasons_of
from denghuo.service.billing.rules.words import band_name, percent, step
from denghuo.service.tariff.api import Component, PriceAt, Season, TariffDocument, floated_price, share_of_flat

_RULES = {"agency_energy": "agency.composition", "history_deviation": "agency.average"}


@dataclass(frozen=True)
class Found:
    """A price as it applies, with the step that says where it comes from."""

    price: Price
    source: PriceAt
    step: Step


def at_voltage(prices: Iterable[PriceAt], voltage: str) -> list[PriceAt]:
    """The prices that hold at a voltage; those that name it rule over those that hold at all."""
    rows = list(prices)
    return [row for row in rows if voltage in row.voltages] or [row for row in rows if not row.voltages]


def ratio_of(tariff: TariffDocument, month: Month, band: str) -> tuple[Percent, Season] | None:
    """The share of flat of a band in a month."""
    return share_of_flat(seasons_of(tariff, month), band)


def find_price(
    tariff: TariffDocument, component: Component, rows: list[PriceAt], month: Month, band: str | None, tier: int | None
) -> Found | None:
    """The price of a component among its rows at a voltage; None where a surcharge has none for the tier.

    Raises:
        CannotRate: the tariff gives no price.
    """
    named = None if band == "total" else band
    for in_tier in (tier, None) if tier is not None else (None,):
        fitting = [row for row in rows if row.tier == in_tier]
        exact = next((row for row in fitting if row.band == named), None)
        if exact is not None and (named is not None or not component.floats or band != "flat"):
            return Found(exact.price, exact, _said(component, exact, exact.price, ""))
        plain = next((row for row in fitting if row.band is None), None)
        if plain is not None and named is not None:
            return _floated(tariff, component, plain, month, named)
    if component.some_tiers:
        return None
    name = band_name(band)
    raise CannotRate(
        text(
            f"电价 {tariff.code} 的“{component.title.zh}”没有{name[0]}段{f'第{tier}档' if tier else ''}的价格。",
            f"Tariff {tariff.code} gives {component.title.en} no price for {name[1]}{f', tier {tier}' if tier else ''}.",
        ),
        code="no_price",
        value=f"{component.code}/{band}/{tier}",
    )


def _floated(tariff: TariffDocument, component: Component, plain: PriceAt, month: Month, band: str) -> Found:
    if not component.floats:
        return Found(plain.price, plain, _said(component, plain, plain.price, ""))
    found = ratio_of(tariff, month, band)
    if found is None:
        if band == "flat":
            return Found(plain.price, plain, _said(component, plain, plain.price, ""))
        raise CannotRate(
            text(
                f"电价 {tariff.code} 没有{band_name(band)[0]}段的浮动比例。",
                f"Tariff {tariff.code} gives no share of flat for the {band_name(band)[1]} band.",
            ),
            code="no_price",
            value=f"{component.code}/{band}",
        )
    ratio, season = found
    price = floated_price(plain.price, ratio, tariff.rounding)
    shown = f"{plain.price} × {percent(ratio.number)}%"
    return Found(price, plain, _said(component, plain, price, shown, (season.title.zh, season.title.en), band))


def _said(
    component: Component,
    row: PriceAt,
    price: Price,
    shown: str,
    season: tuple[str, str] = ("", ""),
    band: str | None = None,
) -> Step:
    document = row.document or component.document
    values = {"component": component.code, "price": str(price), "document": document}
    band = row.band or band
    zh_band, en_band = band_name(band) if band else ("", "")
    zh_tier, en_tier = (f"第{row.tier}档", f", tier {row.tier}") if row.tier else ("", "")
    if band:
        values["band"] = band
    if row.tier:
        values["tier"] = str(row.tier)
    how_zh = how_en = ""
    if shown:
        values |= {"flat_price": str(row.price), "season": season[0], "formula": f"{shown} = {price}"}
        how_zh, how_en = f"（{season[0]}，{shown}）", f" ({season[1]}, {shown})"
    zh = f"{component.title.zh}{zh_tier}{zh_band}：每千瓦时 {price} 元{how_zh}，依据{document}"
    en = f"{component.title.en}{en_tier}{', ' + en_band if en_band else ''}: {price} yuan per kWh{how_en}, {document}"
    if row.illustrative:
        values["illustrative"] = "true"
        zh, en = f"{zh}（示例价）", f"{en} (illustrative)"
    return step("price", values, zh + "。", en + ". ", _RULES.get(component.code))

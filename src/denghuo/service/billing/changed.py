"""What the parts of a bill's change say (电费变化说明): each a sentence with its figures, in Chinese and English."""

from collections.abc import Iterable, Mapping

from denghuo.kernel.fields import TARIFF_CLASSES, TextPair
from denghuo.kernel.values import Money, decimal_text, round_half_up
from denghuo.service.billing.lines import BillLine, Rated, RatingSubject
from denghuo.service.billing.rules.words import band_name, milli, pair, unit_zh
from denghuo.service.tariff.api import Band, TariffDocument

PRICES_SHOWN = 4


def days_said(was: int, now: int, energy_was: int, energy_now: int) -> TextPair:
    """Days billed then and now, and their energies in Wh."""
    if was == now:
        return pair(f"两期计费天数相同，都是 {now} 天。", f"Both bills are for {now} days.")
    daily, more = _daily(energy_was, was), energy_now - energy_was
    return pair(
        f"计费天数由 {was} 天变为 {now} 天，按上期日均 {daily} 千瓦时，电量{_sign(more)[0]} {milli(abs(more))} 千瓦时。",
        f"{was} days became {now}; at the earlier {daily} kWh a day that is {milli(abs(more))} kWh {_sign(more)[1]}.",
    )


def energy_said(was: int, now: int, days: int) -> TextPair:
    """Energies in Wh over the same `days`, then and now."""
    if was == now:
        return pair(
            f"日均用电没有变化，{_daily(now, days)} 千瓦时。", f"The use a day did not change: {_daily(now, days)} kWh."
        )
    return pair(
        f"日均用电由 {_daily(was, days)} 千瓦时变为 {_daily(now, days)} 千瓦时，{days} 天{_sign(now - was)[0]}"
        f" {milli(abs(now - was))} 千瓦时。",
        f"{_daily(was, days)} kWh a day became {_daily(now, days)}: {milli(abs(now - was))} kWh {_sign(now - was)[1]} in"
        f" {days} days.",
    )


def shift_said(was: Mapping[Band, int], now: Mapping[Band, int]) -> TextPair:
    """Energies in Wh by band, then and now, as shares."""
    shares = [
        (band_name(band), _share(was.get(band, 0), was), _share(now.get(band, 0), now))
        for band in dict.fromkeys([*was, *now])
    ]
    moved = [one for one in shares if one[1] != one[2]]
    if not moved:
        return pair("各时段用电占比没有变化。", "The shares of the bands did not change.")
    return pair(
        "各时段占比：" + "，".join(f"{name[0]} {old}% → {new}%" for name, old, new in moved) + "。",
        "Shares of the bands: " + ", ".join(f"{name[1]} {old} % → {new} %" for name, old, new in moved) + ".",
    )


def tier_said(before_was: int, before_now: int, tiers_was: list[int], tiers_now: list[int]) -> TextPair:
    """Wh used before in the tier year, and Wh in each tier, then and now."""
    moved = [
        (number, old, new) for number, (old, new) in enumerate(zip(tiers_was, tiers_now, strict=False), 1) if old != new
    ]
    zh = f"本阶梯年此前已用由 {milli(before_was)} 千瓦时变为 {milli(before_now)} 千瓦时"
    en = f"Used before in the tier year: {milli(before_was)} kWh became {milli(before_now)}"
    if not moved:
        return pair(f"{zh}，各档电量不变。", f"{en}; the tiers stay as they were.")
    listed_zh = "，".join(f"第{number}档 {milli(old)} → {milli(new)} 千瓦时" for number, old, new in moved)
    listed_en = ", ".join(f"tier {number} {milli(old)} → {milli(new)} kWh" for number, old, new in moved)
    return pair(f"{zh}：{listed_zh}。", f"{en}: {listed_en}.")


def basic_said(was: Rated, now: Rated) -> TextPair:
    """The capacity or the demand that was charged, then and now."""
    old, new = _charged(was), _charged(now)
    if old == new:
        return pair("计费容量与需量没有变化。", "Capacity and demand charged did not change.")
    return pair(
        f"计费容量或需量由 {_amounts(old, zh=True)} 变为 {_amounts(new, zh=True)}。",
        f"Capacity or demand charged: {_amounts(old, zh=False)} became {_amounts(new, zh=False)}.",
    )


def factor_said(was: Rated, now: Rated) -> TextPair:
    """The power factor and its standard, then and now."""
    old, new = _factor(was), _factor(now)
    if old == new:
        return pair("功率因数没有变化。", "The power factor did not change.")
    return pair(
        f"功率因数（标准）由 {old or '未考核'} 变为 {new or '未考核'}。",
        f"Power factor (standard): {old or 'none'} became {new or 'none'}.",
    )


def price_said(was: Rated, now: Rated) -> TextPair:
    """Which prices of two bills for the same energies differ."""
    old, new = _prices(was.lines), _prices(now.lines)
    moved = [
        (key, old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if _price(old.get(key)) != _price(new.get(key))
    ]
    if not moved:
        return pair("单价没有变化。", "The prices did not change.")
    zh = "；".join(
        f"{_named(one, other)[0]} {_price(one)} → {_price(other)} 元" for _, one, other in moved[:PRICES_SHOWN]
    )
    en = "; ".join(
        f"{_named(one, other)[1]} {_price(one)} → {_price(other)} yuan" for _, one, other in moved[:PRICES_SHOWN]
    )
    rest = len(moved) - PRICES_SHOWN
    more = (f"；另有 {rest} 项", f"; {rest} more") if rest > 0 else ("", "")
    return pair(f"单价：{zh}{more[0]}。", f"Prices: {en}{more[1]}.")


def plan_said(was: RatingSubject, old: TariffDocument, now: RatingSubject, new: TariffDocument) -> TextPair:
    """Tariff, class of use and voltage, then and now."""

    def named(subject: RatingSubject, tariff: TariffDocument) -> tuple[str, str]:
        kind = TARIFF_CLASSES.entries[subject.tariff_class]
        return (
            f"{tariff.title.zh}（{kind['zh']}，{subject.voltage} 千伏）",
            f"{tariff.title.en} ({kind['en']}, {subject.voltage} kV)",
        )

    before, after = named(was, old), named(now, new)
    return pair(f"电价或合同条款由{before[0]}变为{after[0]}。", f"Tariff or terms: {before[1]} became {after[1]}.")


def stages_said(was: Money, now: Money) -> TextPair:
    """By how much each bill differs from its whole month on the terms of its last stage."""
    return pair(
        f"月内条款或电价变更，分段计费：与全月按最后一段计费相比，上期差 {was} 元，本期差 {now} 元。",
        "Terms or prices changed within a month, which was rated in stages: beside the whole month on the terms of its last stage,"
        f" the bills differ by {was} and {now} yuan.",
    )


def other_said(was: Money, now: Money) -> TextPair:
    """By how much each bill differs from the same bill computed today."""
    return pair(
        f"账单发行后合同、电价规则等有更正：与按现有资料重算相比，上期差 {was} 元，本期差 {now} 元。",
        f"Terms or rules were corrected after the issue: the bills differ from what they are today by {was} and {now} yuan.",
    )


# --- figures ---------------------------------------------------------------------------------------------------------------


def _daily(energy_wh: int, days: int) -> str:
    return decimal_text(round_half_up(energy_wh, 10 * days), 2, 0)


def _sign(more: int) -> tuple[str, str]:
    return ("增加", "more") if more >= 0 else ("减少", "less")


def _share(part: int, parts: Mapping[Band, int]) -> str:
    total = sum(parts.values())
    return decimal_text(round_half_up(part * 1000, total), 1, 0) if total else "0"


def _charged(rated: Rated) -> list[tuple[int, str]]:
    return [
        (line.quantity_milli, line.unit)
        for line in rated.lines
        if line.group == "basic" and line.quantity_milli is not None and line.unit in ("kVA", "kW")
    ]


def _amounts(charged: list[tuple[int, str]], *, zh: bool) -> str:
    return " + ".join(f"{milli(quantity)} {unit_zh(unit) if zh else unit}" for quantity, unit in charged) or "0"


def _factor(rated: Rated) -> str:
    steps = [step for line in rated.lines for step in line.steps if step.kind == "power_factor"]
    return f"{steps[0].values.get('factor', '')}（{steps[0].values.get('standard', '')}）" if steps else ""


def _prices(lines: Iterable[BillLine]) -> dict[tuple[str, str | None, int | None], BillLine]:
    return {(line.code, line.band, line.tier): line for line in lines if line.price is not None}


def _price(line: BillLine | None) -> str:
    return "0" if line is None else str(line.price)


def _named(one: BillLine | None, other: BillLine | None) -> tuple[str, str]:
    line = one or other
    assert line is not None  # a price stands on at least one of the two bills
    band = band_name(line.band) if line.band else ("", "")
    zh = f"{line.title.zh}{f'第{line.tier}档' if line.tier else ''}{band[0]}"
    return zh, ", ".join(filter(None, (line.title.en, f"tier {line.tier}" if line.tier else "", band[1])))

"""Tiers (阶梯): from when a tier year runs, which room each tier has for an account, and how energy fills it."""

from collections.abc import Mapping, Sequence

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, round_half_up
from denghuo.service.billing.lines import CannotRate, RatingSubject, Step
from denghuo.service.billing.rules.quantities import BAND_PLACES, metered_demand, share, whole, whole_of
from denghuo.service.billing.rules.words import milli, step
from denghuo.service.tariff.api import Band, Tiers


def tier_year_begins(tiers: Tiers, month: Month, reading_months: int = 1) -> Month:
    """The first month of the tier year that a bill of a month belongs to.

    A year by readings runs from the last reading of the old year to the last one of the new (鲁发改价格〔2019〕509号). Meters are
    read at the end of `month` and every `reading_months` before it: an account that is read every two months in odd months was read
    last in November, and its year begins with December.
    """
    begins = Month(month.year if month.month >= tiers.year_starts else month.year - 1, tiers.year_starts)
    if tiers.year_by == "calendar":
        return begins
    since = (month.year - begins.year) * 12 + month.month - begins.month + 1
    for _ in range(-since % reading_months):
        begins = begins.previous
    return begins


def tier_year_began(tiers: Tiers, month: Month, reading_months: int, readings: Mapping[Month, Month]) -> Month:
    """As `tier_year_begins`, by the readings that there were, however the cycle changed between them.

    readings: of earlier months the first month that each covers, by the last. The first reading that ends in the new year tells
    where the old one ended. Where they do not go back so far, meters are taken to be read before as at the first one known.
    """
    begins = tier_year_begins(tiers, month, 1)
    if tiers.year_by == "calendar" or begins.previous in readings:
        return begins
    first = month
    for _ in range(reading_months - 1):
        first = first.previous
    known = {last: since for last, since in readings.items() if begins <= last < month} | {month: first}
    last, first = min(known.items())
    if first <= begins:
        return first
    length = (last.year - first.year) * 12 + last.month - first.month + 1
    return tier_year_begins(tiers, last, length)


def tier_widths(
    tiers: Tiers, subject: RatingSubject, places: int, counted: tuple[int, int] | None = None
) -> list[int | None]:
    """Room of each tier in Wh in its period for this account; the last one is open (None).

    counted: months of the tier year and additional room of the first tier, where not those of the subject.
    """
    month = Month.of(subject.month).month
    months, extra_wh = counted or (subject.tier_months, subject.tier_extra_wh)
    if tiers.period == "annual":
        limits = [whole(round_half_up(limit.wh * months, 12), places) for limit in limits_of(tiers, month)]
    elif tiers.period == "monthly":
        # A reading after two months has the limits of both, which differ where a season begins between them.
        read = [(month - 1 - back) % 12 + 1 for back in range(subject.reading_months)]
        limits = [sum(one) for one in zip(*([limit.wh for limit in limits_of(tiers, at)] for at in read), strict=True)]
    else:
        size = _size(subject, tiers.period)
        limits = [whole_of(limit.wh * size, 1000, places) for limit in limits_of(tiers, month)]
    widths = [high - low for low, high in zip([0, *limits], limits, strict=False)]
    return [widths[0] + extra_wh, *widths[1:], None]


def limits_of(tiers: Tiers, month: int) -> list[Energy]:
    """Up to where the tiers of a month reach. Raises CannotRate where the tariff has none for it."""
    table = next((table for table in tiers.tables if month in table.months), None)
    if table is None:
        raise CannotRate(
            text(f"电价没有 {month} 月的阶梯。", f"The tariff has no tiers for month {month}."),
            code="no_price",
            value=str(month),
        )
    return table.up_to


def _size(subject: RatingSubject, period: str) -> int:
    """VA of capacity or W of demand that the limits of a month are for."""
    if period == "per_kw":
        # The demand of a sub-meter is inside that of its main meter.
        apart = {part.point_no for part in subject.parts}
        metered = metered_demand(piece for piece in subject.pieces if piece.point_no not in apart)
        size = metered or max((span.contract_w or 0 for span in subject.spans), default=0)
    else:
        size = subject.customer_capacity_va or max((span.capacity_va or 0 for span in subject.spans), default=0)
    if size == 0:
        raise CannotRate(
            text(
                "按容量或需量分档，而合同没有容量或需量。",
                "The tiers are by capacity or demand, which the contract does not give.",
            ),
            code="no_terms",
            value=period,
        )
    return size


def tier_energy(tiers: Tiers, subject: RatingSubject, total: int, places: int) -> tuple[list[int], Step]:
    """Energy of the month in each tier, filled in order into the room that is left.

    Where the bill closes the tier year before its end, the energy of the whole year is split by the months that count, and what the
    bills before had in each tier is taken off: a tier can then have less than nothing.
    """
    widths = tier_widths(tiers, subject, places)
    used = list(subject.used_tiers_wh) + [0] * (len(widths) - len(subject.used_tiers_wh))
    closing = subject.tier_closing if tiers.period == "annual" else None
    if not subject.used_tiers_wh:
        billed = widths
        if closing is not None:
            billed = tier_widths(tiers, subject, places, (closing.billed_months, closing.billed_extra_wh))
        used, _ = _fill(billed, subject.used_before_wh if tiers.period == "annual" else 0)
    before = sum(used)
    if closing is not None:
        # A price of more tiers may have held before: what lay above the last one is in it now.
        used = [*used[: len(widths) - 1], sum(used[len(widths) - 1 :])]
        due, _ = _fill(widths, before + total)
        energy = [now - then for now, then in zip(due, used, strict=True)]
        return energy, _closing_step(tiers, subject, widths, used, energy, total)
    left = [None if width is None else max(width - taken, 0) for width, taken in zip(widths, used, strict=False)]
    energy, _ = _fill(left, total)
    parts_zh = "，".join(f"第{number}档 {milli(value)}" for number, value in enumerate(energy, 1) if value)
    parts_en = ", ".join(f"tier {number} {milli(value)}" for number, value in enumerate(energy, 1) if value)
    rooms = [milli(room) for room in left if room is not None]
    values = {
        "period": tiers.period,
        "used_before": milli(before),
        "energy": milli(total),
        "left": " ".join(rooms),
        **{f"tier_{number}": milli(value) for number, value in enumerate(energy, 1)},
    }
    since_zh = since_en = ""
    if tiers.period == "annual":
        year_zh, year_en = _year_said(tiers, subject)
        since_zh = f"本阶梯年{year_zh}此前已用 {milli(before)} 千瓦时，"
        since_en = f"{milli(before)} kWh were used before in this tier year{year_en}; "
    return energy, step(
        "tier",
        values,
        f"阶梯：{since_zh}前 {len(rooms)} 档尚余 {'、'.join(rooms)} 千瓦时；本次 {milli(total)} 千瓦时分为 {parts_zh or '0'}。",
        f"Tiers: {since_en}room left {', '.join(rooms)} kWh; this {milli(total)} kWh is split into {parts_en or '0'}. ",
        _tier_rules(tiers, subject),
    )


def _closing_step(
    tiers: Tiers,
    subject: RatingSubject,
    widths: Sequence[int | None],
    used: Sequence[int],
    energy: Sequence[int],
    total: int,
) -> Step:
    """How a tier year is settled by actual months."""
    assert subject.tier_closing is not None  # the caller looked
    limits = [milli(width) for width in widths if width is not None]
    months, billed = subject.tier_months, subject.tier_closing.billed_months
    year_zh, year_en = _year_said(tiers, subject)
    before_zh = "、".join(f"第{number}档 {milli(value)}" for number, value in enumerate(used, 1) if value) or "0"
    before_en = ", ".join(f"tier {number} {milli(value)}" for number, value in enumerate(used, 1) if value) or "0"
    parts_zh = "、".join(f"第{number}档 {milli(value)}" for number, value in enumerate(energy, 1) if value) or "0"
    parts_en = ", ".join(f"tier {number} {milli(value)}" for number, value in enumerate(energy, 1) if value) or "0"
    values = {
        "period": tiers.period,
        "months": str(months),
        "billed_months": str(billed),
        "used_before": milli(sum(used)),
        "energy": milli(total),
        "limits": " ".join(limits),
        **{f"before_{number}": milli(value) for number, value in enumerate(used, 1)},
        **{f"tier_{number}": milli(value) for number, value in enumerate(energy, 1)},
    }
    return step(
        "tier",
        values,
        f"阶梯清算：本阶梯年{year_zh}实际用电 {months} 个月，前 {len(limits)} 档各 {'、'.join(limits)} 千瓦时；全年用电 "
        f"{milli(sum(used) + total)} 千瓦时按此重新分档，减去此前按 {billed} 个月已计的{before_zh}，本次{parts_zh}。",
        f"Tiers settled: {months} months of use in this tier year{year_en}, room {', '.join(limits)} kWh; all"
        f" {milli(sum(used) + total)} kWh of it are split anew, less what was billed before by {billed} months ({before_en}):"
        f" here {parts_en}. ",
        "tier.annual tier.part_month",
    )


def _year_said(tiers: Tiers, subject: RatingSubject) -> tuple[str, str]:
    """From which day a tier year by readings runs; nothing is said of a calendar year."""
    if tiers.year_by == "calendar":
        return "", ""
    begins = subject.tier_since or tier_year_begins(tiers, Month.of(subject.month), subject.reading_months).first_day
    return (
        f"（按抄表年，自上年末次抄表后的 {begins} 起）",
        f" (by readings, from {begins} after the last one of the old year)",
    )


def _tier_rules(tiers: Tiers, subject: RatingSubject) -> str | None:
    rules = {"annual": ["tier.annual"], "monthly": ["tier.monthly"]}.get(tiers.period, [])
    if tiers.period == "annual" and subject.tier_months < 12:
        rules.append("tier.part_month")
    if subject.tier_extra_wh:
        rules += ["tier.household", "tier.no_rerate"] if subject.used_tiers_wh else ["tier.household"]
    return " ".join(rules) or None


def _fill(rooms: Sequence[int | None], amount: int) -> tuple[list[int], int]:
    taken = []
    for room in rooms:
        part = amount if room is None else min(room, amount)
        taken.append(part)
        amount -= part
    return taken, amount


def by_tier_and_band(tier_totals: Sequence[int], by_band: Mapping[Band, int], unit: int) -> dict[tuple[int, Band], int]:
    """Energy by tier and band: the tier is that of the total, so each tier takes its share of every band.

    Tier by tier from what is left, so that rows and columns add up exactly and no cell is negative.
    """
    if any(value % unit for value in (*tier_totals, *by_band.values())):
        unit = 1
    left = {band: by_band[band] for band in sorted(by_band, key=BAND_PLACES.__getitem__)}
    cells: dict[tuple[int, Band], int] = {}
    for number, tier_total in enumerate(tier_totals, 1):
        weights = list(left.values())
        # A settled tier year moves energy between tiers even where nothing was used since: the first band has it.
        parts = share(tier_total, weights, unit) if sum(weights) else [tier_total, *[0] * (len(weights) - 1)]
        for band, part in zip(list(left), parts, strict=True):
            cells[number, band] = part
            left[band] -= part
    return cells

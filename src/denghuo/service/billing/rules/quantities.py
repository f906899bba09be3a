"""From metered pieces to billed energy by band and tier, in whole units of the tariff's rounding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import INT64_MAX, Energy, round_half_up
from denghuo.service.billing.lines import CannotRate, MeteredPiece, RatingRemark, RatingSubject, Step
from denghuo.service.billing.rules.words import band_name, milli, registers, remark, step
from denghuo.service.tariff.api import Band, QuantityKind, Season, TariffDocument, Tiers

PARENT: Mapping[Band, Band] = {"sharp": "peak", "deep": "valley"}
"""What the energy of a band counts as in a month in which the tariff does not have the band."""

BAND_PLACES: Mapping[str | None, int] = {
    band: at for at, band in enumerate((None, "total", "sharp", "peak", "flat", "valley", "deep"))
}
"""The order of a bill's lines, and of the bands where energy is shared over them."""
WITHOUT_BANDS = "no_time_of_use_registers"
"""The remark on a meter that does not give the bands of its tariff."""
_UNBANDED: tuple[Band, ...] = ("total", "flat", "peak")


@dataclass
class Metered:
    """Billed energy by band in Wh ("total" = without time of use) and how it came about."""

    by_band: dict[Band, int]
    steps: list[tuple[frozenset[str | None], Step]]
    """Each with the bands whose lines it explains; None stands for lines that do not distinguish bands."""
    remarks: list[RatingRemark]
    estimated_days: int = 0

    def steps_of(self, band: str | None) -> list[Step]:
        return [step for bands, step in self.steps if band in bands]

    @property
    def total(self) -> int:
        return sum(self.by_band.values())

    @property
    def unbanded(self) -> Band:
        """The band that energy without bands of its own belongs to: flat; peak where there is no flat, "total" without bands."""
        return next((band for band in _UNBANDED if band in self.by_band), "flat" if self.by_band else "total")

    def add(self, energy_wh: int, said: Step) -> None:
        """Energy without bands of its own, such as losses; negative is taken off."""
        band = self.unbanded
        self.by_band[band] = self.by_band.get(band, 0) + energy_wh
        self.steps.append((frozenset({band, None}), said))


def seasons_of(tariff: TariffDocument, month: Month) -> list[Season]:
    """The seasons that touch a month, those that hold on every day before overlays."""
    return sorted((season for season in tariff.seasons if month.month in season.months), key=lambda one: one.overlay)


def settled(tariff: TariffDocument, month: Month) -> bool:
    """Whether the day of the week alone says which bands a day of the month has."""
    return all(season.days == "all" and not season.conditional for season in seasons_of(tariff, month))


def hangs_on(tariff: TariffDocument, kind: str, month: Month) -> bool:
    """Whether bands of a month hang on a published table of this kind: holidays (with rest days and moved days) or temperatures."""
    seasons = seasons_of(tariff, month) if tariff.time_of_use else []
    if kind == "temperatures":
        return any(season.temperature_from is not None for season in seasons)
    return any(season.days != "all" or season.holidays or season.holiday_days_from is not None for season in seasons)


def bands_of(tariff: TariffDocument, month: Month) -> set[Band]:
    return {entry.band for season in seasons_of(tariff, month) for entry in season.bands}


def base_bands_of(tariff: TariffDocument, month: Month) -> set[Band]:
    return {entry.band for season in seasons_of(tariff, month) if not season.overlay for entry in season.bands}


def checked(pieces: Iterable[MeteredPiece]) -> None:
    """Raises CannotRate for a piece that is held, negative or past what a bill can carry."""
    for piece in pieces:
        if piece.value_milli is None or piece.status == "held":
            raise CannotRate(
                text(
                    f"计量点 {piece.point_no} 表 {piece.meter_no} 的示数挂起，处理抄表异常后重算。",
                    f"The reading of point {piece.point_no}, meter {piece.meter_no} is held; settle it and rate again.",
                ),
                code="held_reading",
                point_no=piece.point_no,
                meter_no=piece.meter_no,
            )
        reactive = piece.quantity.startswith("reactive")
        if (piece.value_milli < 0 and not reactive) or abs(piece.value_milli) > INT64_MAX:
            raise CannotRate(
                text(
                    f"计量点 {piece.point_no} 的量值 {milli(piece.value_milli)} 不能计费，请核对示数与倍率。",
                    f"Point {piece.point_no} has the quantity {milli(piece.value_milli)}, which cannot be rated; compare registers"
                    " and multiplier.",
                ),
                code="bad_quantity",
                point_no=piece.point_no,
                value=milli(piece.value_milli),
            )


def whole(value_milli: int, places: int) -> int:
    """A metered value rounded to the given decimals of its unit, half up."""
    return whole_of(value_milli, 1, places)


def whole_of(numerator: int, denominator: int, places: int) -> int:
    """A share of a value, rounded once to the given decimals of its unit: rounding to Wh first would move a half."""
    unit: int = 10 ** (3 - places)
    return round_half_up(numerator, denominator * unit) * unit


def wanted_quantity(tariff: TariffDocument) -> QuantityKind:
    """Which register a tariff bills: forward energy for supply, reverse energy for purchase."""
    return "active_rev" if tariff.kind == "purchase" else "active_fwd"


def metered_energy(every: Sequence[MeteredPiece], tariff: TariffDocument, month: Month) -> Metered:
    """Billed energy of pieces: forward energy for supply, reverse energy for purchase."""
    wanted = wanted_quantity(tariff)
    pieces = [piece for piece in every if piece.quantity == wanted]
    if not pieces:
        raise CannotRate(
            text("没有可计费的有功示数。", "There is no active register to rate."),
            code="no_reading",
            value=wanted,
        )
    by_meter: dict[tuple[str, str, int], list[MeteredPiece]] = {}
    for piece in pieces:
        by_meter.setdefault((piece.point_no, piece.meter_no, piece.piece), []).append(piece)
    metered = Metered({}, [], [])
    without_bands: list[str] = []
    for rows in by_meter.values():
        _add_meter(metered, rows, tariff, month, without_bands)
    if without_bands:
        metered.remarks.append(billed_without_bands(without_bands))
    for quantity in sorted({piece.quantity for piece in every if piece.quantity.startswith("active")} - {wanted}):
        metered.remarks.append(not_rated_here(quantity))
    return metered


def billed_without_bands(meters: Iterable[str]) -> RatingRemark:
    """What is said of meters that a tariff by time of use bills without."""
    names = "、".join(sorted(set(meters)))
    return remark(
        WITHOUT_BANDS,
        f"表 {names} 没有分时示数，该电量按不分时电价计费。",
        f"Meter {names} has no time-of-use registers; its energy is billed at the price without time of use.",
    )


def not_rated_here(quantity: str) -> RatingRemark:
    """What is said of active energy that the tariff does not bill."""
    return remark(
        "not_rated_here",
        f"{'反向' if quantity == 'active_rev' else '正向'}有功不在本电价内结算。",
        f"The {'reverse' if quantity == 'active_rev' else 'forward'} energy is not settled by this tariff.",
    )


def _add_meter(
    metered: Metered, rows: Sequence[MeteredPiece], tariff: TariffDocument, month: Month, without_bands: list[str]
) -> None:
    places = tariff.rounding.quantity_places
    values: dict[Band, int] = {}
    for piece in rows:
        if piece.band in values:
            raise CannotRate(
                text(
                    f"表 {piece.meter_no} 的同一示数出现两次。",
                    f"A register of meter {piece.meter_no} was given twice.",
                ),
                code="bad_quantity",
                point_no=piece.point_no,
                value=piece.band,
            )
        values[piece.band] = whole(piece.value_milli or 0, places)
    metered.estimated_days = max([metered.estimated_days, *(piece.estimated_days for piece in rows)])
    total = values.get("total")
    banded: dict[Band, int] = {band: value for band, value in values.items() if band != "total"}
    derived: Step | None = None
    if tariff.time_of_use:
        bands, derived = _split(metered, rows[0].meter_no, total, banded, tariff, month)
        if set(bands) == {"total"}:
            without_bands.append(rows[0].meter_no)
    else:
        bands = {"total": total if total is not None else sum(banded.values())}
    residual = derived.values["band"] if derived is not None else "total"
    for piece in rows:
        explains: set[str | None] = {piece.band, residual} if derived is not None else {piece.band}
        if piece.band == "total" or total is None or sum(bands.values()) != total:
            explains |= {None, "total"} if "total" in bands else {None}
        if piece.band != "total" and piece.band not in bands:
            explains.add(PARENT.get(piece.band, "flat"))
        metered.steps.append((frozenset(explains), registers(piece, values[piece.band], "kWh")))
    if derived is not None:
        metered.steps.append((frozenset({residual}), derived))
    for band, value in bands.items():
        metered.by_band[band] = metered.by_band.get(band, 0) + value


def _split(
    metered: Metered, meter_no: str, total: int | None, banded: dict[Band, int], tariff: TariffDocument, month: Month
) -> tuple[dict[Band, int], Step | None]:
    """Energy by band of one meter, and the step that says how the rest was found.

    Flat (peak where there is no flat) is what the total leaves over, as utilities compute it, so that rounding and loss energy
    stay there. A meter that lacks a band of the season is billed without time of use as a whole.
    """
    needed, known = base_bands_of(tariff, month), bands_of(tariff, month)
    residual: Band = "flat" if "flat" in needed else "peak"
    missing = needed - set(banded)
    if total is not None and banded:
        missing.discard(residual)
    if missing:
        return {"total": total if total is not None else sum(banded.values())}, None
    bands: dict[Band, int] = {}
    for band, value in banded.items():
        into = band
        while into not in known and into in PARENT:
            into = PARENT[into]
        if into not in known and value:
            into = "flat" if "flat" in known else "total"
        if into != band and value:
            name, other = band_name(band), band_name(into)
            metered.remarks.append(
                remark(
                    "band_without_price",
                    f"表 {meter_no} 本月{name[0]}段有 {milli(value)} 千瓦时，而电价本月没有{name[0]}段，计入{other[0]}段。",
                    f"Meter {meter_no} has {milli(value)} kWh in the {name[1]} band, which the tariff does not have in this month;"
                    f" counted as {other[1]}.",
                    review=True,
                )
            )
        if into in known or value:
            bands[into] = bands.get(into, 0) + value
    if total is None:
        return bands, None
    others = sum(value for band, value in bands.items() if band != residual)
    rest, given = total - others, bands.get(residual)
    if rest < 0 or (given is not None and abs(rest - given) > 1000 * (len(banded) + 1)):
        difference = milli(total - sum(bands.values()))
        metered.remarks.append(
            remark(
                "bands_do_not_add_up",
                f"表 {meter_no} 总电量与各时段电量之和相差 {difference} 千瓦时，按各时段计费。",
                f"Meter {meter_no}: the total register differs from its bands by {difference} kWh; billed by bands.",
                review=True,
            )
        )
        return bands, None
    bands[residual] = rest
    if given == rest:
        return bands, None
    name = band_name(residual)
    return bands, step(
        "band",
        {"band": residual, "total": milli(total), "others": milli(others), "energy": milli(rest)},
        f"{name[0]}段电量 = 总电量 {milli(total)} - 其他时段 {milli(others)} = {milli(rest)} 千瓦时。",
        f"{name[1].capitalize()} = total {milli(total)} - other bands {milli(others)} = {milli(rest)} kWh. ",
    )


def metered_demand(pieces: Iterable[MeteredPiece], band: Band = "total") -> int | None:
    """The demand of the month in W: the largest of each point, added over the points; None without a demand register."""
    largest: dict[str, int] = {}
    for piece in pieces:
        if piece.quantity == "demand" and piece.band == band and piece.value_milli is not None:
            largest[piece.point_no] = max(largest.get(piece.point_no, 0), piece.value_milli)
    return sum(largest.values()) if largest else None


# --- tiers ---------------------------------------------------------------------------------------------------------------


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
    begins = tier_year_begins(tiers, Month.of(subject.month), subject.reading_months).first_day
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


def share(total: int, weights: Sequence[int], unit: int) -> list[int]:
    """Splits `total` by weights into multiples of `unit` that add up to it: largest remainders get the rest.

    No part exceeds its weight where the total does not exceed the sum of the weights.
    """
    whole_weight = sum(weights)
    if whole_weight == 0:
        # A settled tier year moves energy between tiers even where nothing was used since.
        return [total if at == 0 else 0 for at in range(len(weights))]
    units = total // unit
    parts = [units * weight // whole_weight for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(units * weights[at] % whole_weight), at))
    for at in order[: units - sum(parts)]:
        parts[at] += 1
    return [part * unit for part in parts]


def by_tier_and_band(tier_totals: Sequence[int], by_band: Mapping[Band, int], unit: int) -> dict[tuple[int, Band], int]:
    """Energy by tier and band: the tier is that of the total, so each tier takes its share of every band.

    Tier by tier from what is left, so that rows and columns add up exactly and no cell is negative.
    """
    if any(value % unit for value in (*tier_totals, *by_band.values())):
        unit = 1
    left = {band: by_band[band] for band in sorted(by_band, key=BAND_PLACES.__getitem__)}
    cells: dict[tuple[int, Band], int] = {}
    for number, tier_total in enumerate(tier_totals, 1):
        parts = share(tier_total, list(left.values()), unit)
        for band, part in zip(list(left), parts, strict=True):
            cells[number, band] = part
            left[band] -= part
    return cells

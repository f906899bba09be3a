"""From metered pieces to billed energy by band, in whole units of the tariff's rounding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import INT64_MAX, round_half_up
from denghuo.service.billing.lines import CannotRate, MeteredPiece, RatingRemark, Step
from denghuo.service.billing.rules.words import band_name, milli, registers, remark, step
from denghuo.service.tariff.api import Band, QuantityKind, Season, TariffDocument

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
    """The bands that a tariff has in a month, those of overlays too."""
    return {entry.band for season in seasons_of(tariff, month) for entry in season.bands}


def base_bands_of(tariff: TariffDocument, month: Month) -> set[Band]:
    """The bands that a tariff has in a month without its overlays."""
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


def share(total: int, weights: Sequence[int], unit: int) -> list[int]:
    """Splits `total` by weights into multiples of `unit` that add up to it: largest remainders get the rest.

    No part exceeds its weight where the total does not exceed the sum of the weights.
    """
    whole_weight = sum(weights)
    if whole_weight == 0:
        return [0] * len(weights)
    units = total // unit
    parts = [units * weight // whole_weight for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(units * weights[at] % whole_weight), at))
    for at in order[: units - sum(parts)]:
        parts[at] += 1
    return [part * unit for part in parts]

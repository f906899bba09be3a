"""Energy of an account that is priced apart from its main meter (套表、定量、定比、并列计量).

What is taken off the main meter, in this order: real sub-meters, fixed quantities, fixed ratios (of what the others leave).
Parallel meters take nothing off. Energy without bands of its own comes off the flat band of the main meter, as published
bills show, or off every band in proportion. Nothing becomes negative: a fixed quantity takes at most what is there;
sub-meters that show more than their main meter are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.billing.lines import CannotRate, MeteredPiece, Part
from denghuo.service.billing.rules.quantities import BAND_PLACES, Metered, metered_energy, share, whole, whole_of
from denghuo.service.billing.rules.words import milli, percent, remark, step
from denghuo.service.tariff.api import Band, TariffDocument

_ORDER = {"parallel": 0, "meter": 1, "quantity": 2, "ratio": 3}
_NAMES = {
    "parallel": ("并列计量", "parallel meter"),
    "meter": ("分表", "sub-meter"),
    "quantity": ("定量", "fixed quantity"),
    "ratio": ("定比", "fixed ratio"),
}


@dataclass
class PartEnergy:
    """A part with its billed energy, and the tariff that it is billed by here (None = billed elsewhere)."""

    part: Part
    metered: Metered
    tariff: TariffDocument | None


def own_pieces(pieces: Sequence[MeteredPiece], parts: Sequence[Part]) -> list[MeteredPiece]:
    """The pieces of the main meters: all but those of sub-meters and parallel meters."""
    elsewhere = {part.point_no for part in parts}
    return [piece for piece in pieces if piece.point_no not in elsewhere]


def taken_off(
    main: Metered,
    parts: Sequence[Part],
    pieces: Sequence[MeteredPiece],
    tariff: TariffDocument,
    others: Mapping[str, TariffDocument],
    month: Month,
) -> list[PartEnergy]:
    """The parts with their energy; what they have of the main meter is taken off `main`.

    Raises:
        CannotRate: a part's tariff is not among `others`, its meter has no reading, or it shows more than its main meter.
    """
    places = tariff.rounding.quantity_places
    found = []
    for part in sorted(parts, key=lambda one: _ORDER[one.way]):
        own = _tariff(part, others)
        read = [one for one in pieces if one.point_no == part.point_no]
        if part.way in ("meter", "parallel"):
            metered = metered_energy(read, own or tariff, month)
            main.remarks += metered.remarks
        else:
            metered = _fixed(part, main.total, places)
        if part.way != "parallel":
            _take(main, part, metered, places, ", ".join(dict.fromkeys(one.meter_no for one in read)))
        found.append(PartEnergy(part, metered, own))
    return found


def _tariff(part: Part, others: Mapping[str, TariffDocument]) -> TariffDocument | None:
    if part.tariff_code is None:
        return None
    if part.tariff_code not in others:
        raise CannotRate(
            text(
                f"计量点 {part.point_no} 的电价 {part.tariff_code} 未找到。",
                f"Tariff {part.tariff_code} of point {part.point_no} was not found.",
            ),
            code="no_tariff",
            value=part.tariff_code,
        )
    return others[part.tariff_code]


def _fixed(part: Part, left: int, places: int) -> Metered:
    """A fixed quantity, at most what is left, or a ratio of it."""
    zh, en = _NAMES[part.way]
    if part.way == "quantity":
        energy = min(whole(part.quantity_wh, places), left)
        shown = f"{milli(part.quantity_wh)} kWh"
    else:
        energy = whole_of(left * part.ratio.number, 10_000, places)
        shown = f"{milli(left)} kWh × {percent(part.ratio.number)}%"
    said = step(
        "share",
        {"point_no": part.point_no, "way": part.way, "left": milli(left), "energy": milli(energy)},
        f"计量点 {part.point_no} {zh}：{shown}，计 {milli(energy)} 千瓦时。",
        f"Point {part.point_no}, {en}: {shown}, billed {milli(energy)} kWh. ",
        "quantity.order",
    )
    return Metered({"total": energy}, [(frozenset({None, "total"}), said)], [])


def _take(main: Metered, part: Part, metered: Metered, places: int, meter_no: str = "") -> None:
    energy, before = metered.total, main.total
    if energy > before:
        raise CannotRate(
            text(
                f"分表 {part.point_no} 电量 {milli(energy)} 千瓦时大于总表余量 {milli(before)} 千瓦时，请核对示数与倍率。",
                f"Sub-meter {part.point_no} shows {milli(energy)} kWh, more than the {milli(before)} kWh left on its main meter.",
            ),
            code="bad_quantity",
            point_no=part.point_no,
            value=milli(energy),
        )
    taken = _by_band(main, part, metered, 10 ** (3 - places))
    for band, value in taken.items():
        # What has no band of its own goes to the flat one, which a main meter need not have: nothing is taken from it then.
        if value:
            main.by_band[band] -= value
    zh, en = _NAMES[part.way]
    if part.other_account:
        zh, en = f"他户分表（表号 {meter_no}）", f"another account's sub-meter (meter {meter_no})"
    after = main.total
    said = step(
        "share",
        {
            "point_no": part.point_no,
            "way": part.way,
            "before": milli(before),
            "taken": milli(energy),
            "left": milli(after),
        },
        f"总表 {milli(before)} - {zh} {part.point_no} {milli(energy)} = {milli(after)} 千瓦时。",
        f"Main meter {milli(before)} - {en} {part.point_no} {milli(energy)} = {milli(after)} kWh. ",
        "quantity.order",
    )
    main.steps.append((frozenset({None, *(band for band, value in taken.items() if value)}), said))


def _by_band(main: Metered, part: Part, metered: Metered, unit: int) -> dict[Band, int]:
    """What is taken off each band of the main meter: band by band where both have them, else off the flat band or each."""
    if set(metered.by_band) <= set(main.by_band) and all(
        value <= main.by_band[band] for band, value in metered.by_band.items()
    ):
        return dict(metered.by_band)
    energy = metered.total
    taken: dict[Band, int] = dict.fromkeys(main.by_band, 0)
    if part.take_from == "flat":
        band = main.unbanded
        taken[band] = min(main.by_band.get(band, 0), energy)
    rest = energy - sum(taken.values())
    if rest == 0:
        return taken
    if part.take_from == "flat":
        main.remarks.append(
            remark(
                "flat_too_small",
                f"平段电量不足以扣减 {part.point_no} 的 {milli(energy)} 千瓦时，余下 {milli(rest)} 千瓦时按各时段比例扣减。",
                f"Flat has less than the {milli(energy)} kWh of {part.point_no}; {milli(rest)} kWh are taken off each"
                " band in proportion.",
                review=True,
            )
        )
    # In the order of a bill's lines, so that a tie does not fall by the order of registers.
    left = {band: main.by_band[band] - taken[band] for band in sorted(main.by_band, key=BAND_PLACES.__getitem__)}
    exact = any(value % unit for value in (*left.values(), rest))
    for band, value in zip(left, share(rest, list(left.values()), 1 if exact else unit), strict=True):
        taken[band] += value
    return taken

"""Money back or due for the past (退补电费): piece by piece at the prices of their own time, or by rating the month again."""

from collections.abc import Mapping, Sequence

from denghuo.kernel.values import Money, Price
from denghuo.service.billing.lines import BillLine, Claim, ClaimLine, Rated
from denghuo.service.billing.rules.claims.correction import Correction
from denghuo.service.billing.rules.claims.making import PricedEnergy, claim, energy_line, line
from denghuo.service.billing.rules.words import band_name, milli, step
from denghuo.service.tariff.api import Band

RULE = "refund.pieces"


def settled(pieces: Sequence[PricedEnergy]) -> Claim:
    """Energy of pieces of time, each at its own price; negative energy is given back. Each piece is rounded by itself."""
    return claim([energy_line("refund", RULE, one, []) for one in pieces], sum(one.energy_wh for one in pieces))


def correction_claim(correction: Correction, prices: Mapping[Band, Price], period: str = "") -> Claim:
    """A correction of quantity in money, each register at its own price.

    Raises:
        KeyError: a register has no price.
    """
    lines = [
        energy_line(
            "correction",
            correction.rule,
            PricedEnergy(energy, prices[band], period, None if band == "total" else band),
            correction.steps,
        )
        for band, energy in correction.by_band.items()
    ]
    return claim(lines, correction.energy_wh)


def rerated(was: Rated, now: Rated, period: str = "") -> Claim:
    """The difference between a month as it was billed and as it is rated with what is known now, line by line.

    This is how a wrong tariff, ratio, register or reactive energy is settled whole, with its power factor, tiers and funds: the
    corrected month is rated by the same rules. Lines that did not change are left out.
    """
    lines = []
    before, after = _by_key(was.lines), _by_key(now.lines)
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key, []), after.get(key, [])
        one = (new or old)[0]
        old_amount, new_amount = _sum(old), _sum(new)
        if old_amount == new_amount:
            continue
        lines.append(_difference(one, old, new, old_amount, new_amount, period))
    return claim(lines, now.energy_wh - was.energy_wh)


def _difference(
    one: BillLine,
    old: Sequence[BillLine],
    new: Sequence[BillLine],
    old_amount: Money,
    new_amount: Money,
    period: str,
) -> ClaimLine:
    said = [
        step(
            "correction",
            {"was": str(old_amount), "now": str(new_amount)},
            f"{period + '：' if period else ''}原计 {old_amount} 元（{_arithmetic(old)}），"
            f"应计 {new_amount} 元（{_arithmetic(new)}）。",
            f"{period + ': ' if period else ''}billed {old_amount} yuan ({_arithmetic(old)}),"
            f" due {new_amount} yuan ({_arithmetic(new)}). ",
            "refund.factor" if one.code == "power_factor" else None,
        )
    ]
    amount = new_amount - old_amount
    title = (one.title.zh, one.title.en)
    if one.tier is not None:
        title = (f"{title[0]}第{one.tier}档", f"{title[1]}, tier {one.tier}")
    if one.band is not None:
        name = band_name(one.band)
        title = (f"{title[0]}{name[0]}段", f"{title[1]}, {name[1]}")
    return line(
        "refund",
        one.code,
        title,
        RULE,
        amount,
        f"{new_amount} - {old_amount} = {amount}",
        said,
        quantity_milli=_quantity(new) - _quantity(old),
        unit=one.unit,
        band=one.band,
        document=one.document_no,
    )


def _by_key(lines: Sequence[BillLine]) -> dict[tuple[str, str | None, int | None], list[BillLine]]:
    found: dict[tuple[str, str | None, int | None], list[BillLine]] = {}
    for one in lines:
        found.setdefault((one.code, one.band, one.tier), []).append(one)
    return found


def _sum(lines: Sequence[BillLine]) -> Money:
    return Money(sum(one.amount.fen for one in lines))


def _quantity(lines: Sequence[BillLine]) -> int:
    return sum(one.quantity_milli or 0 for one in lines)


def _arithmetic(lines: Sequence[BillLine]) -> str:
    return "; ".join(one.arithmetic for one in lines) or milli(0)

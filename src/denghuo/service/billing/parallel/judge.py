"""The verdict on two bills: equal, or why not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.parallel.lines import by_lines
from denghuo.service.billing.parallel.sides import Cause, OldSide, OurSide
from denghuo.service.billing.parallel.whole import by_whole, lossless, of_class
from denghuo.service.billing.rules.words import milli


@dataclass(frozen=True)
class Judged:
    """causes add up to ours less the old amount; unexplained_fen: what of it no derivation reaches."""

    verdict: str
    causes: Sequence[Cause]

    @property
    def unexplained_fen(self) -> int:
        return sum(one.amount_fen for one in self.causes if one.code == "unexplained")


def judge(old: OldSide, ours: OurSide) -> Judged:
    """The other class that the old bill names, its lines, or ways in which it comes out as a whole, in this order."""
    causes = _causes(old, ours)
    assert sum(one.amount_fen for one in causes) == ours.amount_fen - old.amount_fen
    return Judged(_verdict(causes), causes)


def _causes(old: OldSide, ours: OurSide) -> list[Cause]:
    if not old.lines:
        same = old.amount_fen == ours.amount_fen and old.energy_wh in (None, ours.energy_wh)
        found = [] if same else of_class(old, ours) or by_whole(old, ours)
        return [_nothing(old, ours)] if found is None else found
    causes = by_lines(old, ours)
    if not causes:
        return [] if old.energy_wh in (None, ours.energy_wh) else [_energy_apart(old, ours)]
    found = of_class(old, ours)
    if found is None and any(one.code == "unexplained" for one in causes):
        found = by_whole(old, ours)
    if found is not None:
        return found
    if any(one.code == "quantity" for one in causes) and lossless(old, ours):
        return [replace(one, code="loss") if one.code == "quantity" else one for one in causes]
    return causes


def _energy_apart(old: OldSide, ours: OurSide) -> Cause:
    said = TextPair(
        zh=f"两边明细逐行相同，但旧账单电量 {milli(old.energy_wh or 0)} 与本系统 {milli(ours.energy_wh)} 千瓦时不同。",
        en=f"All lines agree, but the old bill's energy is {milli(old.energy_wh or 0)} kWh and ours {milli(ours.energy_wh)}.",
    )
    return Cause("unexplained", 0, said)


def _nothing(old: OldSide, ours: OurSide) -> Cause:
    rest = ours.amount_fen - old.amount_fen
    said = TextPair(
        zh=f"旧 {Money(old.amount_fen)} 元，新 {Money(ours.amount_fen)} 元，按各种口径重算均得不到旧金额，请人工核对。",
        en=f"Old {Money(old.amount_fen)}, new {Money(ours.amount_fen)} yuan: in no way does the old amount come out. Look into it.",
    )
    return Cause("unexplained", rest, said)


def _verdict(causes: Sequence[Cause]) -> str:
    codes = list(dict.fromkeys(one.code for one in causes))
    if not codes:
        return "equal"
    if "unexplained" in codes:
        return "unexplained"
    # A fen beside a real cause is no second one.
    real = [code for code in codes if code != "rounding"] or codes
    return real[0] if len(real) == 1 else "several"

"""What a bill out of the ordinary comes from (账单冲击原因检验): tariff, read, record, weather, use, each tested. Pure.

The difference to the bill before is taken apart exactly as for the question why a bill changed (decision 15); each part is given to
the cause that it speaks for, so that the causes add up to the difference to the fen. What more was used is first the weather's and
the season's as far as the neighbours of the class moved alike: the platform has no temperatures, and accounts of one place have the
same weather. The rest counts as the read's where the read itself is in doubt, as the record's where a multiplier or the contract
changed, and as use only where neither is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money, decimal_text, round_half_up
from denghuo.service.billing.api.shock import CauseResult, ShockCause, Verdict
from denghuo.service.billing.change import Part
from denghuo.service.billing.cuts import ESTIMATED
from denghuo.service.billing.rules.words import pair
from denghuo.service.contract.api import Terms

CAUSES: tuple[ShockCause, ...] = ("tariff", "read", "record", "weather", "behaviour")
NEIGHBOURS_MIN = 5
"""Fewer accounts than this say nothing of a neighbourhood."""
_OF_PART: Mapping[str, ShockCause] = {
    "price": "tariff",
    "plan": "tariff",
    "tier": "tariff",
    "days": "read",
    "stages": "record",
    "other": "record",
    "basic": "record",
    "power_factor": "behaviour",
}
"""The parts of a change that speak for one cause alone; energy and its shares of bands speak for what the evidence says."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Neighbours:
    """Accounts of the same class and place that were billed in both months: how many, and what they used before and now."""

    count: int
    before_wh: int
    now_wh: int


@dataclass(frozen=True)
class Examined:
    """What is known of a held bill. parts: None where there is no bill before, or one that cannot be rated again."""

    parts: Sequence[Part] | None
    read: Sequence[TextPair]
    record: Sequence[TextPair]
    before_wh: int
    now_wh: int
    neighbours: Neighbours


def results(one: Examined) -> list[CauseResult]:
    """Every cause with its verdict, in their order; amounts add up to the difference."""
    amounts, said = _shared(one)
    difference = sum((part.amount for part in one.parts or ()), Money(0))
    found = []
    for cause in CAUSES:
        if cause == "weather":
            share = amounts[cause] if _comparable(one) else None
            verdict: Verdict = "unknown" if share is None else _verdict(cause, share, difference, False)
            found.append(CauseResult(cause=cause, verdict=verdict, amount=share, said=_weather(one)))
            continue
        evidence = {"read": one.read, "record": one.record}.get(cause, ())
        amount = None if one.parts is None else amounts.get(cause, Money(0))
        words = [*evidence, *said.get(cause, [])]
        if cause == "behaviour":
            words.append(_beside(one))
        found.append(
            CauseResult(
                cause=cause,
                verdict=_verdict(cause, amount, difference, bool(evidence)),
                amount=amount,
                said=_joined(words) if words else _nothing(cause, one.parts is None),
            )
        )
    return found


def leading(found: Sequence[CauseResult]) -> CauseResult | None:
    """The cause with the largest part of the difference, of those that were found."""
    told = [one for one in found if one.verdict == "found" and one.amount is not None]
    return max(told, key=lambda one: abs(one.amount.fen) if one.amount is not None else 0, default=None)


def _shared(one: Examined) -> tuple[dict[ShockCause, Money], dict[ShockCause, list[TextPair]]]:
    used: ShockCause = "read" if one.read else "record" if one.record else "behaviour"
    energy = sum((part.amount for part in one.parts or () if part.code == "energy"), Money(0))
    common = _common(one, energy)
    amounts: dict[ShockCause, Money] = {"weather": common, used: Money(0) - common}
    said: dict[ShockCause, list[TextPair]] = {}
    for part in one.parts or ():
        cause = _OF_PART.get(part.code, used)
        amounts[cause] = amounts.get(cause, Money(0)) + part.amount
        if part.amount:
            said.setdefault(cause, []).append(part.sentence)
    return amounts, said


def _verdict(cause: ShockCause, amount: Money | None, difference: Money, evidence: bool) -> Verdict:
    if amount is None:
        return "found" if evidence else "excluded" if cause in ("read", "record") else "unknown"
    if evidence or (amount.fen and 10 * abs(amount.fen) >= abs(difference.fen)):
        return "found"
    return "excluded"


def _nothing(cause: ShockCause, alone: bool) -> TextPair:
    if cause == "read":
        return pair(
            "示数均为抄见，无估算、换表、翻转，计费天数相同。",
            "All registers were read; no estimate, exchange or rollover.",
        )
    if cause == "record":
        return pair("两期之间合同、容量、倍率没有变更。", "Contract, capacity and multiplier did not change.")
    if alone:
        return pair("没有可比的以往账单。", "There is no earlier bill to compare with.")
    return pair("没有影响。", "It made no difference.")


def _comparable(one: Examined) -> bool:
    """Whether neighbours say anything of the account's use."""
    near = one.neighbours
    enough = near.count >= NEIGHBOURS_MIN and near.before_wh > 0
    return one.parts is not None and enough and one.before_wh > 0 and one.now_wh != one.before_wh


def _common(one: Examined, energy: Money) -> Money:
    """The share of the account's change in use that its neighbours have as well, none where they moved the other way."""
    if not _comparable(one):
        return Money(0)
    near = one.neighbours
    theirs = (near.now_wh - near.before_wh) * one.before_wh
    own = (one.now_wh - one.before_wh) * near.before_wh
    if theirs * own <= 0:
        return Money(0)
    return Money(round_half_up(energy.fen * min(abs(theirs), abs(own)), abs(own)))


def _weather(one: Examined) -> TextPair:
    if not _comparable(one):
        return pair(
            f"平台没有当地气温数据，同类邻户不足 {NEIGHBOURS_MIN} 户或没有以往用电，无法检验。",
            f"The platform has no temperatures, and fewer than {NEIGHBOURS_MIN} neighbours or no earlier use: not tested.",
        )
    near = one.neighbours
    theirs = _percent(near.before_wh, near.now_wh)
    return pair(
        f"没有当地气温数据，按同处一地的邻户检验：同类 {near.count} 户用电变化 {theirs}，同步部分计为天气与季节。",
        f"Without temperatures, tested by accounts of the same place: {near.count} of the class changed by {theirs}; what is in"
        " step with them counts as weather and season.",
    )


def _beside(one: Examined) -> TextPair:
    near = one.neighbours
    own = _percent(one.before_wh, one.now_wh)
    if near.count < NEIGHBOURS_MIN or near.before_wh <= 0:
        return pair(
            f"本户用电变化 {own}；同类邻户不足。", f"This account changed by {own}; too few neighbours of the class."
        )
    theirs = _percent(near.before_wh, near.now_wh)
    return pair(
        f"同类邻户 {near.count} 户用电变化 {theirs}，本户 {own}。",
        f"{near.count} neighbours of the class changed by {theirs}, this account by {own}.",
    )


def _percent(before: int, now: int) -> str:
    if before <= 0:
        return "—"
    share = round_half_up(1000 * (now - before), before)
    return ("+" if share > 0 else "") + decimal_text(share, 1, 0) + "%"


def _joined(words: Sequence[TextPair]) -> TextPair:
    return TextPair(zh="".join(one.zh for one in words), en=" ".join(one.en for one in words))


# --- evidence ---------------------------------------------------------------------------------------------------------------


def of_the_read(now: Row, before: Row | None) -> list[TextPair]:
    """What speaks for the read: estimates now or before, an exchange, a register that passed zero."""
    found: list[TextPair] = []
    days = now["estimated_days"]
    if days or any(piece["method"] in ESTIMATED for piece in now["registers"]):
        found.append(pair(f"本期有 {days} 天为估算。", f"{days} days of this bill are estimated."))
    if before is not None and before["estimated_days"]:
        found.append(
            pair(
                f"上期有 {before['estimated_days']} 天为估算，本期可能含补计电量。",
                f"{before['estimated_days']} days of the bill before were estimated; this one may make up for them.",
            )
        )
    meters = _meters(now)
    changed = [point for point, own in meters.items() if len(own) > 1]
    changed += [point for point, own in _meters(before or {"registers": []}).items() if meters.get(point, own) != own]
    if changed:
        points = "、".join(sorted(set(changed)))
        found.append(pair(f"计量点 {points} 换过表。", f"The meter of {points} was exchanged."))
    if any(_rolled(piece) for piece in now["registers"]):
        found.append(pair("有示数翻转。", "A register passed zero."))
    return found


def _meters(row: Row) -> dict[str, set[str]]:
    ordered = sorted(row["registers"], key=lambda piece: piece["point_no"])
    return {
        point: {piece["meter_no"] for piece in pieces}
        for point, pieces in groupby(ordered, lambda one: one["point_no"])
    }


def _rolled(piece: Row) -> bool:
    start, end = piece["start"], piece["end"]
    return start is not None and end is not None and _e4(end) < _e4(start)


def _e4(register: str) -> int:
    whole, _, part = register.partition(".")
    return int(whole) * 10_000 + int(part.ljust(4, "0")[:4] or 0)


def of_the_record(now: Row, before: Row | None, history: Sequence[Terms]) -> list[TextPair]:
    """What speaks for the record: multiplier, contract, class, voltage or power other than on the bill before; terms that began
    within the days of the bill."""
    found: list[TextPair] = []
    if before is not None:
        was, here = _multipliers(before), _multipliers(now)
        for point in sorted(here):
            if point in was and was[point] != here[point]:
                found.append(
                    pair(
                        f"计量点 {point} 倍率由 {was[point]} 变为 {here[point]}。",
                        f"The multiplier of {point} became {here[point]}, from {was[point]}.",
                    )
                )
        for name, (zh, en) in _FIELDS.items():
            if before[name] != now[name]:
                found.append(
                    pair(
                        f"{zh}由 {before[name]} 变为 {now[name]}。",
                        f"The {en} became {now[name]}, from {before[name]}.",
                    )
                )
    begun = sorted({one.effective_from for one in history if _within(one.effective_from, now)})
    if begun:
        days = "、".join(map(str, begun))
        found.append(pair(f"合同条款自 {days} 起变更。", f"Terms of the contract changed from {days}."))
    return found


_FIELDS = {
    "contract_no": ("合同编号", "contract"),
    "tariff_class": ("用电类别", "class"),
    "voltage": ("电压等级", "voltage"),
    "contract_w": ("合同容量（瓦）", "contract power (W)"),
    "capacity_va": ("受电容量（伏安）", "capacity (VA)"),
}


def _multipliers(row: Row) -> dict[str, str]:
    return {piece["point_no"]: piece["multiplier"] for piece in row["registers"]}


def _within(day: date, row: Row) -> bool:
    return bool(row["from_on"] < day <= row["to_on"])

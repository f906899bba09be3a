"""Rules of reading: the rule book as data, and the arithmetic of registers. Registers are integers of 1e-4 of their unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import round_half_up
from denghuo.service.reading.api import DAYS_MOST


@dataclass(frozen=True)
class Rule:
    """A rule of validation or estimation, in force from a day on. `may_accept`: a clerk may confirm what it holds."""

    code: str
    severity: str
    title: Text
    remedy: Text
    parameters: Mapping[str, int] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    may_accept: bool = False
    effective_from: date = date(2020, 1, 1)
    effective_to: date | None = None


RULE_BOOK: tuple[Rule, ...] = (
    Rule(
        "missing",
        "estimate",
        text("边界示数缺失", "Boundary register missing"),
        text(
            "缺数天数在允许范围内按前后示数内插或日均外推并标记；超出则挂起，请补采或录入现场示数。",
            "Within the allowed days it is interpolated or carried on at the daily average, and marked; beyond them it is held: "
            "collect it again or enter the register seen on site.",
        ),
        {"gap_days_max": 5, "carry_days_max": 3, "average_days_min": 7},
    ),
    Rule(
        "self_read",
        "notice",
        text("客户自报读数", "Reported by the customer"),
        text(
            "没有采集和现场示数时采用；非抄表日所报示数用于推算抄表日零点示数。可在自报读数中核对。",
            "It counts where nothing was collected or read on site; of another day than the reading day it is what the reading"
            " midnight is estimated from. Look at it among the customers' reports.",
        ),
        {"days_before": 3, "days_after": 5, "days_most": DAYS_MOST, "reports_a_day": 5},
    ),
    Rule(
        "sender",
        "estimate",
        text("对方估计示数", "Estimated by the sender"),
        text(
            "抄表日零点没有实抄和客户自报示数时采用对方系统的估计示数并标记；实抄示数补来后以实抄为准。",
            "It counts, marked, where nothing was read or reported about the reading midnight; a register that is read later"
            " takes its place.",
        ),
    ),
    Rule(
        "missing_days",
        "notice",
        text("期间有缺数日", "Days without a read"),
        text(
            "首末示数齐全，月电量不受影响；请补采曲线用数据。",
            "Both ends are there, so the month's energy stands; recall the days.",
        ),
    ),
    Rule(
        "negative",
        "hold",
        text("示数倒走", "The register runs backwards"),
        text(
            "核对表计、示数与换表记录后录入正确示数。",
            "Check the meter, its registers and exchanges, then enter the right register.",
        ),
    ),
    Rule(
        "rollover",
        "notice",
        text("表计翻转", "The register rolled over"),
        text(
            "示数由满位归零，电量已按表计位数计算。",
            "It passed its highest figure; the energy is reckoned with its digits.",
        ),
        # Both neighbours lie within this share (in 1e-4) of the register's range from the turn.
        {"share_e4": 1_000},
    ),
    Rule(
        "exchange",
        "notice",
        text("换表分段", "Meter exchanged"),
        text(
            "新旧表分段计算，各按自身倍率。",
            "The old and the new meter are reckoned apart, each with its own multiplier.",
        ),
    ),
    Rule(
        "exchange_no_final",
        "hold",
        text("换表缺旧表止度", "The old meter's final register is unknown"),
        text(
            "请查拆表工单或现场旧表，录入旧表止度。",
            "Look at the removal order or at the old meter and enter its final register.",
        ),
    ),
    Rule(
        "no_start",
        "hold",
        text("缺新表起度", "The new meter's start register is unknown"),
        text("请查装表工单，录入起度。", "Look at the installation order and enter the start register."),
    ),
    Rule(
        "spike",
        "hold",
        text("日电量突增", "A day's energy rose suddenly"),
        text(
            "与用户用电情况核对；属实则确认，否则录入正确示数。",
            "Compare with the customer's use; accept it if true, else enter the right register.",
        ),
        # Against the median of the meter's own days; the floor keeps small users out.
        {"factor": 10, "floor_wh_a_day": 50_000, "days_min": 5},
        # What a plant delivers follows the weather, and what a gateway passes follows the plants behind it.
        roles=("sale", "sub_meter"),
        may_accept=True,
    ),
    Rule(
        "over_capacity",
        "hold",
        text("日电量超过发电容量", "A day's energy is more than the plant can generate"),
        text(
            "核对装机容量、倍率与示数；属实则确认，否则录入正确示数。",
            "Check capacity, multiplier and registers; accept it if true, else enter the right register.",
        ),
        # All day at this share (in 1e-4) of the rated power.
        {"share_e4": 10_500},
        roles=("export", "full_feed_in"),
        may_accept=True,
    ),
    Rule(
        "outlier",
        "notice",
        text("个别示数异常", "A single register stands out"),
        text(
            "期间个别示数不合理，已略过；首末示数不受影响。",
            "A register between the ends is implausible and was passed over.",
        ),
    ),
    Rule(
        "drop",
        "notice",
        text("电量突降", "A sudden fall"),
        text(
            "月末日电量远低于此前水平，请核对是否停产、失压失流或窃电。",
            "The last days lie far below those before: production stopped, a phase lost, or theft. Look into it.",
        ),
        # The last days against the median of those before, by more than a floor.
        {"days": 7, "share_e4": 2_000, "floor_wh_a_day": 20_000},
        roles=("sale", "sub_meter"),
    ),
    Rule(
        "reverse",
        "notice",
        text("反向走字", "The reverse register moves"),
        text(
            "该户无发电，反向示数却在走：请查接线（互感器极性）或未报装电源。",
            "There is no generation here, yet the reverse register moves: check the wiring or look for a plant nobody reported.",
        ),
        # Below this much in the month it may be creep.
        {"floor_wh": 1_000},
        roles=("sale", "sub_meter"),
    ),
    Rule(
        "zero_run",
        "hold",
        text("连续零电量", "Zero energy for many days"),
        text(
            "疑似停走或欠压断流；现场核实后确认，或录入正确示数。",
            "The meter may have stopped; check on site, then accept, or enter the right register.",
        ),
        {"days_min": 7},
        roles=("sale", "sub_meter", "full_feed_in"),
        may_accept=True,
    ),
    Rule(
        "zero_month",
        "notice",
        text("全月零电量", "Zero energy for the whole month"),
        text("可能为空置户；连续多月请核查。", "Possibly vacant; look into it when it lasts."),
    ),
    Rule(
        "too_large",
        "hold",
        text("电量超出可计范围", "Energy beyond what can be counted"),
        text("核对倍率与示数。", "Check the multiplier and the registers."),
    ),
    Rule(
        "curve",
        "notice",
        text("由曲线分时", "Split by the curve"),
        text(
            "表计无分时示数，总电量按15分钟曲线分到各时段。",
            "The meter has no registers by time of use; its energy is split by its 15-minute curve.",
        ),
    ),
    Rule(
        "curve_gaps",
        "estimate",
        text("曲线缺点", "Gaps in the curve"),
        text(
            "缺点不超过5%的，示数与曲线之差按缺点所在时段分摊并标记；超出则挂起，请补采曲线。",
            "Up to 5 % of the slots: what the register has beyond the curve is shared by where they are missing, and marked; beyond"
            " that it is held: collect the curve again.",
        ),
    ),
    Rule(
        "curve_estimated",
        "estimate",
        text("曲线含估计值", "By a curve with estimates"),
        text(
            "缺点已有估计值且过了计费期限的，示数超出曲线的电量按估计值分到各时段并标记；真实值到达后可更正。",
            "Where all gaps have estimates and the time to wait is over, what the register has beyond the curve is shared by these"
            " and marked; when the real values come the bill can be put right.",
        ),
    ),
    Rule(
        "curve_apart",
        "hold",
        text("曲线与示数不符", "Curve and registers disagree"),
        text(
            "相差超过0.5%（不低于2千瓦时），请核对倍率、时钟与示数，补采曲线或录入正确示数。",
            "They differ by more than 0.5 % and 2 kWh: check multiplier, clock and registers, collect the curve again or enter the"
            " right register.",
        ),
    ),
)


def in_force(on: date) -> dict[str, Rule]:
    """The rules of a day by code."""
    return {
        rule.code: rule
        for rule in RULE_BOOK
        if rule.effective_from <= on and (rule.effective_to is None or on < rule.effective_to)
    }


# --- registers ------------------------------------------------------------------------------------------------------------


def modulus_e4(integer_digits: int) -> int:
    """How far a register counts before it begins anew."""
    return int(10 ** (integer_digits + 4))


def fits(value_e4: int, integer_digits: int, decimal_digits: int) -> bool:
    """Whether a register of these digits can show the value."""
    return 0 <= value_e4 < modulus_e4(integer_digits) and value_e4 % int(10 ** (4 - decimal_digits)) == 0


def advance_e4(before: int, after: int, modulus: int, share_e4: int) -> tuple[int | None, bool]:
    """How far a register went from one figure to the next, and whether it rolled over; None where it ran backwards.

    A fall is a rollover only where both figures lie near the turn, within `share_e4` (1e-4) of the register's range.
    """
    if after >= before:
        return after - before, False
    reach = modulus * share_e4 // 10_000
    if before >= modulus - reach and after + modulus - before <= reach:
        return after + modulus - before, True
    return None, False


def energy_wh(advance: int, multiplier: int) -> int:
    """An advance of a register as primary energy: 1e-4 kWh is 0.1 Wh, rounded half up."""
    return round_half_up(advance * multiplier, 10)


def interpolated_e4(before: int, advance: int, elapsed_s: int, span_s: int, step_e4: int, modulus: int) -> int:
    """The register `elapsed_s` after `before` on the straight line of a span in which it advances by `advance`.

    Rounded down to what the register can show, so that it never lies beyond its neighbours.
    """
    return (before + advance * elapsed_s // span_s // step_e4 * step_e4) % modulus


@dataclass(frozen=True)
class Estimated:
    """A boundary register that was not read: what it must have been, how that was found, and over how many days."""

    value_e4: int
    method: str
    days: int


def estimated_boundary(
    midnights: list[int | None], at: int, parameters: Mapping[str, int], modulus: int, step_e4: int, share_e4: int
) -> Estimated | None:
    """The register at the missing midnight `at` of a meter's midnights; None where no method is allowed.

    Between two neighbours that are not too far apart it lies on the straight line; past the last or before the first read it is
    carried on at the average of the days that are there.
    """
    there = [place for place, value in enumerate(midnights) if value is not None]
    before = max((place for place in there if place < at), default=None)
    after = min((place for place in there if place > at), default=None)
    if before is not None and after is not None:
        if after - before - 1 > parameters["gap_days_max"]:
            return None
        first, last = midnights[before], midnights[after]
        assert first is not None and last is not None
        advance, _ = advance_e4(first, last, modulus, share_e4)
        if advance is None:
            return None
        value = interpolated_e4(first, advance, at - before, after - before, step_e4, modulus)
        return Estimated(value, "interpolated", min(at - before, after - at))
    if len(there) < 2 or there[-1] - there[0] < parameters["average_days_min"]:
        return None
    total = 0
    for one, other in zip(there, there[1:], strict=False):
        advance, _ = advance_e4(midnights[one] or 0, midnights[other] or 0, modulus, share_e4)
        if advance is None:
            return None
        total += advance
    nearest = before if before is not None else there[0]
    days, span = abs(at - nearest), there[-1] - there[0]
    if days > parameters["carry_days_max"]:
        return None
    carried = total * days // span // step_e4 * step_e4
    value = (midnights[nearest] or 0) + (carried if nearest < at else -carried)
    return Estimated(value % modulus, "daily_average", days) if value >= 0 else None


def outliers(sequence: list[int], modulus: int, share_e4: int) -> list[int] | None:
    """Which inner figures of a sequence must be passed over for it to run forwards; None where that does not help.

    At a fall either the figure before stands out upwards or the one after downwards: the one without which its neighbours agree.
    """
    kept = list(range(len(sequence)))
    dropped: list[int] = []
    place = 1
    while place < len(kept):
        advance, _ = advance_e4(sequence[kept[place - 1]], sequence[kept[place]], modulus, share_e4)
        if advance is not None:
            place += 1
            continue
        before_is_inner, after_is_inner = place - 1 > 0, place < len(kept) - 1
        if before_is_inner and sequence[kept[place - 2]] <= sequence[kept[place]]:
            dropped.append(kept.pop(place - 1))
            place = max(place - 1, 1)
        elif after_is_inner and sequence[kept[place - 1]] <= sequence[kept[place + 1]]:
            dropped.append(kept.pop(place))
        else:
            return None
        if len(dropped) > len(sequence) // 4:
            return None
    return sorted(dropped)

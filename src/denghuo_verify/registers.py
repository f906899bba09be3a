"""The registers of a bill: what was read, what was computed from a curve, what was estimated."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from denghuo_verify.curves import METHOD, Right, from_curves
from denghuo_verify.energy import NoBill
from denghuo_verify.figures import half_up, number
from denghuo_verify.report import Finding, Report, finding
from denghuo_verify.stages import days_from, stages_of, touching

READ = frozenset({"actual", "manual", "self_read"})


def readings_differ(registers: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """Registers that were read must give their quantity: end less start, times the multiplier."""
    for one in registers:
        if (
            one["quantity"] == "demand"
            or one.get("start") is None
            or one.get("end") is None
            or one["method"] not in READ
        ):
            continue
        metered = number(one["energy"])
        turned = number(one["end"]) - number(one["start"])
        right = half_up(turned * number(one["multiplier"]), 3)
        if right == metered or (turned < 0 and _passed_zero(turned, one, metered)):
            continue
        yield finding(
            _place(one),
            f"表 {one['meter_no']} 的电量应为止码减起码乘倍率",
            f"meter {one['meter_no']}: the quantity is end less start times the multiplier",
            metered,
            right,
        )


def _passed_zero(turned: Decimal, one: Mapping[str, Any], metered: Decimal) -> bool:
    """Whether a register of four to nine digits that passed zero gives the quantity."""
    return any(
        half_up((turned + Decimal(10) ** digits) * number(one["multiplier"]), 3) == metered for digits in range(4, 10)
    )


def check_curves(document: Mapping[str, Any], report: Report) -> set[str]:
    """Computes what was taken from curves, where they are given; tells which registers were computed."""
    computed: set[str] = set()
    bill, registers = stated(document["bill"]), stated(document["readings"])
    if not document.get("curves") or not registers:
        return computed
    try:
        stages = stages_of(bill, stated(document["tariff"]), stated(document.get("tariffs", [])))
        split = [
            one
            for first, last, tariff, calendar in stages
            for one in from_curves(
                touching(registers, first, last), document["curves"], tariff, days_from(first, last), calendar
            )
        ]
    except NoBill:
        # The bill as a whole says it: without its stages nothing can be computed.
        return computed
    for found in split:
        if isinstance(found, Right):
            computed.add(_place(found.register))
            report.differs += _from_curve_differs(found)
        else:
            register, reason = found
            computed.add(_place(register))
            report.differs.append(Finding(_place(register), reason.zh, reason.en))
    return computed


def _from_curve_differs(right: Right) -> Iterator[Finding]:
    one = right.register
    figure = number(one["energy"])
    if figure != right.figure:
        yield finding(
            _place(one),
            f"表 {one['meter_no']} 由曲线算出的数值不同",
            f"meter {one['meter_no']}: the curve gives another figure",
            figure,
            right.figure,
        )
    if right.began is not None and datetime.fromisoformat(one["from_at"]) != right.began:
        yield Finding(
            _place(one),
            f"表 {one['meter_no']} 最大需量出现的时刻不同",
            f"meter {one['meter_no']}: the highest quarter-hour began at another time",
            one["from_at"],
            right.began.isoformat(),
        )


def _place(one: Mapping[str, Any]) -> str:
    place = f"register {one['meter_no']} {one['quantity']} {one['band']}"
    return place if one.get("piece", 1) == 1 else f"{place} ({one['piece']})"


def readings_estimated(registers: list[Mapping[str, Any]], computed: set[str]) -> Iterator[Finding]:
    """Quantities that were neither read nor computed from a curve are taken as they stand."""
    for one in registers:
        if one["method"] == METHOD:
            if _place(one) not in computed:
                yield Finding(
                    _place(one),
                    f"表 {one['meter_no']} 按曲线分时，以 --readings 给出该账单的示数文件即可由曲线核算；现按所载数值核对",
                    f"meter {one['meter_no']} was divided by its curve: give the bill's readings file (--readings) to compute that;"
                    " here the figure is taken as it stands",
                )
        elif one["method"] not in READ:
            yield Finding(
                _place(one),
                f"表 {one['meter_no']} 的电量为估算值（{one['method']}），按所载数值核对",
                f"the quantity of meter {one['meter_no']} was estimated ({one['method']}) and is taken as it stands",
            )


def stated(value: Any) -> Any:
    """A part of the file without its nulls: an entry that is null says what an absent one says."""
    if isinstance(value, dict):
        return {key: stated(one) for key, one in value.items() if one is not None}
    return [stated(one) for one in value] if isinstance(value, list) else value

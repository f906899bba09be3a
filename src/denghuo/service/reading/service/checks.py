"""What an operation is held against before it begins, and what a register is that a clerk enters."""

from datetime import datetime

from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import FOR_THE_WHOLE_COMPANY, text
from denghuo.kernel.values import Register
from denghuo.service.reading.api import (
    CurveNotFound,
    Implausible,
    NotPlanned,
    NotYet,
    NotYourAccount,
    TooManyDigits,
    WholeCompanyOnly,
)
from denghuo.service.reading.batch import Evaluated, PlanPiece
from denghuo.service.reading.rules import fits


def not_planned(month: str, point_no: str) -> NotPlanned:
    """The problem of a point without a plan or a read of the month within the caller's scope."""
    return NotPlanned(
        text(
            f"计量点 {point_no} 在 {month} 没有抄表计划或示数，或不在您的管辖范围内。",
            f"Point {point_no} has no plan or read in {month}, or is outside your scope.",
        ),
        point_no=point_no,
        month=month,
    )


def check_digits(shown_e4: int, piece: PlanPiece) -> None:
    """Raises TooManyDigits where the meter cannot show the register (1e-4 of its unit)."""
    if not fits(shown_e4, piece.integer_digits, piece.decimal_digits):
        raise TooManyDigits(
            text(
                f"表计 {piece.meter_no} 为 {piece.integer_digits} 位整数、{piece.decimal_digits} 位小数，"
                f"不可能显示 {Register(shown_e4)}。",
                f"Meter {piece.meter_no} has {piece.integer_digits} digits before and {piece.decimal_digits} after the point; it"
                f" cannot show {Register(shown_e4)}.",
            ),
            shown=Register(shown_e4),
            integer_digits=piece.integer_digits,
            decimal_digits=piece.decimal_digits,
        )


def check_due(read_at: datetime, now: datetime) -> None:
    """Raises NotYet before the time of the register."""
    if read_at > now:
        local = read_at.astimezone(SHANGHAI)
        raise NotYet(
            text(
                f"该示数的时点 {local:%Y-%m-%d %H:%M} 尚未到。",
                f"The time of this register, {local:%Y-%m-%d %H:%M}, is to come.",
            ),
            read_at=read_at.isoformat(),
        )


def check_plausible(found: Evaluated, row: int, side: str, shown_e4: int) -> None:
    """Raises Implausible where with the entered register the channel runs backwards, or rises too fast, at that end."""
    rule = next(
        (
            name
            for name, flags in (
                ("negative", found.backwards),
                ("spike", found.spike),
                ("over_capacity", found.over_capacity),
            )
            if flags[row].any()
        ),
        None,
    )
    if rule is None:
        return
    others = [value for value in found.sequence[row].tolist() if value >= 0]
    inner = others[:-1] if side == "end" else others[1:]
    near = (inner[-1] if side == "end" else inner[0]) if inner else None
    lowest, highest = (near, None) if side == "end" else (None, near)
    bound = "" if near is None else str(Register(near))
    raise Implausible(
        text(
            f"示数 {Register(shown_e4)} 与相邻示数 {bound} 不相符（倒走或突增）。请复核；确已现场核实的，勾选后再提交。",
            f"{Register(shown_e4)} does not agree with the register beside it, {bound}: it runs backwards or rises too fast."
            " Check it; enter it again as checked on site if it is right.",
        ),
        shown=Register(shown_e4),
        lowest=None if lowest is None else Register(lowest),
        highest=None if highest is None else Register(highest),
        rule=rule,
    )


def check_own(call: Call, account_no: str) -> None:
    """Raises NotYourAccount for an account that is not bound to the caller's login."""
    if account_no not in call.accounts:
        raise NotYourAccount(
            text(f"户号 {account_no} 未绑定到您的登录账号。", f"Account {account_no} is not bound to your login."),
            account_no=account_no,
        )


def check_whole_company(call: Call) -> None:
    """Raises WholeCompanyOnly for a post of one unit, and for a customer."""
    if not call.whole_company:
        raise WholeCompanyOnly(FOR_THE_WHOLE_COMPANY, scope=list(call.scope))


def no_curve(subject: str) -> CurveNotFound:
    """The problem of a subject without curves within the caller's scope."""
    return CurveNotFound(
        text(
            f"没有 {subject} 的曲线，或不在您的管辖范围内。",
            f"There are no curves of {subject}, or it is outside your scope.",
        ),
        subject=subject,
    )

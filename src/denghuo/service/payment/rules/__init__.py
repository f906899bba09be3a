"""Rules of payment: amounts that may be taken, change, reversal without approval."""

from datetime import date

from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import Money

COUNTER_MAX = Money.of("10000000.00")
LINE_MAX = Money.of("100000000.00")


def refused_amount(amount: Money, largest: Money = COUNTER_MAX) -> Text | None:
    """Why an amount cannot be taken, or None."""
    if amount.fen <= 0:
        return text(
            f"收款金额须大于零，不能是 {amount} 元。请输入实际收取的金额。",
            f"The amount must be more than zero, not {amount} yuan. Enter what was taken.",
        )
    if amount > largest:
        return text(
            f"收款金额 {amount} 元超过单笔上限 {largest} 元。请核对金额，或分笔收取。",
            f"{amount} yuan is above the limit of {largest} yuan for one payment. Check it, or take it in parts.",
        )
    return None


def refused_tender(amount: Money, method: str, tendered: Money | None) -> Text | None:
    """Why what was handed over does not fit, or None."""
    if tendered is None:
        return None
    if method != "cash":
        return text("只有现金收款才填“实收现金”。", "Only a cash payment has cash tendered.")
    if tendered < amount:
        return text(
            f"实收现金 {tendered} 元少于收款金额 {amount} 元。请补收，或按实收金额收款。",
            f"{tendered} yuan tendered is less than {amount}. Take the rest, or take what was tendered.",
        )
    if tendered > COUNTER_MAX + COUNTER_MAX:
        return text(f"实收现金 {tendered} 元过大，请核对。", f"{tendered} yuan tendered is out of range; check it.")
    return None


def needs_approval(cashier: str, day: date, day_closed: bool, actor: str, today: date) -> bool:
    """A payment is taken back without approval only by its cashier, on its day, before the day is closed."""
    return not (cashier == actor and day == today and not day_closed)


def receipt_no(prefix: str, day: date, serial: int) -> str:
    return f"{prefix}{day:%Y%m%d}{serial:010d}"


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def capital(amount: Money) -> str:
    """An amount in Chinese capitals as receipts state it (会计基础工作规范第五十二条): 壹佰元零伍分."""
    yuan, rest = divmod(abs(amount.fen), 100)
    jiao, fen = divmod(rest, 10)
    said = _capital_integer(yuan) + "元" if yuan else ""
    if not rest:
        said = (said or "零元") + "整"
    else:
        if jiao:
            said += _DIGITS[jiao] + "角"
        elif yuan:
            said += "零"
        said += _DIGITS[fen] + "分" if fen else "整"
    return ("负" if amount.fen < 0 else "") + said


def _capital_integer(number: int) -> str:
    said, gap = "", False
    digits = str(number)
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit == "0":
            gap = True
        else:
            said += ("零" if gap and said else "") + _DIGITS[int(digit)] + _PLACES[place % 4]
            gap = False
        if place % 4 == 0 and place and number // 10**place % 10_000:
            said += _GROUPS[place // 4]
            gap = False
    return said

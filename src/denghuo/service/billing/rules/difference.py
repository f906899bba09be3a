"""The difference between a month as it was billed and as it is due (退补电费), line by line. Pure.

This is how a wrong ratio, register, meter, wiring or tariff is settled whole, with its power factor, tiers and funds: the month is
rated twice by the same rules and prices of its own time, and each item's amount is that of the second less that of the first.
"""

from collections.abc import Sequence
from datetime import date

from denghuo.kernel.values import Money, Price
from denghuo.service.billing.lines import BillLine, Rated, Step
from denghuo.service.billing.rules.words import milli, sentence, step

RULE = "refund.pieces"
Key = tuple[str, str | None, int | None]


def differences(was: Rated, now: Rated, first_day: date, last_day: date, why: Sequence[Step] = ()) -> list[BillLine]:
    """A line for each item, band and tier of which the amount differs, in the order of the bill; items that are new follow.

    The line stands under the tariff of the second rating, and says for which days it stands. why: what was put right in them.
    """
    before, after = _by_key(was.lines), _by_key(now.lines)
    lines = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key, []), after.get(key, [])
        if _sum(old) != _sum(new):
            lines.append(_difference(old, new, now, (first_day, last_day), why))
    return lines


def _difference(
    old: Sequence[BillLine], new: Sequence[BillLine], now: Rated, span: tuple[date, date], why: Sequence[Step]
) -> BillLine:
    first_day, last_day = span
    one = (new or old)[0]
    was_amount, now_amount = _sum(old), _sum(new)
    amount = now_amount - was_amount
    days = step(
        "days",
        {"from": f"{first_day}", "to": f"{last_day}"},
        f"{first_day} 至 {last_day}：",
        f"{first_day} to {last_day}: ",
    )
    said = step(
        "correction",
        {"was": str(was_amount), "now": str(now_amount), "amount": str(amount)},
        f"原计 {was_amount} 元（{_arithmetic(old)}），应计 {now_amount} 元（{_arithmetic(new)}），"
        f"{'补' if amount.fen > 0 else '退'} {Money(abs(amount.fen))} 元。",
        f"billed {was_amount} yuan ({_arithmetic(old)}), due {now_amount} yuan ({_arithmetic(new)});"
        f" {'to pay' if amount.fen > 0 else 'given back'} {Money(abs(amount.fen))} yuan. ",
        "refund.factor" if one.code == "power_factor" else RULE,
    )
    steps = [days, *why, said]
    return BillLine(
        code=one.code,
        title=one.title,
        group=one.group,
        band=one.band,
        tier=one.tier,
        quantity_milli=_quantity(new) - _quantity(old),
        unit=one.unit,
        price=_price([*old, *new]),
        amount=amount,
        tariff_code=now.tariff_code,
        tariff_version=now.tariff_version,
        document_no=one.document_no,
        illustrative=one.illustrative,
        note=one.note,
        first_day=first_day,
        last_day=last_day,
        steps=steps,
        sentence=sentence(steps),
        arithmetic=f"{now_amount} - {_signed(was_amount)} = {amount}",
    )


def _by_key(lines: Sequence[BillLine]) -> dict[Key, list[BillLine]]:
    found: dict[Key, list[BillLine]] = {}
    for one in lines:
        found.setdefault((one.code, one.band, one.tier), []).append(one)
    return found


def _price(lines: Sequence[BillLine]) -> Price | None:
    """The price where all lines have the same one: then the difference is one of quantity alone."""
    each = {line.price for line in lines}
    return each.pop() if len(each) == 1 else None


def _sum(lines: Sequence[BillLine]) -> Money:
    return Money(sum(one.amount.fen for one in lines))


def _quantity(lines: Sequence[BillLine]) -> int:
    return sum(one.quantity_milli or 0 for one in lines)


def _signed(amount: Money) -> str:
    return f"({amount})" if amount.fen < 0 else str(amount)


def _arithmetic(lines: Sequence[BillLine]) -> str:
    return "; ".join(one.arithmetic for one in lines) or milli(0)

"""Questions about bills that were issued: why one changed, and what another tariff would have cost (账单问答)."""

from collections.abc import Callable
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.again import Again
from denghuo.service.billing.api import BillNotFound
from denghuo.service.billing.api.change import PARTS, BillChange, ChangePart, ChangeStep, CompareBills, NotComparable
from denghuo.service.billing.change import Part, parts_of
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.lines import CannotRate
from denghuo.service.customer.api import Account
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffNotFound

AccountOf = Callable[[str], Account | None]


class BillQuestions:
    """`own`: the caller is the holder, and sees bills of the session's accounts alone."""

    def __init__(self, find: BillingFinder, ask: Ask, call: Call, own: bool) -> None:
        self._find, self._ask, self._call, self._own = find, ask, call, own

    def compared(self, request: CompareBills, account_of: AccountOf) -> BillChange:
        one = self._bill(request.bill_no)
        other = self._other(one, request.other_bill_no)
        before, after = sorted((one, other), key=lambda row: (row["month"], row["bill_no"]))
        again = Again(self._ask, self._call)
        try:
            parts = parts_of(again.side(before), again.side(after))
        except (CannotRate, TariffNotFound) as refused:
            raise _not_comparable(
                one, other["bill_no"], "cannot_rate", refused.detail["zh"], refused.detail["en"]
            ) from None
        account = account_of(after["account_no"])
        return BillChange(
            account_no=after["account_no"],
            name=account.name if account else None,
            kind=after["kind"],
            before_bill_no=before["bill_no"],
            after_bill_no=after["bill_no"],
            before_month=before["month"],
            after_month=after["month"],
            before_amount=Money(before["amount_fen"]),
            after_amount=Money(after["amount_fen"]),
            before_energy=Energy(before["energy_wh"]),
            after_energy=Energy(after["energy_wh"]),
            difference=Money(after["amount_fen"] - before["amount_fen"]),
            parts=[ChangePart(code=part.code, amount=part.amount, sentence=part.sentence) for part in parts],
            steps=_steps(before, parts, after),
            as_of=self._call.now,
        )

    def _bill(self, bill_no: str) -> dict[str, Any]:
        row = self._find.bill(bill_no, issued=True)
        if row is None or (self._own and row["account_no"] not in self._call.accounts):
            raise BillNotFound(
                text(
                    f"没有已发行的账单 {bill_no}，或不在您可查看的范围内。",
                    f"No issued bill {bill_no} exists in your scope.",
                ),
                bill_no=bill_no,
            )
        return row

    def _other(self, one: dict[str, Any], other_no: str | None) -> dict[str, Any]:
        number = other_no or self._find.bill_before(one["account_no"], one["kind"], one["month"])
        if number is None:
            raise _not_comparable(
                one, None, "no_earlier", "这是该户的第一张账单，之前没有可比的账单。", "It is the account's first bill."
            )
        other = self._bill(number)
        if other["account_no"] != one["account_no"]:
            raise _not_comparable(
                one, number, "other_account", "两张账单不是同一户。", "The bills are of two accounts."
            )
        if other["kind"] != one["kind"]:
            raise _not_comparable(
                one,
                number,
                "other_kind",
                "电费账单不能与上网结算单比较。",
                "A bill and a purchase statement do not compare.",
            )
        if one["reverses"] or other["reverses"]:
            raise _not_comparable(
                one, number, "reversal", "冲销账单不参与比较。", "A reversal is compared with nothing."
            )
        return other


def _not_comparable(one: dict[str, Any], other: str | None, why: str, zh: str, en: str) -> NotComparable:
    return NotComparable(text(zh, en), bill_no=one["bill_no"], other_bill_no=other, why=why)


def _steps(before: dict[str, Any], parts: list[Part], after: dict[str, Any]) -> list[ChangeStep]:
    """The way from the earlier bill to the later one; parts of nothing are no step."""

    def whole(row: dict[str, Any]) -> ChangeStep:
        name = TextPair(zh=f"{row['month']} 电费", en=f"Bill {row['month']}")
        return ChangeStep(name=name, amount=Money(row["amount_fen"]), whole=True)

    moved = [
        ChangeStep(name=TextPair(**PARTS.entries[part.code]), amount=part.amount, whole=False)
        for part in parts
        if part.amount
    ]
    return [whole(before), *moved, whole(after)]

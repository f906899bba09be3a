"""Counter: taking, taking back, and closing the day."""

from datetime import date

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import Money
from denghuo.service.host.binding import Ask
from denghuo.service.payment import approval, rules
from denghuo.service.payment.api import (
    AmountRefused,
    AskDay,
    CashDiffers,
    CloseDay,
    Day,
    DayClosed,
    DayMethod,
    NotReversible,
    Payment,
    PaymentReversed,
    PaymentTaken,
    ReceiptUnknown,
    ReversePayment,
    TakePayment,
)
from denghuo.service.payment.peers import account, home_of
from denghuo.service.payment.store.payments import NewPayment, PaymentStore

COUNTER = "SK"
POST = "payment.post_pending"


class Counter:
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._store = PaymentStore(work)

    def take(self, call: Call, request: TakePayment) -> Payment:
        why = rules.refused_amount(request.amount)
        if why is not None:
            raise AmountRefused(why, field="amount", value=request.amount)
        why = rules.refused_tender(request.amount, request.method, request.tendered)
        if why is not None:
            raise AmountRefused(why, field="tendered", value=request.tendered)
        payer = account(self._ask, call, request.account_no)
        today = call.today
        self._store.hold_day(call.actor, today)
        self._open(call.actor, today)
        number = self._store.numbers(COUNTER, today)[0]
        self._store.add(
            [
                NewPayment(
                    receipt_no=number,
                    account_no=request.account_no,
                    org=payer.org,
                    amount_fen=request.amount.fen,
                    method=request.method,
                    cashier=call.actor,
                    taken_at=call.now,
                    day=today,
                    tendered_fen=request.tendered.fen if request.tendered is not None else None,
                    reference=request.reference or None,
                    remark=request.remark,
                )
            ]
        )
        self._work.emit(
            PaymentTaken(
                receipt_no=number,
                account_no=request.account_no,
                org=payer.org,
                method=request.method,
                amount_fen=str(request.amount.fen),
            )
        )
        self._work.enqueue(POST, {})
        taken = self._store.payment(number)
        assert taken is not None
        return taken

    def reverse(self, call: Call, request: ReversePayment) -> PaymentReversed:
        payment = self._store.payment(request.receipt_no, hold=True)
        if payment is None:
            raise unknown_receipt(request.receipt_no)
        if payment.state in {"reversing", "reversed"}:
            raise NotReversible(
                text(
                    f"收款 {payment.receipt_no} 已冲正，不能再次冲正。",
                    f"Payment {payment.receipt_no} is reversed already.",
                ),
                receipt_no=payment.receipt_no,
                state=payment.state,
            )
        today = call.today
        closed = self._store.day_close(payment.cashier, payment.day) is not None
        if rules.needs_approval(payment.cashier, payment.day, closed, call.actor, today):
            number = approval.ask_reversal(self._ask, call, payment, request.reason)
            self._store.keep_request(number, payment.receipt_no, request.reason)
            return PaymentReversed(receipt_no=payment.receipt_no, outcome="waiting", approval_no=number)
        self.carry_out(call, payment.receipt_no, request.reason, call.actor, None)
        return PaymentReversed(receipt_no=payment.receipt_no, outcome="reversing", approval_no=None)

    def carry_out(self, call: Call, receipt_no: str, reason: str, actor: str, approval_no: int | None) -> None:
        """Takes a payment back; the ledger follows by job. `actor` is who gives the money back."""
        if self._store.order_reversal(receipt_no, reason, actor, call.today, approval_no):
            self._work.enqueue(POST, {})

    def decided(self, call: Call, approval_no: int, agreed: bool) -> None:
        """What another person decided on a reversal or on a difference in the drawer."""
        asked = self._store.request(approval_no)
        if asked is not None and agreed:
            self.carry_out(call, asked["receipt_no"], asked["reason"], asked["requested_by"], approval_no)
        elif asked is None:
            self._store.decide_day(approval_no, agreed)

    # -- the day ---------------------------------------------------------------------------------------------------------

    def day(self, call: Call, request: AskDay) -> Day:
        return self._day(call, request.cashier or call.actor, request.day or call.today)

    def close(self, call: Call, request: CloseDay) -> Day:
        day = request.day or call.today
        if request.counted_cash.fen < 0:
            raise AmountRefused(
                text("清点现金不能为负数，请重新清点。", "Counted cash cannot be below zero; count again."),
                field="counted_cash",
                value=request.counted_cash,
            )
        self._store.hold_day(call.actor, day, closing=True)
        self._open(call.actor, day)
        before = self._day(call, call.actor, day)
        difference = request.counted_cash - before.expected_cash
        approval_no = None
        if difference:
            if request.reason is None:
                raise CashDiffers(
                    _differs(before.expected_cash, request.counted_cash, difference),
                    expected=before.expected_cash,
                    counted=request.counted_cash,
                    difference=difference,
                )
            approval_no = approval.ask_close(self._ask, call, day, difference, request.reason)
        self._store.close_day(
            {
                "cashier": call.actor,
                "day": day,
                "org": home_of(call),
                "expected_fen": before.expected_cash.fen,
                "counted_fen": request.counted_cash.fen,
                "state": "waiting" if difference else "closed",
                "reason": request.reason,
                "approval_no": approval_no,
                "closed_at": call.now,
            }
        )
        return self._day(call, call.actor, day)

    def _open(self, cashier: str, day: date) -> None:
        closed = self._store.day_close(cashier, day)
        if closed is not None:
            raise DayClosed(
                text(
                    f"{cashier} 的 {day} 已扎账（或差额待审批），当日不能再收款或扎账。",
                    f"The day {day} of {cashier} is closed (or its difference waits for approval); nothing more is taken on it.",
                ),
                cashier=cashier,
                day=day,
            )

    def _day(self, call: Call, cashier: str, day: date) -> Day:
        rows = [
            DayMethod(
                method=row["method"],
                count=row["count"],
                amount=Money(row["fen"]),
                reversed_count=row["reversed_count"],
                reversed_amount=Money(row["reversed_fen"]),
            )
            for row in self._store.day_methods(cashier, day)
        ]
        expected = next((row.amount - row.reversed_amount for row in rows if row.method == "cash"), Money(0))
        closed = self._store.day_close(cashier, day)
        counted = Money(closed["counted_fen"]) if closed else None
        return Day(
            cashier=cashier,
            day=day,
            state=closed["state"] if closed else "open",
            rows=rows,
            expected_cash=Money(closed["expected_fen"]) if closed else expected,
            counted_cash=counted,
            difference=None if closed is None else Money(closed["counted_fen"] - closed["expected_fen"]),
            total=Money(sum(row.amount.fen - row.reversed_amount.fen for row in rows)),
            approval_no=closed["approval_no"] if closed else None,
            as_of=call.now,
        )


def unknown_receipt(number: str) -> ReceiptUnknown:
    return ReceiptUnknown(
        text(
            f"收款凭证 {number} 不存在，或不在您的管辖范围内。",
            f"Receipt {number} does not exist or is outside your scope.",
        ),
        receipt_no=number,
    )


def _differs(expected: Money, counted: Money, difference: Money) -> Text:
    return text(
        f"清点现金 {counted} 元，应有 {expected} 元，差额 {difference} 元。请重新清点；确有差额的，填写原因后提交审批。",
        f"Counted {counted} yuan, expected {expected}, difference {difference}. Count again; if the difference stands, "
        "state the reason and submit it for approval.",
    )

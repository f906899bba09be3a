"""Online payment: orders to a channel, and what the channel reports about them."""

import json
from datetime import datetime

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api import AccountUnknown as NoBooks
from denghuo.service.ledger.api import LedgerApi, OwedBy
from denghuo.service.payment.api import (
    CallbackDiffers,
    CallbackTaken,
    NothingToPay,
    OnlineCallback,
    Order,
    OrderUnknown,
    PaymentTaken,
    PayOnline,
    SignatureWrong,
)
from denghuo.service.payment.channel import ONLINE, SandboxOnline
from denghuo.service.payment.counter import POST
from denghuo.service.payment.peers import unknown_account
from denghuo.service.payment.store.banks import BankStore
from denghuo.service.payment.store.payments import NewPayment, PaymentStore

ONLINE_PREFIX = "XS"
CHANNEL = SandboxOnline.code
ACCOUNT = slice(6, 19)
"""Where the account number stands in a bill number."""


class Online:
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._store, self._payments = BankStore(work), PaymentStore(work)

    def order(self, call: Call, request: PayOnline) -> Order:
        accounts = {bill_no[ACCOUNT] for bill_no in request.bill_nos}
        account_no = request.bill_nos[0][ACCOUNT]
        if len(accounts) > 1:
            raise _nothing(request.bill_nos, "一次只能支付同一户号的账单", "pay the bills of one account at a time")
        try:
            owed = self._ask(LedgerApi).owed(call.only("ledger.read"), OwedBy(account_no=account_no))
        except NoBooks as error:
            raise unknown_account(account_no) from error
        chosen = [item for item in owed.items if item.bill_no in set(request.bill_nos) and item.rest.fen > 0]
        amount = Money(sum(item.rest.fen for item in chosen))
        if not amount:
            raise _nothing(request.bill_nos, "所选账单已结清或不存在", "the bills are settled or do not exist")
        channel = ONLINE[CHANNEL]
        secret = self._store.secret(CHANNEL, make=True)
        assert secret is not None
        number = self._store.order_no(call.today)
        body, signature = channel.request(number, str(amount), call.now, secret)
        self._store.add_order(
            {
                "order_no": number,
                "account_no": account_no,
                "org": chosen[0].org,
                "amount_fen": amount.fen,
                "bill_nos": [item.bill_no for item in chosen],
                "channel": CHANNEL,
                "sandbox": channel.sandbox,
                "request": body,
                "signature": signature,
                "created_at": call.now,
            }
        )
        return self.known(number)

    def known(self, order_no: str) -> Order:
        order = self._store.order(order_no)
        if order is None:
            raise OrderUnknown(
                text(f"订单 {order_no} 不存在，或不是您的订单。", f"Order {order_no} does not exist or is not yours."),
                order_no=order_no,
            )
        return order

    def report(self, call: Call, request: OnlineCallback) -> CallbackTaken:
        """Keeps a channel's report if its signature is right; the payment is made by the job, which sees all orders."""
        channel = ONLINE.get(request.channel)
        secret = self._store.secret(request.channel) if channel is not None else None
        said = channel.verified(request.body, request.signature, secret) if channel and secret else None
        if said is None:
            raise SignatureWrong(
                text(
                    "支付通知的签名无效，未处理。请核对渠道代码与密钥。",
                    "The signature of the report is invalid; nothing was done. Check the channel's code and key.",
                ),
                channel=request.channel,
            )
        number = said["order_no"]
        known = self._store.keep_callback(number, request.channel, request.body, call.now)
        if known != request.body and json.loads(known)["amount"] != said["amount"]:
            raise CallbackDiffers(
                text(
                    f"订单 {number} 已收到金额不同的支付通知，本次未处理，请与渠道核对。",
                    f"Another amount was reported for order {number}; nothing was done now, compare with the channel.",
                ),
                order_no=number,
            )
        self._work.enqueue(POST, {})
        return CallbackTaken(order_no=number)

    def play(self, call: Call, order_no: str) -> CallbackTaken:
        """What the sandbox's own pay page does: pays the order and reports it."""
        order = self.known(order_no)
        secret = self._store.secret(CHANNEL)
        assert secret is not None
        body, signature = SandboxOnline().pay(order_no, str(order.amount), call.now, secret)
        return self.report(call, OnlineCallback(channel=CHANNEL, body=body, signature=signature))

    def settle(self, call: Call, limit: int) -> int:
        """Makes payments of the reports that wait; gives how many."""
        waiting = self._store.waiting_callbacks(limit)
        for row in waiting:
            said = json.loads(row["body"])
            paid_at = datetime.fromisoformat(said["paid_at"])
            if row["org"] is None:
                # Signed by the channel, but no order of ours: kept for reconciliation with the channel, nothing to pay into.
                self._store.finish_callback(row["order_no"], None, None, call.now)
                continue
            number = self._payments.numbers(ONLINE_PREFIX, paid_at.astimezone(SHANGHAI).date())[0]
            amount = Money.of(said["amount"])
            self._payments.add(
                [
                    NewPayment(
                        receipt_no=number,
                        account_no=row["account_no"],
                        org=row["org"],
                        amount_fen=amount.fen,
                        method="online",
                        cashier=call.actor,
                        taken_at=paid_at,
                        day=paid_at.astimezone(SHANGHAI).date(),
                        reference=said["serial"],
                        source=row["order_no"],
                        bill_nos=tuple(row["bill_nos"]),
                        sandbox=row["sandbox"],
                    )
                ]
            )
            self._store.finish_callback(row["order_no"], number, paid_at, call.now)
            self._work.emit(
                PaymentTaken(
                    receipt_no=number,
                    account_no=row["account_no"],
                    org=row["org"],
                    method="online",
                    amount_fen=str(amount.fen),
                )
            )
        return len(waiting)


def _nothing(bill_nos: list[str], zh: str, en: str) -> NothingToPay:
    return NothingToPay(text(f"{zh}，请刷新后重选。", f"Nothing to pay: {en}; choose again."), bill_nos=bill_nos)

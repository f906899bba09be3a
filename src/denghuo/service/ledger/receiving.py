"""Receipts in the books (收款入账): money that came in is spread over what is owed, and taken back by a reversal."""

from datetime import date
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import is_account_no
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import NotPermitted, text
from denghuo.kernel.values import INT64_MAX, Money
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.ledger import rules
from denghuo.service.ledger.api import (
    AlreadyReversed,
    AmountRefused,
    PostedReceipt,
    PostReceipts,
    Receipt,
    ReceiptDiffers,
    ReceiptReversed,
    ReceiptsPosted,
    ReceiptUnknown,
    ReverseReceipt,
)
from denghuo.service.ledger.store.books import Books, NewEntry
from denghuo.service.ledger.store.items import AccountState, Items


class Receiving:
    """Posts and reverses receipts within a unit of work."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._books, self._items = Books(work), Items(work)

    def post(self, call: Call, request: PostReceipts) -> ReceiptsPosted:
        _whole_company(call)
        for item in request.receipts:
            if not 0 < item.amount.fen <= INT64_MAX // 1_000:
                raise AmountRefused(
                    text(
                        f"收款 {item.receipt_no} 的金额 {item.amount} 元不可入账：须大于零且在合理范围内。",
                        f"Receipt {item.receipt_no}: {item.amount} yuan cannot be posted; it must be positive and in range.",
                    ),
                    receipt_no=item.receipt_no,
                    value=item.amount,
                )
        homes = self._homes(call, request.receipts)
        self._books.hold()
        self._items.remember(homes.items())
        accounts = self._items.lock(sorted({item.account_no for item in request.receipts}))
        known = self._items.receipts([item.receipt_no for item in request.receipts])
        fresh: dict[str, Receipt] = {}
        for item in request.receipts:
            if item.receipt_no in known:
                _same(item, known[item.receipt_no])
            elif item.receipt_no in fresh:
                if fresh[item.receipt_no] != item:
                    raise _differs(item, "amount", item.amount, fresh[item.receipt_no].amount)
            else:
                fresh[item.receipt_no] = item
        posted = self._spread(list(fresh.values()), accounts)
        rows = {row.receipt_no: row for row in posted} | {
            number: PostedReceipt(
                receipt_no=number,
                settled=Money(row["settled_fen"]),
                prepaid=Money(row["prepaid_fen"]),
                suspense=Money(row["suspense_fen"]),
                voucher_no=row["voucher_no"],
            )
            for number, row in known.items()
        }
        return ReceiptsPosted(
            rows=[rows[number] for number in dict.fromkeys(item.receipt_no for item in request.receipts)],
            posted=len(posted),
            unchanged=len(request.receipts) - len(posted),
        )

    def _homes(self, call: Call, receipts: list[Receipt]) -> dict[str, str]:
        """The organisations of the receipts' accounts, of those that exist."""
        numbers = sorted({item.account_no for item in receipts if is_account_no(item.account_no)})
        if not numbers:
            return {}
        found = self._ask(CustomerApi).accounts(call.only("customer.read"), AccountNumbers(numbers=numbers))
        return {account.account_no: account.org for account in found.rows}

    def _spread(self, receipts: list[Receipt], accounts: dict[str, AccountState]) -> list[PostedReceipt]:
        codes, methods = self._books.codes(), self._books.method_codes()
        open_items = self._items.open_items(list(accounts))
        paid: dict[str, int] = {}
        allocations: list[tuple[Any, ...]] = []
        prepaid: dict[str, int] = {}
        by_voucher: dict[tuple[str, date], list[tuple[Receipt, PostedReceipt, list[NewEntry]]]] = {}
        for receipt in receipts:
            account = accounts.get(receipt.account_no)
            number = receipt.receipt_no
            entries = [NewEntry(number, methods[receipt.method], receipt.account_no, receipt.amount.fen)]
            if account is None:
                entries = [NewEntry(number, methods[receipt.method], None, receipt.amount.fen)]
                entries.append(NewEntry(number, codes["suspense"], None, -receipt.amount.fen))
                result = _posted(number, suspense=receipt.amount.fen)
            else:
                now = [
                    rules.Item(i.bill_no, i.due_on, i.amount_fen, i.paid_fen + paid.get(i.bill_no, 0), i.reverses)
                    for i in open_items.get(receipt.account_no, [])
                ]
                spread = rules.allocate(receipt.amount.fen, now, receipt.bill_nos)
                for share in spread.shares:
                    paid[share.bill_no] = paid.get(share.bill_no, 0) + share.fen
                allocations += self._items.pay(
                    ("receipt", number), "receipt", number, receipt.account_no, account.org, spread.shares
                )
                prepaid[receipt.account_no] = prepaid.get(receipt.account_no, 0) + spread.surplus_fen
                entries.append(NewEntry(number, codes["receivable"], receipt.account_no, -spread.settled_fen))
                entries.append(NewEntry(number, codes["prepaid"], receipt.account_no, -spread.surplus_fen))
                result = _posted(number, settled=spread.settled_fen, prepaid=spread.surplus_fen)
            org = account.org if account else receipt.org
            by_voucher.setdefault((org, receipt.paid_at.astimezone(SHANGHAI).date().replace(day=1)), []).append(
                (receipt, result, entries)
            )
        results = self._write(by_voucher)
        self._items.allocate(allocations)
        self._items.move_prepaid(prepaid)
        return results

    def _write(
        self, by_voucher: dict[tuple[str, date], list[tuple[Receipt, PostedReceipt, list[NewEntry]]]]
    ) -> list[PostedReceipt]:
        """One voucher for each organisation and month; gives the results with their voucher numbers."""
        results: list[PostedReceipt] = []
        rows: list[tuple[Any, ...]] = []
        for (org, month), members in sorted(by_voucher.items(), key=lambda each: each[0]):
            voucher = self._books.open_voucher(
                month, org, "receipt", text(f"收取电费 {len(members)} 笔", f"{len(members)} receipts")
            )
            self._books.add(voucher, [entry for _, _, entries in members for entry in entries])
            for receipt, result, _ in members:
                results.append(result.model_copy(update={"voucher_no": voucher.voucher_no}))
                rows.append(
                    (
                        receipt.receipt_no,
                        receipt.account_no,
                        org,
                        receipt.amount.fen,
                        receipt.method,
                        receipt.paid_at,
                        receipt.paid_at.astimezone(SHANGHAI).date(),
                        result.settled.fen,
                        result.prepaid.fen,
                        result.suspense.fen,
                        voucher.voucher_no,
                        self._work.call.now,
                    )
                )
        if rows:
            self._items.add_receipts(rows)
        return results

    def reverse(self, call: Call, request: ReverseReceipt) -> ReceiptReversed:
        _whole_company(call)
        self._books.hold()
        receipt = self._items.receipts([request.receipt_no]).get(request.receipt_no)
        if receipt is None:
            raise ReceiptUnknown(
                text(
                    f"账上没有收款凭证 {request.receipt_no}，请先入账再冲正。",
                    f"Receipt {request.receipt_no} is not in the books; post it before it is reversed.",
                ),
                receipt_no=request.receipt_no,
            )
        account = self._items.lock([receipt["account_no"]]).get(receipt["account_no"])
        if receipt["reversal_no"] is not None:
            return _known_reversal(request, receipt)
        codes, methods = self._books.codes(), self._books.method_codes()
        number, account_no, org = request.reversal_no, receipt["account_no"], receipt["org"]
        shares = [rules.Share(share.bill_no, -share.fen) for share in self._items.shares_of_receipt(request.receipt_no)]
        back = rules.TakenBack(0, ())
        if receipt["prepaid_fen"]:
            assert account is not None
            back = rules.take_back(
                receipt["prepaid_fen"], account.prepaid_fen, self._items.paid_from_prepaid(account_no)
            )
        reopened = -sum(share.fen for share in (*shares, *back.released))
        in_suspense = bool(receipt["suspense_fen"])
        entries = [
            NewEntry(number, methods[receipt["method"]], None if in_suspense else account_no, -receipt["amount_fen"]),
            NewEntry(number, codes["receivable"], account_no, reopened),
            NewEntry(number, codes["prepaid"], account_no, back.from_balance_fen),
            NewEntry(number, codes["suspense"], None, receipt["suspense_fen"]),
        ]
        voucher = self._books.open_voucher(
            call.today,
            org,
            "reversal",
            text(
                f"冲正收款 {request.receipt_no}：{request.reason}",
                f"Reversal of {request.receipt_no}: {request.reason}",
            ),
        )
        self._books.add(voucher, entries)
        document = ("reversal", number)
        self._items.allocate(
            self._items.pay(document, "receipt", request.receipt_no, account_no, org, shares)
            + self._items.pay(document, "prepaid", None, account_no, org, back.released)
        )
        self._items.move_prepaid({account_no: -back.from_balance_fen})
        self._items.mark_reversed(request.receipt_no, number, reopened, voucher.voucher_no)
        return ReceiptReversed(
            reversal_no=number,
            receipt_no=request.receipt_no,
            reopened=Money(reopened),
            voucher_no=voucher.voucher_no,
        )


def _posted(receipt_no: str, settled: int = 0, prepaid: int = 0, suspense: int = 0) -> PostedReceipt:
    return PostedReceipt(
        receipt_no=receipt_no,
        settled=Money(settled),
        prepaid=Money(prepaid),
        suspense=Money(suspense),
        voucher_no="000000-000000",
    )


def _differs(item: Receipt, field: str, value: object, known: object) -> ReceiptDiffers:
    return ReceiptDiffers(
        text(
            f"收款凭证 {item.receipt_no} 已入账，但“{field}”不同（账上 {known}，本次 {value}），本批未入账，请核对后重送。",
            f"Receipt {item.receipt_no} is in the books with another {field} ({known}, now {value}); nothing of this batch "
            "was posted. Compare and send again.",
        ),
        receipt_no=item.receipt_no,
        field=field,
        value=value,
        known=known,
    )


def _same(item: Receipt, known: dict[str, Any]) -> None:
    if item.amount.fen != known["amount_fen"]:
        raise _differs(item, "amount", item.amount, Money(known["amount_fen"]))
    if item.account_no != known["account_no"]:
        raise _differs(item, "account_no", item.account_no, known["account_no"])
    if item.method != known["method"]:
        raise _differs(item, "method", item.method, known["method"])


def _known_reversal(request: ReverseReceipt, receipt: dict[str, Any]) -> ReceiptReversed:
    if receipt["reversal_no"] != request.reversal_no:
        raise AlreadyReversed(
            text(
                f"收款 {request.receipt_no} 已由 {receipt['reversal_no']} 冲正。",
                f"Receipt {request.receipt_no} was reversed by {receipt['reversal_no']} already.",
            ),
            receipt_no=request.receipt_no,
            reversal_no=receipt["reversal_no"],
        )
    return ReceiptReversed(
        reversal_no=request.reversal_no,
        receipt_no=request.receipt_no,
        reopened=Money(receipt["reopened_fen"]),
        voucher_no=receipt["reversal_voucher_no"],
    )


def _whole_company(call: Call) -> None:
    """Posting works on the books of the whole company: with less in view, an account of another unit would look unknown."""
    if "" not in call.scope or call.accounts:
        raise NotPermitted(
            text("入账只能由系统或全公司范围的岗位执行。", "Only the system or a post over the whole company posts."),
            permit="ledger.post",
        )

"""The register of invoices (发票登记): asked for by a clerk, followed by what bills do afterwards, numbered by the tax authority.

A bill that is taken back takes its invoice back by a red letter; where an account's month was invoiced, what is billed for it
afterwards is invoiced to the same buyer. What is asked of the authority is entered first and sent by a job, which may be repeated.
"""

from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money, Percent
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api.invoice import (
    BuyerCodeWrong,
    FindInvoices,
    Invoice,
    Invoices,
    InvoicesSent,
    InvoiceUnknown,
    IssueInvoice,
    NotInvoiced,
)
from denghuo.service.ledger.rules import VAT_RATE, is_credit_code, red_tax, spread, tax_within
from denghuo.service.ledger.store.invoices import InvoiceStore
from denghuo.service.ledger.tax import Answer, authority

AT_ONCE = 200
NEVER_ISSUED = Answer(
    None, text("对应的蓝字发票未开具，无须红冲。", "The invoice that it takes back was never issued.")
)
Row = dict[str, Any]


class InvoiceDesk:
    def __init__(self, work: Work, ask: Ask, call: Call) -> None:
        self._work, self._ask, self._call = work, ask, call
        self._store = InvoiceStore(work)

    # -- asked for -------------------------------------------------------------------------------------------------------

    def issue(self, request: IssueInvoice) -> Invoice:
        """
        Raises:
            NotInvoiced: the bill asks nothing, was taken back, or has an invoice.
            BuyerCodeWrong: the code's check letter is not right.
        """
        code = request.buyer_code
        if code is not None and not is_credit_code(code):
            said = text(
                f"代码 {code} 的校验位不符，请核对。", f"The check letter of {code} is not right; look at it again."
            )
            raise BuyerCodeWrong(said, errors=[{"field": "buyer_code", "value": code, **said}])
        item = self._store.item(request.bill_no)
        refused = self._refused(request.bill_no, item)
        if refused is not None or item is None:
            raise refused or _not_invoiced(request.bill_no, "not_posted", "", "")
        buyer = request.buyer or self._holder(item["account_no"])
        number = self._blue(item, buyer, code, item["amount_fen"])
        if number is None:
            raise _known(request.bill_no, "")
        self._work.enqueue("ledger.send_invoices", {})
        return self.invoice(number)

    def _refused(self, bill_no: str, item: Row | None) -> NotInvoiced | None:
        if item is None:
            return _not_invoiced(
                bill_no, "not_posted", "未入账，发行后稍候再申请", "is not in the books yet; ask again later"
            )
        if item["kind"] != "supply":
            return _not_invoiced(
                bill_no, "purchase", "是购电结算单，由售电方开票", "is a purchase statement, which the seller invoices"
            )
        if item["amount_fen"] <= 0:
            return _not_invoiced(
                bill_no,
                "nothing_owed",
                "没有应收金额；退还的金额由红字发票冲减",
                "asks nothing; what is given back is taken off by a red letter",
            )
        back = item["taken_back_by"]
        if back is not None:
            return _not_invoiced(bill_no, "taken_back", f"已由 {back} 冲销", f"was taken back by {back}")
        known = self._store.blue_of(bill_no)
        return None if known is None else _known(bill_no, known["invoice_no"])

    def _holder(self, account_no: str) -> str:
        asked = AccountNumbers(numbers=[account_no])
        rows = self._ask(CustomerApi).accounts(Call.system(self._call.now), asked).rows
        return rows[0].name if rows and rows[0].name else account_no

    # -- what follows from bills -----------------------------------------------------------------------------------------

    def follow(self) -> None:
        """What the staged bills of a posting do to invoices: a step of the posting."""
        rows = self._store.followed()
        for row in rows:
            if row["amount_fen"] < 0:
                self._take_back(row)
            else:
                self._follow_with_blue(row)
        if rows:
            self._work.enqueue("ledger.send_invoices", {})

    def _take_back(self, row: Row) -> None:
        """Red letters for a bill below zero: over all that is left of the bill that it takes back, or, of an adjustment, over the
        newest invoices of the account up to its amount."""
        if row["reverses"] is not None:
            blue = self._store.blue_of(row["reverses"])
            blues = [] if blue is None else [blue]
        else:
            blues = self._store.blues_left(row["account_no"], row["month"])
        by_number = {one["invoice_no"]: one for one in blues}
        for number, taken in spread(-row["amount_fen"], [(one["invoice_no"], one["left_fen"]) for one in blues]):
            blue = by_number[number]
            self._store.add(
                self._entry(row, "red", blue["buyer"], blue["buyer_code"], -taken)
                | {"tax_fen": -red_tax(blue["left_fen"], taken, blue["rate"]), "rate": blue["rate"], "reds": number}
            )

    def _follow_with_blue(self, row: Row) -> None:
        """An invoice for what is billed after another one of the month was: to the same buyer. What takes a refund back is invoiced
        as far as the refund had red letters."""
        buyer = self._store.buyer_in(row["account_no"], row["month"])
        amount = row["amount_fen"] if row["reverses"] is None else self._store.red_by(row["reverses"])
        if buyer is not None and amount > 0:
            self._blue(row, buyer["buyer"], buyer["buyer_code"], amount)

    def _blue(self, row: Row, buyer: str, code: str | None, amount_fen: int) -> str | None:
        entry = self._entry(row, "blue", buyer, code, amount_fen)
        return self._store.add(entry | {"tax_fen": tax_within(amount_fen), "rate": VAT_RATE})

    def _entry(self, row: Row, colour: str, buyer: str, code: str | None, amount_fen: int) -> Row:
        return {
            "colour": colour,
            "bill_no": row["bill_no"],
            "account_no": row["account_no"],
            "org": row["org"],
            "month": row["month"],
            "buyer": buyer,
            "buyer_code": code,
            "amount_fen": amount_fen,
            "asked_by": self._call.actor,
            "asked_at": self._call.now,
        }

    # -- the authority ---------------------------------------------------------------------------------------------------

    def send(self) -> InvoicesSent:
        """Takes a page of what waits to the authority. Repeated after an interruption it gets the same answers."""
        port, rows = authority(), self._store.waiting(AT_ONCE)
        numbers: dict[str, str | None] = {}
        issued = refused = 0
        for row in rows:
            reds = numbers.get(row["reds"], row["reds_number"])
            answer = NEVER_ISSUED if row["reds"] and reds is None else port.issue(_content(row, reds))
            numbers[row["invoice_no"]] = answer.number
            issued, refused = issued + (answer.number is not None), refused + (answer.number is None)
            self._store.answered(row["invoice_no"], answer, port.sandbox, self._call.now)
        return InvoicesSent(issued=issued, refused=refused, again=len(rows) == AT_ONCE)

    # -- reading ---------------------------------------------------------------------------------------------------------

    def invoice(self, invoice_no: str) -> Invoice:
        row = self._store.invoice(invoice_no)
        if row is None:
            raise InvoiceUnknown(
                text(
                    f"发票 {invoice_no} 不存在，或不在您可查看的范围内。",
                    f"Invoice {invoice_no} does not exist or is outside your scope.",
                ),
                invoice_no=invoice_no,
            )
        return _shown(row)

    def found(self, request: FindInvoices) -> Invoices:
        rows, sums = self._store.found(request)
        return Invoices(
            rows=[_shown(row) for row in rows],
            total=sums["total"],
            amount=Money(sums["fen"]),
            tax=Money(sums["tax_fen"]),
            next=rows[-1]["invoice_no"] if len(rows) == request.limit else None,
            as_of=self._call.now,
        )


def _content(row: Row, reds: str | None) -> dict[str, str | None]:
    return {
        "invoice_no": row["invoice_no"],
        "colour": row["colour"],
        "reds": reds,
        "buyer": row["buyer"],
        "buyer_code": row["buyer_code"],
        "amount": str(Money(row["amount_fen"])),
        "tax": str(Money(row["tax_fen"])),
    }


def _shown(row: Row) -> Invoice:
    kept = {name: row[name] for name in Invoice.model_fields if name in row and name != "rate"}
    figures = {
        "amount": Money(row["amount_fen"]),
        "tax": Money(row["tax_fen"]),
        "rate": Percent(row["rate"]),
        "left": None if row["left_fen"] is None else Money(row["left_fen"]),
        "refusal": None if row["refusal"] is None else TextPair.model_validate(row["refusal"]),
    }
    return Invoice.model_validate(kept | figures)


def _not_invoiced(bill_no: str, why: str, zh: str, en: str, **fields: str) -> NotInvoiced:
    return NotInvoiced(text(f"账单 {bill_no} {zh}。", f"Bill {bill_no} {en}."), bill_no=bill_no, why=why, **fields)


def _known(bill_no: str, number: str) -> NotInvoiced:
    return _not_invoiced(bill_no, "known", f"已有发票 {number}", f"has the invoice {number}", invoice_no=number)

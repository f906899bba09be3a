"""Bills as they were issued: shown, printed, given as files, proved and taken back."""

from functools import cache
from typing import Any

from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.fields import Document
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing import show
from denghuo.service.billing.api import (
    Bill,
    BillRef,
    BillsFound,
    DayRef,
    DayRoot,
    FindBills,
    FindExceptions,
    MonthSummary,
    MyBills,
    ReversalAsked,
    ReverseBill,
    RunsSealed,
    Summarise,
)
from denghuo.service.billing.api.bill import BillOperations
from denghuo.service.billing.api.proof import ProofOperations
from denghuo.service.billing.explained import explained
from denghuo.service.billing.readings import readings_file
from denghuo.service.billing.resting_desk import RestingDesk
from denghuo.service.billing.reversal import ReversalDesk
from denghuo.service.billing.service.checks import check_issued
from denghuo.service.billing.service.part import BillingPart
from denghuo.service.billing.tariffs import price_area


class BillPart(BillingPart, BillOperations, ProofOperations):
    """Answers on bills."""

    def bills(self, call: Call, request: FindBills) -> BillsFound:
        rows, sums = self._find.bills(request, issued=bool(call.accounts))
        return self._bills_found(call, rows, sums, request.limit)

    def bill(self, call: Call, request: BillRef) -> Bill:
        return self._bill(call, request.bill_no)

    def my_bills(self, call: Call, request: MyBills) -> BillsFound:
        rows, sums = self._find.own_bills(request, call.accounts)
        return self._bills_found(call, rows, sums, request.limit)

    def my_bill(self, call: Call, request: BillRef) -> Bill:
        return self._bill(call, request.bill_no, own=True)

    def my_bill_document(self, call: Call, request: BillRef) -> Document:
        return self._document(self._bill(call, request.bill_no, own=True), clear=True)

    def bill_document(self, call: Call, request: BillRef) -> Document:
        return self._document(self._bill(call, request.bill_no), clear=call.channel in ("system", "peer"))

    def bill_file(self, call: Call, request: BillRef) -> Document:
        return self._file(call, self._bill_row(call, request.bill_no))

    def my_bill_file(self, call: Call, request: BillRef) -> Document:
        return self._file(call, self._bill_row(call, request.bill_no, own=True))

    def readings_file(self, call: Call, request: BillRef) -> Document:
        return self._readings(call, self._bill_row(call, request.bill_no))

    def my_readings_file(self, call: Call, request: BillRef) -> Document:
        return self._readings(call, self._bill_row(call, request.bill_no, own=True))

    def day_root(self, call: Call, request: DayRef) -> DayRoot:
        return self._prover(call).day_root(request)

    def seal_runs(self, call: Call, request: Nothing) -> RunsSealed:
        return self._prover(call).seal()

    def month_summary(self, call: Call, request: Summarise) -> MonthSummary:
        held = self._find.exceptions(
            FindExceptions(month=request.month, org=request.org, state="open", limit=1),
        )[1]
        return show.month_summary(request.month, self._find.summary(request), held, call.now)

    def reverse_bill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        row = self._bill_row(call, request.bill_no)
        return ReversalDesk(self._work, self._ask).request(call, row, request, rebill=False)

    def rebill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        row = self._bill_row(call, request.bill_no)
        return ReversalDesk(self._work, self._ask).request(call, row, request, rebill=True)

    def _bills_found(self, call: Call, rows: list[dict[str, object]], sums: dict[str, int], limit: int) -> BillsFound:
        names = self._accounts(call, [str(row["account_no"]) for row in rows])
        return BillsFound(
            rows=[show.bill_row(row, names) for row in rows],
            total=sums["total"],
            next=str(rows[-1]["bill_no"]) if len(rows) == limit else None,
            energy=Energy(sums["energy_wh"]),
            amount=Money(sums["amount_fen"]),
            purchase_energy=Energy(sums["purchase_energy_wh"]),
            purchase_amount=Money(sums["purchase_amount_fen"]),
            as_of=call.now,
        )

    def _bill(self, call: Call, bill_no: str, own: bool = False) -> Bill:
        row = self._bill_row(call, bill_no, own)
        stored, holds = self._find.whole_lines([bill_no])[bill_no], self._find.holds_on(bill_no)
        tariff_of = cache(self._prover(call).tariff)
        lines = explained(row, stored, tariff_of)
        account = self._accounts(call, [row["account_no"]]).get(row["account_no"])
        shown = show.bill(row, lines, [] if call.accounts else holds, account, self._unit(call, row["org"]), call)
        area = price_area(self._ask, call, row, tariff_of(row["tariff_code"], row["tariff_version"]).area)
        estimates = RestingDesk(self._store, self._ask, call).of(row)
        shown = show.with_estimates(shown.model_copy(update={"price_area": area}), estimates)
        return ReversalDesk(self._work, self._ask).linked(shown, customer=own or bool(call.accounts))

    def _document(self, bill: Bill, clear: bool) -> Document:
        check_issued(bill.bill_no, bill.state, bill.issued_on)
        # The typesetter reads fonts and images with libraries of their own: loaded by who prints, not at every start.
        from denghuo.service.billing.paper import bill_pdf

        return bill_pdf(bill, clear)

    def _file(self, call: Call, row: dict[str, Any]) -> Document:
        check_issued(row["bill_no"], row["state"], row["issued_on"])
        return self._prover(call).bill_file(row)

    def _readings(self, call: Call, row: dict[str, Any]) -> Document:
        check_issued(row["bill_no"], row["state"], row["issued_on"])
        # What takes a bill back says what that bill said.
        rated = row if row["reverses"] is None else self._bill_row(Call.system(call.now), row["reverses"])
        estimates = RestingDesk(self._store, self._ask, call).of(row)
        return readings_file(self._ask, Call.system(call.now), row, rated["rated_at"], estimates)

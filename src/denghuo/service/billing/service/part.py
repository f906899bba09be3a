"""What every part of the service stands on: its store, its peers, and accounts, units and bills as far as a caller may see them."""

from dataclasses import replace
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.billing.api import BillNotFound
from denghuo.service.billing.exceptions import ExceptionDesk
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.proving import Prover
from denghuo.service.billing.store import BillingStore
from denghuo.service.customer.api import Account, AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import Organisations, PermissionApi


class BillingPart:
    """A part of the service: it answers operations of one subject."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = BillingStore(work)
        self._find = BillingFinder(work)

    def _desk(self) -> ExceptionDesk:
        return ExceptionDesk(self._work, self._ask)

    def _accounts(self, call: Call, numbers: list[str]) -> dict[str, Account]:
        """The accounts of these numbers as far as the caller may see them; their names are masked on the way out."""
        if not numbers:
            return {}
        asking = replace(call, permits=call.permits | {"customer.read"}, key=None)
        found = self._ask(CustomerApi).accounts(asking, AccountNumbers(numbers=sorted(set(numbers))))
        return {account.account_no: account for account in found.rows}

    def _unit(self, call: Call, org: str) -> TextPair | None:
        asking = replace(call, permits=call.permits | {"permission.organisations"}, scope=("",), key=None)
        tree = self._ask(PermissionApi).organisations(asking, Organisations(codes=[org]))
        return next((TextPair(zh=unit.name, en=unit.name_en) for unit in tree.rows), None)

    def _prover(self, call: Call) -> Prover:
        return Prover(self._store, self._ask, call)

    def _bill_row(self, call: Call, bill_no: str, own: bool = False) -> dict[str, Any]:
        row = self._find.bill(bill_no, issued=own or bool(call.accounts))
        if row is None or (own and row["account_no"] not in call.accounts):
            raise BillNotFound(
                text(
                    f"账单 {bill_no} 不存在，或不在您可查看的范围内。",
                    f"Bill {bill_no} does not exist or is outside your scope.",
                ),
                bill_no=bill_no,
            )
        return row

"""A company with customers, bills and everything that payment works with, for payment's tests."""

import functools
import pathlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.service.bindings import NOW, local, remote, settle, web
from tests.service.ledger.books import SYSTEM, Bill, issued, number, open_accounts

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call
from denghuo.service.customer.api import CustomerApi
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Directory
from denghuo.service.ledger.api import AskProof, AskTrialBalance, LedgerApi, Owed, OwedBy
from denghuo.service.ledger.listen import post_bills
from denghuo.service.ledger.service import LedgerService
from denghuo.service.payment.api import PaymentApi
from denghuo.service.payment.service import PaymentService
from denghuo.service.permission.api import PermissionApi
from denghuo.service.permission.service import PermissionService
from denghuo.service.workflow.api import WorkflowApi
from denghuo.service.workflow.service import WorkflowService

A, B, C = number(1), number(2), number(3, station=2)
CASHIER_PERMITS = frozenset({"payment.take", "payment.read", "payment.day", "payment.close", "payment.reverse"})
CASHIER = Call(actor="wang", now=NOW, permits=CASHIER_PERMITS, scope=("1405810.01",))
OTHER = replace(CASHIER, actor="li", scope=("1405810.02",))
ACCOUNTANT = Call(actor="zhao", now=NOW, permits=frozenset({"payment.*", "ledger.*"}), scope=("1405810",))
HOLDER = Call(
    actor="holder", now=NOW, permits=frozenset({"payment.read", "payment.pay_online"}), scope=("",), accounts=(A,)
)


@dataclass
class Desk:
    payment: PaymentApi
    directory: Directory
    database: Database
    datasets: Datasets
    runs: int = 0

    @property
    def ledger(self) -> LedgerApi:
        return self.directory(LedgerApi)

    def bill(self, *bills: Bill) -> None:
        self.runs += 1
        event = issued(self.datasets, bills, self.runs)
        self.directory.hosted["ledger"].handle("ledger", post_bills, SYSTEM, event, f"run:{self.runs}")

    def settle(self) -> None:
        settle(self.directory)

    def owed(self, account_no: str) -> Owed:
        return self.ledger.owed(SYSTEM, OwedBy(account_no=account_no))

    def balanced(self) -> None:
        assert self.ledger.trial_balance(SYSTEM, AskTrialBalance()).balanced
        assert self.ledger.proof(SYSTEM, AskProof()).agrees


SERVICES = {
    PermissionApi: PermissionService,
    WorkflowApi: WorkflowService,
    CustomerApi: CustomerService,
    LedgerApi: LedgerService,
    PaymentApi: functools.partial(PaymentService, sandbox=True),
}


@contextmanager
def desk(binding: str, dsn: str, folder: pathlib.Path, accounts: Sequence[str] = (A, B, C)) -> Iterator[Desk]:
    with Database(dsn) as database:
        directory = local(database, folder, SERVICES)
        open_accounts(directory(CustomerApi), accounts)
        datasets = Datasets(database, folder)
        if binding == "local":
            yield Desk(directory(PaymentApi), directory, database, datasets)
        else:
            with web(directory) as client:
                api = remote(PaymentApi, client)
                assert isinstance(api, PaymentApi)
                yield Desk(api, directory, database, datasets)

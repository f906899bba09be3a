"""What ledger and payment tests share: accounts, and billing runs made of plain rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.service.bindings import NOW

from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Money
from denghuo.service.billing.api import BILL_LINES, BILLS, BillsIssued
from denghuo.service.customer.api import CustomerApi, NewAccount, OpenAccounts
from denghuo.service.customer.rules import check_digit

SYSTEM = Call.system(NOW)


def number(serial: int, station: int = 1) -> str:
    digits = f"581{station:02d}{serial:07d}"
    return digits + check_digit(digits)


def open_accounts(customer: CustomerApi, accounts: Sequence[str]) -> None:
    customer.open_accounts(
        SYSTEM,
        OpenAccounts(
            accounts=[
                NewAccount(
                    account_no=account_no,
                    name="罗秀英",
                    kind="resident",
                    tariff_class="resident",
                    address="山西省高平市米山镇米西村",
                    org=org_of(account_no),
                    opened_on=date(2024, 8, 5),
                )
                for account_no in accounts
            ]
        ),
    )


def org_of(account_no: str) -> str:
    return f"1405810.{account_no[3:5]}"


@dataclass(frozen=True)
class Bill:
    """A bill by its lines: amounts in fen by group."""

    account_no: str
    parts: dict[str, int]
    kind: str = "supply"
    month: str = "2026-04"
    serial: int = 1
    due_on: date = date(2026, 5, 20)
    reverses: str | None = None
    off_fen: int = 0

    @property
    def bill_no(self) -> str:
        return f"{self.month.replace('-', '')}{self.account_no}{1 if self.kind == 'supply' else 2}{self.serial:02d}"

    @property
    def amount_fen(self) -> int:
        return sum(self.parts.values()) + self.off_fen


def issued(datasets: Datasets, bills: Sequence[Bill], run_no: int = 1, month: str = "2026-04") -> BillsIssued:
    """The event of a billing run, with its datasets published."""
    bill_rows = [
        {
            "bill_no": bill.bill_no,
            "account_no": bill.account_no,
            "org": org_of(bill.account_no),
            "kind": bill.kind,
            "month": bill.month,
            "tariff_class": "resident" if bill.kind == "supply" else "generation",
            "tariff_code": "resident.test",
            "area_no": "TG001",
            "energy_wh": 100_000,
            "amount_fen": bill.amount_fen,
            "issued_on": date(2026, 5, 1),
            "due_on": bill.due_on,
            "estimated_days": 0,
            "reverses": bill.reverses,
        }
        for bill in bills
    ]
    line_rows = [
        {
            "bill_no": bill.bill_no,
            "line": line,
            "code": group,
            "group": group,
            "band": "total",
            "tier": 0,
            "quantity_milli": 100_000,
            "price_e8": None,
            "amount_fen": fen,
        }
        for bill in bills
        for line, (group, fen) in enumerate(bill.parts.items(), 1)
    ]
    return BillsIssued(
        month=month,
        run_no=run_no,
        bills=datasets.publish(BILLS, month, f"run{run_no}", bill_rows, NOW),
        lines=datasets.publish(BILL_LINES, month, f"run{run_no}", line_rows, NOW),
        count=len(bills),
        amount=Money(sum(bill.amount_fen for bill in bills)),
    )

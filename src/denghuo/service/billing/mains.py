"""Accounts with a main meter before a sub-meter of another one: they are calculated again when that is read or corrected."""

from collections.abc import Iterable
from datetime import timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing.cycle import platform_call
from denghuo.service.billing.recalculation import order_again
from denghuo.service.billing.store import BillingStore
from denghuo.service.contract.api import ContractApi, MainsOf
from denghuo.service.host.binding import Ask


def mains_again(work: Work, store: BillingStore, ask: Ask, call: Call, month: str, account_nos: Iterable[str]) -> None:
    """Has the accounts with a main meter before one of these calculated again that are held or billed in the month: what passes is
    issued, and an issued bill that comes out otherwise stands and is told with its difference."""
    numbers = sorted(set(account_nos))
    if not numbers:
        return
    days = Month.of(month)
    asked = MainsOf(account_nos=numbers, first_day=days.first_day, last_day=days.next.first_day - timedelta(days=1))
    rows = ask(ContractApi).mains_of(platform_call(call), asked).rows
    orgs = {row.main_account_no: row.org for row in rows}
    billed = {account_no for account_no, _ in store.bills.standing(month, list(orgs))}
    again = {one: org for one, org in orgs.items() if one in billed or store.held.holds(month, one, "open")}
    order_again(work, store, call, month, "reads", again)

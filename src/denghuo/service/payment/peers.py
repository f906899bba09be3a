"""What payment asks of other services, with the caller's scope and just the permits that the question needs.

A cashier may take a payment without the right to browse customers or books; what the peers show stays inside the caller's scope.
"""

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import is_account_no
from denghuo.kernel.problem import text
from denghuo.service.customer.api import Account, AccountNotFound, AccountNumbers, AccountRef, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.payment.api import AccountUnknown

ACCOUNTS_AT_ONCE = 1_000


def account(ask: Ask, call: Call, account_no: str) -> Account:
    """The account, or AccountUnknown."""
    try:
        return ask(CustomerApi).account(call.only("customer.read"), AccountRef(account_no=account_no))
    except AccountNotFound as error:
        raise unknown_account(account_no) from error


def unknown_account(account_no: str) -> AccountUnknown:
    return AccountUnknown(
        text(
            f"户号 {account_no} 不存在，或不在您的管辖范围内，请核对户号。",
            f"Account {account_no} does not exist or is outside your scope; check the number.",
        ),
        account_no=account_no,
    )


def homes(ask: Ask, call: Call, numbers: set[str]) -> dict[str, str]:
    """The organisations of those of the numbers that are accounts, whatever the caller's scope."""
    wanted = sorted(filter(is_account_no, numbers))
    found: dict[str, str] = {}
    system = Call.system(call.now, actor=call.actor)
    for start in range(0, len(wanted), ACCOUNTS_AT_ONCE):
        reply = ask(CustomerApi).accounts(system, AccountNumbers(numbers=wanted[start : start + ACCOUNTS_AT_ONCE]))
        found |= {row.account_no: row.org for row in reply.rows}
    return found


def home_of(call: Call) -> str:
    """The organisation that a caller's own record belongs to: the first of the scope."""
    return next((code for code in call.scope if code), "0")

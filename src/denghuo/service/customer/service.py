"""Customer records: implementation of the contract."""

from denghuo.data.processing.work import Work
from denghuo.kernel.batch import hold_to_scope
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.customer.api import (
    Account,
    AccountClosed,
    AccountNotFound,
    AccountNumbers,
    AccountOpened,
    AccountRef,
    Accounts,
    AccountsFound,
    AccountsOpened,
    CustomerApi,
    CustomerSummary,
    FindAccounts,
    NewAccount,
    OpenAccounts,
    OutsideScope,
    RefusedAccount,
    Reveal,
    Revealed,
    SucceedAccount,
    Succession,
    SummaryRequest,
)
from denghuo.service.customer.rules import check_digit, has_valid_check_digit
from denghuo.service.customer.store import CustomerStore
from denghuo.service.host.binding import Ask


class CustomerService(CustomerApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._store = CustomerStore(work)

    def open_accounts(self, call: Call, request: OpenAccounts) -> AccountsOpened:
        hold_to_scope(call, (item.org for item in request.accounts), OutsideScope)
        known = self._store.known([item.account_no for item in request.accounts])
        taken: dict[str, NewAccount] = {}
        refused: list[RefusedAccount] = []
        unchanged = 0
        for item in request.accounts:
            before = known.get(item.account_no) or taken.get(item.account_no)
            if before is not None and _content(before) == _content(item):
                unchanged += 1
            elif before is not None:
                refused.append(
                    _refused(
                        item,
                        "户号已存在且内容不同，请按变更业务办理",
                        "is known with other content; change it by a change order",
                    )
                )
            elif not has_valid_check_digit(item.account_no):
                refused.append(
                    _refused(item, "户号校验码不正确，请核对", "has a wrong check digit; compare it with the source")
                )
            else:
                taken[item.account_no] = item
        self._store.add(list(taken.values()), call.now)
        for item in taken.values():
            self._work.emit(AccountOpened(account_no=item.account_no, org=item.org, tariff_class=item.tariff_class))
        return AccountsOpened(opened=len(taken), unchanged=unchanged, refused=refused)

    def succeed_account(self, call: Call, request: SucceedAccount) -> Succession:
        before = self._one(request.account_no)
        if before.status == "closed":
            if before.successor_no is not None and before.closed_on == request.since:
                return Succession(account_no=before.account_no, successor_no=before.successor_no, since=request.since)
            raise AccountClosed(
                text(
                    f"户号 {before.account_no} 已于 {before.closed_on or '此前'} 销户，不能再过户。",
                    f"Account {before.account_no} was closed {before.closed_on or 'before'} and cannot be handed over again.",
                ),
                account_no=before.account_no,
                closed_on=before.closed_on,
                successor_no=before.successor_no,
            )
        digits = self._store.next_digits(before.org)
        given = before.model_dump(include=set(NewAccount.model_fields)) | {
            "account_no": digits + check_digit(digits),
            "name": request.name,
            "phone": request.phone,
            "kind": request.kind or before.kind,
            "opened_on": request.since,
        }
        opened = NewAccount.model_validate(given)
        self._store.add([opened], call.now)
        self._store.succeed(before.account_no, opened.account_no, request.since, call.now)
        self._work.emit(AccountOpened(account_no=opened.account_no, org=opened.org, tariff_class=opened.tariff_class))
        return Succession(account_no=before.account_no, successor_no=opened.account_no, since=request.since)

    def find_accounts(self, call: Call, request: FindAccounts) -> AccountsFound:
        rows, total = self._store.find(request)
        return AccountsFound(rows=rows, total=total, next=rows[-1].account_no if len(rows) == request.limit else None)

    def accounts(self, call: Call, request: AccountNumbers) -> Accounts:
        known = self._store.known(request.numbers)
        return Accounts(rows=[known[number] for number in sorted(known)])

    def summary(self, call: Call, request: SummaryRequest) -> CustomerSummary:
        rows = self._store.summary(request.org)
        return CustomerSummary(rows=rows, total=sum(row.count for row in rows), as_of=call.now)

    def account(self, call: Call, request: AccountRef) -> Account:
        return self._one(request.account_no)

    def reveal(self, call: Call, request: Reveal) -> Revealed:
        account = self._one(request.account_no)
        return Revealed(account_no=account.account_no, name=account.name, phone=account.phone, address=account.address)

    def _one(self, account_no: str) -> Account:
        account = self._store.known([account_no]).get(account_no)
        if account is None:
            raise AccountNotFound(
                text(
                    f"户号 {account_no} 不存在，或不在您的管辖范围内。",
                    f"Account {account_no} does not exist or is outside your scope.",
                ),
                account_no=account_no,
            )
        return account


def _content(account: NewAccount | Account) -> dict[str, object]:
    """What an account is taken over with."""
    return account.model_dump(include=set(NewAccount.model_fields))


def _refused(item: NewAccount, zh: str, en: str) -> RefusedAccount:
    return RefusedAccount(
        account_no=item.account_no, zh=f"户号 {item.account_no} {zh}。", en=f"Account {item.account_no} {en}."
    )

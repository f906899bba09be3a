"""Balances under fee control (费控余额): kept by day, told once when they fall below a limit, once when they are used up,
and once when they come up again after that."""

from collections.abc import Iterable
from datetime import date, datetime

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import text
from denghuo.service.contract.api import FeeControlAgreed
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api import (
    BalanceLimit,
    BalanceLimits,
    BalancesExhausted,
    BalancesLowered,
    BalancesRestored,
    BalancesTold,
    BalanceWarning,
    BalanceWarnings,
    FallenBalance,
    FeeBalances,
    FindBalances,
    FindBalanceWarnings,
    LimitRefused,
    SetBalanceLimit,
)
from denghuo.service.ledger.store.balances import Balances
from denghuo.service.notice.api import NewNotice, NoticeApi, Send

TOLD_AT_ONCE = 1_000
TEMPLATES = {"low": "balance_low", "exhausted": "balance_exhausted"}
EVENTS = {"low": BalancesLowered, "exhausted": BalancesExhausted, "restored": BalancesRestored}


class BalanceDesk:
    """What becomes of balances within a unit of work."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask, self._store = work, ask, Balances(work)

    def take(self, estimates: DatasetRef, controlled: DatasetRef | None, at: datetime, today: date) -> None:
        """Accounts were estimated anew (the event handler's work); taking the same again changes nothing."""
        # Bills that are posted and estimates that come in at the same moment wait for each other.
        self._hold()
        if controlled is not None:
            self._store.take_accounts(controlled, at)
        self._store.take_estimates(estimates)
        self._judge(today, None)

    def take_account(self, agreed: FeeControlAgreed, at: datetime, today: date) -> None:
        """Fee control of one account began, changed or ended."""
        self._hold()
        if agreed.way is None:
            self._store.leave_out(agreed.account_no)
            return
        self._store.take_account((agreed.account_no, agreed.org, agreed.tariff_class, agreed.way, agreed.protected), at)
        self._judge(today, [agreed.account_no])

    def follow_bills(self, today: date) -> None:
        """The bills that are staged stand in the place of their estimates."""
        self._hold()
        accounts = self._store.billed()
        if accounts:
            self._judge(today, accounts)

    def follow_money(self, account_nos: Iterable[str], today: date) -> None:
        """Money came in or was taken back."""
        accounts = self._store.controlled(sorted(set(account_nos)))
        if accounts:
            self._hold()
            self._judge(today, accounts)

    def _hold(self) -> None:
        self._work.value("SELECT pg_advisory_xact_lock(hashtextextended('ledger balances', 0))")

    def _judge(self, today: date, account_nos: list[str] | None) -> None:
        if self._store.judge(today, account_nos):
            self._work.enqueue("ledger.tell_balances", {})

    def tell(self, call: Call) -> BalancesTold:
        """Tells a page of customers, and everybody else by events."""
        fallen = self._store.untold(TOLD_AT_ONCE)
        if not fallen:
            return BalancesTold(told=0, again=False)
        notices = [_notice(one) for one in fallen if one.level in TEMPLATES]
        if notices:
            self._ask(NoticeApi).send(call, Send(notices=notices))
        self._store.tell([one.warning_no for one in fallen])
        for level, event in EVENTS.items():
            accounts = [_fallen(one) for one in fallen if one.level == level]
            if accounts:
                self._work.emit(event(accounts=accounts))
        return BalancesTold(told=len(fallen), again=len(fallen) == TOLD_AT_ONCE)

    # -- lists and limits ------------------------------------------------------------------------------------------------

    def find(self, call: Call, request: FindBalances) -> FeeBalances:
        rows, sums = self._store.find(request)
        following = rows[-1].account_no if len(rows) == request.limit else None
        return FeeBalances(rows=rows, next=following, as_of=call.now, **sums)

    def warnings(self, call: Call, request: FindBalanceWarnings) -> BalanceWarnings:
        rows, total = self._store.warnings(request)
        following = str(rows[-1].warning_no) if len(rows) == request.limit else None
        return BalanceWarnings(rows=rows, total=total, next=following, as_of=call.now)

    def limits(self, call: Call) -> BalanceLimits:
        return BalanceLimits(rows=self._store.limits(), as_of=call.now)

    def set_limit(self, call: Call, request: SetBalanceLimit) -> BalanceLimit:
        if not call.covers(request.org):
            raise LimitRefused(
                text(f"单位 {request.org} 不在您的管辖范围内。", f"Unit {request.org} is outside your scope."),
                field="org",
                value=request.org,
            )
        if request.low_amount is not None and request.low_amount.fen <= 0:
            raise LimitRefused(
                text("预警金额须大于零；余额用尽另行通知。", "The amount is above zero; used up is told in any case."),
                field="low_amount",
                value=request.low_amount,
            )
        if request.effective_from < call.today:
            raise LimitRefused(
                text("限额自今天或以后的日期起生效。", "A limit begins today or later."),
                field="effective_from",
                value=request.effective_from,
            )
        return self._store.set_limit(request)


def _notice(fallen: BalanceWarning) -> NewNotice:
    return NewNotice(
        template=TEMPLATES[fallen.level],
        account_no=fallen.account_no,
        org=fallen.org,
        parameters={
            "account_no": fallen.account_no,
            "balance": str(fallen.balance),
            "daily": str(fallen.daily_amount or "0.00"),
            "through_on": (fallen.through_on or fallen.at.astimezone(SHANGHAI).date()).isoformat(),
        },
        key=f"balance-{fallen.warning_no}",
    )


def _fallen(one: BalanceWarning) -> FallenBalance:
    return FallenBalance(
        warning_no=one.warning_no,
        account_no=one.account_no,
        org=one.org,
        balance_fen=str(one.balance.fen),
        through_on=one.through_on,
        protected=one.protected,
    )

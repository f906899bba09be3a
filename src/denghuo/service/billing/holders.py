"""Changes of customer (过户): the steps from the old account to the new one, and the bill that settles the old.

供电营业规则: the old customer settles what is owed before the supply goes over. An account number belongs to one customer with its
bills, its debts and its tier year, so the old account is closed and another is opened at the same metering points; each step is a
command of the service that owns the facts, with a key of its own, so that a step which is done again changes nothing.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Problem, Unavailable, text
from denghuo.kernel.values import Money
from denghuo.service.billing.api import Recalculate
from denghuo.service.billing.api.holder import (
    ChangeHolder,
    FindHolderChanges,
    HolderChange,
    HolderChangeAdvanced,
    HolderChangeNotFound,
    HolderChangeRef,
    HolderChangesFound,
    NotTransferable,
    ResumeHolderChange,
    SpecialReading,
)
from denghuo.service.billing.cycle import platform_call
from denghuo.service.billing.exceptions import ExceptionDesk
from denghuo.service.billing.store import BillingStore
from denghuo.service.contract.api import (
    Contract,
    ContractApi,
    ContractRef,
    ContractsOf,
    EndContract,
    NewContract,
    SignContracts,
    SpecialTerms,
    Terms,
)
from denghuo.service.customer.api import CustomerApi, SucceedAccount
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import HandOver, PointApi, PointsOf
from denghuo.service.reading.api import AccountMonth, ReadingApi, Resolve, SettleAccounts

_NEXT = {"points": "contract", "contract": "readings", "readings": "bill", "bill": "settled"}
_OF_THE_HOUSEHOLD = (
    "persons",
    "persons_since",
    "persons_until",
    "free_energy",
    "free_until",
    "free_as",
    "free_evidence",
    "counted_with",
)
"""Special terms that belong to the old customer and not to the place."""
Row = Mapping[str, Any]


class HolderDesk:
    def __init__(self, work: Work, ask: Ask, call: Call) -> None:
        self._work, self._ask, self._call = work, ask, call
        self._store = BillingStore(work)

    # -- what a person asks ----------------------------------------------------------------------------------------------

    def change(self, request: ChangeHolder) -> HolderChange:
        known = self._store.holders.of_account(request.account_no)
        if known is not None and known["since"] == request.since:
            return shown(known)
        contract = self._transferable(request)
        asked = SucceedAccount(
            account_no=request.account_no,
            since=request.since,
            name=request.name,
            phone=request.phone,
            kind=request.kind,
        )
        # The person may order a change of customer; the account that it opens is the platform's to open, within the person's scope.
        opened = self._ask(CustomerApi).succeed_account(platform_call(self._call), asked)
        number = self._store.holders.next_no(self._call.today.year)
        self._store.holders.keep(
            {
                "change_no": number,
                "org": contract.org,
                "account_no": request.account_no,
                "successor_no": opened.successor_no,
                "contract_no": contract.contract_no,
                "since": request.since,
                "readings": json.dumps([one.model_dump(mode="json") for one in request.readings]),
                "reason": request.reason,
                "asked_by": self._call.actor,
                "asked_at": self._call.now,
            }
        )
        self._work.enqueue("billing.advance_holder_change", {"change_no": number})
        return self.one(number)

    def resume(self, request: ResumeHolderChange) -> HolderChange:
        row = self._row(request.change_no)
        if row["state"] == "settled":
            raise _refused(
                row["account_no"],
                "change_no",
                request.change_no,
                "过户已清算，无须继续；清算账单未发行的，请在核算异常中处理",
                "is settled; where its final bill is not issued, see to its exception",
            )
        readings = request.readings
        self._store.holders.resume(
            request.change_no, None if readings is None else [one.model_dump(mode="json") for one in readings]
        )
        self._work.enqueue("billing.advance_holder_change", {"change_no": request.change_no})
        return self.one(request.change_no)

    def one(self, change_no: str) -> HolderChange:
        return shown(self._row(change_no))

    def found(self, request: FindHolderChanges) -> HolderChangesFound:
        rows, total = self._store.holders.found(request)
        following = rows[-1]["change_no"] if len(rows) == request.limit else None
        return HolderChangesFound(rows=[shown(row) for row in rows], total=total, next=following, as_of=self._call.now)

    def _row(self, change_no: str) -> Row:
        row = self._store.holders.change(change_no)
        if row is None:
            raise HolderChangeNotFound(
                text(
                    f"过户 {change_no} 不存在，或不在您的管辖范围内。",
                    f"Change of customer {change_no} does not exist or is outside your scope.",
                ),
                change_no=change_no,
            )
        return row

    def _transferable(self, request: ChangeHolder) -> Contract:
        """The supply contract that ends.

        Raises:
            NotTransferable: something has to be done first, which is named.
        """
        number, since = request.account_no, request.since
        own = self._ask(ContractApi).contracts_of(self._call.only("contract.read"), ContractsOf(account_no=number))
        running = [one for one in own.rows if one.effective_to is None]
        supply = next((one for one in running if one.kind == "supply"), None)
        if supply is None:
            raise _refused(
                number,
                "account_no",
                number,
                "没有有效的供用电合同，或不在您的管辖范围内，请核对户号",
                "has no supply contract in force, or is outside your scope; check the number",
            )
        if since > self._call.today:
            raise _refused(
                number,
                "since",
                str(since),
                "过户日期的零点尚未到，请在当日及以后办理",
                "has not begun, so nothing was read at its midnight; ask from that day on",
            )
        if any(since <= self._terms(one).effective_from for one in running):
            raise _refused(
                number,
                "since",
                str(since),
                "过户日期不晚于现行条款的生效日期，请改正日期",
                "is not after the first day of the terms in force; correct it",
            )
        self._settled_until(request, supply)
        points = self._ask(PointApi).points_of(platform_call(self._call), PointsOf(account_no=number)).rows
        strange = next((one for one in request.readings if one.point_no not in {p.point_no for p in points}), None)
        if strange is not None or not points:
            raise _refused(
                number,
                "readings",
                strange.point_no if strange else "",
                "不是该户的计量点，请核对特抄示数",
                "is no point of the account; check the special readings",
            )
        return supply

    def _settled_until(self, request: ChangeHolder, supply: Contract) -> None:
        """Raises NotTransferable where days from the change on were billed, or an earlier month is open."""
        number, since = request.account_no, request.since
        past = self._store.holders.billed_since(number, since - timedelta(days=1))
        if past is not None:
            raise _refused(
                number,
                "bill_no",
                past,
                f"账单已计 {since} 前一日或以后的电量，请先全减该账单，过户时按实际月数清算另发",
                f"bills the day before {since} or later ones; take it back first, the change bills and settles that month anew",
            )
        history = self._ask(ContractApi).terms_of(
            platform_call(self._call), ContractRef(contract_no=supply.contract_no)
        )
        begun = min(one.effective_from for one in history.history)
        before = self._store.holders.unsettled_before(number, final_month(since), begun)
        if before is not None:
            raise _refused(
                number,
                "month",
                before,
                "该月电费尚未发行，请先处理完毕再过户",
                "is not issued yet; settle that month first",
            )

    def _terms(self, contract: Contract) -> Terms:
        """The newest terms of a contract."""
        asked = ContractRef(contract_no=contract.contract_no)
        history = self._ask(ContractApi).terms_of(platform_call(self._call), asked).history
        return max(history, key=lambda one: one.effective_from)

    # -- steps ------------------------------------------------------------------------------------------------------------

    def advance(self, request: HolderChangeRef) -> HolderChangeAdvanced:
        row = self._row(request.change_no)
        state, again = row["state"], False
        steps = {"points": self._points, "contract": self._contract, "readings": self._readings, "bill": self._bill}
        if state in steps:
            try:
                steps[state](row)
                again = self._store.holders.enter(request.change_no, state, _NEXT[state], self._call.now)
                state = _NEXT[state]
            except Unavailable:
                raise
            except Problem as problem:
                # Said where the person looks; a resume tries again.
                self._store.holders.fail(request.change_no, TextPair(**problem.detail))
        return HolderChangeAdvanced(change_no=request.change_no, state=state, again=again and state != "settled")

    def _keyed(self, row: Row, step: str) -> Call:
        """The platform's call for one command of a step: done again, it is answered from the journal."""
        return platform_call(self._call).keyed(f"{row['change_no']}:{step}")

    def _points(self, row: Row) -> None:
        asked = HandOver(account_no=row["account_no"], successor_no=row["successor_no"], since=row["since"])
        self._ask(PointApi).hand_over(platform_call(self._call), asked)

    def _contract(self, row: Row) -> None:
        """Ends the supply contract and signs it with the new customer; a plant at the place goes over with its own contract."""
        contracts = self._ask(ContractApi)
        own = contracts.contracts_of(platform_call(self._call), ContractsOf(account_no=row["account_no"])).rows
        plants = [one.contract_no for one in own if one.kind == "purchase" and _held_until(one, row["since"])]
        for number, suffix in ((row["contract_no"], ""), *((one, f":{one}") for one in sorted(plants))):
            before = contracts.terms_of(platform_call(self._call), ContractRef(contract_no=number)).contract
            reason = f"过户：{row['reason']}"[:200]
            ended = EndContract(contract_no=number, effective_to=row["since"], reason=reason)
            contracts.end_contract(self._keyed(row, f"end{suffix}"), ended)
            following = _following(before, row["successor_no"], row["since"])
            signed = contracts.sign_contracts(self._keyed(row, f"sign{suffix}"), SignContracts(contracts=[following]))
            for one in signed.refused:
                raise _refused(row["account_no"], one.field, one.value, one.what.zh, one.what.en)

    def _readings(self, row: Row) -> None:
        """Brings the plan of the last month to both customers and enters what was read on the spot."""
        reading, system = self._ask(ReadingApi), platform_call(self._call)
        month = str(final_month(row["since"]))
        reading.settle_accounts(
            system, SettleAccounts(month=month, account_nos=[row["account_no"], row["successor_no"]])
        )
        rows = reading.account_reads(system, AccountMonth(account_no=row["account_no"], month=month)).rows
        last: dict[str, int] = {}
        for one in rows:
            last[one.point_no] = max(last.get(one.point_no, 0), one.piece)
        for kept in map(SpecialReading.model_validate, row["readings"]):
            if kept.point_no not in last:
                raise _refused(
                    row["account_no"],
                    "readings",
                    kept.point_no,
                    f"在 {month} 没有抄表计划，请核对特抄示数",
                    f"has no reading plan in {month}; check the special readings",
                )
            asked = Resolve(
                month=month,
                point_no=kept.point_no,
                piece=last[kept.point_no],
                quantity=kept.quantity,
                band=kept.band,
                side="end",
                shown=kept.shown,
                reason=f"过户特抄 {row['change_no']}",
                confirmed=kept.confirmed,
            )
            reading.resolve(system, asked)

    def _bill(self, row: Row) -> None:
        month = str(final_month(row["since"]))
        # A month that nobody began is billed by accounts: what passes is issued at once.
        self._store.cycles.start(month, self._call.actor, self._call.now, state="units")
        asked = Recalculate(account_no=row["account_no"], month=month)
        ExceptionDesk(self._work, self._ask).recalculate(self._call, asked)


def final_month(since: date) -> Month:
    """The month whose bill settles a customer whose successor begins on a day."""
    last = since - timedelta(days=1)
    return Month.holding(last)


def shown(row: Row) -> HolderChange:
    """A change of customer as its reader sees it."""
    body = {name: row[name] for name in HolderChange.model_fields if name in row}
    amount = None if row["amount_fen"] is None else Money(row["amount_fen"])
    return HolderChange.model_validate(body | {"amount": amount})


def _held_until(contract: Contract, since: date) -> bool:
    """Whether a contract is in force still, or was ended by this change before."""
    return contract.effective_to is None or contract.effective_to == since


_PREFIXES = {"supply": "GY", "purchase": "GS"}


def _following(before: Contract, account_no: str, since: date) -> NewContract:
    """The contract of the new customer: what is agreed of the place stays, what was agreed of the household does not."""
    special = before.special
    if special is not None:
        defaults = {
            name: SpecialTerms.model_fields[name].get_default(call_default_factory=True) for name in _OF_THE_HOUSEHOLD
        }
        special = special.model_copy(update=defaults)
    given = {name: getattr(before, name) for name in NewContract.model_fields if name in Terms.model_fields}
    return NewContract.model_validate(
        given
        | {
            "contract_no": f"{_PREFIXES[before.kind]}{account_no}",
            "account_no": account_no,
            "kind": before.kind,
            "effective_from": since,
            "effective_to": None,
            "special": None if special == SpecialTerms() else special,
        }
    )


def _refused(account_no: str, field: str, value: str, zh: str, en: str) -> NotTransferable:
    return NotTransferable(text(f"{value}：{zh}。", f"{value} {en}."), account_no=account_no, field=field, value=value)

"""Contracts: implementation of the contract."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from denghuo.data.processing.bulk import write_possible
from denghuo.data.processing.work import Work
from denghuo.kernel.batch import ITEMS_MAX, BatchTaken, RefusedItem, taken_elsewhere
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.contract.api import (
    FEE_CONTROL,
    TERMS,
    AgreeFeeControl,
    AgreeSpecial,
    ChangeLimited,
    ChangeTerms,
    Contract,
    ContractApi,
    ContractHistory,
    ContractNotFound,
    ContractRef,
    Contracts,
    ContractsFound,
    ContractsOf,
    EndContract,
    EndEntitlement,
    EntitledFound,
    Entitlement,
    FeeControlAgreed,
    FindContracts,
    FindEntitled,
    FindHouseholds,
    HouseholdsFound,
    ImportEntitled,
    ListEntitled,
    MainMeters,
    MainsOf,
    MarketAccounts,
    MarketIn,
    Part,
    PublishFeeControl,
    PublishTerms,
    SignContracts,
    SpecialTerms,
    TermsChanged,
    TermsConflict,
    TermsFound,
    TermsIn,
)
from denghuo.service.contract.entitlement import EntitledList, Entitlements, read_list
from denghuo.service.contract.entitlement import judge as judge_entitled
from denghuo.service.contract.fee_control import FeeControls
from denghuo.service.contract.household import Households
from denghuo.service.contract.limits import BASES, NOTICE_AHEAD, Exceeded, limited
from denghuo.service.contract.pauses import exchange_faults, pause_faults, unannounced
from denghuo.service.contract.rules import Span, TermsRow, common, follow, judge, under
from denghuo.service.contract.special import agreed, faults, kept_special, refused, tariff_faults
from denghuo.service.contract.store import ContractStore
from denghuo.service.contract.sub_meters import NOTHING_ABOVE, Above, Behind, of_others, sub_meter_faults, sub_meters
from denghuo.service.contract.workdays import WEEKDAYS, WorkDays
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import Point, PointApi, PointsByNumber
from denghuo.service.tariff.api import AskWorkingDays, InForce, TariffApi


class ContractService(ContractApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = ContractStore(work)

    def sign_contracts(self, call: Call, request: SignContracts) -> BatchTaken:
        numbers = sorted({item.account_no for item in request.contracts})
        orgs = self._units(call, numbers)
        verdicts = judge(
            request.contracts,
            orgs,
            self._store.signed([item.contract_no for item in request.contracts]),
            self._store.spans(numbers),
            self._sub_meters(call, (item.special for item in request.contracts)),
            lambda account_no, item: self._above(
                call, account_no, item.special.parts if item.special else [], item.effective_from, item.effective_to
            ),
        )
        new = [item for item, verdict in zip(request.contracts, verdicts, strict=True) if verdict == "new"]
        for item in write_possible(self._work, new, lambda items: self._store.add(items, orgs, call.now)):
            place = request.contracts.index(item)
            verdicts[place] = taken_elsewhere(place, item.contract_no, "contract_no")
        return BatchTaken(
            taken=verdicts.count("new"),
            unchanged=verdicts.count("unchanged"),
            refused=[verdict for verdict in verdicts if isinstance(verdict, RefusedItem)],
        )

    def change_terms(self, call: Call, request: ChangeTerms) -> ContractHistory:
        rows = self._rows(request.contract_no)
        added = follow(self._store.kind_of(request.contract_no) or "", rows, request)
        if not isinstance(added, TermsRow):
            raise TermsConflict(
                added,
                contract_no=request.contract_no,
                field="effective_from",
                value=request.effective_from,
            )
        applied_on, last = _applied_on(call, request), max(rows, key=lambda row: row.start)
        work = self._work_days(call, last.tariff_class, applied_on)
        _within(request.contract_no, limited(last, added, applied_on, work=work))
        self._store.follow(request.contract_no, added, request.reason, call.now)
        return self._changed(call, request.contract_no, request.effective_from)

    def agree_special(self, call: Call, request: AgreeSpecial) -> ContractHistory:
        rows = self._rows(request.contract_no)
        last = max(rows, key=lambda row: row.start)
        if last.end is not None or request.effective_from < last.start:
            raise TermsConflict(
                text(
                    f"合同 {request.contract_no} 已终止，或生效日期早于现行条款的生效日期 {last.start}。",
                    f"Contract {request.contract_no} has ended, or the day lies before {last.start}, the first day of its terms.",
                ),
                contract_no=request.contract_no,
                field="effective_from",
                value=request.effective_from,
            )
        before = kept_special(last.special)
        special = agreed(before, request)
        self._fits(call, request, last, before, special)
        applied_on = _applied_on(call, request)
        work = self._work_days(call, last.tariff_class, applied_on)
        _within(request.contract_no, unannounced(last.tariff_class, before, special, applied_on, work=work))
        kind = self._store.kind_of(request.contract_no) or ""
        following = under(kind, last, request.effective_from, special)
        if request.effective_from == last.start:
            self._store.put_right(request.contract_no, following, request.reason, call.now)
        else:
            self._store.follow(request.contract_no, following, request.reason, call.now)
        return self._changed(call, request.contract_no, request.effective_from)

    def _work_days(self, call: Call, tariff_class: str, applied_on: date) -> WorkDays:
        """Those after an application, where the class has limits of notice."""
        if tariff_class not in BASES:
            return WEEKDAYS
        asked = AskWorkingDays(first_day=applied_on, last_day=applied_on + NOTICE_AHEAD)
        told = self._ask(TariffApi).working_days(call.only("tariff.read"), asked)
        return WorkDays(frozenset(told.off), frozenset(told.worked), tuple(told.unpublished), tuple(told.documents))

    def _fits(
        self,
        call: Call,
        request: AgreeSpecial,
        terms: TermsRow,
        before: SpecialTerms | None,
        special: SpecialTerms | None,
    ) -> None:
        """Raises SpecialRefused with everything that does not fit."""
        if special is None:
            return
        head = self._history(call, request.contract_no).contract
        found = faults(head.kind, terms.tariff_class, terms.settlement_mode, head.account_no, special)
        found += pause_faults(terms.tariff_class, before, special)
        found += exchange_faults(terms.voltage_kv, special)
        above = self._above(call, head.account_no, special.parts, request.effective_from)
        found += sub_meter_faults(head.account_no, special.parts, self._sub_meters(call, [special]), above)
        if any(part.tariff_code is not None for part in special.parts):
            # A price list is open to the platform, whatever the caller may read of it.
            asking = Call.system(call.now, actor=call.actor)
            in_force = self._ask(TariffApi).in_force(asking, InForce(on=request.effective_from)).tariffs
            found += tariff_faults(special.parts, {one.code: one for one in in_force}, request.effective_from)
        if found:
            raise refused(found)

    def agree_fee_control(self, call: Call, request: AgreeFeeControl) -> ContractHistory:
        rows = self._rows(request.contract_no)
        kind = self._store.kind_of(request.contract_no) or ""
        ends = None if any(row.end is None for row in rows) else max(row.end for row in rows if row.end is not None)
        span = (min(row.start for row in rows), ends)
        FeeControls(self._work).agree(request, kind, span, call.now)
        found = self._history(call, request.contract_no)
        self._work.emit(
            FeeControlAgreed(
                account_no=found.contract.account_no,
                org=found.contract.org,
                tariff_class=found.contract.tariff_class,
                way=request.way,
                protected=request.protected,
                effective_from=request.effective_from,
            )
        )
        return found

    def list_entitled(self, call: Call, request: ListEntitled) -> BatchTaken:
        return self._list(call, EntitledList(list(enumerate(request.entitled)), []))

    def import_entitled(self, call: Call, request: ImportEntitled) -> BatchTaken:
        return self._list(call, read_list(request.text))

    def _list(self, call: Call, listed: EntitledList) -> BatchTaken:
        """Lists what can be; the refusals name places and columns as the sender does."""
        items = [item for _, item in listed.rows]
        numbers = sorted({item.account_no for item in items})
        orgs = self._units(call, numbers)
        store = Entitlements(self._work)
        verdicts = judge_entitled(items, orgs, store.resident(numbers), store.known(numbers))
        new = [item for item, verdict in zip(items, verdicts, strict=True) if verdict == "new"]
        for item in write_possible(self._work, new, lambda some: store.add(some, orgs, call.actor, call.now)):
            place = next(at for at, one in enumerate(items) if one is item)
            verdicts[place] = taken_elsewhere(place, item.account_no, "from_month")
        found = [
            verdict.model_copy(update={"item": place})
            for (place, _), verdict in zip(listed.rows, verdicts, strict=True)
            if isinstance(verdict, RefusedItem)
        ]
        return BatchTaken(
            taken=verdicts.count("new"),
            unchanged=verdicts.count("unchanged"),
            refused=[
                one.model_copy(update={"field": listed.headings.get(one.field, one.field)})
                for one in sorted([*found, *listed.unread], key=lambda one: one.item)
            ],
        )

    def end_entitlement(self, call: Call, request: EndEntitlement) -> Entitlement:
        return Entitlements(self._work).end(request, call.actor, call.now, call.today)

    def entitled(self, call: Call, request: FindEntitled) -> EntitledFound:
        rows, total = Entitlements(self._work).find(request, call.today)
        following = str(rows[-1].entitlement_no) if len(rows) == request.limit else None
        return EntitledFound(rows=rows, total=total, next=following, as_of=call.now)

    def households(self, call: Call, request: FindHouseholds) -> HouseholdsFound:
        rows, total = Households(self._work).find(request, call.today)
        following = rows[-1].contract_no if len(rows) == request.limit else None
        return HouseholdsFound(rows=rows, total=total, next=following, as_of=call.now)

    def end_contract(self, call: Call, request: EndContract) -> ContractHistory:
        rows = self._rows(request.contract_no)
        last = max(rows, key=lambda row: row.start)
        if last.end is not None or request.effective_to <= last.start:
            raise TermsConflict(
                text(
                    f"合同 {request.contract_no} 已终止，或终止日期不晚于现行条款的生效日期 {last.start}。",
                    f"Contract {request.contract_no} has ended, or the day is not after {last.start}, the first day of its terms.",
                ),
                contract_no=request.contract_no,
                field="effective_to",
                value=request.effective_to,
            )
        self._store.end(request.contract_no, request.effective_to, call.now)
        FeeControls(self._work).end(request.contract_no, request.effective_to)
        Entitlements(self._work).contract_ended(request.contract_no, call.actor, call.now)
        return self._changed(call, request.contract_no, request.effective_to)

    def find_contracts(self, call: Call, request: FindContracts) -> ContractsFound:
        rows, total = self._store.find(request, call.today)
        following = rows[-1].contract_no if len(rows) == request.limit else None
        return ContractsFound(rows=rows, total=total, next=following, as_of=call.now)

    def contracts_of(self, call: Call, request: ContractsOf) -> Contracts:
        return Contracts(rows=self._store.of_account(request.account_no, call.today), as_of=call.now)

    def terms_of(self, call: Call, request: ContractRef) -> ContractHistory:
        found = self._history(call, request.contract_no)
        if request.known_at is None:
            return found
        known = self._store.history(request.contract_no, request.known_at)
        return found.model_copy(update={"history": known, "as_of": request.known_at})

    def terms_in(self, call: Call, request: TermsIn) -> TermsFound:
        return TermsFound(rows=self._store.terms_in(request), as_of=request.known_at or call.now)

    def market_accounts(self, call: Call, request: MarketIn) -> MarketAccounts:
        found = self._store.market_accounts(request, ITEMS_MAX)
        following = found[-1] if len(found) == ITEMS_MAX else None
        return MarketAccounts(account_nos=found, next=following, as_of=request.known_at or call.now)

    def mains_of(self, call: Call, request: MainsOf) -> MainMeters:
        return MainMeters(rows=self._store.mains_of(request), as_of=call.now)

    def publish_terms(self, call: Call, request: PublishTerms) -> DatasetRef:
        if "" not in call.scope:
            # The dataset is that of the whole company, whoever asks for it.
            return self._ask(ContractApi).publish_terms(Call.system(call.now, actor=call.actor), request)
        table = self._store.published(Month.of(request.month))
        return self._work.datasets.publish(TERMS, request.month, "all", table, call.now)

    def publish_fee_control(self, call: Call, request: PublishFeeControl) -> DatasetRef:
        if "" not in call.scope:
            return self._ask(ContractApi).publish_fee_control(Call.system(call.now, actor=call.actor), request)
        table = FeeControls(self._work).published(request.on)
        return self._work.datasets.publish(FEE_CONTROL, str(request.on), "all", table, call.now)

    def _sub_meters(self, call: Call, specials: Iterable[SpecialTerms | None]) -> dict[str, Point]:
        """The points of the sub-meters that special terms name. The platform asks, but within the caller's own scope, as for
        accounts."""
        peer = replace(Call.system(call.now, actor=call.actor), scope=call.scope)
        wanted = sorted({number for one in specials if one is not None for number in sub_meters(one.parts)})
        found: dict[str, Point] = {}
        for begin in range(0, len(wanted), ITEMS_MAX):
            asked = PointsByNumber(numbers=wanted[begin : begin + ITEMS_MAX])
            found |= {one.point_no: one for one in self._ask(PointApi).points(peer, asked).rows}
        return found

    def _above(
        self, call: Call, account_no: str, parts: Sequence[Part], first_day: date, until: date | None = None
    ) -> Above:
        """The main meters of others above an account, and above the sub-meters of its special terms, from a day until another. Two
        that agree on each other's at once are one after the other. The platform asks: a loop is one also where it leads through
        another unit."""
        others = of_others(parts)
        if not others:
            return NOTHING_ABOVE
        self._store.lock_mains()
        asked = MainsOf(account_nos=sorted({one.account_no for one in others if one.account_no}), first_day=first_day)
        rows = self._ask(ContractApi).mains_of(Call.system(call.now, actor=call.actor), asked).rows
        taken = {
            row.point_no: row.main_account_no
            for row in rows
            if row.main_account_no != account_no and (until is None or row.effective_from < until)
        }
        return Above(self._behind(call, account_no, first_day), taken)

    def _behind(self, call: Call, account_no: str, first_day: date) -> Behind:
        """Behind whose main meters an account is from a day on, through all of them."""
        found: dict[str, tuple[str, ...]] = {}
        edge: list[tuple[str, tuple[str, ...], Span]] = [(account_no, (), Span("", first_day, None))]
        while edge:
            asked = MainsOf(account_nos=sorted({one for one, *_ in edge})[:ITEMS_MAX], first_day=first_day)
            rows = self._ask(ContractApi).mains_of(Call.system(call.now, actor=call.actor), asked).rows
            edge = [
                (row.main_account_no, (*path, account), both)
                for account, path, days in edge
                for row in rows
                if row.account_no == account and row.main_account_no not in (*path, account)
                if (both := common(days, Span("", row.effective_from, row.effective_to))) is not None
            ]
            found |= {account: path for account, path, _ in edge}
        return found

    def _units(self, call: Call, numbers: list[str]) -> dict[str, str]:
        """Units by account. The platform asks, but within the caller's own scope: an account of another unit is an unknown one."""
        peer = replace(Call.system(call.now, actor=call.actor), scope=call.scope)
        accounts = self._ask(CustomerApi).accounts(peer, AccountNumbers(numbers=numbers)).rows
        return {account.account_no: account.org for account in accounts}

    def _rows(self, contract_no: str) -> list[TermsRow]:
        rows = self._store.terms(contract_no, lock=True)
        if not rows:
            raise _not_found(contract_no)
        return rows

    def _history(self, call: Call, contract_no: str) -> ContractHistory:
        found: Contract | None = self._store.one(contract_no, call.today)
        if found is None:
            raise _not_found(contract_no)
        return ContractHistory(
            contract=found,
            history=self._store.history(contract_no),
            fee_controls=FeeControls(self._work).of(contract_no),
            as_of=call.now,
        )

    def _changed(self, call: Call, contract_no: str, effective_from: date) -> ContractHistory:
        history = self._history(call, contract_no)
        self._work.emit(
            TermsChanged(contract_no=contract_no, account_no=history.contract.account_no, effective_from=effective_from)
        )
        return history


def _applied_on(call: Call, request: ChangeTerms | AgreeSpecial) -> date:
    """When the customer asked for a change."""
    applied_on = request.applied_on or call.today
    if applied_on > call.today:
        raise TermsConflict(
            text(
                f"申请日期 {applied_on} 晚于今天，请改正。",
                f"The application of {applied_on} lies in the future; correct it.",
            ),
            contract_no=request.contract_no,
            field="applied_on",
            value=applied_on,
        )
    return applied_on


def _within(contract_no: str, exceeded: Exceeded | None) -> None:
    """Raises ChangeLimited for a limit that is not kept."""
    if exceeded is not None:
        raise ChangeLimited(
            exceeded.said,
            contract_no=contract_no,
            field=exceeded.field,
            value=exceeded.value,
            document=exceeded.document,
            earliest=exceeded.earliest,
        )


def _not_found(contract_no: str) -> ContractNotFound:
    return ContractNotFound(
        text(
            f"合同 {contract_no} 不存在，或不在您的管辖范围内。",
            f"Contract {contract_no} does not exist or is outside your scope.",
        ),
        contract_no=contract_no,
    )

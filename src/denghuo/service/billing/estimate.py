"""All running contracts rated in one go (费控日测算): by columns what columns rate, by the rules the rest.

What counts is the newest midnight at which most meters were read. A contract whose meter was not read then, or whose read waits for
a person, keeps no estimate of that day: nothing is guessed here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api import DayEstimated, EstimatesFound, Unbilled
from denghuo.service.billing.batch import Entry, Piece, Terms, inputs_of, terms_table
from denghuo.service.billing.cuts import CutRegisters
from denghuo.service.billing.cycle import opened_of, tariffs_of
from denghuo.service.billing.engine import Contracts, Group, metered
from denghuo.service.billing.engine.figures import Int
from denghuo.service.billing.midnights import cut_registers
from denghuo.service.billing.rating import Draft, Rating, Use
from denghuo.service.billing.rules import chosen
from denghuo.service.billing.store import BillingStore, Estimate
from denghuo.service.billing.tenure import Opened
from denghuo.service.contract.api import ContractApi, PublishTerms
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import AnyMonth, MonthRef, ReadingApi
from denghuo.service.tariff.api import TariffDocument

_ONE_DAY = timedelta(days=1)


class RunningMonth:
    """The contracts of a month until a midnight.

    terms, energy: as `contract.terms` and `reading.energy_so_far` give them; used: energy of the tier year by account.
    """

    def __init__(self, month: Month, until: date, terms: pa.Table, energy: pa.Table, used: pa.Table) -> None:
        self._month, self._until = month, until
        self._terms, self._energy = terms, energy
        self._contracts = Contracts(metered(terms, energy, used, month), month)

    def estimates(
        self,
        tariffs: Sequence[TariffDocument],
        opened: Opened,
        use_of: Callable[[Sequence[str]], Mapping[str, Use]],
        cuts_of: Callable[[Rating, Sequence[Entry]], CutRegisters],
        now: datetime,
    ) -> tuple[list[Estimate], int, int]:
        """The estimates, how many of them the rules rated one by one, and how many contracts have none.

        use_of: energy of earlier months by account; cuts_of: registers at the midnights at which months have stages.
        """
        found = self._contracts.rate(lambda group: self._tariff(tariffs, group))
        by_columns = np.flatnonzero(found.asked & ~found.left)
        head = self._contracts.table.select(["account_no", "kind", "org", "tariff_class"])
        rows = [
            self._row(one, int(found.energy_wh[place]), int(found.amount_fen[place]), now)
            for place, one in zip(by_columns, head.take(by_columns).to_pylist(), strict=True)
        ]
        rest = np.flatnonzero(~found.asked | found.left)
        rating = Rating(self._month, tariffs, opened, lambda account: self._entries([account]))
        entries = self._left(rest)
        use = use_of([entry.account_no for entry in entries]) if entries else {}
        cuts = cuts_of(rating, entries) if entries else {}
        by_rules = []
        for entry in entries:
            outcome = rating.outcome(entry, use.get(entry.account_no, {}) if entry.kind == "supply" else {}, cuts)
            if isinstance(outcome, Draft):
                head_of = {"account_no": entry.account_no, "kind": entry.kind, "org": entry.org}
                head_of["tariff_class"] = outcome.terms.tariff_class
                by_rules.append(self._row(head_of, outcome.rated.energy_wh, outcome.rated.total.fen, now))
        return [*rows, *by_rules], len(by_rules), len(rest) - len(by_rules)

    def _tariff(self, tariffs: Sequence[TariffDocument], group: Group) -> TariffDocument | None:
        """The tariff of a group that columns may rate by: one for all of its days so far."""
        tariff = chosen(
            tariffs,
            tariff_class=group.tariff_class,
            kind=group.kind,
            settlement=group.settlement,
            on=self._month.first_day,
            code=group.tariff_code,
        )
        ends = tariff is not None and tariff.effective_to is not None and tariff.effective_to < self._until
        return None if ends else tariff

    def _left(self, places: Int) -> list[Entry]:
        """The contracts in these places, with the terms of their days so far."""
        wanted = {(row["account_no"], row["kind"]) for row in self._contracts.table.take(places).to_pylist()}
        found = []
        for entry in self._entries(sorted({account for account, _ in wanted})):
            terms = tuple(self._until_then(one) for one in entry.terms if one.effective_from < self._until)
            if (entry.account_no, entry.kind) in wanted and terms:
                found.append(replace(entry, terms=terms))
        return found

    def _entries(self, account_nos: Sequence[str]) -> list[Entry]:
        inside = pa.array(list(account_nos), pa.string())
        return inputs_of(
            self._terms.filter(pc.is_in(self._terms["account_no"], value_set=inside)),
            self._energy.filter(pc.is_in(self._energy["account_no"], value_set=inside)),
        ).entries

    def _until_then(self, terms: Terms) -> Terms:
        return replace(terms, effective_to=min(terms.effective_to or self._until, self._until))

    def _row(self, head: Mapping[str, str], energy_wh: int, amount_fen: int, now: datetime) -> Estimate:
        through = self._until - _ONE_DAY
        return Estimate(
            **head,
            month=str(self._month),
            through_on=through,
            energy_wh=energy_wh,
            amount_fen=amount_fen,
            estimated_at=now,
        )


def estimate_day(work: Work, store: BillingStore, ask: Ask, call: Call, month: str | None) -> DayEstimated:
    """Estimates all contracts of a running month anew; `call` is the platform's own.

    month: None = the newest of which registers were received.
    """
    if month is None:
        received = ask(ReadingApi).months(call, AnyMonth()).rows
        if not received:
            return _day(None, None, ([], 0, 0), call)
        month = received[0].month
    so_far = ask(ReadingApi).publish_so_far(call, MonthRef(month=month))
    if so_far.until is None or so_far.energy is None:
        return _day(month, None, ([], 0, 0), call)
    terms = ask(ContractApi).publish_terms(call, PublishTerms(month=month))
    running = RunningMonth(
        Month.of(month),
        so_far.until,
        terms_table(work.datasets, terms),
        work.datasets.scan(so_far.energy, list(Piece.__slots__)),
        store.bills.used_before(month),
    )
    found = running.estimates(
        tariffs_of(ask, call, Month.of(month)),
        opened_of(ask, call),
        lambda accounts: store.bills.used(accounts, month),
        lambda rating, entries: cut_registers(ask, call, month, rating, entries),
        call.now,
    )
    store.estimates.replace(month, found[0])
    return _day(month, so_far.until - _ONE_DAY, found, call)


def _day(month: str | None, through: date | None, found: tuple[list[Estimate], int, int], call: Call) -> DayEstimated:
    rows, by_rules, without = found
    return DayEstimated(
        month=month, through_on=through, estimated=len(rows), by_rules=by_rules, without=without, as_of=call.now
    )


def unbilled(store: BillingStore, account_nos: Sequence[str]) -> EstimatesFound:
    """The estimates of these accounts that no bill has replaced yet, as far as the caller may see them."""
    rows = [
        Unbilled(
            account_no=row["account_no"],
            kind=row["kind"],
            month=row["month"],
            through_on=row["through_on"],
            energy=Energy(row["energy_wh"]),
            amount=Money(row["amount_fen"]),
            estimated_at=row["estimated_at"],
        )
        for row in store.estimates.of(account_nos)
    ]
    return EstimatesFound(rows=rows)

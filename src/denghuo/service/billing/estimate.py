"""Running contracts rated in one go (费控日测算): by columns what columns rate, by the rules the rest.

What counts is the newest midnight at which most meters were read. A contract whose meter was not read then, or whose read waits for
a person, gets no estimate of that day: nothing is guessed here, and what was estimated of an earlier day stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.dataset import arrow_schema
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import SHANGHAI, Month
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api import (
    ESTIMATES,
    DayEstimated,
    EstimateAccounts,
    EstimatesFound,
    EstimatesMade,
    Unbilled,
)
from denghuo.service.billing.batch import Entry, Piece, StagePieces, Terms, inputs_of, terms_table
from denghuo.service.billing.covered import with_earlier
from denghuo.service.billing.curves import split_rows, split_table
from denghuo.service.billing.cycle import platform_call, tariffs_of, tenures
from denghuo.service.billing.engine import Contracts, Group, metered
from denghuo.service.billing.engine.figures import Int
from denghuo.service.billing.rating import Draft, Rating, Use
from denghuo.service.billing.rules import Tariffs, chosen
from denghuo.service.billing.special.subs import with_subs
from denghuo.service.billing.spot import MarketOf, Spot, nothing_known
from denghuo.service.billing.stage_curves import stage_pieces
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.tenure import TenureOf
from denghuo.service.contract.api import ContractApi, PublishFeeControl, PublishTerms
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import AnyMonth, MonthRef, ReadingApi
from denghuo.service.tariff.api import TariffDocument

pc: Any = pyarrow.compute
FEW = 200
"""Registers of whose meters the curves are asked one by one."""
_ONE_DAY = timedelta(days=1)
_HEAD = ["account_no", "kind", "org", "tariff_class"]


@dataclass(frozen=True)
class Estimated:
    """Estimates with the columns of `ESTIMATES`; how many of them the rules made one by one, and how many contracts have none."""

    rows: pa.Table
    by_rules: int
    without: int


class RunningMonth:
    """The contracts of a month until a midnight.

    terms, energy: as `contract.terms` and `reading.energy_so_far` give them; used: energy of the tier year by account.
    tariffs: those of the month.
    """

    def __init__(
        self, month: Month, until: date, tariffs: Tariffs, terms: pa.Table, energy: pa.Table, used: pa.Table
    ) -> None:
        self._month, self._until = month, until
        self._terms, self._energy = terms, energy
        self._tariffs = tariffs
        self._contracts = Contracts(metered(terms, energy, used, month), month, tariffs.areas)

    def estimates(
        self,
        tenure: TenureOf,
        use_of: Callable[[Sequence[str]], Mapping[str, Use]],
        stages_of: Callable[[Rating, Sequence[Entry]], StagePieces],
        now: datetime,
        subsidised: Callable[[str], int],
        market_of: MarketOf = nothing_known,
    ) -> Estimated:
        """use_of: energy of earlier months by account; stages_of: the pieces of months that are not one whole.
        subsidised: Wh that earlier bills subsidised of an account's plant."""
        found = self._contracts.rate(self._tariff)
        by_columns = np.flatnonzero(found.asked & ~found.left)
        # Only contracts whose terms hold on all days are rated by columns.
        whole = np.full(len(by_columns), (self._until - self._month.first_day).days)
        figures = {"days": whole, "energy_wh": found.energy_wh[by_columns], "amount_fen": found.amount_fen[by_columns]}
        rated = self._table(self._contracts.table.select(_HEAD).take(by_columns), figures, now)
        rest = np.flatnonzero(~found.asked | found.left)
        rating = Rating(
            self._month,
            self._tariffs,
            tenure,
            lambda account: self._entries([account]),
            subsidised=subsidised,
            market_of=market_of,
        )
        entries = [with_subs(entry, lambda account: self._entries([account])) for entry in self._left(rest)]
        use = use_of([entry.account_no for entry in entries]) if entries else {}
        stages = stages_of(rating, entries) if entries else {}
        drafts = []
        for entry in entries:
            outcome = rating.outcome(entry, use.get(entry.account_no, {}) if entry.kind == "supply" else {}, stages)
            if isinstance(outcome, Draft):
                drafts.append(outcome)
        rows = pa.concat_tables([rated, self._by_rules(drafts, now)])
        return Estimated(rows, len(drafts), len(rest) - len(drafts))

    def _by_rules(self, drafts: Sequence[Draft], now: datetime) -> pa.Table:
        heads = [(one.entry.account_no, one.entry.kind, one.entry.org, one.terms.tariff_class) for one in drafts]
        columns = list(zip(*heads, strict=True)) or [()] * len(_HEAD)
        head = pa.table([pa.array(values, pa.string()) for values in columns], names=_HEAD)
        figures = {
            "days": [(self._until - one.first_day).days for one in drafts],
            "energy_wh": [one.rated.energy_wh for one in drafts],
            "amount_fen": [one.rated.total.fen for one in drafts],
        }
        return self._table(head, figures, now)

    def _table(self, head: pa.Table, figures: Mapping[str, Int | Sequence[int]], now: datetime) -> pa.Table:
        same = {"month": str(self._month), "through_on": self._until - _ONE_DAY, "estimated_at": now}
        shape = arrow_schema(ESTIMATES)
        columns = {name: head[name] for name in _HEAD} | {name: pa.array(values) for name, values in figures.items()}
        columns |= {
            name: pa.repeat(pa.scalar(value, shape.field(name).type), head.num_rows) for name, value in same.items()
        }
        return pa.table({name: columns[name] for name in shape.names}).cast(shape)

    def _tariff(self, group: Group) -> TariffDocument | None:
        """The tariff of a group that columns may rate by: one for all of its days so far."""
        tariff = chosen(
            self._tariffs,
            tariff_class=group.tariff_class,
            kind=group.kind,
            settlement=group.settlement,
            on=self._month.first_day,
            code=group.tariff_code,
            area=group.area,
        )
        ends = tariff is not None and tariff.effective_to is not None and tariff.effective_to < self._until
        return None if ends else tariff

    def _left(self, places: Int) -> list[Entry]:
        """The contracts in these places, with the terms of their days so far."""
        own = self._contracts.table.select(["account_no", "kind"]).take(places)
        wanted = {(row["account_no"], row["kind"]) for row in own.to_pylist()}
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


class DayDesk:
    """Estimates of a day; what it asks of others is asked by the platform."""

    def __init__(self, work: Work, store: BillingStore, ask: Ask, call: Call) -> None:
        self._work, self._store, self._ask = work, store, ask
        self._caller, self._call = call, platform_call(call)

    def of_accounts(self, request: EstimateAccounts) -> DayEstimated:
        """Estimates these accounts, as far as they lie within the caller's units."""
        return self._estimate(request.month, pa.array(sorted(set(request.account_nos)), pa.string()), None)

    def of_day(self, month: str | None, everyone: bool) -> DayEstimated:
        """Estimates the accounts under fee control on this day, or everyone."""
        asked = PublishFeeControl(on=self._call.today)
        controlled = self._ask(ContractApi).publish_fee_control(self._call, asked)
        if everyone:
            return self._estimate(month, None, controlled)
        numbers = self._work.datasets.scan(controlled, ["account_no"])["account_no"].combine_chunks()
        return self._estimate(month, numbers, controlled)

    def _estimate(
        self, month: str | None, numbers: "pa.Array[Any] | None", controlled: DatasetRef | None
    ) -> DayEstimated:
        """numbers: whom; None = everyone."""
        if month is None:
            received = self._ask(ReadingApi).months(self._call, AnyMonth()).rows
            month = received[0].month if received else None
        if month is None or (numbers is not None and not len(numbers)):
            return self._told(month, None, None)
        so_far = self._ask(ReadingApi).publish_so_far(self._call, MonthRef(month=month))
        if so_far.until is None or so_far.energy is None:
            return self._told(month, None, None)
        running = Month.of(month)
        terms = terms_table(
            self._work.datasets, self._ask(ContractApi).publish_terms(self._call, PublishTerms(month=month))
        )
        terms = with_earlier(self._work.datasets, self._ask, self._call, running, so_far.energy, terms)
        energy = self._work.datasets.scan(so_far.energy, list(Piece.__slots__))
        since = Month.holding(pc.min(energy["from_at"]).as_py().astimezone(SHANGHAI).date()) if len(energy) else running
        if numbers is not None:
            terms, energy = (one.filter(pc.is_in(one["account_no"], value_set=numbers)) for one in (terms, energy))
        terms, tariffs = self._visible(terms), tariffs_of(self._ask, self._call, running, first=min(since, running))
        energy = self._split(running, tariffs, terms, energy, so_far.until)
        used = self._store.year_use.used_before(month)
        found = RunningMonth(running, so_far.until, tariffs, terms, energy, used).estimates(
            tenures(self._ask, self._call),
            partial(self._store.year_use.used, before=month),
            partial(stage_pieces, self._ask, self._call, running, until=so_far.until),
            self._call.now,
            self._store.year_use.subsidised_of(month),
            Spot(self._ask, self._call, running).of,
        )
        through = so_far.until - _ONE_DAY
        self._store.estimates.put(found.rows)
        self._emit(month, through, found.rows, controlled)
        return self._told(month, through, found)

    def _split(self, month: Month, tariffs: Tariffs, terms: pa.Table, energy: pa.Table, until: date) -> pa.Table:
        """The energies with what curves tell: of a few accounts from their own curves, of many from the atoms of all."""
        if len(energy) <= FEW:
            return split_rows(self._ask, self._call, month, tariffs, terms, energy, until=until)
        return split_table(self._work.datasets, self._ask, self._call, month, tariffs, terms, energy, until)

    def _visible(self, terms: pa.Table) -> pa.Table:
        if self._caller.whole_company:
            return terms
        orgs = [org for org in terms["org"].unique().to_pylist() if self._caller.covers(str(org))]
        return terms.filter(pc.is_in(terms["org"], value_set=pa.array(orgs, pa.string())))

    def _emit(self, month: str, through: date, rows: pa.Table, controlled: DatasetRef | None) -> None:
        shard = "day" if controlled is not None else f"some-{self._call.now:%Y%m%dT%H%M%S%f}"
        published = self._work.datasets.publish(ESTIMATES, month, shard, rows, self._call.now)
        self._work.emit(
            EstimatesMade(
                month=month,
                through_on=through,
                estimates=published,
                fee_control=controlled,
                made_at=self._call.now,
            )
        )

    def _told(self, month: str | None, through: date | None, found: Estimated | None) -> DayEstimated:
        return DayEstimated(
            month=month,
            through_on=through,
            estimated=0 if found is None else found.rows.num_rows,
            by_rules=0 if found is None else found.by_rules,
            without=0 if found is None else found.without,
            as_of=self._call.now,
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

"""A tariff tried on all contracts of a month (电价方案测算): the present charge and the tried one, side by side, by columns.

Both sides are rated from the same quantities by the same engine, so that the difference is the tariff's alone. What columns leave
(basic charge, power factor, terms that change) is rated by the rules, contract by contract. Nothing is stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money, Percent
from denghuo.service.billing.api.population import (
    USES,
    MonthNotRead,
    Mover,
    NobodyToTry,
    NoTariffToTry,
    Segment,
    TriedOnAll,
    TryOnAll,
)
from denghuo.service.billing.batch import MonthInputs, Piece, inputs_of, terms_table
from denghuo.service.billing.cycle import opened_of, platform_call, tariffs_of
from denghuo.service.billing.engine import Contracts, Group, TariffOf, metered
from denghuo.service.billing.engine.figures import Flags, Int
from denghuo.service.billing.midnights import cut_registers
from denghuo.service.billing.rating import Draft, Rating
from denghuo.service.billing.rules import chosen
from denghuo.service.billing.rules.quantities import WITHOUT_BANDS
from denghuo.service.billing.store import BillingStore
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffApi, TariffDocument, TariffNotFound, TariffRef

_KWH = 1_000
_USES_KWH = np.asarray([0, 50, 170, 260, 400, 1_000, 10_000])
"""Upper ends of the ranges of use but the last."""


class Population:
    """All contracts of a month that a caller may see, ready to be rated by any tariff."""

    def __init__(self, work: Work, ask: Ask, call: Call, month: str) -> None:
        self._work, self._ask, self._call = work, ask, call
        self._store = BillingStore(work)
        self._month = Month.of(month)
        state = self._store.cycles.cycle(month)
        if state is None or state.terms_ref is None or state.energy_ref is None:
            raise MonthNotRead(
                text(
                    f"{month} 尚未抄表核算，请先运行该月核算。",
                    f"{month} has no quantities yet; run its billing cycle first.",
                ),
                month=month,
            )
        terms = terms_table(work.datasets, state.terms_ref)
        self._terms = terms.filter(pc.is_in(terms["org"], value_set=self._seen(terms)))
        self._energy = work.datasets.scan(state.energy_ref, list(Piece.__slots__))
        used = self._store.bills.used_before(month)
        self._contracts = Contracts(metered(self._terms, self._energy, used, self._month), self._month)

    def _seen(self, terms: pa.Table) -> pa.StringArray:
        """The organisations in the caller's scope: datasets have no row security."""
        units = map(str, pc.unique(terms["org"]).to_pylist())
        return pa.array([unit for unit in units if self._call.covers(unit)], pa.string())

    def tried(self, request: TryOnAll) -> TriedOnAll:
        tried = self._tried_tariff(request)
        present = tariffs_of(self._ask, self._call, self._month)

        def now_of(group: Group) -> TariffDocument | None:
            if not _fits(tried, group):
                return None
            return _chosen(present, group, self._month.first_day)

        meant = np.zeros(len(self._contracts), dtype=np.bool_)
        for group, places in self._contracts.groups():
            meant[places] = _fits(tried, group)
        if not meant.any():
            raise NobodyToTry(
                text(
                    f"{self._month} 您的管辖范围内没有适用电价 {tried.code} 的用户。",
                    f"In {self._month} no contract in your scope is of the classes of tariff {tried.code}.",
                ),
                code=tried.code,
                month=str(self._month),
            )
        now = self._side(present, present, now_of, named=True)
        then = self._side([tried], present, lambda group: tried if _fits(tried, group) else None, named=False)
        return self._shown(request, tried, now, then, meant)

    def _tried_tariff(self, request: TryOnAll) -> TariffDocument:
        """The tariff as if it were in force over the month, for whoever its classes, settlements and voltages fit."""
        try:
            shown = self._ask(TariffApi).tariff(
                self._call.only("tariff.read"), TariffRef(code=request.code, version=request.version)
            )
        except TariffNotFound as error:
            raise NoTariffToTry(
                text(
                    f"没有电价 {request.code}，请先起草或选择另一电价。",
                    f"There is no tariff {request.code}; draft it first or choose another.",
                ),
                code=request.code,
                version=request.version,
            ) from error
        span = {"effective_from": self._month.first_day, "effective_to": None, "default": True}
        return shown.document.model_copy(update={"version": shown.head.version, **span})

    def _side(
        self, tariffs: Sequence[TariffDocument], of_parts: Sequence[TariffDocument], tariff_of: TariffOf, named: bool
    ) -> "_Side":
        """Every contract that `tariff_of` gives a tariff, rated. of_parts: what parts of a contract are billed by. named: whether
        the tariff that a contract names counts."""
        found = self._contracts.rate(tariff_of)
        rated = found.asked & ~found.left
        side = _Side(found.amount_fen, found.energy_wh, rated, np.zeros_like(rated), found.without_bands & rated)
        places = np.flatnonzero(found.asked & found.left)
        if len(places):
            opened = opened_of(self._ask, self._call)
            subsidised = self._store.bills.subsidised_of(str(self._month))
            rating = Rating(
                self._month, tariffs, opened, lambda number: self._inputs([number]).entries, of_parts, subsidised
            )
            for place, draft in self._one_by_one(places, rating, named):
                side.amount_fen[place], side.energy_wh[place] = draft.rated.total.fen, draft.rated.energy_wh
                side.rated[place] = side.by_rules[place] = True
                side.without_bands[place] = any(one.code == WITHOUT_BANDS for one in draft.rated.remarks)
        return side

    def _one_by_one(self, places: Int, rating: Rating, named: bool) -> Iterator[tuple[int, Draft]]:
        head = self._contracts.table.take(places)
        keys = [(str(row["account_no"]), str(row["kind"])) for row in head.select(["account_no", "kind"]).to_pylist()]
        place_of = dict(zip(keys, map(int, places), strict=True))
        accounts = sorted({account for account, _ in place_of})
        inputs = self._inputs(accounts)
        use = self._store.bills.used(accounts, str(self._month))
        entries = [entry for entry in inputs.entries if (entry.account_no, entry.kind) in place_of]
        if not named:
            entries = [
                replace(entry, terms=tuple(replace(terms, tariff_code=None) for terms in entry.terms))
                for entry in entries
            ]
        shown = cut_registers(self._ask, platform_call(self._call), str(self._month), rating, entries)
        for entry in entries:
            place = place_of[entry.account_no, entry.kind]
            outcome = rating.outcome(entry, use.get(entry.account_no, {}), shown)
            if isinstance(outcome, Draft):
                yield place, outcome

    def _inputs(self, accounts: Sequence[str]) -> MonthInputs:
        wanted = pa.array(accounts, pa.string())
        return inputs_of(
            self._terms.filter(pc.is_in(self._terms["account_no"], value_set=wanted)),
            self._energy.filter(pc.is_in(self._energy["account_no"], value_set=wanted)),
        )

    # -- figures -----------------------------------------------------------------------------------------------------------

    def _shown(self, request: TryOnAll, tried: TariffDocument, now: "_Side", then: "_Side", meant: Flags) -> TriedOnAll:
        told = now.rated & then.rated & meant
        energy, difference = now.energy_wh, then.amount_fen - now.amount_fen
        classes = np.asarray(self._contracts.table["tariff_class"].to_pylist())
        ranges = np.searchsorted(_USES_KWH, -(-energy // _KWH))
        segments = [
            _segment(tariff_class, use, now.amount_fen[inside], then.amount_fen[inside])
            for tariff_class in sorted(set(classes[told]))
            for number, use in enumerate(USES.entries)
            if (inside := told & (classes == tariff_class) & (ranges == number)).any()
        ]
        places = np.flatnonzero(told)
        order = places[np.argsort(difference[places], kind="stable")]
        more, less = order[difference[order] > 0][::-1], order[difference[order] < 0]
        before, after = int(now.amount_fen[told].sum()), int(then.amount_fen[told].sum())
        return TriedOnAll(
            month=str(self._month),
            code=tried.code,
            version=tried.version,
            title=tried.title,
            contracts=len(places),
            by_rules=int((now.by_rules | then.by_rules)[told].sum()),
            without_bands=int(then.without_bands[told].sum()),
            not_rated=int((meant & ~told).sum()),
            now=Money(before),
            then=Money(after),
            difference=Money(after - before),
            percent=Percent.of_parts(after - before, before),
            more=len(more),
            less=len(less),
            same=len(places) - len(more) - len(less),
            segments=segments,
            most_more=[self._mover(int(place), now, then) for place in more[: request.movers]],
            most_less=[self._mover(int(place), now, then) for place in less[: request.movers]],
            as_of=self._call.now,
        )

    def _mover(self, place: int, now: "_Side", then: "_Side") -> Mover:
        row = {name: self._contracts.table[name][place].as_py() for name in ("account_no", "org", "tariff_class")}
        before, after = int(now.amount_fen[place]), int(then.amount_fen[place])
        return Mover(
            **row,
            energy=Energy(int(now.energy_wh[place])),
            now=Money(before),
            then=Money(after),
            difference=Money(after - before),
        )


@dataclass(frozen=True)
class _Side:
    """What contracts are charged by one of the two tariffs; who could be rated, who of them one by one, and who of them without
    bands by a tariff that has them."""

    amount_fen: Int
    energy_wh: Int
    rated: Flags
    by_rules: Flags
    without_bands: Flags


def _segment(tariff_class: str, use: str, now: Int, then: Int) -> Segment:
    before, after = int(now.sum()), int(then.sum())
    return Segment(
        row_key=f"{tariff_class}:{use}",
        tariff_class=tariff_class,  # type: ignore[arg-type]  # text of the dataset, validated here
        use=use,
        contracts=len(now),
        now=Money(before),
        then=Money(after),
        difference=Money(after - before),
        percent=Percent.of_parts(after - before, before),
        more=int((then > now).sum()),
        less=int((then < now).sum()),
    )


def _fits(tariff: TariffDocument, group: Group) -> bool:
    return (
        tariff.kind == group.kind
        and group.tariff_class in tariff.classes
        and group.settlement in tariff.settlements
        and group.voltage in tariff.voltages
    )


def _chosen(tariffs: Sequence[TariffDocument], group: Group, on: date) -> TariffDocument | None:
    return chosen(
        tariffs,
        tariff_class=group.tariff_class,
        kind=group.kind,
        settlement=group.settlement,
        on=on,
        code=group.tariff_code,
    )

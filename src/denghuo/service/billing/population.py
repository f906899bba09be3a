"""A tariff tried on all contracts of a month (电价方案测算): the present charge and the tried one, side by side, by columns.

Both sides are rated from the same quantities by the same engine, so that the difference is the tariff's alone. What columns leave
(basic charge, power factor, terms that change) is rated by the rules, contract by contract. Nothing is stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
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
from denghuo.service.billing.curves import divided_by_curves
from denghuo.service.billing.cycle import platform_call, tariffs_of, tenures
from denghuo.service.billing.engine import Contracts, Group, TariffOf, metered
from denghuo.service.billing.engine.figures import Flags, Int
from denghuo.service.billing.rating import Draft, Rating
from denghuo.service.billing.rules import Tariffs, chosen
from denghuo.service.billing.rules.quantities import WITHOUT_BANDS
from denghuo.service.billing.special.subs import with_subs
from denghuo.service.billing.spot import Spot
from denghuo.service.billing.stage_curves import stage_pieces
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.whole_months import tariffs_of_accounts
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffApi, TariffDocument, TariffNotFound, TariffRef, covers

pc: Any = pyarrow.compute
_KWH = 1_000
USES_KWH = (0, 50, 170, 260, 400, 1_000, 10_000)
"""Upper ends of the ranges of use but the last."""


class Population:
    """All contracts of a month that a caller may see, ready to be rated by any tariff.

    curves: whether the tried tariff's hours are taken from the 15-minute curves of meters without registers by band; their atoms
    are then made and kept, which a job may do and a question may not.
    """

    def __init__(self, work: Work, ask: Ask, call: Call, month: str, curves: bool = False) -> None:
        self._curves = curves
        self._work, self._ask, self._call = work, ask, call
        self._store = BillingStore(work)
        self._month = Month.of(month)
        terms_ref, energy_ref = read_month(self._store, month)
        terms = terms_table(work.datasets, terms_ref)
        self._terms = terms.filter(pc.is_in(terms["org"], value_set=self._seen(terms)))
        self._energy = work.datasets.scan(energy_ref, list(Piece.__slots__))
        self._used = self._store.year_use.used_before(month)
        self._present = tariffs_of(ask, call, self._month)
        self._contracts = self._metered(self._energy)
        self._billed = _Metered(self._contracts, lambda: self._energy)

    def _metered(self, energy: pa.Table) -> Contracts:
        return Contracts(metered(self._terms, energy, self._used, self._month), self._month, self._present.areas)

    def _seen(self, terms: pa.Table) -> pa.StringArray:
        """The organisations in the caller's scope: datasets have no row security."""
        units = map(str, pc.unique(terms["org"]).to_pylist())
        return pa.array([unit for unit in units if self._call.covers(unit)], pa.string())

    def tried(self, request: TryOnAll) -> TriedOnAll:
        tried = tariff_to_try(self._ask, self._call, request.code, request.version, self._month)
        return self._shown(request, tried, *self._sides(tried))

    def by_contract(self, tried: TariffDocument) -> tuple[pa.Table, int]:
        """What each contract is charged now and by the tried tariff (columns of `TRIED`), and how many cannot be told."""
        now, then, meant = self._sides(tried)
        told = now.rated & then.rated & meant
        places = np.flatnonzero(told)
        table = self._contracts.table.select(["account_no", "kind", "org", "tariff_class"]).take(places)
        for name, values in (
            ("energy_wh", now.energy_wh),
            ("now_fen", now.amount_fen),
            ("then_fen", then.amount_fen),
            ("by_rules", now.by_rules | then.by_rules),
            ("without_bands", then.without_bands),
        ):
            table = table.append_column(name, pa.array(values[places]))
        return table, int((meant & ~told).sum())

    def _sides(self, tried: TariffDocument) -> tuple["_Side", "_Side", Flags]:
        """Everybody charged by the present tariffs and by the tried one, and whom it is for.

        Raises:
            NobodyToTry: it is for nobody here.
        """
        present = self._present

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
        now = self._side(self._billed, present, present, now_of, named=True)
        by_hours = self._by_hours(tried) if self._curves and tried.time_of_use else self._billed
        then = self._side(
            by_hours, Tariffs([tried]), present, lambda group: tried if _fits(tried, group) else None, named=False
        )
        return now, then, meant

    def _by_hours(self, tried: TariffDocument) -> "_Metered":
        """The energies with the hours of the tried tariff where the curve tells them: what curves gave the present tariff's hours
        is left out, and where curve and register do not agree the register stands alone."""
        whole = pc.or_(pc.equal(self._energy["band"], "total"), pc.not_equal(self._energy["method"], "curve"))
        plain = self._energy.filter(pc.or_(whole, pc.equal(self._energy["quantity"], "demand")))
        tariffs = Tariffs([tried])
        at = self._terms.column_names.index("tariff_code")
        unnamed = self._terms.set_column(at, "tariff_code", pa.nulls(len(self._terms), pa.string()))
        named = tariffs_of_accounts(unnamed, plain, self._month, tariffs)
        call = platform_call(self._call)
        divided = divided_by_curves(self._work.datasets, self._ask, call, self._month, tariffs, named, plain)

        def with_bands() -> pa.Table:
            return pa.concat_tables([plain, divided.added])

        return _Metered(self._metered(plain).with_bands(divided.parts), with_bands)

    def _side(
        self,
        source: "_Metered",
        tariffs: Tariffs,
        of_parts: Tariffs,
        tariff_of: TariffOf,
        named: bool,
    ) -> "_Side":
        """Every contract that `tariff_of` gives a tariff, rated. of_parts: what parts of a contract are billed by. named: whether
        the tariff that a contract names counts."""
        found = source.contracts.rate(tariff_of)
        rated = found.asked & ~found.left
        side = _Side(found.amount_fen, found.energy_wh, rated, np.zeros_like(rated), found.without_bands & rated)
        places = np.flatnonzero(found.asked & found.left)
        if len(places):
            energy = source.energy()
            tenure = tenures(self._ask, self._call)
            subsidised = self._store.year_use.subsidised_of(str(self._month))
            spot = Spot(self._ask, platform_call(self._call), self._month)
            rating = Rating(
                self._month,
                tariffs,
                tenure,
                lambda number: self._inputs([number], energy).entries,
                of_parts,
                subsidised,
                spot.of,
            )
            for place, draft in self._one_by_one(places, rating, named, energy):
                side.amount_fen[place], side.energy_wh[place] = draft.rated.total.fen, draft.rated.energy_wh
                side.rated[place] = side.by_rules[place] = True
                side.without_bands[place] = any(one.code == WITHOUT_BANDS for one in draft.rated.remarks)
        return side

    def _one_by_one(self, places: Int, rating: Rating, named: bool, energy: pa.Table) -> Iterator[tuple[int, Draft]]:
        head = self._contracts.table.take(places)
        keys = [(str(row["account_no"]), str(row["kind"])) for row in head.select(["account_no", "kind"]).to_pylist()]
        place_of = dict(zip(keys, map(int, places), strict=True))
        accounts = sorted({account for account, _ in place_of})
        inputs = self._inputs(accounts, energy)
        use = self._store.year_use.used(accounts, str(self._month))
        entries = [
            with_subs(entry, lambda number: self._inputs([number], energy).entries)
            for entry in inputs.entries
            if (entry.account_no, entry.kind) in place_of
        ]
        if not named:
            entries = [
                replace(entry, terms=tuple(replace(terms, tariff_code=None) for terms in entry.terms))
                for entry in entries
            ]
        stages = stage_pieces(self._ask, platform_call(self._call), self._month, rating, entries)
        for entry in entries:
            place = place_of[entry.account_no, entry.kind]
            outcome = rating.outcome(entry, use.get(entry.account_no, {}), stages)
            if isinstance(outcome, Draft):
                yield place, outcome

    def _inputs(self, accounts: Sequence[str], energy: pa.Table) -> MonthInputs:
        wanted = pa.array(accounts, pa.string())
        return inputs_of(
            self._terms.filter(pc.is_in(self._terms["account_no"], value_set=wanted)),
            energy.filter(pc.is_in(energy["account_no"], value_set=wanted)),
        )

    # -- figures -----------------------------------------------------------------------------------------------------------

    def _shown(self, request: TryOnAll, tried: TariffDocument, now: "_Side", then: "_Side", meant: Flags) -> TriedOnAll:
        told = now.rated & then.rated & meant
        energy, difference = now.energy_wh, then.amount_fen - now.amount_fen
        classes = np.asarray(self._contracts.table["tariff_class"].to_pylist())
        ranges = np.searchsorted(USES_KWH, -(-energy // _KWH))
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
class _Metered:
    """Contracts, and the energies that they were gathered from, for those that are rated one by one."""

    contracts: Contracts
    energy: Callable[[], pa.Table]


@dataclass(frozen=True)
class _Side:
    """What contracts are charged by one of the two tariffs; who could be rated, who of them one by one, and who of them without
    bands by a tariff that has them."""

    amount_fen: Int
    energy_wh: Int
    rated: Flags
    by_rules: Flags
    without_bands: Flags


def read_month(store: BillingStore, month: str) -> tuple[DatasetRef, DatasetRef]:
    """The terms and the energies of a month.

    Raises:
        MonthNotRead: it has none as a whole.
    """
    state = store.cycles.cycle(month)
    if state is None or state.terms_ref is None or state.energy_ref is None:
        raise MonthNotRead(
            text(
                f"{month} 尚未抄表核算，请先运行该月核算。",
                f"{month} has no quantities yet; run its billing cycle first.",
            ),
            month=month,
        )
    return state.terms_ref, state.energy_ref


def tariff_to_try(ask: Ask, call: Call, code: str, version: int | None, month: Month) -> TariffDocument:
    """A tariff as if it were in force over a month, for whoever its classes, settlements and voltages fit.

    Raises:
        NoTariffToTry: there is none.
    """
    try:
        shown = ask(TariffApi).tariff(call.only("tariff.read"), TariffRef(code=code, version=version))
    except TariffNotFound as error:
        raise NoTariffToTry(
            text(
                f"没有电价 {code}，请先起草或选择另一电价。",
                f"There is no tariff {code}; draft it first or choose another.",
            ),
            code=code,
            version=version,
        ) from error
    span = {"effective_from": month.first_day, "effective_to": None, "default": True}
    return shown.document.model_copy(update={"version": shown.head.version, **span})


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
        and (group.area is None or covers(tariff.area, group.area))
    )


def _chosen(tariffs: Tariffs, group: Group, on: date) -> TariffDocument | None:
    return chosen(
        tariffs,
        tariff_class=group.tariff_class,
        kind=group.kind,
        settlement=group.settlement,
        on=on,
        code=group.tariff_code,
        area=group.area,
    )

"""The month's inputs from datasets, by contract."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import pyarrow as pa

from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import DatasetRef

PURCHASE_ROLES = frozenset({"export", "full_feed_in"})
SUB_METER = "sub_meter"
SUPPLY_ROLES = frozenset({"sale", SUB_METER})
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a contract on some days of the month: a row of `contract.terms`. special: `SpecialTerms` as JSON."""

    contract_no: str
    account_no: str
    org: str
    kind: str
    tariff_class: str
    tariff_code: str | None
    voltage_kv: str
    contract_w: int | None
    capacity_va: int | None
    pv_w: int | None
    settlement_mode: str
    pf_standard: int | None
    special: str | None
    effective_from: date
    effective_to: date | None


CURVE = "curve"


@dataclass(frozen=True, slots=True)
class Piece:
    """A register over a piece of the month: a row of `reading.month_energy`."""

    point_no: str
    account_no: str
    area_no: str | None
    role: str
    meter_no: str
    piece: int
    quantity: str
    band: str
    from_at: datetime
    to_at: datetime
    start_e4: int | None
    end_e4: int | None
    multiplier: int
    energy_wh: int | None
    status: str
    rule: str
    method: str
    days_estimated: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One contract kind of one account in the month: its terms in order of their days, and its metered pieces."""

    account_no: str
    kind: str
    terms: tuple[Terms, ...]
    pieces: tuple[Piece, ...]

    @property
    def org(self) -> str:
        return self.terms[-1].org


def by_curve(piece: Piece) -> bool:
    """Whether a piece is a band that a curve gave."""
    return piece.method == CURVE and piece.band != "total" and piece.quantity.startswith("active")


StagePieces = Mapping[tuple[str, str], Sequence[Sequence[Piece]]]
"""The pieces of each stage of the entries (account, kind) whose months are not one whole."""


class MonthInputs:
    """All entries of a month in the order of account and kind."""

    def __init__(self, terms: Iterable[Terms], pieces: Iterable[Piece]) -> None:
        metered: dict[tuple[str, str], list[Piece]] = {}
        for piece in pieces:
            kind = "supply" if piece.role in SUPPLY_ROLES else "purchase"
            metered.setdefault((piece.account_no, kind), []).append(piece)
        self._by_account: dict[str, list[Entry]] | None = None
        in_order = sorted(terms, key=attrgetter("account_no", "kind", "effective_from"))
        self.entries = [
            Entry(account_no, kind, tuple(rows), tuple(metered.get((account_no, kind), ())))
            for (account_no, kind), rows in groupby(in_order, key=lambda one: (one.account_no, one.kind))
        ]

    def of(self, account_no: str) -> list[Entry]:
        if self._by_account is None:
            self._by_account = {
                number: list(entries) for number, entries in groupby(self.entries, key=attrgetter("account_no"))
            }
        return self._by_account.get(account_no, [])


_lock = threading.Lock()
_kept: OrderedDict[tuple[str, str], MonthInputs] = OrderedDict()


def month_inputs(datasets: Datasets, terms: DatasetRef, energy: DatasetRef) -> MonthInputs:
    """The entries of a month from its two datasets.

    Files of datasets never change, so what was read of a pair of digests is kept for the next step of the same month.
    """
    key = (terms.digest, energy.digest)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    read = inputs_of(terms_table(datasets, terms), datasets.scan(energy, list(Piece.__slots__)))
    with _lock:
        _kept[key] = read
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return read


def terms_table(datasets: Datasets, terms: DatasetRef) -> pa.Table:
    """The columns of `contract.terms` that `Terms` has; before version 2 no contract had special terms."""
    names = list(Terms.__slots__)
    if terms.version >= 2:
        return datasets.scan(terms, names)
    table = datasets.scan(terms, [name for name in names if name != "special"])
    return table.append_column("special", pa.nulls(table.num_rows, pa.string()))


def inputs_of(terms: pa.Table, energy: pa.Table) -> MonthInputs:
    """The entries of contract terms and month energies."""
    return MonthInputs(_rows(terms, Terms), _rows(with_account(energy), Piece))


def with_account(table: pa.Table) -> pa.Table:
    """Without gateways and feeder heads, which nobody is billed for."""
    billed = pa.array(sorted(SUPPLY_ROLES | PURCHASE_ROLES))
    return table.filter(
        pa.compute.and_(pa.compute.is_valid(table["account_no"]), pa.compute.is_in(table["role"], value_set=billed))
    )


def _rows(table: pa.Table, into: Any) -> Iterable[Any]:
    columns = [table[name].to_pylist() for name in into.__slots__]
    return map(into, *columns)

"""The month's inputs by columns (列式月度数据): what `batch.MonthInputs` holds by rows, for bills that are made by columns.

Contracts stand in the order of account and kind and have their place in it, terms and registers behind each other by that place. A
part of a month is a span of places, so that its tables are cut and never searched.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import DatasetRef
from denghuo.service.billing.batch import SUPPLY_ROLES, Entry, Piece, inputs_of, terms_table, with_account

pc: Any = pyarrow.compute
Int = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_KEPT = 2


@dataclass(frozen=True)
class MonthPart:
    """Some contracts of a month. terms, energy: their rows of both datasets. first_terms, first_energy: where the rows of each
    contract begin; the last element is the end."""

    month: "MonthColumns"
    terms: pa.Table
    energy: pa.Table
    first_terms: Int
    first_energy: Int

    def __len__(self) -> int:
        return len(self.first_terms) - 1

    @property
    def accounts(self) -> tuple[str, str]:
        """The first and the last account; none lies between them that is not of this part, but for its other kind."""
        column = self.terms["account_no"]
        return (str(column[0]), str(column[-1])) if len(column) else ("", "")

    @property
    def heads(self) -> pa.Table:
        """The first row of terms of each contract."""
        return self.terms.take(self.first_terms[:-1])

    def energy_of(self, places: Int) -> tuple[pa.Table, Int]:
        """The registers of the contracts at these places, and where those of each begin; the last element is the end."""
        lengths = self.first_energy[places + 1] - self.first_energy[places]
        return self.energy.take(_rows(self.first_energy, places)), np.append(0, np.cumsum(lengths))

    def of_any(self, flags: Flags) -> Flags:
        """Which contracts have a register that is flagged."""
        counted = np.append(0, np.cumsum(flags))
        found: Flags = np.diff(counted[self.first_energy]) > 0
        return found

    def entries(self, places: Int) -> list[Entry]:
        """The contracts at these places of the part as rating by rules takes them."""
        return inputs_of(
            self.terms.take(_rows(self.first_terms, places)), self.energy.take(_rows(self.first_energy, places))
        ).entries


class MonthColumns:
    """All contracts of a month."""

    def __init__(self, terms: pa.Table, energy: pa.Table) -> None:
        terms = terms.take(
            pc.sort_indices(
                terms,
                sort_keys=[("account_no", "ascending"), ("kind", "ascending"), ("effective_from", "ascending")],
            )
        ).combine_chunks()
        account: Any = terms["account_no"].combine_chunks()
        supply = pc.equal(terms["kind"], "supply").to_numpy().astype(np.int64)
        self._accounts = pc.unique(account)
        # Accounts are in order, so that their numbers in order of appearance are too; purchase stands before supply.
        key = 2 * pc.index_in(account, self._accounts).to_numpy().astype(np.int64) + supply
        self._first_terms = _starts(key)
        self._keys: Int = key[self._first_terms[:-1]]
        self._terms = terms
        energy = with_account(energy)
        place = self._places_of(energy)
        order = np.argsort(place, kind="stable")
        order = order[int(np.searchsorted(place[order], 0)) :]
        self._energy = energy.take(order).combine_chunks()
        self._first_energy: Int = np.searchsorted(place[order], np.arange(len(self) + 1))

    def __len__(self) -> int:
        return len(self._keys)

    def part(self, begin: int, end: int) -> MonthPart:
        """The contracts from one place up to another."""
        end = min(end, len(self))
        terms, energy = self._first_terms[begin : end + 1], self._first_energy[begin : end + 1]
        return MonthPart(
            self,
            self._terms.slice(terms[0], terms[-1] - terms[0]),
            self._energy.slice(energy[0], energy[-1] - energy[0]),
            terms - terms[0],
            energy - energy[0],
        )

    def of(self, account_no: str) -> list[Entry]:
        """The entries of one account."""
        number = pc.index(self._accounts, account_no).as_py()
        if number < 0:
            return []
        begin, end = np.searchsorted(self._keys, [2 * number, 2 * number + 2])
        return self.part(int(begin), int(end)).entries(np.arange(end - begin))

    def _places_of(self, energy: pa.Table) -> Int:
        """The place of each register's contract; -1 where its account has none of its kind."""
        number = pc.fill_null(pc.index_in(energy["account_no"], self._accounts), -1).to_numpy().astype(np.int64)
        supply = pc.is_in(energy["role"], value_set=pa.array(sorted(SUPPLY_ROLES))).to_numpy().astype(np.int64)
        key = 2 * number + supply
        place = np.minimum(np.searchsorted(self._keys, key), max(len(self) - 1, 0))
        known = (number >= 0) & (len(self) > 0)
        if len(self):
            known &= self._keys[place] == key
        return np.where(known, place, -1)


def _starts(key: Int) -> Int:
    """Where a new key begins among sorted ones, and the end."""
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    return np.append(begins, len(key))


def _rows(first: Int, places: Int) -> Int:
    """The rows of contracts at places."""
    lengths = first[places + 1] - first[places]
    offsets = np.cumsum(lengths) - lengths
    return np.repeat(first[places] - offsets, lengths) + np.arange(int(lengths.sum()))


_lock = threading.Lock()
_kept: OrderedDict[tuple[str, str], MonthColumns] = OrderedDict()


def month_columns(datasets: Datasets, terms: DatasetRef, energy: DatasetRef) -> MonthColumns:
    """The contracts of a month from its two datasets, kept for the next step as `batch.month_inputs` keeps its own."""
    key = (terms.digest, energy.digest)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    read = MonthColumns(terms_table(datasets, terms), datasets.scan(energy, list(Piece.__slots__)))
    with _lock:
        _kept[key] = read
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return read

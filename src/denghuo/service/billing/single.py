"""What rating takes of a few accounts (单户取数), asked of the peers instead of read from the month's datasets.

The rows are the same: peers make them by the same rules from the same tables. So one account is billed again without the month of
the whole company, and a month can be computed as it was known at an instant, for which there is no dataset.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache

import pyarrow as pa

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI, Month
from denghuo.service.billing.batch import Entry, Terms, inputs_of
from denghuo.service.billing.covered import months_from
from denghuo.service.billing.curves import split_rows
from denghuo.service.billing.rules import Tariffs
from denghuo.service.contract.api import TERMS, Contract, ContractApi, TermsIn
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import (
    MONTH_ENERGY,
    EnergiesFound,
    EnergyRow,
    KnownEnergies,
    ReadingApi,
    SettleAccounts,
)


class AccountMonths:
    """The entries of accounts in a month, each asked for once. known_at: as they were known then, else as they are now; then the
    reads of the month are brought to what the registers say.

    call: the platform's own. tariffs: those of the month.
    """

    def __init__(self, ask: Ask, call: Call, month: Month, tariffs: Tariffs, known_at: datetime | None = None) -> None:
        self._ask, self._call, self._month = ask, call, month
        self.tariffs, self._known_at = tariffs, known_at
        self.of = cache(self._entries)
        self.waiting: set[str] = set()
        """Those of the accounts asked for that are read in a later month, so that they have no entries."""

    def _entries(self, account_no: str) -> list[Entry]:
        read = self._energies(account_no)
        if account_no in read.waiting:
            self.waiting.add(account_no)
            return []
        energy = _energy_table(read.rows)
        terms = _terms_table(self._terms(account_no, read.rows))
        split = split_rows(self._ask, self._call, self._month, self.tariffs, terms, energy, self._known_at)
        return inputs_of(terms, split).entries

    def _terms(self, account_no: str, read: Sequence[EnergyRow]) -> list[Contract]:
        """The terms of the months that the reading covers, each row once."""
        begins = min((row.from_at for row in read), default=self._month.period.start).astimezone(SHANGHAI).date()
        found: dict[tuple[str, str, date], Contract] = {}
        for month in months_from(min(Month.holding(begins), self._month), self._month):
            asked = TermsIn(month=str(month), account_nos=[account_no], known_at=self._known_at)
            for row in self._ask(ContractApi).terms_in(self._call, asked).rows:
                if month == self._month or row.effective_to is None or row.effective_to > begins:
                    found[row.contract_no, row.kind, row.effective_from] = row
        return list(found.values())

    def _energies(self, account_no: str) -> EnergiesFound:
        reading, month = self._ask(ReadingApi), str(self._month)
        if self._known_at is None:
            return reading.settle_accounts(self._call, SettleAccounts(month=month, account_nos=[account_no]))
        asked = KnownEnergies(month=month, account_nos=[account_no], known_at=self._known_at)
        return reading.known_energies(self._call, asked)


def _terms_table(rows: Iterable[Contract]) -> pa.Table:
    """Rows of `contract.terms`."""
    return pa.Table.from_pylist(
        [
            {name: getattr(row, name) for name in Terms.__slots__ if name in Contract.model_fields}
            | {
                "contract_w": None if row.contract_kw is None else row.contract_kw.w,
                "capacity_va": None if row.capacity_kva is None else row.capacity_kva.va,
                "pv_w": None if row.pv_kw is None else row.pv_kw.w,
                "special": None if row.special is None else row.special.model_dump_json(),
            }
            for row in rows
        ],
        schema=arrow_schema(TERMS),
    )


def _energy_table(rows: Iterable[EnergyRow]) -> pa.Table:
    """Rows of `reading.month_energy`."""
    return pa.Table.from_pylist(
        [
            {name: getattr(row, name) for name in MONTH_ENERGY.columns if name in EnergyRow.model_fields}
            | {
                "start_e4": None if row.start is None else row.start.e4,
                "end_e4": None if row.end is None else row.end.e4,
                "multiplier": row.multiplier.number,
                "energy_wh": None if row.energy is None else row.energy.wh,
            }
            for row in rows
        ],
        schema=arrow_schema(MONTH_ENERGY),
    )

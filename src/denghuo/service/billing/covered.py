"""The months that a reading covers (抄表周期内各月): one, or the months since the last reading of a route read every two months.

A bill has the month at whose end it was read. Where what is charged hangs on the month (bands and seasons, basic charge, power
factor, what is agreed for a month), each month of the reading is a stage of its own; else the reading is rated as one.
"""

from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.period import SHANGHAI, Month
from denghuo.kernel.problem import text
from denghuo.service.billing.batch import Entry, Piece
from denghuo.service.contract.api import TERMS, ContractApi, PublishTerms
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import MonthRead, UnitMonthRead

pc: Any = pyarrow.compute
READ_TERMS = DatasetSchema(
    "billing.read_terms", TERMS.version, TERMS.columns, text("本月抄表合同条款", "Terms of contracts read in a month")
)

_WITH_EARLIER = """
SELECT * FROM terms UNION
SELECT earlier.* FROM earlier JOIN since USING (account_no) WHERE coalesce(effective_to > first_day, true)
ORDER BY account_no, kind DESC, effective_from
"""
"""Terms that hold over the end of a month stand in the datasets of both, and here once."""


def first_month(pieces: Iterable[Piece], month: Month) -> Month:
    """The first month that a reading at the end of `month` covers."""
    begins = month.period.start
    first = min((piece.from_at for piece in pieces if piece.from_at < begins), default=None)
    return month if first is None else Month.holding(first.astimezone(SHANGHAI).date())


def months_from(first: Month, last: Month) -> list[Month]:
    """The months from one to another, both included."""
    found = [first]
    while found[-1] < last:
        found.append(found[-1].next)
    return found


def earliest(entries: Iterable[Entry], month: Month) -> Month:
    """The first month that the reading of any of the entries covers."""
    return min((first_month(entry.pieces, month) for entry in entries), default=month)


def read_terms(
    datasets: Datasets, ask: Ask, call: Call, month: Month, read: MonthRead | UnitMonthRead, terms: pa.Table
) -> pa.Table:
    """The terms of the contracts that are read at the end of a month: without accounts that wait for a later month, and for those
    whose reading covers earlier months with the terms of these.

    terms: rows of `contract.terms` of the month. The same table where all accounts are read month by month.
    """
    if read.waiting is not None:
        waiting = datasets.scan(read.waiting)["account_no"]
        terms = terms.filter(pc.invert(pc.is_in(terms["account_no"], value_set=waiting.combine_chunks())))
    return with_earlier(datasets, ask, call, month, read.energy, terms)


def with_earlier(datasets: Datasets, ask: Ask, call: Call, month: Month, read: DatasetRef, terms: pa.Table) -> pa.Table:
    """Terms of a month, with those of the earlier months that readings (rows as `reading.month_energy`) cover; the same table where
    none does."""
    energy = datasets.scan(read, ["account_no", "from_at"])
    begins = pa.scalar(month.period.start, energy["from_at"].type)
    long = energy.filter(pc.and_(pc.is_valid(energy["account_no"]), pc.less(energy["from_at"], begins)))
    if not len(long):
        return terms
    since = long.group_by("account_no").aggregate([("from_at", "min")])
    begun = since["from_at_min"].combine_chunks().dictionary_encode()
    instants: list[Any] = begun.dictionary.to_pylist()
    days = [at.astimezone(SHANGHAI).date() for at in instants]
    asked = [PublishTerms(month=str(one)) for one in months_from(Month.holding(min(days)), month.previous)]
    with duckdb.connect() as connection:
        connection.register("terms", terms)
        connection.register("earlier", datasets.scan([ask(ContractApi).publish_terms(call, one) for one in asked]))
        first_days = pa.array(days, pa.date32()).take(begun.indices)
        connection.register("since", pa.table({"account_no": since["account_no"], "first_day": first_days}))
        found: pa.Table = connection.sql(_WITH_EARLIER).to_arrow_table()
    return found.cast(terms.schema)

"""Who has one tariff all month (整月电价): accounts whose terms and prices hold on every day of a month, and by which tariff."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.period import Month
from denghuo.service.billing.engine.codes import coded, encoded, grouped
from denghuo.service.billing.rules import Tariffs, chosen
from denghuo.service.tariff.api import TariffDocument

pc: Any = pyarrow.compute
_GROUP = ["kind", "org", "tariff_class", "settlement_mode", "tariff_code"]
_NAMED: Any = [("account_no", pa.string()), ("kind", pa.string()), ("tariff", pa.string())]
NAMED = pa.schema(_NAMED)
"""Accounts by kind of contract, and the key of their tariff."""


def key(tariff: TariffDocument) -> str:
    """How a version of a tariff is named beside curves."""
    return f"{tariff.code}/{tariff.version}"


def tariffs_of_accounts(terms: pa.Table, energy: pa.Table, month: Month, tariffs: Tariffs) -> pa.Table:
    """The tariff of each account and kind with the same terms on all days of the month, where there is one (`NAMED`).

    Accounts of which an energy begins in an earlier month are not among them: theirs are divided month by month (`stage_curves`).
    """
    first, last = month.first_day, month.next.first_day - timedelta(days=1)
    numbers = 2 * encoded(terms["account_no"]).indices.to_numpy().astype(np.int64)
    numbers += coded(terms["kind"], lambda kind: int(kind == "supply"))
    whole = pc.and_(
        pc.less_equal(terms["effective_from"], first),
        pc.fill_null(pc.greater(terms["effective_to"], last), True),
    ).to_numpy()
    mine = terms.select(["account_no", *_GROUP])
    rows = np.flatnonzero(whole & (np.bincount(numbers)[numbers] == 1)) if len(terms) else numbers
    if len(rows) < len(mine):
        mine = mine.take(rows)
    names: list[str] = []
    at = np.full(len(mine), -1)
    for group, places in grouped(mine, _GROUP):
        if group["tariff_code"] is None and tariffs.areas.changes(group["org"], first, last) is not None:
            continue
        tariff = chosen(
            tariffs,
            tariff_class=group["tariff_class"],
            kind=group["kind"],
            settlement=group["settlement_mode"],
            on=first,
            code=group["tariff_code"],
            area=tariffs.area(group["org"], first),
        )
        if tariff is not None and (tariff.effective_to is None or tariff.effective_to > last):
            at[places] = len(names)
            names.append(key(tariff))
    known = np.flatnonzero(at >= 0)
    found = mine.select(["account_no", "kind"])
    if len(known) < len(found):
        found = found.take(known)
    named = found.append_column("tariff", pa.array(names, pa.string()).take(pa.array(at[known]))).cast(NAMED)
    begins = pa.scalar(month.period.start, energy["from_at"].type)
    long = energy["account_no"].filter(pc.fill_null(pc.less(energy["from_at"], begins), False))
    return named.filter(pc.invert(pc.is_in(named["account_no"], long.combine_chunks()))) if len(long) else named

"""Queries on the daily estimates of unbilled energy and amount."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from denghuo.data.processing.work import Work

# A month that was billed is no longer unbilled: the bill stands in the place of the estimate.
_UNBILLED = (
    "NOT EXISTS (SELECT FROM bill WHERE bill.account_no = estimate.account_no AND bill.kind = estimate.kind"
    " AND bill.month = estimate.month AND bill.state = 'issued' AND bill.reverses IS NULL)"
)
_COLUMNS = "account_no, kind, org, tariff_class, month, through_on, energy_wh, amount_fen, estimated_at"


class Estimate(NamedTuple):
    """An account's running month until the end of a day."""

    account_no: str
    kind: str
    org: str
    tariff_class: str
    month: str
    through_on: date
    energy_wh: int
    amount_fen: int
    estimated_at: datetime


class Estimates:
    def __init__(self, work: Work) -> None:
        self._work = work

    def replace(self, month: str, rows: Iterable[Estimate]) -> int:
        """Puts these estimates in the place of all of the month, and clears those that bills have replaced; gives how many."""
        self._work.run(f"DELETE FROM estimate WHERE month = %s OR NOT ({_UNBILLED})", (month,))
        return self._work.copy_in("estimate", Estimate._fields, rows)

    def of(self, account_nos: Sequence[str]) -> list[dict[str, Any]]:
        """The unbilled estimates of these accounts."""
        return self._work.rows(
            f"SELECT {_COLUMNS} FROM estimate WHERE account_no = ANY (%s) AND {_UNBILLED} ORDER BY account_no, kind, month",
            (list(account_nos),),
        )

"""Queries on the daily estimates of unbilled energy and amount."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from denghuo.data.processing.bulk import stage
from denghuo.data.processing.work import Work

# A month that was billed is no longer unbilled: the bill stands in the place of the estimate, also one of several months.
_UNBILLED = (
    "NOT EXISTS (SELECT FROM bill WHERE bill.account_no = estimate.account_no AND bill.kind = estimate.kind"
    " AND bill.month >= estimate.month AND to_char(bill.from_on, 'YYYY-MM') <= estimate.month"
    " AND bill.state = 'issued' AND bill.reverses IS NULL AND bill.case_no IS NULL)"
)
_COLUMNS = "account_no, kind, org, tariff_class, month, through_on, energy_wh, amount_fen, estimated_at"


class Estimates:
    def __init__(self, work: Work) -> None:
        self._work = work

    def put(self, rows: pa.Table) -> None:
        """Puts estimates (columns as `ESTIMATES`) in the place of those of the same contracts and month, and clears those of other
        months that bills have replaced."""
        months = rows["month"].unique().to_pylist()
        stage(self._work, "estimated", rows)
        self._work.run(f"DELETE FROM estimate WHERE month <> ALL (%s) AND NOT ({_UNBILLED})", (months,))
        self._work.run(
            f"INSERT INTO estimate ({_COLUMNS}) SELECT {_COLUMNS} FROM estimated ON CONFLICT (account_no, kind, month)"
            " DO UPDATE SET org = excluded.org, tariff_class = excluded.tariff_class, through_on = excluded.through_on,"
            " energy_wh = excluded.energy_wh, amount_fen = excluded.amount_fen, estimated_at = excluded.estimated_at"
        )
        # What runs over the end of a month, because that is not read, stands in the place of the estimate of that month.
        self._work.run(
            "DELETE FROM estimate USING estimated e WHERE (estimate.account_no, estimate.kind) = (e.account_no, e.kind)"
            " AND estimate.month < e.month AND estimate.through_on > e.through_on - e.days::int"
        )
        self._work.run("DROP TABLE estimated")

    def of(self, account_nos: Sequence[str]) -> list[dict[str, Any]]:
        """The unbilled estimates of these accounts."""
        return self._work.rows(
            f"SELECT {_COLUMNS} FROM estimate WHERE account_no = ANY (%s) AND {_UNBILLED} ORDER BY account_no, kind, month",
            (list(account_nos),),
        )

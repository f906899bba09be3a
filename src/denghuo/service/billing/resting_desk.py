"""Bills that rest on estimates (估计电费清单): noted once they are issued, and what they came to when real values came."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.estimated import (
    CalculateEstimated,
    EstimatedBillRow,
    EstimatedBillsFound,
    EstimatedOrdered,
    EstimatesNoted,
    FindEstimatedBills,
    NoteEstimates,
)
from denghuo.service.billing.api.resting import BillEstimates
from denghuo.service.billing.cycle import platform_call
from denghuo.service.billing.recalculation import order_again
from denghuo.service.billing.resting import Part, Resting, methods_of, resting_of, rests, shown
from denghuo.service.billing.store import BillingStore
from denghuo.service.customer.api import Account
from denghuo.service.host.binding import Ask

NOTED_AT_ONCE = 320
"""Bills that are looked at in a step: ten calls for the days of their meters."""
NOTHING = Resting(0, None, [])


class RestingDesk:
    def __init__(self, store: BillingStore, ask: Ask, call: Call) -> None:
        self._store, self._ask, self._call = store, ask, call

    def note(self, request: NoteEstimates) -> EstimatesNoted:
        """Looks at the next issued bills of a month. Each is noted once: what stood in for values then is what it rests on."""
        rows = self._store.resting.waiting(request.month, NOTED_AT_ONCE)
        found = resting_of(self._ask, platform_call(self._call), rows)
        noted = [(row, found.get(row["bill_no"], NOTHING)) for row in rows]
        self._store.resting.note(
            [
                (
                    *(row[name] for name in ("bill_no", "org", "account_no", "month")),
                    one.energy_wh,
                    one.per_mille,
                    json.dumps([asdict(part) for part in one.parts]),
                    self._call.now,
                )
                for row, one in noted
            ]
        )
        return EstimatesNoted(month=request.month, noted=len(rows), again=len(rows) == NOTED_AT_ONCE)

    def of(self, row: Mapping[str, Any]) -> BillEstimates | None:
        """What of a bill rests on estimates, as it was noted, or as it is found where it is not yet."""
        if not rests(row):
            return None
        noted = self._store.resting.noted(row["bill_no"])
        if noted is not None:
            parts = [Part(**part) for part in noted["parts"]]
            found = Resting(noted["energy_wh"], noted["per_mille"], parts)
        else:
            found = resting_of(self._ask, platform_call(self._call), [row]).get(row["bill_no"], NOTHING)
        return shown(found, row["energy_wh"]) if found.parts else None

    def calculate(self, work: Work, request: CalculateEstimated) -> EstimatedOrdered:
        accounts = self._store.resting.accounts(request.model_dump())
        order_again(work, self._store, self._call, request.month, "curves", accounts)
        return EstimatedOrdered(month=request.month, ordered=len(accounts))

    def page(
        self, request: FindEstimatedBills, accounts_of: Callable[[list[str]], Mapping[str, Account]]
    ) -> EstimatedBillsFound:
        rows, sums = self._store.resting.found(request.model_dump())
        names = accounts_of([row["account_no"] for row in rows])
        return EstimatedBillsFound(
            rows=[_row(row, names.get(row["account_no"])) for row in rows],
            total=sums["total"],
            energy=Energy(sums["energy_wh"]),
            differing=sums["differing"],
            difference=Money(sums["difference_fen"]),
            next=rows[-1]["place"] if len(rows) == request.limit else None,
            as_of=self._call.now,
        )


def _row(row: Mapping[str, Any], account: Account | None) -> EstimatedBillRow:
    again = None if row["again_fen"] is None else Money(row["again_fen"])
    parts: Sequence[Part] = [Part(**part) for part in row["parts"]]
    return EstimatedBillRow.model_validate(
        {
            **{name: row[name] for name in ("bill_no", "account_no", "org", "month", "kind", "per_mille", "state")},
            "name": account.name if account else None,
            "billed": Energy(row["billed_wh"]),
            "energy": Energy(row["energy_wh"]),
            "methods": methods_of(parts),
            "amount": Money(row["amount_fen"]),
            "again": again,
            "difference": None if again is None else Money(again.fen - row["amount_fen"]),
            "again_at": row["again_at"],
        }
    )

"""Largest demands from curves (曲线最大需量): where a tariff charges the measured demand and a meter has no register of it.

Demand is the largest average of 15 minutes that was measured, so it is the highest slot of the curve times four. No estimate
stands in for one: a guess of how much passed says nothing of the peak. It counts where every slot of the month was measured and the
curve agrees with the register of energy, and where all points of an account have one: demands of several feeds are added, and a sum
with one missing would be too small. Without it the contract's demand is charged, until the measured values come.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.service.billing.engine.split import Tolerance
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import AskHighest, HighestSlot, MeterSpan, ReadingApi
from denghuo.service.tariff.api import TariffDocument

pc: Any = pyarrow.compute
DEMAND = "demand"
_ROLE = "sale"
_SLOT = timedelta(days=1) / SLOTS_A_DAY
_AN_HOUR = timedelta(hours=1) // _SLOT
Row = Mapping[str, Any]


def charges_demand(tariff: TariffDocument, month: Month) -> bool:
    """Whether the tariff charges the month's measured demand, the same on all days of the month."""
    ends = tariff.effective_to
    return tariff.basic is not None and tariff.basic.by == "demand" and (ends is None or ends >= month.next.first_day)


def with_demands(
    ask: Ask,
    call: Call,
    month: Month,
    accounts: Iterable[str],
    table: pa.Table,
    tolerance: Tolerance,
    known_at: datetime | None = None,
) -> pa.Table:
    """The month's energies with a row for each demand that a curve tells, its period the quarter-hour of it; the same table where
    there is none.

    accounts: those whose tariff charges the demand. call: the platform's own. known_at: as the curves were known then.
    """
    wanted = pa.array(sorted(accounts), pa.string())
    mine = pc.and_(pc.is_in(table["account_no"], wanted), pc.equal(table["role"], _ROLE))
    rows = table.filter(mine).to_pylist()
    have = {_meter(row) for row in rows if row["quantity"] == DEMAND}
    totals = [
        row for row in rows if (row["quantity"], row["band"]) == ("active_fwd", "total") and _meter(row) not in have
    ]
    told = [
        one
        for begin in range(0, len(totals), ITEMS_MAX)
        for one in _told(ask, call, month, totals[begin : begin + ITEMS_MAX], known_at)
    ]
    unknown = {row["account_no"] for row, slot in told if not _agrees(row, slot, tolerance)}
    added = [_demand(row, slot) for row, slot in told if row["account_no"] not in unknown]
    if not added:
        return table
    order: Any = [(name, "ascending") for name in ("point_no", "piece", "quantity", "band")]
    return pa.concat_tables([table, pa.Table.from_pylist(added, schema=table.schema)]).sort_by(order)


def _meter(row: Row) -> tuple[str, str, int]:
    return row["point_no"], row["meter_no"], row["piece"]


def _told(
    ask: Ask, call: Call, month: Month, totals: Sequence[Row], known_at: datetime | None
) -> Iterator[tuple[Row, HighestSlot]]:
    spans = [MeterSpan(meter_no=row["meter_no"], from_at=row["from_at"], to_at=row["to_at"]) for row in totals]
    found = ask(ReadingApi).highest(call, AskHighest(month=str(month), spans=spans, known_at=known_at))
    yield from zip(totals, found.rows, strict=True)


def _agrees(row: Row, slot: HighestSlot, tolerance: Tolerance) -> bool:
    energy = row["energy_wh"]
    if slot.highest is None or slot.missing or energy is None or row["status"] == "held":
        return False
    return bool(abs(energy - slot.energy.wh) <= tolerance.of(np.array([energy]))[0])


def _demand(row: Row, slot: HighestSlot) -> Row:
    assert slot.begins_at is not None and slot.highest is not None  # it agrees
    return {
        **row,
        "quantity": DEMAND,
        "from_at": slot.begins_at,
        "to_at": slot.begins_at + _SLOT,
        "start_e4": None,
        "end_e4": None,
        "energy_wh": slot.highest.wh * _AN_HOUR,
        "status": "valid",
        "rule": "curve",
        "method": "curve",
        "days_estimated": 0,
    }

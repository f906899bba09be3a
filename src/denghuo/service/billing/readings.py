"""Readings files (示数文件): the registers of a bill and the 15-minute curves from which some of them were taken.

`denghuo-verify` computes the bands and the demands of such a bill from its curves. The format is in docs/reference/bill-file.md.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.kernel.period import SHANGHAI, Month
from denghuo.kernel.values import Energy
from denghuo.service.billing.api import BillEstimates
from denghuo.service.billing.covered import months_from
from denghuo.service.billing.file import readings_part
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import (
    CurveMonth,
    CurveNotFound,
    CurveValues,
    EnergySeries,
    EstimatedMonthAsked,
    ReadingApi,
)

SCHEMA, VERSION = "denghuo.readings-file", 1
METHOD = "curve"


def readings_file(
    ask: Ask, call: Call, row: Mapping[str, Any], rated_at: datetime, estimates: BillEstimates | None
) -> Document:
    """The readings file of a bill. call: the platform's own; rated_at: the curves are given as they were known then; estimates:
    what of the bill rests on such."""
    registers = readings_part(row["registers"])
    body = {
        "schema": SCHEMA,
        "version": VERSION,
        "bill_no": row["bill_no"],
        "readings": registers,
        "curves": list(_curves(ask, call, row["month"], registers, rated_at, _by_points(row["rating"]))),
    } | ({} if estimates is None else {"estimates": _told(estimates)})
    return Document(
        file_name=f"readings-{row['bill_no']}.json",
        media_type="application/json",
        content=base64.b64encode((json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()).decode(),
    )


def _told(estimates: BillEstimates) -> dict[str, Any]:
    """Figures as text."""
    parts = [one.model_dump(mode="json", exclude={"part"}) for one in estimates.parts]
    return {"energy": str(estimates.energy), "per_mille": estimates.per_mille, "parts": parts}


def _by_points(rating: Mapping[str, Any] | None) -> bool:
    """Whether a bill rests on the energy of settlement points."""
    terms = rating or {}
    return any((one.get("market") or {}).get("slots") for one in terms.get("stages") or [terms])


def _curves(
    ask: Ask, call: Call, month: str, registers: Sequence[Mapping[str, Any]], rated_at: datetime, by_points: bool
) -> Iterator[dict[str, Any]]:
    """Of each meter of which something was taken from its curve. by_points: the energy of the points was."""
    wanted = {
        (one["meter_no"], "active_rev" if one["quantity"] == "active_rev" else "active_fwd")
        for one in registers
        if one["method"] == METHOD or (by_points and one["quantity"] == "active_fwd")
    }
    begins = min((datetime.fromisoformat(one["from_at"]) for one in registers), default=None)
    ends = Month.of(month)
    first = ends if begins is None else min(Month.holding(begins.astimezone(SHANGHAI).date()), ends)
    months = months_from(first, ends)
    for meter_no, quantity in sorted(wanted):
        try:
            told = [
                ask(ReadingApi).curve_month(call, CurveMonth(subject=meter_no, month=str(one), known_at=rated_at))
                for one in months
            ]
        except CurveNotFound:
            continue
        values = [
            value for one in told for value in _whole(one, one.energy if quantity == "active_fwd" else one.energy_rev)
        ]
        yield {
            "meter_no": meter_no,
            "quantity": quantity,
            "minutes": told[0].minutes,
            "from": told[0].starts.isoformat(),
            "values": [None if value is None else str(value) for value in values],
        } | _estimated(ask, call, meter_no, quantity, months, rated_at)


def _whole(told: CurveValues, values: Sequence[Energy | None]) -> Sequence[Energy | None]:
    """The values of all slots of a month; a month without any has none of them."""
    return values or [None] * told.expected


def _estimated(
    ask: Ask, call: Call, meter_no: str, quantity: str, months: Sequence[Month], rated_at: datetime
) -> dict[str, Any]:
    """What stood in for values of the months, where anything did."""
    series: EnergySeries = "active_fwd_wh" if quantity == "active_fwd" else "active_rev_wh"
    asked = [
        EstimatedMonthAsked(meter_no=meter_no, series=series, month=str(month), known_at=rated_at) for month in months
    ]
    values = [value for one in asked for value in ask(ReadingApi).estimated_month(call, one).values]
    if all(value is None for value in values):
        return {}
    return {"estimated": [None if value is None else str(value) for value in values]}

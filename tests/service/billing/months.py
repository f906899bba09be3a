"""Several months of one account: registers at the midnights that begin them, billed one after the other."""

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa
from tests.service.billing.county import ACCOUNTANT, OPERATOR, County, Supply
from tests.service.bindings import clock

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import Month, midnight
from denghuo.service.billing.api import StartCycle
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, ReadingApi


def bill_months(found: County, used: Mapping[Supply, Mapping[str, Mapping[str, int]]]) -> None:
    """Bills months (in order) by what each account used in them: kWh by band ("total" for meters without bands)."""
    months = sorted({month for by_month in used.values() for month in by_month})
    rows = []
    for supply, by_month in used.items():
        shown: dict[str, int] = {}
        for month in months:
            rows += _midnight(supply, Month.of(month).first_day, {band: shown.get(band, 0) for band in by_month[month]})
            for band, kwh in by_month[month].items():
                shown[band] = shown.get(band, 0) + kwh
        rows += _midnight(supply, Month.of(months[-1]).next.first_day, shown)
    table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
    reference = found.datasets.publish(REGISTER_INTAKE, months[0], f"months-{len(rows)}", table, clock())
    found.directory(ReadingApi).receive_registers(OPERATOR, Intake(rows=reference))
    for month in months:
        found.billing.start_cycle(ACCOUNTANT, StartCycle(month=month))
        found.settle()


def _midnight(supply: Supply, day: date, registers: Mapping[str, int]) -> Sequence[dict[str, object]]:
    return [
        {
            "meter_no": f"M{supply.serial:05d}",
            "read_at": midnight(day),
            "quantity": "active_fwd",
            "band": band,
            "value_e4": (1_000 + kwh) * 10_000,
        }
        for band, kwh in registers.items()
    ]


def bill_no(supply: Supply, month: str) -> str:
    return f"{month.replace('-', '')}{supply.account_no}101"

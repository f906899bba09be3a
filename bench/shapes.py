"""Rows of published datasets for the benches, and rating from curves as the product does it for everybody."""

import pathlib
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from denghuo.data.analysis.cells import MonthCells
from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import DatasetSchema
from denghuo.kernel.period import Month
from denghuo.service.billing.banding import Curves, Divided
from denghuo.service.billing.batch import SUPPLY_ROLES
from denghuo.service.billing.engine import Contracts, Group, RatedMonth, metered
from denghuo.service.billing.engine.atoms import Calendar, MonthPlan
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.whole_months import tariffs_of_accounts
from denghuo.service.contract.api import TERMS
from denghuo.service.reading.api import MONTH_ENERGY
from denghuo.service.tariff.api import TariffDocument

ORG = "1405810.01"


def rows(shape: DatasetSchema, count: int, given: Mapping[str, Any]) -> pa.Table:
    """Rows of a dataset. given: columns, or one value for all rows; what is not told is empty."""
    columns: list[Any] = []
    for field in arrow_schema(shape):
        value = given.get(field.name)
        if value is None or isinstance(value, str | int | date):
            columns.append(pa.repeat(pa.scalar(value, field.type), count))
        else:
            columns.append(pa.array(value).cast(field.type))
    return pa.table(columns, schema=arrow_schema(shape))


def terms(numbers: Any, tariff_class: Any, tariff_code: Any) -> pa.Table:
    """Contracts of low voltage (`contract.terms`), signed before any month that is billed; numbers of accounts and contracts."""
    given = {
        "contract_no": numbers, "account_no": numbers, "org": ORG, "kind": "supply", "tariff_class": tariff_class,
        "tariff_code": tariff_code, "voltage_kv": "0.22", "settlement_mode": "agency", "contract_w": 8_000,
        "effective_from": date(2024, 1, 1),
    }  # fmt: skip
    return rows(TERMS, len(numbers), given)


def registers(
    month: Month, numbers: Any, meters: Any, band: Any, start_e4: Any, energy_wh: Any, **more: Any
) -> pa.Table:
    """Registers that were read on time (`reading.month_energy`); numbers of accounts and points."""
    given = {
        "point_no": numbers, "account_no": numbers, "org": ORG, "role": "sale", "meter_no": meters, "piece": 1,
        "quantity": "active_fwd", "band": band, "from_at": month.period.start, "to_at": month.period.end, "start_e4": start_e4,
        "end_e4": start_e4 + 10 * energy_wh, "multiplier": 1, "energy_wh": energy_wh, "status": "valid", "rule": "ok",
        "method": "actual", "days_estimated": 0,
    }  # fmt: skip
    return rows(MONTH_ENERGY, len(numbers), given | more)


def used(numbers: Any = (), energy_wh: Any = ()) -> pa.Table:
    """Energy of the tier year before the month by account."""
    return pa.table({"account_no": pa.array(numbers, pa.string()), "energy_wh": pa.array(energy_wh, pa.int64())})


def rated_by_curves(
    terms: pa.Table,
    energy: pa.Table,
    used: pa.Table,
    cells: MonthCells,
    plan: MonthPlan,
    calendars: Mapping[str, Mapping[date, Calendar]],
    tariffs: Mapping[str, TariffDocument],
    month: Month,
) -> tuple[Contracts, RatedMonth]:
    """Registers divided by the curves of their meters and rated: `population` tries a tariff on everybody in these steps. Contracts
    whose register no curve could divide are marked as rated without bands."""
    divided = Divided(energy)
    named = tariffs_of_accounts(terms, energy, month, Tariffs(tariffs.values()))
    Curves(plan, calendars, cells, named).divide(divided, "active_fwd", SUPPLY_ROLES)

    def tariff_of(group: Group) -> TariffDocument:
        return tariffs[group.tariff_code or ""]

    contracts = Contracts(metered(terms, energy, used, month), month).with_bands(divided.parts)
    return contracts, contracts.rate(tariff_of)

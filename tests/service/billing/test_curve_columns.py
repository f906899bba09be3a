"""Meters rated from their curves by columns: the same fen as the rules give for the same bands."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.rules.make import piece, subject

from denghuo.data.analysis.cells import MonthCells
from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import Month
from denghuo.service.billing.banding import Curves, Divided
from denghuo.service.billing.batch import SUPPLY_ROLES
from denghuo.service.billing.engine import Contracts, Group, metered
from denghuo.service.billing.engine.atoms import Calendar, calendars_of, month_plan
from denghuo.service.billing.rules import Tariffs, rate
from denghuo.service.billing.whole_months import key, tariffs_of_accounts
from denghuo.service.contract.api import TERMS
from denghuo.service.reading.api import MONTH_ENERGY
from denghuo.service.tariff.api import BandSpan, TariffDocument
from denghuo.service.tariff.rules.clock import DayFacts, spans_of_day
from denghuo.service.tariff.shipped import published

MONTH = Month.of("2026-04")
DAYS = [date(2026, 4, 1) + timedelta(days=step) for step in range(30)]
CODES = ("sh.resident.tiered", "sh.resident.tiered.tou", "sh.business.single")
TARIFFS = {document.code: document for document in published("310000") or [] if document.code in CODES}


def calendars() -> dict[str, dict[date, Calendar]]:
    told = {}
    for document in (one for one in TARIFFS.values() if one.time_of_use):
        spans = [
            BandSpan(day=day, band=band, start=start, end=end)
            for day in DAYS
            for band, start, end in spans_of_day(document, DayFacts(day))
        ]
        found = calendars_of(spans)
        assert found is not None
        told[key(document)] = found
    return told


CALENDARS = calendars()
PLAN = month_plan(CALENDARS)
CELLS = len(PLAN.cut) * (max(PLAN.kinds.values()) + 1)
Customer = tuple[str, str, int]
"""Meter, tariff, and energy of the tier year before the month."""


def cells_of(rows: list[list[int]], missing: int = 0) -> MonthCells:
    """Meters M0, M1, ... with these energies by cell; the first lacks so many slots."""
    days = np.bincount(list(PLAN.kinds.values()))
    received = np.tile((days[:, None] * PLAN.lengths).reshape(1, -1), (len(rows), 1))
    received[0, 0] -= missing
    nothing = np.zeros(len(rows), dtype=np.int64)
    names = pa.array([f"M{place}" for place in range(len(rows))])
    return MonthCells(names, np.array(rows, dtype=np.int64), received, nothing - 1, nothing)


def rated(cells: MonthCells, customers: list[Customer], apart_wh: int = 0) -> tuple[list[int], list[int], list[bool]]:
    """Fen and Wh of customers A0, A1, ..., each with a register that shows what the curve has, or so much more; and whether the
    curve gave no bands."""
    totals = dict(zip(cells.subjects.to_pylist(), cells.energy.sum(axis=1).tolist(), strict=True))
    accounts = [f"A{place}" for place in range(len(customers))]
    terms = [
        {
            "contract_no": account, "account_no": account, "org": "1", "kind": "supply", "tariff_code": code,
            "tariff_class": TARIFFS[code].classes[0], "voltage_kv": TARIFFS[code].voltages[0],
            "settlement_mode": TARIFFS[code].settlements[0], "effective_from": date(2024, 1, 1),
        }
        for account, (_, code, _) in zip(accounts, customers, strict=True)
    ]  # fmt: skip
    registers = [
        {
            "point_no": account, "account_no": account, "role": "sale", "meter_no": meter, "piece": 1, "quantity": "active_fwd",
            "band": "total", "from_at": MONTH.period.start, "to_at": MONTH.period.end, "multiplier": 1, "status": "valid",
            "energy_wh": totals.get(meter, 5_000) + apart_wh, "rule": "ok", "method": "actual", "days_estimated": 0,
        }
        for account, (meter, _, _) in zip(accounts, customers, strict=True)
    ]  # fmt: skip
    agreed = pa.Table.from_pylist(terms, arrow_schema(TERMS))
    energy = pa.Table.from_pylist(registers, arrow_schema(MONTH_ENERGY))
    used = pa.table({"account_no": accounts, "energy_wh": pa.array([used for _, _, used in customers], pa.int64())})
    divided = Divided(energy)
    named = tariffs_of_accounts(agreed, energy, MONTH, Tariffs(TARIFFS.values()))
    Curves(PLAN, CALENDARS, cells, named).divide(divided, "active_fwd", SUPPLY_ROLES)

    def tariff_of(group: Group) -> TariffDocument:
        return TARIFFS[group.tariff_code or ""]

    contracts = Contracts(metered(agreed, energy, used, MONTH), MONTH)
    found = contracts.with_bands(divided.parts).rate(tariff_of)
    assert not found.left.any()
    # The rows that a bill keeps of its registers tell the same.
    told = Contracts(metered(agreed, divided.table(), used, MONTH), MONTH).rate(tariff_of)
    held = [at for rows in divided.held.values() for part in rows for at in part.tolist()]
    assert np.flatnonzero(told.left).tolist() == sorted(held)
    told.amount_fen[held] = found.amount_fen[held]
    assert told.amount_fen.tolist() == found.amount_fen.tolist()
    names = contracts.table["account_no"].to_pylist()
    order = [names.index(account) for account in accounts]
    return (found.amount_fen[order].tolist(), found.energy_wh[order].tolist(), found.without_bands[order].tolist())


WH = st.one_of(st.integers(0, 5_000), st.integers(0, 10**6), st.integers(0, 10**9))


@given(
    st.lists(st.lists(WH, min_size=CELLS, max_size=CELLS), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(CODES), st.integers(0, 6_000_000)), min_size=1, max_size=4),
)
def test_columns_charge_what_the_rules_charge(energies: list[list[int]], choices: list[tuple[str, int]]) -> None:
    customers = [(f"M{place % len(energies)}", code, used) for place, (code, used) in enumerate(choices)]
    amounts, energy, without = rated(cells_of(energies), customers)
    for at, (meter, code, used) in enumerate(customers):
        document = TARIFFS[code]
        own = energies[int(meter[1:])]
        bands = PLAN.bands_of(key(document)) if document.time_of_use else ()
        matrix = PLAN.matrix(key(document), bands) if bands else None
        by_band = {"total": sum(own)} | {
            band: sum(value for value, inside in zip(own, matrix[:, place], strict=True) if inside)
            for place, band in enumerate(bands)
            if matrix is not None
        }
        pieces = [piece("0", band=band).model_copy(update={"value_milli": wh}) for band, wh in by_band.items()]
        about = {
            "tariff_class": document.classes[0],
            "voltage": document.voltages[0],
            "settlement": document.settlements[0],
        }
        bill = rate(subject(*pieces, used_before_wh=used, tier_months=12, **about), document)
        assert not without[at]
        assert (amounts[at], energy[at]) == (bill.total.fen, bill.energy_wh)


def test_without_a_curve_that_agrees_the_register_stands_alone() -> None:
    cells = cells_of([[1_000] * CELLS, [1_000_000] * CELLS], missing=9)
    by_time: list[Customer] = [(meter, CODES[1], 0) for meter in ("M0", "M1", "M2")]
    assert rated(cells, by_time)[2] == [True, False, True]
    assert rated(cells, by_time, apart_wh=10**9)[2] == [True, True, True]


def test_a_meter_that_is_not_asked_about_is_not_given_bands() -> None:
    amounts, _, without = rated(cells_of([[1_000] * CELLS]), [("M0", CODES[0], 0), ("M0", CODES[1], 0)])
    assert without == [False, False] and len(set(amounts)) == 2

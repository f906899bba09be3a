"""Meters rated from their curves by columns: the same fen as the rules give for the same bands."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.rules.make import piece, subject

from denghuo.data.analysis.cells import MonthCells
from denghuo.kernel.period import Month
from denghuo.service.billing.engine.atoms import MonthPlan, calendars_of, month_plan
from denghuo.service.billing.engine.curves import RATED, rate_curves
from denghuo.service.billing.rules import rate
from denghuo.service.tariff.api import BandSpan, TariffDocument
from denghuo.service.tariff.rules.clock import DayFacts, spans_of_day
from denghuo.service.tariff.shipped import published

MONTH = Month.of("2026-04")
DAYS = [date(2026, 4, 1) + timedelta(days=step) for step in range(30)]
CODES = ("sh.resident.tiered", "sh.resident.tiered.tou", "sh.business.single")
TARIFFS = {document.code: document for document in published("310000") or [] if document.code in CODES}


def plan_of(tariffs: dict[str, TariffDocument]) -> MonthPlan:
    told = {}
    for code, document in tariffs.items():
        spans = [
            BandSpan(day=day, band=band, start=start, end=end)
            for day in DAYS
            for band, start, end in spans_of_day(document, DayFacts(day))
        ]
        found = calendars_of(spans)
        assert found is not None
        told[code] = found
    return month_plan(told)


PLAN = plan_of(TARIFFS)
CELLS = len(PLAN.cut) * (max(PLAN.kinds.values()) + 1)


def cells_of(rows: list[list[int]], missing: int = 0) -> MonthCells:
    """Meters M0, M1, ... with these energies by cell; the first lacks so many slots."""
    days = np.bincount(list(PLAN.kinds.values()))
    received = np.tile((days[:, None] * PLAN.lengths).reshape(1, -1), (len(rows), 1))
    received[0, 0] -= missing
    nothing = np.zeros(len(rows), dtype=np.int64)
    names = pa.array([f"M{place}" for place in range(len(rows))])
    return MonthCells(names, np.array(rows, dtype=np.int64), received, nothing - 1, nothing)


def terms_of(*rows: tuple[str, str, int]) -> pa.Table:
    return pa.table({
        "subject": [meter for meter, _, _ in rows], "account_no": [f"A{place}" for place in range(len(rows))],
        "tariff_code": [code for _, code, _ in rows], "voltage_kv": [TARIFFS[code].voltages[0] for _, code, _ in rows],
        "used_before_wh": [used for _, _, used in rows],
    })  # fmt: skip


WH = st.one_of(st.integers(0, 5_000), st.integers(0, 10**6), st.integers(0, 10**9))


@given(
    st.lists(st.lists(WH, min_size=CELLS, max_size=CELLS), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(CODES), st.integers(0, 6_000_000)), min_size=1, max_size=4),
)
def test_columns_charge_what_the_rules_charge(energies: list[list[int]], choices: list[tuple[str, int]]) -> None:
    rows = [(f"M{place % len(energies)}", code, used) for place, (code, used) in enumerate(choices)]
    cells = cells_of(energies)
    found = rate_curves(terms_of(*rows), cells, PLAN, TARIFFS, MONTH).to_pylist()
    for row, (meter, code, used) in zip(found, rows, strict=True):
        document = TARIFFS[code]
        own = energies[int(meter[1:])]
        bands = PLAN.bands_of(code) if document.time_of_use else ()
        matrix = PLAN.matrix(code, bands) if bands else None
        by_band = {"total": sum(own)} | {
            band: sum(value for value, inside in zip(own, matrix[:, at], strict=True) if inside)
            for at, band in enumerate(bands)
            if matrix is not None
        }
        pieces = [piece("0", band=band).model_copy(update={"value_milli": wh}) for band, wh in by_band.items()]
        about = {
            "tariff_class": document.classes[0],
            "voltage": document.voltages[0],
            "settlement": document.settlements[0],
        }
        rated = rate(subject(*pieces, used_before_wh=used, tier_months=12, **about), document)
        assert not row["left"]
        assert (row["amount_fen"], row["energy_wh"]) == (rated.total.fen, rated.energy_wh)


@pytest.mark.parametrize("missing", [0, 1])
def test_gaps_and_absent_curves_are_left(missing: int) -> None:
    cells = cells_of([[1_000] * CELLS, [1_000] * CELLS], missing)
    terms = terms_of(*((meter, CODES[0], 0) for meter in ("M0", "M1", "M2")))
    found = rate_curves(terms, cells, PLAN, TARIFFS, MONTH)
    assert found.schema == RATED
    assert found["left"].to_pylist() == [missing == 1, False, True]


def test_no_accounts_are_no_amounts() -> None:
    nobody = terms_of(("M0", CODES[0], 0)).slice(1)
    assert rate_curves(nobody, cells_of([[0] * CELLS]), PLAN, TARIFFS, MONTH).num_rows == 0

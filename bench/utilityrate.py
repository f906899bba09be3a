"""Bench: a year of hourly loads billed by time of use, beside NREL-PySAM's utilityrate5 on the same tariff and loads in one run.

    pip install 'denghuo[bench]'
    python bench/utilityrate.py [CUSTOMERS] [PEER CUSTOMERS]

Three prices by the hour of the day, no fixed charge: what both can state. The peer bills one customer at a time from memory; here
all customers are billed from Parquet, an hour spread over its four slots. Both run on one core; the figure is customers a CPU
second. The twelve amounts of every customer that the peer bills are compared.
"""

import pathlib
import sys
import tempfile
import time
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from bench import shapes
from bench.shapes import rated_by_curves

from denghuo.data.analysis.cells import month_cells
from denghuo.data.analysis.lake_day import curve_class, write_day
from denghuo.data.analysis.subjects import said_of
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Percent, Price
from denghuo.service.billing.engine.atoms import Calendar, month_plan
from denghuo.service.billing.whole_months import key
from denghuo.service.reading.batch.atoms import write_atoms, write_meters
from denghuo.service.tariff.api import (
    Band,
    BandWindows,
    Component,
    PriceAt,
    Rounding,
    Season,
    Source,
    TariffDocument,
    Window,
)

YEAR, DAYS, HOURS = 2026, 365, 24
FLAT = "0.6"
# band, first hour, end, share of flat in percent
HOURS_OF: tuple[tuple[Band, int, int, str], ...] = (
    ("valley", 0, 6, "50"),
    ("peak", 8, 11, "150"),
    ("valley", 22, 24, "50"),
)
BANDS: tuple[Band, ...] = ("peak", "flat", "valley")
CENTS = 3
"""By how many fen a month may differ: each of three lines is rounded here, the peer rounds nothing."""


def band_of_hour(hour: int) -> Band:
    return next((band for band, start, end, _ in HOURS_OF if start <= hour < end), "flat")


def document() -> TariffDocument:
    words, source = TextPair(zh="分时", en="Time of use"), "bench"
    shares = {band: share for band, _, _, share in HOURS_OF} | {"flat": "100"}
    windows = {
        band: [Window(start=f"{start:02d}:00", end=f"{end:02d}:00") for one, start, end, _ in HOURS_OF if one == band]
        for band in BANDS
    }
    bands = [BandWindows(band=band, windows=windows[band], ratio=Percent.of(shares[band])) for band in BANDS]
    energy = Component(code="energy", title=words, prices=[PriceAt(price=Price.of(FLAT))], floats=True, document=source)
    return TariffDocument(
        code="bench.tou",
        title=words,
        area="310000",
        area_title=words,
        classes=["resident"],
        voltages=["0.22"],
        default=True,
        effective_from=date(YEAR - 1, 1, 1),
        sources=[Source(number=source)],
        components=[energy],
        seasons=[Season(title=words, bands=bands)],
        rounding=Rounding(quantity_places=3),
    )


def loads(customers: int) -> Any:
    """Wh of each hour, a multiple of four: (customers, days x hours)."""
    rng = np.random.default_rng(5)
    base = rng.gamma(2, 200, (customers, 1))
    shape = 1 + 0.6 * np.sin(np.arange(DAYS * HOURS) * 2 * np.pi / HOURS - 2)
    noise = rng.random((customers, DAYS * HOURS), dtype=np.float32)
    return ((base * shape * (0.5 + noise)) / 4).astype(np.int32) * 4


def write(folder: pathlib.Path, wh: Any) -> dict[date, str]:
    kind = curve_class("bench")
    subjects = pa.array([f"M{place:07d}" for place in range(len(wh))])
    paths = {}
    for day in range(DAYS):
        hours = wh[:, day * HOURS : (day + 1) * HOURS] // 4
        columns = [pa.array(hours[:, slot // 4]) for slot in range(4 * HOURS)]
        on = date(YEAR, 1, 1) + timedelta(days=day)
        paths[on] = str(folder / f"{on}.parquet")
        write_day(kind, pa.table([subjects, *columns], schema=kind.schema), pathlib.Path(paths[on]))
    return paths


def ours(folder: pathlib.Path, paths: dict[date, str], customers: int) -> Any:
    """Fen by customer and month."""
    calendar: Calendar = tuple(band_of_hour(slot // 4) for slot in range(4 * HOURS))
    tariff = document()
    subjects = np.array([f"M{place:07d}" for place in range(customers)])
    terms = shapes.terms(subjects, "resident", tariff.code)
    amounts = np.zeros((customers, 12), dtype=np.int64)
    for number in range(1, 13):
        month = Month(YEAR, number)
        days = [day for day in paths if day.month == number]
        calendars = {key(tariff): dict.fromkeys(days, calendar)}
        plan = month_plan(calendars)
        atoms: dict[date, list[str]] = {}
        named: dict[str, pathlib.Path] = {}
        for day in days:
            curves = pathlib.Path(paths[day])
            said = said_of(curves)
            assert said is not None
            if said.decode() not in named:
                named[said.decode()] = folder / write_meters(folder, month, said, curves).path
            atoms[day] = [str(folder / write_atoms(folder, curves, plan.cut, day, "all", said, threads=1).path)]
        cells = month_cells(atoms, plan, named)
        start = np.zeros(customers, dtype=np.int64)
        energy = shapes.registers(month, subjects, subjects, "total", start, cells.energy.sum(axis=1))
        known = {tariff.code: tariff}
        contracts, rated = rated_by_curves(terms, energy, shapes.used(), cells, plan, calendars, known, month)
        assert not (rated.left | rated.without_bands).any() and contracts.table["account_no"].to_pylist() == [*subjects]
        amounts[:, number - 1] = rated.amount_fen
    return amounts


def peer(module: Any, wh: Any) -> Any:
    """Yuan by customer and month."""
    periods = {band: at + 1 for at, band in enumerate(BANDS)}
    shares = {band: float(share) / 100 for band, _, _, share in HOURS_OF} | {"flat": 1.0}
    schedule = [[periods[band_of_hour(hour)] for hour in range(HOURS)]] * 12
    prices = [[periods[band], 1, 1e38, 0, float(FLAT) * shares[band], 0.0] for band in BANDS]
    found = []
    for row in wh:
        model = module.new()
        model.assign(
            {
                "ElectricityRates": {
                    "ur_ec_sched_weekday": schedule,
                    "ur_ec_sched_weekend": schedule,
                    "ur_ec_tou_mat": prices,
                    "ur_dc_enable": 0,
                    "ur_metering_option": 0,
                    "ur_monthly_fixed_charge": 0,
                    "ur_monthly_min_charge": 0,
                    "ur_annual_min_charge": 0,
                    "rate_escalation": [0],
                    "en_electricity_rates": 1,
                    "ur_nm_yearend_sell_rate": 0,
                    "ur_sell_eq_buy": 0,
                    "ur_en_ts_buy_rate": 0,
                    "ur_en_ts_sell_rate": 0,
                },
                "Lifetime": {"analysis_period": 1, "inflation_rate": 0, "system_use_lifetime_output": 0},
                "SystemOutput": {"gen": [0.0] * (DAYS * HOURS), "degradation": [0]},
                "Load": {"load": (row / 1000).tolist(), "load_escalation": [0]},
            }
        )
        model.execute(0)
        found.append(model.Outputs.utility_bill_wo_sys_ym[1])
    return np.array(found)


def main() -> None:
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    asked = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    try:
        from PySAM import Utilityrate5
    except ModuleNotFoundError:
        print("NREL-PySAM is not installed; it comes with the extra `bench`")
        return
    wh = loads(customers)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        paths = write(folder, wh)
        begun = time.process_time()
        amounts = ours(folder, paths, customers)
        mine = time.process_time() - begun
    begun = time.process_time()
    theirs = peer(Utilityrate5, wh[:asked])
    spent = time.process_time() - begun
    apart = np.abs(amounts[:asked] - theirs * 100).max()
    assert apart <= CENTS, f"a month differs by {apart:.2f} fen"
    a, b = customers / mine, asked / spent
    print(f"a year of {DAYS * HOURS} hours, {len(BANDS)} bands; amounts differ by {apart:.2f} fen a month at most")
    print(f"here     {customers:,} customers in {mine:.2f} CPU s: {a:,.0f} a CPU second")
    print(f"PySAM    {asked:,} customers in {spent:.2f} CPU s: {b:,.1f} a CPU second; ratio {a / b:,.1f}")


if __name__ == "__main__":
    main()

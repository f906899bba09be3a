"""One engine for every question: the estimate, the month as known, the bill, its explanation, the trial, the what-if of one and of
all and the replay come to the same fen from the same registers, for accounts whose use differs in every way."""

import pathlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    County,
    Supply,
    county,
    prices,
    settle_county,
)
from tests.service.billing.test_forecast import unbilled

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Money
from denghuo.service.billing.api import (
    AsKnown,
    Bill,
    BillRef,
    EstimateDay,
    FindBills,
    ReplayMonth,
    SoFar,
    StartCycle,
    Try,
    TryOnAll,
    WhatIf,
)
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, MonthRef, ReadingApi
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published

MOST_A_DAY = (2, 4, 9, 30, 90, 400)
"""From a small flat over all three tiers of the year to a workshop."""
WIDE = 60
"""Contracted kW that no day of them exceeds: with days that are neither empty nor sudden, no register waits for a person."""


def uneven(seed: int, start: int = 1_000) -> dict[int, int]:
    """Registers at every midnight, rising by chance by half to all of so much a day."""
    chance, shown = random.Random(seed), start + seed
    registers = {1: shown}
    for day in range(2, 32):
        most = MOST_A_DAY[seed % len(MOST_A_DAY)]
        shown += chance.randint((most + 1) // 2, most)
        registers[day] = shown
    return registers


HOUSES = [Supply(serial, 1 + serial % 2, uneven(serial), contract_kw=WIDE) for serial in range(1, 13)]
SHOPS = [
    Supply(serial, 1 + serial % 2, uneven(serial), tariff_class="general_single_part", contract_kw=WIDE)
    for serial in range(21, 27)
]
ROOFS = [Supply(serial, 1, uneven(serial), contract_kw=WIDE, surplus=uneven(serial + 1)) for serial in range(31, 34)]
BANDED = [Supply(serial, 1, uneven(serial), contract_kw=WIDE) for serial in range(41, 47)]
LARGE = [
    replace(one, serial=serial, registers=uneven(serial))
    for serials, one in (
        ((52, 53), Supply(0, 1, None, "two_part_capacity", WIDE, voltage_kv="0.38", capacity_kva=160)),
        ((58, 59), Supply(0, 2, None, "two_part_demand", WIDE, voltage_kv="0.38", capacity_kva=160)),
    )
    for serial in serials
]
"""Customers with a basic charge, bands and a power factor."""
Readings = Sequence[Mapping[str, str]]
ReadingsOf = Callable[[Supply, str], Readings]


def of_total(registers: Mapping[int, int]) -> Readings:
    return [{"start": str(registers[1]), "end": str(registers[31])}]


def of_bands(supply: Supply) -> Readings:
    registers = bands_of(supply)
    return [{"band": band, "start": str(one[1]), "end": str(one[31])} for band, one in registers.items()]


def bands_of(supply: Supply) -> dict[str, dict[int, int]]:
    """Registers by band: what the total rose by each day, shared by chance."""
    chance, total = random.Random(-supply.serial), supply.registers or {}
    peak, valley = {1: 100}, {1: 200}
    for day in range(2, 32):
        rose = total[day] - total[day - 1]
        part = chance.randint(rose // 3, rose - rose // 3)
        peak[day], valley[day] = peak[day - 1] + part, valley[day - 1] + rose - part
    return {"peak": peak, "valley": valley}


def take_bands(found: County, supplies: Sequence[Supply]) -> None:
    take_in(found, [(one, "active_fwd", band, shown) for one in supplies for band, shown in bands_of(one).items()])


def registers_of(supply: Supply) -> list[tuple[str, str, dict[int, int]]]:
    """Quantity, band and registers of a customer with a basic charge, beside the total: flat is what the bands leave of it."""
    chance, total = random.Random(supply.serial), supply.registers or {}
    shown: dict[str, dict[int, int]] = {
        name: {1: 100 * at} for at, name in enumerate(("peak", "valley", "reactive"), 1)
    }
    for day in range(2, 32):
        rose = total[day] - total[day - 1]
        for registers in shown.values():
            registers[day] = registers[day - 1] + chance.randint(rose // 6, rose // 3)
    demand = {day: chance.randint(5, 40) for day in range(1, 32)}
    return [
        ("active_fwd", "peak", shown["peak"]),
        ("active_fwd", "valley", shown["valley"]),
        ("reactive_fwd", "total", shown["reactive"]),
        ("demand", "total", demand),
    ]


def of_large(supply: Supply, kind: str) -> Readings:
    apart = [
        {"quantity": quantity, "band": band, "value": str(max(one.values()))}
        if quantity == "demand"
        else {"quantity": quantity, "band": band, "start": str(one[1]), "end": str(one[31])}
        for quantity, band, one in registers_of(supply)
    ]
    return [*of_total(supply.registers or {}), *apart]


def take_in(found: County, channels: Sequence[tuple[Supply, str, str, Mapping[int, int]]]) -> None:
    rows = [
        {
            "meter_no": f"M{supply.serial:05d}",
            "read_at": midnight(date(2026, 4, day)) if day < 31 else midnight(date(2026, 5, 1)),
            "quantity": quantity,
            "band": band,
            "value_e4": shown * 10_000,
        }
        for supply, quantity, band, registers in channels
        for day, shown in registers.items()
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
    reference = found.datasets.publish(REGISTER_INTAKE, MONTH, "more", table, OPERATOR.now)
    found.directory(ReadingApi).receive_registers(OPERATOR, Intake(rows=reference))


def before_the_bill(found: County, contracts: Sequence[tuple[Supply, str]]) -> dict[tuple[str, str], set[Money]]:
    """What is told of a month that is read and not billed: as known, so far with its forecast, and the estimate of the day."""
    found.directory(ReadingApi).plan_month(OPERATOR, MonthRef(month=MONTH))
    found.billing.estimate_day(OPERATOR, EstimateDay(month=MONTH, everyone=True))
    told = {}
    for supply, kind in contracts:
        asked = {"account_no": supply.account_no, "kind": kind, "month": MONTH}
        so_far = found.billing.bill_so_far(ACCOUNTANT, SoFar.model_validate(asked))
        known = found.billing.as_known(ACCOUNTANT, AsKnown.model_validate(asked))
        assert known.amount is not None, known.said
        assert so_far.days_left == 0
        amounts = [so_far.amount, so_far.expected_amount, so_far.low_amount, so_far.high_amount, known.amount]
        if kind == "supply":  # what a plant feeds in is not owed, so nobody estimates it every day
            amounts.append(unbilled(found, ACCOUNTANT, supply)[supply.account_no, kind].amount)
        told[supply.account_no, kind] = set(amounts)
    return told


def trial_of(found: County, bill: Bill, readings: Readings) -> Money:
    asked = {
        "tariff_code": bill.tariff_code,
        "month": MONTH,
        "tariff_class": bill.tariff_class,
        "voltage": bill.voltage,
        "readings": readings,
    }
    if bill.tariff_class.startswith("two_part"):
        asked |= {"capacity": "160", "contract_demand": str(WIDE)}
    if bill.kind == "purchase":
        asked["settlement"] = "surplus_feed_in"
    return found.billing.trial(ACCOUNTANT, Try.model_validate(asked)).amount


def all_ways_agree(found: County, supplies: Sequence[Supply], readings_of: ReadingsOf) -> int:
    """How many bills were compared; each of them eleven ways."""
    contracts = [(one, kind) for one in supplies for kind in ("supply", "purchase") if kind == "supply" or one.surplus]
    before = before_the_bill(found, contracts)
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    rows = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, limit=200)).rows
    numbers = {(row.account_no, row.kind): row.bill_no for row in rows}
    sums: dict[tuple[str, str], int] = {}
    for supply, kind in contracts:
        bill = found.billing.bill(ACCOUNTANT, BillRef(bill_no=numbers[supply.account_no, kind]))
        amount = bill.amount
        assert before[supply.account_no, kind] == {amount}, supply
        assert sum(line.amount.fen for line in bill.lines) == amount.fen
        for line in bill.lines:
            assert str(line.amount) in line.arithmetic and str(line.amount) in line.sentence.zh, line
        asked = {"account_no": supply.account_no, "kind": kind}
        assert found.billing.as_known(ACCOUNTANT, AsKnown.model_validate({**asked, "month": MONTH})).amount == amount
        assert trial_of(found, bill, readings_of(supply, kind)) == amount, supply
        sums[bill.tariff_code, kind] = sums.get((bill.tariff_code, kind), 0) + amount.fen
        if bill.state == "issued":
            plans = found.billing.what_if(ACCOUNTANT, WhatIf.model_validate(asked))
            assert plans.billed == plans.present_amount == plans.months[0].present_amount == amount
    for (code, _), fen in sums.items():
        tried = found.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code=code))
        assert (tried.now.fen, tried.then.fen, tried.not_rated) == (fen, fen, 0)
    replayed = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert replayed.identical == replayed.checked == sum(row.state == "issued" for row in rows) > 0
    return len(contracts)


@pytest.mark.scope("X-06")
@pytest.mark.parametrize("binding", ["local", "remote"])
def test_bill_forecast_trial_what_if_and_explanation_come_to_the_same_fen(
    binding: str, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    supplies = [*HOUSES, *SHOPS, *ROOFS]

    def readings_of(supply: Supply, kind: str) -> Readings:
        registers = of_total((supply.surplus if kind == "purchase" else supply.registers) or {})
        quantity = "active_rev" if kind == "purchase" else "active_fwd"
        return [{**registers[0], "quantity": quantity}]

    with county(binding, database_dsn, tmp_path) as found:
        settle_county(found, supplies, prices())
        assert all_ways_agree(found, supplies, readings_of) == 24


@pytest.mark.scope("X-06")
def test_bands_come_to_the_same_fen_in_every_way(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with county("local", database_dsn, tmp_path) as found:
        settle_county(found, BANDED, [by_bands()])
        take_bands(found, BANDED)
        assert all_ways_agree(found, BANDED, lambda supply, kind: of_bands(supply)) == 6


@pytest.mark.scope("X-06")
def test_basic_charge_bands_and_power_factor_come_to_the_same_fen_in_every_way(
    database_dsn: str, tmp_path: pathlib.Path
) -> None:
    with county("local", database_dsn, tmp_path) as found:
        settle_county(found, LARGE, [shanghai("sh.two_part.capacity"), shanghai("sh.two_part.demand")])
        take_in(found, [(one, *channel) for one in LARGE for channel in registers_of(one)])
        assert all_ways_agree(found, LARGE, of_large) == 4
        rows = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH)).rows
        bills = [found.billing.bill(ACCOUNTANT, BillRef(bill_no=row.bill_no)) for row in rows]
        for bill in bills:
            groups = {line.group for line in bill.lines}
            assert {"basic", "power_factor"} <= groups and {line.band for line in bill.lines} >= {
                "peak",
                "flat",
                "valley",
            }


def by_bands() -> TariffDocument:
    return shanghai("sh.resident.tiered.tou")


def shanghai(code: str) -> TariffDocument:
    document = next(one for one in published("shanghai") or [] if one.code == code)
    return document.model_copy(update={"default": True})

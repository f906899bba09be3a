"""What simulated meters show: the registers of an import folder, carried on beyond its days, and curves between its midnights."""

import csv
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pyarrow.parquet as pq

SHANGHAI = timezone(timedelta(hours=8))
SLOTS = 96
SLOT = timedelta(minutes=15)
MODULUS_E4 = 10**10
"""Registers of six digits before the point."""


@dataclass(frozen=True)
class Meter:
    """A meter at a measuring point; `address` has 12 digits."""

    number: int
    meter_no: str
    address: str


@dataclass(frozen=True)
class Concentrator:
    terminal_no: str
    protocol: str
    area_no: str
    meters: tuple[Meter, ...]
    endpoint: str = ""
    """Where a gateway, meter or station listens, host:port."""
    registers: str = ""
    """Of Modbus meters: which registers hold what."""
    count_wh: int = 0
    """Of a station: what a count is worth."""


@dataclass
class County:
    """Registers by meter: (forward, reverse) at each midnight from `first`, in 1e-4 kWh, None where nobody read it."""

    first: date
    days: int
    registers: dict[str, tuple[list[int | None], list[int | None]]]
    shapes: dict[str, list[int]] = field(default_factory=dict)
    """By area: how much of a day's energy has passed by each quarter of an hour, 97 numbers from 0."""

    def at_midnight(self, meter_no: str, place: int, day: date) -> int | None:
        """The register (place 0 forward, 1 reverse) at the midnight with which a day begins. Months before and after are as long
        as the folder's and take as much energy."""
        known = self.registers.get(meter_no)
        if known is None:
            return None
        values = known[place]
        turns, at = divmod((day - self.first).days, self.days)
        value, begin, end = values[at], values[0], values[self.days]
        if turns:
            if value is None or begin is None or end is None:
                return None
            value += turns * (end - begin)
        return None if value is None or value < 0 else value % MODULUS_E4

    def at(self, meter_no: str, place: int, moment: datetime, area_no: str) -> int | None:
        """The register at any moment, as the area's load makes it grow during the day."""
        local = moment.astimezone(SHANGHAI)
        begin = self.at_midnight(meter_no, place, local.date())
        end = self.at_midnight(meter_no, place, local.date() + timedelta(days=1))
        if begin is None or end is None:
            return begin
        midnight = datetime(local.year, local.month, local.day, tzinfo=SHANGHAI)
        shape = self.shapes.get(area_no, _FLAT)
        return begin + max(end - begin, 0) * shape[int((local - midnight) / SLOT)] // shape[-1]

    def shown(self, meter_no: str | None, place: int, moment: datetime, area_no: str, reset: bool) -> int | None:
        """The register of a meter, where there is one; `reset`: it began again at zero with the folder's first day."""
        value = self.at(meter_no, place, moment, area_no) if meter_no is not None else None
        if value is None or meter_no is None or not reset:
            return value
        value -= self.at_midnight(meter_no, place, self.first) or 0
        return value if value >= 0 else None


_FLAT = list(range(SLOTS + 1))


def load(folder: pathlib.Path) -> tuple[list[Concentrator], County]:
    """The terminals of an import folder (terminals, terminal_meters) and what their meters show (register_reads)."""
    meters: dict[str, list[Meter]] = {}
    for row in _rows(folder / "terminal_meters.csv"):
        meter = Meter(int(row["number"]), row["meter_no"], row["address"])
        meters.setdefault(row["terminal_no"], []).append(meter)
    concentrators = [
        Concentrator(
            row["terminal_no"],
            row["protocol"],
            row.get("area_no", ""),
            tuple(meters.get(row["terminal_no"], ())),
            row.get("endpoint", ""),
            row.get("registers", ""),
            int(row.get("count_wh") or 0),
        )
        for row in _rows(folder / "terminals.csv")
    ]
    return concentrators, registers_of(folder)


def registers_of(folder: pathlib.Path) -> County:
    table = pq.read_table(folder / "register_reads.parquet").to_pydict()
    midnights = sorted({at.astimezone(SHANGHAI) for at in table["read_at"]})
    first, days = midnights[0].date(), (midnights[-1].date() - midnights[0].date()).days
    registers: dict[str, tuple[list[int | None], list[int | None]]] = {}
    for meter_no, at, forward, reverse in zip(
        table["meter_no"], table["read_at"], table["fwd_kwh"], table["rev_kwh"], strict=True
    ):
        known = registers.setdefault(meter_no, ([None] * (days + 1), [None] * (days + 1)))
        place = (at.astimezone(SHANGHAI).date() - first).days
        known[0][place], known[1][place] = int(forward * 10_000), int(reverse * 10_000)
    return County(first, days, registers, _shapes(folder / "gateway_15min.parquet"))


def _shapes(path: pathlib.Path) -> dict[str, list[int]]:
    """The mean day of each area's gateway as running sums."""
    if not path.exists():
        return {}
    table: dict[str, list[Any]] = pq.read_table(path, columns=["area_no", "at", "p_kw"]).to_pydict()
    sums: dict[str, list[int]] = {}
    for area_no, at, power in zip(table["area_no"], table["at"], table["p_kw"], strict=True):
        local = at.astimezone(SHANGHAI)
        sums.setdefault(area_no, [0] * SLOTS)[local.hour * 4 + local.minute // 15] += max(int(power * 100), 0)
    return {area_no: [0, *_running(values)] for area_no, values in sums.items() if any(values)}


def _running(values: list[int]) -> Iterator[int]:
    total = 0
    for value in values:
        total += value
        yield total


def _rows(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))

"""A part of the demo county as an import folder of its own, so that a scenario over a few areas takes seconds."""

import csv
import datetime
import pathlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from denghuo.kernel.period import midnight

COUNTY = pathlib.Path(__file__).parents[2] / "examples" / "gaoping" / "data"
Row = dict[str, str]
HUNDREDTH = Decimal("0.01")


def part_of_county(folder: pathlib.Path, areas: Collection[str]) -> pathlib.Path:
    """Writes the records and readings of these transformer areas; units, network and feeders stay whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("organisations", "network_nodes", "network_lines", "feeders"):
        _kept(folder, name, lambda row: True)
    _kept(folder, "areas", lambda row: row["area_no"] in areas)
    points = _kept(folder, "points", lambda row: row["area_no"] in areas or row["role"] == "feeder_head")
    accounts = {row["account_no"] for row in points} - {""}
    numbers = {row["point_no"] for row in points}
    _kept(folder, "customers", lambda row: row["account_no"] in accounts)
    _kept(folder, "contracts", lambda row: row["account_no"] in accounts)
    _kept(folder, "debit_agreements", lambda row: row["account_no"] in accounts)
    exchanges = _kept(folder, "meter_exchanges", lambda row: row["point_no"] in numbers)
    meters = {row["meter_no"] for row in points} | {row["new_meter_no"] for row in exchanges}
    _kept(folder, "meters", lambda row: row["meter_no"] in meters)
    terminals = _kept(folder, "terminals", lambda row: row["area_no"] in areas)
    numbers = {row["terminal_no"] for row in terminals}
    _kept(folder, "terminal_meters", lambda row: row["terminal_no"] in numbers)
    for name, column, wanted in (("register_reads", "meter_no", meters), ("gateway_15min", "area_no", set(areas))):
        table = pq.read_table(COUNTY / f"{name}.parquet")
        pq.write_table(table.filter(pc.is_in(table[column], pa.array(sorted(wanted)))), folder / f"{name}.parquet")
    return folder


def carried_on(folder: pathlib.Path, to: Mapping[datetime.date, str]) -> None:
    """Carries the registers of such a folder on to later midnights: by so many times what April used."""
    path = folder / "register_reads.parquet"
    table = pq.read_table(path)
    shown: dict[str, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for row in table.sort_by("read_at").to_pylist():
        shown[row["meter_no"]].append((row["fwd_kwh"], row["rev_kwh"]))
    rows = [
        {
            "meter_no": meter_no,
            "read_at": midnight(day),
            **{
                name: last + _shown((last - first) * Decimal(times), first, last)
                for name, first, last in zip(("fwd_kwh", "rev_kwh"), reads[0], reads[-1], strict=True)
            },
        }
        for meter_no, reads in shown.items()
        for day, times in to.items()
    ]
    pq.write_table(pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)]), path)


def _shown(energy: Decimal, *registers: Decimal) -> Decimal:
    """With as many decimals as the meter shows: two, or the four of those behind current transformers."""
    shows_two = all(one == one.quantize(HUNDREDTH) for one in registers)
    return energy.quantize(HUNDREDTH if shows_two else HUNDREDTH * HUNDREDTH)


def _kept(folder: pathlib.Path, name: str, keep: Callable[[Row], bool]) -> list[Row]:
    with (COUNTY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if keep(row)]
        names = list(reader.fieldnames or [])
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows

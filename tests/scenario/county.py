"""A part of the demo county as an import folder of its own, so that a scenario over a few areas takes seconds."""

import csv
import pathlib
from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

COUNTY = pathlib.Path(__file__).parents[2] / "examples" / "gaoping" / "data"
Row = dict[str, str]


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

"""The medium-voltage network of the demo company: SimBench grid MV4.101 with its own coordinates."""

import csv
import gzip
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import cos, radians
from pathlib import Path

Row = dict[str, str]
BUSBAR = "MV4.101 busbar1.1"
METRES_PER_DEGREE = 111_195


@dataclass(frozen=True)
class Network:
    """nodes and lines as rows of the public import; which node feeds an area (by tg_no) or a user (by cons_no)."""

    nodes: list[Row]
    lines: list[Row]
    node_of_area: dict[str, Row]
    node_of_user: dict[str, Row]
    busbar_no: str


def rows_of(path: Path) -> list[Row]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def coordinates(wheel: Path) -> dict[str, tuple[float, float]]:
    """Longitude and latitude in degrees by node name, for the nodes of MV4.101."""

    def table(archive: zipfile.ZipFile, name: str) -> Iterator[Row]:
        with archive.open(f"simbench/networks/1-complete_data-mixed-all-0-sw/{name}.csv") as raw:
            yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8"), delimiter=";")

    with zipfile.ZipFile(wheel) as archive:
        place = {row["id"]: (float(row["x"]), float(row["y"])) for row in table(archive, "Coordinates")}
        return {row["id"]: place[row["coordID"]] for row in table(archive, "Node") if row["id"].startswith("MV4.101 ")}


def read_network(grid: Path, wheel: Path, areas: list[Row], users: list[Row]) -> Network:
    """Areas are the grid's 79 low-voltage transformers in order; users at medium voltage are its loads and generators.

    The feeder of a node is the part of the network that hangs together when the substation's busbar and the open lines
    are taken out. Raises ValueError where the source's own feeder of an area or user says otherwise.
    """
    buses = [row for row in rows_of(grid / "grid_bus.csv.gz") if float(row["vn_kv"]) == 20]
    indices = {row["idx"] for row in buses}
    open_lines = {row["element"] for row in rows_of(grid / "grid_switch.csv.gz") if row["closed"] == "False"}
    lines = [row for row in rows_of(grid / "grid_line.csv.gz") if row["from_bus"] in indices]
    transformers = [row for row in rows_of(grid / "grid_trafo.csv.gz") if row["vn_lv_kv"] == "0.4"]
    busbar = next(row["idx"] for row in buses if row["name"] == BUSBAR)
    part = parts_without(busbar, [line for line in lines if line["idx"] not in open_lines])
    feeder_of_part = {
        part[transformer["hv_bus"]]: area["feeder_no"] for area, transformer in zip(areas, transformers, strict=True)
    }
    feeder_of = {bus["idx"]: feeder_of_part.get(part.get(bus["idx"], ""), "") for bus in buses}
    node = nodes_at(buses, coordinates(wheel), feeder_of)
    node[busbar]["kind"] = "substation"
    node_of_area, node_of_user = {}, {}
    for area, transformer in zip(areas, transformers, strict=True):
        node_of_area[area["tg_no"]] = agreed(node[transformer["hv_bus"]], area["feeder_no"])
        node[transformer["hv_bus"]]["kind"] = "area"
    for user, index in medium_voltage_users(grid, users):
        node_of_user[user["cons_no"]] = agreed(node[index], user["feeder_no"])
        if node[index]["kind"] == "junction":
            node[index]["kind"] = "user"
    return Network(
        nodes=list(node.values()),
        lines=[line_row(serial, line, node, line["idx"] in open_lines) for serial, line in enumerate(lines, start=1)],
        node_of_area=node_of_area,
        node_of_user=node_of_user,
        busbar_no=node[busbar]["node_no"],
    )


def parts_without(busbar: str, lines: list[Row]) -> dict[str, str]:
    """For every bus that is not the busbar, a name of the connected part that it is in."""
    beside: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        beside[line["from_bus"]].append(line["to_bus"])
        beside[line["to_bus"]].append(line["from_bus"])
    part: dict[str, str] = {}
    for start in beside:
        reached = [start] if start != busbar else []
        while reached:
            bus = reached.pop()
            if bus not in part:
                part[bus] = start
                reached += [other for other in beside[bus] if other != busbar]
    return part


def nodes_at(buses: list[Row], places: dict[str, tuple[float, float]], feeder_of: dict[str, str]) -> dict[str, Row]:
    """Rows by bus index. x runs east and y north, in metres, on a plane that touches the earth at the busbar."""
    origin = places[BUSBAR]
    rows = {}
    for serial, bus in enumerate(buses, start=1):
        longitude, latitude = places[bus["name"]]
        x_m = (longitude - origin[0]) * METRES_PER_DEGREE * cos(radians(origin[1]))
        y_m = (latitude - origin[1]) * METRES_PER_DEGREE
        rows[bus["idx"]] = {
            "node_no": f"ND{serial:03d}",
            "kind": "junction",
            "feeder_no": feeder_of[bus["idx"]],
            "x_m": str(round(x_m)),
            "y_m": str(round(y_m)),
            "source_id": bus["name"],
        }
    return rows


def line_row(serial: int, line: Row, node: dict[str, Row], is_open: bool) -> Row:
    ends = node[line["from_bus"]], node[line["to_bus"]]
    return {
        "line_no": f"LN{serial:03d}",
        "feeder_no": "" if is_open else max(end["feeder_no"] for end in ends),
        "from_node_no": ends[0]["node_no"],
        "to_node_no": ends[1]["node_no"],
        "length_m": str(round(Decimal(line["length_km"]) * 1000)),
        "normally_open": "true" if is_open else "false",
        "source_id": line["name"],
    }


def medium_voltage_users(grid: Path, users: list[Row]) -> Iterator[tuple[Row, str]]:
    """Pairs of user and bus index: the source lists loads and generators at 20 kV in the order of the grid."""
    for kind, file in (("mv_customer", "loads"), ("mv_generator", "generators")):
        ours = [user for user in users if user["kind"] == kind]
        theirs = [row for row in rows_of(grid / f"{file}.csv.gz") if row["vn_kv"] == "20.0"]
        for user, row in zip(ours, theirs, strict=True):
            if user["profile"] != row["profile"]:
                raise ValueError(f"{user['cons_no']} does not match {row['name']}")
            yield user, row["bus"]


def agreed(node: Row, feeder_no: str) -> Row:
    if node["feeder_no"] != feeder_no and feeder_no != "BUS":
        raise ValueError(f"{node['source_id']} is on {node['feeder_no']}, the source says {feeder_no}")
    return node

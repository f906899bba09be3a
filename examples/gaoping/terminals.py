"""Makes data/terminals.csv and data/terminal_meters.csv: the concentrators of the areas and the terminals of single meters.

    python examples/gaoping/terminals.py

Run it after make.py. One concentrator for each area with all meters that hang in it, its gateway first, and one terminal for each
meter outside the areas: at the head of a feeder, or of a user at medium voltage. Vendors and channels are invented, from a fixed
seed; the same files give the same terminals.
"""

import csv
import hashlib
from pathlib import Path

DATA = Path(__file__).parent / "data"
SEED = "gaoping terminals"
REGION = "1405"
COUNTY = "140581"
VENDORS = ("甲厂", "乙厂", "丙厂", "丁厂")
KINDS = {"M": "00", "G": "01", "H": "02", "N": "03"}


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def chance(text: str) -> int:
    return hashlib.sha256(f"{SEED} {text}".encode()).digest()[0]


def address(meter_no: str) -> str:
    """Twelve digits: what kind of meter, and its number."""
    return f"{KINDS[meter_no[0]]}{int(meter_no[1:]):010d}"


def main() -> None:
    areas = {row["area_no"]: row for row in rows("areas")}
    exchanged = {(row["point_no"], row["old_meter_no"]): row["new_meter_no"] for row in rows("meter_exchanges")}
    behind: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows("points"):
        meter_no = exchanged.get((row["point_no"], row["meter_no"]), row["meter_no"])
        behind.setdefault(row["area_no"] or meter_no, {})[meter_no] = row
    terminals, meters = [], []
    for serial, (place, found) in enumerate(sorted(behind.items()), 1):
        area = areas.get(place)
        old = chance(place) % 2 == 0
        terminal_no = f"{REGION}{serial:05d}" if old else f"{COUNTY}{serial:06d}"
        first = next(iter(found.values()))
        kind = "关口终端" if place[0] == "H" else "专变终端"
        name = f"{area['name'].removesuffix('台区')}集中器" if area else f"{place}{kind}"
        channel = "fibre" if chance(f"{place} channel") % 5 == 0 else "cellular"
        org = area["org_code"] if area else first["org_code"]
        vendor = VENDORS[chance(f"{place} vendor") % len(VENDORS)]
        terminals.append(
            (terminal_no, "gdw3761" if old else "dlt698", name, vendor, channel, org, place if area else "")
        )
        ordered = sorted(found, key=lambda meter_no: (meter_no[0] != "G", meter_no))
        meters += [(terminal_no, number, meter_no, address(meter_no)) for number, meter_no in enumerate(ordered, 1)]
    write("terminals", ("terminal_no", "protocol", "name", "vendor", "channel", "org_code", "area_no"), terminals)
    write("terminal_meters", ("terminal_no", "number", "meter_no", "address"), meters)
    state({"terminals.csv": len(terminals), "terminal_meters.csv": len(meters)})


def state(counts: dict[str, int]) -> None:
    """States the rows of the files among the totals that an import is checked against."""
    path = DATA / "control_totals.csv"
    others = [line for line in path.read_text("utf-8").splitlines() if line.partition(",")[0] not in counts]
    path.write_text("\n".join([*others, *(f"{file},{rows},," for file, rows in counts.items())]) + "\n", "utf-8")


def write(name: str, names: tuple[str, ...], lines: list[tuple[object, ...]]) -> None:
    with (DATA / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(lines)


if __name__ == "__main__":
    main()

"""Bench: values a CPU second read from a NEM12 file, beside nemreader and a bare split of the same lines in the same run.

    pip install 'denghuo[bench]'
    python bench/readings_files.py [METERS]

A year of half-hours of METERS meters (default 60) is written, read three times by each, and the best of each is given. The floor
reads the lines and splits them at commas. `taken` is the way of `import-readings` up to the rows handed over: quarter-hours
in Wh, exact in sum. Without the peer the own figures still come.
"""

import pathlib
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, timedelta

from denghuo.service.reading.foreign import FileRead, Mapping
from denghuo.service.reading.foreign.blocks import Block
from denghuo.service.reading.foreign.nem12 import read_nem

ROUNDS = 3
DAYS = 365


def main(meters: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "year.csv"
        write(path, meters)
        values = meters * DAYS * 48
        print(f"{values:,} values, {path.stat().st_size / 1e6:.1f} MB")
        rows: dict[str, Callable[[pathlib.Path], int]] = {"floor": split, "read": read, "taken": taken}
        try:
            import nemreader  # noqa: F401
        except ImportError:
            print("nemreader is not here: make peers")
        else:
            rows["nemreader"] = peer
        speeds = {}
        for name, run in rows.items():
            speeds[name] = max(speed(run, path, values) for _ in range(ROUNDS))
            ratios = "".join(f"  {speeds[name] / speeds[of]:6.2f} x {of}" for of in speeds if of != name)
            print(f"{name:10} {speeds[name]:12,.0f} values/s{ratios}", flush=True)


def write(path: pathlib.Path, meters: int) -> None:
    chance = random.Random(1)
    with path.open("w", encoding="ascii") as out:
        out.write("100,NEM12,202601011135,MDP1,RET1\r\n")
        for meter in range(meters):
            out.write(f"200,NMI{meter:07d},E1,1,E1,N1,S{meter},kWh,30,\r\n")
            for day in range(DAYS):
                values = ",".join(f"{chance.randrange(3000) / 1000:.3f}" for _ in range(48))
                out.write(
                    f"300,{date(2025, 1, 1) + timedelta(days=day):%Y%m%d},{values},A,,,20260101120025,20260101142516\r\n"
                )
        out.write("900\r\n")


def speed(run: Callable[[pathlib.Path], int], path: pathlib.Path, values: int) -> float:
    began = time.process_time()
    assert run(path) >= values
    return values / (time.process_time() - began)


def split(path: pathlib.Path) -> int:
    with path.open("rb") as stream:
        return sum(len(line.split(b",")) for line in stream)


def read(path: pathlib.Path) -> int:
    with path.open("rb") as stream:
        return sum(len(found.numbers) for found in read_nem(stream, UTC) if isinstance(found, Block))


def taken(path: pathlib.Path) -> int:
    read = FileRead(path, "nem12", Mapping(), spread=True)
    while not ((piece := read.read_on(60)) and piece.ended):
        pass
    return read.taken.handed


def peer(path: pathlib.Path) -> int:
    from nemreader import NEMFile

    found = NEMFile(str(path), strict=True).nem_data()
    return sum(len(values) for channels in found.readings.values() for values in channels.values())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)

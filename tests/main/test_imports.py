"""`denghuo import-readings` stopped in the middle, by a kill and by Ctrl-C: the same command goes on, nothing is taken twice."""

import csv
import os
import pathlib
import re
import signal
import subprocess
import sys
from datetime import date, datetime, timedelta

from denghuo.data.analysis.lake import Lake
from denghuo.data.processing.database import Database
from denghuo.service.reading.batch.intake import CURVES

CHILD = pathlib.Path(__file__).with_name("stopped_import.py")
DAY = date(2026, 4, 13)
METERS = ("M1", "M2", "M3", "M4")
MAPPING = "table: {meter: 表号, at: 时间, values: 电量}\n"


def test_a_stopped_import_goes_on_and_takes_nothing_twice(database_dsn: str, tmp_path: pathlib.Path) -> None:
    begins = datetime(2026, 4, 13)  # noqa: DTZ001  # as written
    lines = ["表号,时间,电量"]
    for place, meter in enumerate(METERS):
        lines += [
            f"{meter},{(begins + timedelta(minutes=15 * slot)).isoformat()},{(1000 * place + slot) / 1000}"
            for slot in range(96)
        ]
    (tmp_path / "readings.csv").write_text("\n".join([*lines, "M1,yesterday,1"]), encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")

    def run(*how: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(CHILD), *how, "--data", str(tmp_path / "data"), "import-readings"]
        asked = ["--mapping", "mapping.yaml", "--refused", "refused.csv", "readings.csv"]
        where = {"DENGHUO_DSN": database_dsn, "PYTHONPATH": str(CHILD.parents[2])}
        return subprocess.run(
            [*command, *asked], cwd=tmp_path, env=os.environ | where, capture_output=True, text=True, timeout=120
        )

    # Within the second step of the reading, then within the second of the taking: neither step stands.
    assert run("2", "SIGKILL").returncode == -signal.SIGKILL
    stopped = run("5", "SIGINT")
    assert stopped.returncode == 130 and "the same command goes on" in stopped.stdout, stopped.stderr
    assert "going on with import 1: 解析 reading" in stopped.stdout
    done = run("0", "SIGKILL")
    assert done.returncode == 1 and "going on with import 1: 入库 taking" in done.stdout, done.stderr
    # Of the piece that the signal met neither the lake nor its command kept anything, so it came again whole.
    counts = re.search(r"taken (\d+), 未变 unchanged (\d+), 更正 corrected (\d+), 拒绝 refused (\d+)", done.stdout)
    assert counts is not None and [int(one) for one in counts.groups()] == [384, 0, 0, 1], done.stdout
    with (tmp_path / "refused.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [(row["line"], row["field"], row["value"]) for row in csv.DictReader(stream)] == [
            ("386", "时间", "yesterday")
        ]
    with Database(database_dsn) as database:
        lake = Lake(database, tmp_path / "data" / "datasets" / "lake")
        for place, meter in enumerate(METERS):
            found = lake.curve(CURVES["active_fwd_wh"], meter, DAY, DAY)[DAY]
            assert list(found) == [1000 * place + slot for slot in range(96)]
    # What is done is done: the file again is another import, in which nothing is new. A changed file begins anew, and says so.
    again = run("0", "SIGKILL")
    assert "入库 taken 0, 未变 unchanged 384" in again.stdout and "going on" not in again.stdout
    assert run("2", "SIGKILL").returncode == -signal.SIGKILL
    (tmp_path / "readings.csv").write_text("\n".join([*lines, "M1,2026-04-14T00:00:00,1"]), encoding="utf-8")
    changed = run("0", "SIGKILL")
    assert changed.returncode == 0 and "the file has changed since import 3" in changed.stdout, changed.stderr
    assert "入库 taken 1, 未变 unchanged 384" in changed.stdout

"""Companies of a few areas of the demo's, which a product loads in a moment."""

import csv
import datetime
import pathlib
from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from tests.browser.product import DEMO
from tests.scenario.county import carried_on, part_of_county

from denghuo.kernel.period import SHANGHAI

AREAS = ("TG001", "TG017")
PHONE_USERS = ("5810100000027", "5810200016131")
"""A household in each of the areas."""
LATER = {datetime.date(2026, 6, 1): "1.2", datetime.date(2026, 7, 1): "2.2", datetime.date(2026, 8, 1): "3.2"}
"""Midnights to which registers are carried on, and how many times what April used was used by then: in May a fifth more."""

SHOP, HOUSEHOLD = "5810200016158", "5810200016140"
"""Whose April rests on estimates: of a shop's curve two days are missing, of a household the first register."""
BY_HOURS = {"contract_no": f"GY{SHOP}", "tariff_code": "sh.business.single.tou", "effective_from": "2026-04-01"}
"""The shop's tariff, by which its curve divides what the register counts."""
GAP = (datetime.date(2026, 4, 20), datetime.date(2026, 4, 21))


def small_company(folder: pathlib.Path, areas: Collection[str], phone_users: Collection[str] = ()) -> pathlib.Path:
    """Writes an example folder of these areas and gives it, for `denghuo up --demo`."""
    part_of_county(folder / "data", areas)
    demo = yaml.safe_load((DEMO / "demo.yaml").read_text("utf-8"))
    demo["customers"] = [{"user": number, "accounts": [number]} for number in phone_users]
    (folder / "demo.yaml").write_text(yaml.safe_dump(demo, allow_unicode=True), "utf-8")
    return folder


def several_months(folder: pathlib.Path) -> pathlib.Path:
    """One of two areas with registers over several months, for journeys that last longer than the demo's month."""
    small_company(folder, AREAS, PHONE_USERS)
    carried_on(folder / "data", LATER)
    with_gaps(folder / "data")
    return folder


def with_gaps(data: pathlib.Path) -> None:
    """Gives the shop's meter a curve of what its registers say of each day, with a gap, and takes a household's first register."""
    with (data / "points.csv").open(encoding="utf-8", newline="") as file:
        meters = {row["account_no"]: row["meter_no"] for row in csv.DictReader(file) if row["role"] == "sale"}
    path = data / "register_reads.parquet"
    table = pq.read_table(path)
    reads = table.filter(pc.equal(table["meter_no"], meters[SHOP])).sort_by("read_at").to_pylist()
    with (data / "meter_15min.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["meter_no", "at", "fwd_kwh"])
        for one, other in zip(reads[:30], reads[1:31], strict=True):
            if one["read_at"].astimezone(SHANGHAI).date() not in GAP:
                rows.writerows(_day(one, other))
    first = pa.scalar(min(row["read_at"] for row in reads), table["read_at"].type)
    unread = pc.and_(pc.equal(table["meter_no"], meters[HOUSEHOLD]), pc.equal(table["read_at"], first))
    pq.write_table(table.filter(pc.invert(unread)), path)


def _day(one: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, str, str]]:
    """A day's curve between two registers: three times as much from eight to twenty o'clock as at night."""
    whole = int((other["fwd_kwh"] - one["fwd_kwh"]) * 1000)
    weights = [3 if 32 <= slot < 80 else 1 for slot in range(96)]
    reached = [whole * sum(weights[:slot]) // sum(weights) for slot in range(97)]
    quarter = datetime.timedelta(minutes=15)
    return [
        (
            one["meter_no"],
            (one["read_at"] + slot * quarter).isoformat(),
            f"{(reached[slot + 1] - reached[slot]) / 1000:.3f}",
        )
        for slot in range(96)
    ]

"""What is exported is read back by the importers as it was: every value, what is estimated, and nothing that was not known."""

import csv
import io
import pathlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.bindings import settle
from tests.service.reading.conftest import Make, bench
from tests.service.reading.county import energy_day, installation

from denghuo.data.processing.export_readings import Format, MeterDay
from denghuo.data.processing.export_readings import write as write_to
from denghuo.exporter import days_of
from denghuo.importer.foreign.blocks import Block
from denghuo.importer.foreign.cim import read_cim_xml
from denghuo.importer.foreign.espi import read_espi
from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.service.reading.api import ReadingApi

__all__ = ["bench"]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = date(2026, 4, 13)
SERIES = {"active_fwd_wh": "active_fwd", "active_rev_wh": "active_rev", "reactive_fwd_varh": "reactive_fwd"}
HOW = st.sampled_from(
    [None, None, "denghuo like_day", "denghuo linear", "denghuo manual", "nem12 E52", "espi 12", "cim 3.8.1"]
)
SLOTS = st.lists(st.tuples(st.none() | st.integers(0, 2**31 - 1), HOW), min_size=96, max_size=96)


def write(kind: Format, days: list[MeterDay], path: pathlib.Path, now: datetime) -> int:
    with path.open("wb") as stream:
        return write_to(kind, days, stream, now)


@st.composite
def days(draw: st.DrawFn) -> list[MeterDay]:
    found = []
    for meter in ("M1", "M-2.b"):
        for series in sorted(draw(st.sets(st.sampled_from(list(SERIES)), max_size=2))):
            for step in range(draw(st.integers(1, 2))):
                slots = draw(SLOTS.filter(lambda slots: any(value is not None for value, _ in slots)))
                values = [value for value, _ in slots]
                marks = [None if value is None else mark for value, mark in slots]
                found.append(MeterDay(meter, series, DAY + timedelta(days=step), values, marks))  # type: ignore[arg-type]
    return found


def plain(given_: list[MeterDay]) -> dict[tuple[str, str, datetime], int]:
    return {
        (day.meter_no, SERIES[day.series], midnight(day.day) + slot * timedelta(minutes=15)): value
        for day in given_
        for slot, value in enumerate(day.values)
        if value is not None
    }


def read_back(blocks: list[Any]) -> dict[tuple[str, str, datetime], int]:
    """Energies in Wh (varh) by meter, flow and the beginning of the interval."""
    found = {}
    for block in blocks:
        assert isinstance(block, Block) and block.seconds == 900
        scale = {"wh": 0, "varh": 0, "kwh": 3, "kvarh": 3}[block.channel.unit] - block.places
        for place, number in enumerate(block.numbers.tolist()):
            value, rest = divmod(number * 10**6, 10 ** (6 - scale))
            assert rest == 0
            key = (block.channel.meter, str(block.channel.usual), block.begins + place * timedelta(seconds=900))
            found[key] = value
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(days())
def test_green_button_and_meter_readings_come_back_exactly(tmp_path: pathlib.Path, given_: list[MeterDay]) -> None:
    estimated = sum(mark is not None for day in given_ for mark in day.marks)
    if given_:
        path = tmp_path / "out.xml"
        assert write("espi", given_, path, NOW) == len(given_)
        blocks = list(read_espi(lambda: path.open("rb")))
        assert read_back(blocks) == plain(given_) and sum(block.estimated for block in blocks) == estimated
        write("cim", given_, path, NOW)
        with path.open("rb") as stream:
            found = list(read_cim_xml(stream, SHANGHAI))
        assert read_back(found) == plain(given_)
        assert sum(one.estimated for one in found if isinstance(one, Block)) == estimated


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(days())
def test_tables_have_a_row_for_each_interval(tmp_path: pathlib.Path, given_: list[MeterDay]) -> None:
    write("csv", given_, tmp_path / "out.csv", NOW)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text("utf-8"))))
    found = {
        (row["meter_no"], SERIES[row["series"]], datetime.fromisoformat(row["begins"])): round(float(row["kwh"]) * 1000)
        for row in rows
    }
    assert found == plain(given_)
    write("parquet", given_, tmp_path / "out.parquet", NOW)
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert {(row["meter_no"], SERIES[row["series"]], row["begins"]): row["energy_wh"] for row in table} == plain(given_)
    assert [row["quality"] for row in table] == [row["quality"] or None for row in rows]
    assert all(
        row["estimated"] == (row["quality"] is not None) == bool(int(other["estimated"]))
        for row, other in zip(table, rows, strict=True)
    )


def test_elements_of_green_button_stand_in_the_order_of_its_schema(tmp_path: pathlib.Path) -> None:
    """ESPI 1.1: a reading's quality before its time before its value; a type's parts by the schema's sequence."""
    day = MeterDay("M1", "active_fwd_wh", DAY, [1] * 96, ["denghuo linear"] * 96)
    write("espi", [day], tmp_path / "out.xml", NOW)
    said = (tmp_path / "out.xml").read_text("utf-8")
    order = ["accumulationBehaviour", "commodity", "dataQualifier", "flowDirection", "intervalLength", "kind",
             "powerOfTenMultiplier", "timeAttribute", "uom"]  # fmt: skip
    places = [said.index(f"<{name}>", said.index("<ReadingType")) for name in order]
    assert places == sorted(places)
    reading = said[said.index("<IntervalReading>") : said.index("</IntervalReading>")]
    inner = [reading.index(name) for name in ("<ReadingQuality>", "<timePeriod>", "<duration>", "<start>", "<value>")]
    assert inner == sorted(inner)


def test_what_counts_is_exported_with_its_estimates(bench: Make) -> None:
    made = bench([installation("P1", "M1")])
    made.receive_curves(energy_day("M1", DAY, [250] * 40 + [None] * 4 + [250] * 52))
    settle(made.directory)
    asked = (made.call(), ["M1"], ["active_fwd_wh", "active_rev_wh"], date(2026, 3, 1), date(2026, 4, 30))
    (day,) = days_of(
        lambda contract: made.api if contract is ReadingApi else pytest.fail("only reading is asked"), *asked
    )
    put_in: list[str | None] = ["denghuo linear"] * 4
    assert (day.day, day.values, day.marks) == (DAY, [250] * 96, [None] * 40 + put_in + [None] * 52)

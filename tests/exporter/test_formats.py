"""What is exported is read back by the importers as it was: every value, what is estimated, and nothing that was not known."""

import pathlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.bindings import settle
from tests.service.reading.conftest import Make, bench
from tests.service.reading.county import energy_day, installation

from denghuo.data.processing.export_readings import Format, MeterDay
from denghuo.data.processing.export_readings import write as write_to
from denghuo.data.processing.import_files import Place
from denghuo.exporter import days_of
from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.service.reading.api import ReadingApi
from denghuo.service.reading.foreign import mapping_in
from denghuo.service.reading.foreign.blocks import Block
from denghuo.service.reading.foreign.cim import read_cim_xml
from denghuo.service.reading.foreign.espi import read_espi
from denghuo.service.reading.foreign.table import Position, read_table

__all__ = ["bench"]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
MAPPINGS = pathlib.Path(__file__).parents[2] / "examples" / "mappings"
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


def marks(blocks: list[Any]) -> dict[tuple[str, str, datetime], str]:
    """The marks by meter, flow and the beginning of the interval."""
    return {
        (
            block.channel.meter,
            str(block.channel.usual),
            block.begins + place * timedelta(seconds=900),
        ): block.marks.names[code]
        for block in blocks
        if block.marks is not None
        for place, code in enumerate(block.marks.codes.tolist())
        if code
    }


def marked(given_: list[MeterDay]) -> dict[tuple[str, str, datetime], str]:
    return {
        (day.meter_no, SERIES[day.series], midnight(day.day) + slot * timedelta(minutes=15)): mark
        for day in given_
        for slot, mark in enumerate(day.marks)
        if mark is not None
    }


ESPI_SAYS = {"denghuo manual": "espi 7", "denghuo linear": "espi 9", "espi 12": "espi 12"}
CIM_SAYS = {"denghuo manual": "cim 2.7.0", "cim 3.8.1": "cim 3.8.1"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(days())
def test_green_button_and_meter_readings_come_back_exactly(tmp_path: pathlib.Path, given_: list[MeterDay]) -> None:
    if given_:
        path = tmp_path / "out.xml"
        assert write("espi", given_, path, NOW) == len(given_)
        blocks = list(read_espi(lambda: path.open("rb")))
        assert read_back(blocks) == plain(given_)
        assert marks(blocks) == {key: ESPI_SAYS.get(mark, "espi 8") for key, mark in marked(given_).items()}
        write("cim", given_, path, NOW)
        with path.open("rb") as stream:
            found = list(read_cim_xml(stream, SHANGHAI))
        assert read_back(found) == plain(given_)
        assert marks(found) == {key: CIM_SAYS.get(mark, "cim 2.8.0") for key, mark in marked(given_).items()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(days())
def test_tables_come_back_by_their_mapping_with_every_mark(tmp_path: pathlib.Path, given_: list[MeterDay]) -> None:
    for kind in ("csv", "parquet") if given_ else ():
        path = tmp_path / f"out.{kind}"
        write(kind, given_, path, NOW)  # type: ignore[arg-type]
        mapping = mapping_in((MAPPINGS / f"export-{kind}.yaml").read_text("utf-8"))
        assert mapping.table is not None
        found = [
            replace(block, channel=replace(block.channel, usual=mapping.channels[block.channel.name]))
            for block in read_table(path, mapping.table, SHANGHAI, Place(path.stat().st_size), Position())
            if isinstance(block, Block)
        ]
        assert read_back(found) == plain(given_) and marks(found) == marked(given_)


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

"""A Green Button file is as its schema says: order, number and values of its elements, and links that lead somewhere."""

import io
import pathlib
from datetime import UTC, date, datetime
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from tests.exporter.espi_schema import ATOM, ESPI, faults
from tests.exporter.test_formats import days
from tests.service.reading.foreign.given import COLLECTED

from denghuo.data.processing.export_readings import MeterDay, write

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = MeterDay("M1", "active_fwd_wh", date(2026, 4, 13), [*range(95), None], [None] * 90 + ["denghuo linear"] * 6)
SCHEMA = None if COLLECTED is None else COLLECTED / "espi" / "espi.xsd"


def exported(given_: list[MeterDay]) -> bytes:
    content = io.BytesIO()
    write("espi", given_, content, NOW)
    return content.getvalue()


@settings(max_examples=25)
@given(days())
def test_what_is_exported_is_as_the_schema_says(given_: list[MeterDay]) -> None:
    assert list(faults(fromstring(exported(given_)))) == []


def _without(feed: Element, path: str, name: str) -> None:
    parent = feed.find(path)
    assert parent is not None
    parent.remove(next(iter(parent.iter(name))))


def _moved(feed: Element, path: str) -> None:
    parent = feed.find(path)
    assert parent is not None
    first = parent[0]
    parent.remove(first)
    parent.append(first)


READING = f".//{ESPI}IntervalReading"


@pytest.mark.parametrize("place", range(8))
def test_what_is_not_is_found(place: int) -> None:
    """The check itself can fail: each of these faults is told."""
    feed = fromstring(exported([DAY]))
    assert list(faults(feed)) == []

    def say(path: str, said: str) -> None:
        found = feed.find(path)
        assert found is not None
        found.text = said

    break_it = [
        lambda: _without(feed, f"{ATOM}entry", ATOM + "link"),
        lambda: _without(feed, f"{ATOM}entry", ATOM + "updated"),
        lambda: _without(feed, f".//{ESPI}interval", ESPI + "start"),
        lambda: _moved(feed, READING),
        lambda: say(f"{READING}/{ESPI}value", "1.5"),
        lambda: say(f".//{ESPI}ReadingQuality/{ESPI}quality", "6"),
        lambda: say(f".//{ESPI}tzOffset", "8h"),
        lambda: say(f".//{ESPI}ReadingType/{ESPI}flowDirection", "6"),
    ]
    break_it[place]()
    assert list(faults(feed))


@pytest.mark.skipif(SCHEMA is None or not SCHEMA.exists(), reason="the published schema is not here")
def test_the_published_schema_finds_no_fault(tmp_path: pathlib.Path) -> None:
    schema = pytest.importorskip("xmlschema").XMLSchema(str(SCHEMA))
    (tmp_path / "out.xml").write_bytes(
        exported([DAY, MeterDay("M2", "reactive_rev_varh", DAY.day, [7] * 96, [None] * 96)])
    )
    schema.validate(str(tmp_path / "out.xml"))
    (tmp_path / "out.xml").write_bytes(exported([DAY]).replace(b"<start>", b"<start>x", 1))
    assert not schema.is_valid(str(tmp_path / "out.xml"))

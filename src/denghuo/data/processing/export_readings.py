"""Writers of readings: Green Button (NAESB ESPI), MeterReadings of IEC 61968-9, CSV and Parquet; a day at a time, nothing is kept.

ESPI: elements in the order of the schema of ESPI 4.0; values in Wh (varh), intervals told by their beginning in seconds since 1970;
what is not measured has a quality: its sender's where it came so, 7 where a clerk put it in, 9 by a line, else 8. IEC 61968-9:
reading types of annex C, values in kWh (kvarh), intervals told by their end; quality as its sender says, 2.7.0 where a clerk put it
in, else 2.8.0. CSV and Parquet: a row for each interval, told by its beginning in Shanghai, with the mark as it is.
"""

import csv
import io
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import BinaryIO, Literal, TextIO
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pyarrow.parquet as pq

from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.kernel.values import Energy

Format = Literal["espi", "cim", "csv", "parquet"]
SLOT = timedelta(minutes=15)
SECONDS = 900
_COLUMNS: Mapping[str, pa.DataType] = {
    "meter_no": pa.string(),
    "series": pa.string(),
    "begins": pa.timestamp("us", tz="Asia/Shanghai"),
    "energy_wh": pa.int64(),
    "estimated": pa.bool_(),
    "quality": pa.string(),
}
_NAMES = uuid.UUID("6f8d3a0e-9a5c-5d0b-8f0e-0d5a5f3f7c11")
"""Namespace of the entries' identities: the same meter and day have the same identity in every file."""


@dataclass(frozen=True)
class MeterDay:
    """96 energies of a meter's day in Wh (varh), None where nothing is known. marks: how each of them that is not measured was got:
    the mark of its sender, or `denghuo` and the method by which a value was put in."""

    meter_no: str
    series: str
    day: date
    values: Sequence[int | None]
    marks: Sequence[str | None]


def mark_of(estimated: bool, of_sender: str | None, method: str | None) -> str | None:
    """The mark of a value, by what a checked curve says of it."""
    return of_sender or (f"denghuo {method}" if estimated else None)


def write(kind: Format, days: Iterable[MeterDay], target: BinaryIO, now: datetime) -> int:
    """Writes the days as a file; gives how many. now: when the file says it was made."""
    count = 0

    def counted() -> Iterator[MeterDay]:
        nonlocal count
        for day in days:
            count += 1
            yield day

    if kind == "parquet":
        _parquet(counted(), target)
        return count
    stream = io.TextIOWrapper(target, encoding="utf-8", newline="")
    _WRITERS[kind](counted(), stream, now)
    stream.detach()
    return count


def _intervals(day: MeterDay) -> Iterator[tuple[datetime, int, str | None]]:
    """(beginning, energy, mark of what is not measured) of the slots of which something is known."""
    for slot, (value, mark) in enumerate(zip(day.values, day.marks, strict=True)):
        if value is not None:
            yield midnight(day.day) + slot * SLOT, value, mark


def _csv(days: Iterable[MeterDay], stream: TextIO, now: datetime) -> None:
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["meter_no", "series", "begins", "kwh", "estimated", "quality"])
    for day in days:
        for at, value, mark in _intervals(day):
            begins = at.astimezone(SHANGHAI).isoformat()
            table.writerow([day.meter_no, day.series, begins, Energy(value), int(mark is not None), mark])


def _parquet(days: Iterable[MeterDay], target: BinaryIO) -> None:
    schema = pa.schema(list(_COLUMNS.items()))
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for day in days:
            rows = [
                (day.meter_no, day.series, at, value, mark is not None, mark) for at, value, mark in _intervals(day)
            ]
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, kind) for column, kind in zip(columns, _COLUMNS.values(), strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))


# --- Green Button ---------------------------------------------------------------------------------------------------------


def _espi(days: Iterable[MeterDay], stream: TextIO, now: datetime) -> None:
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def entry(own: str, kind: str, links: Iterable[tuple[str, str, str]], title: str, content: str) -> None:
        """links: (relation, address, type) of those beside the two that every entry has."""
        up = own.rpartition("/")[0]
        every = [("self", own, f"espi-entry/{kind}"), ("up", up, f"espi-feed/{kind}"), *links]
        stream.write(
            f"<entry><id>urn:uuid:{uuid.uuid5(_NAMES, own)}</id>{''.join(map(_link, every))}<title>{escape(title)}</title>"
            f'<content><{kind} xmlns="http://naesb.org/espi">{content}</{kind}></content>'
            f"<published>{stamp}</published><updated>{stamp}</updated></entry>\n"
        )

    stream.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>urn:uuid:{uuid.uuid5(_NAMES, stamp)}</id><title>Green Button</title><updated>{stamp}</updated>"
        f"{_link(('self', '/DownloadMyData', 'espi-feed/UsagePoint'))}\n"
    )
    entry(_CLOCK, "LocalTimeParameters", [], str(SHANGHAI), _SHANGHAI_CLOCK)
    known: set[str] = set()
    for (meter_no, series), own_days in groupby(days, key=lambda day: (day.meter_no, day.series)):
        point = f"/UsagePoint/{meter_no}"
        reading, kind = f"{point}/MeterReading/{series}", f"/ReadingType/{series}"
        if point not in known:
            links = [
                ("related", f"{point}/MeterReading", "espi-feed/MeterReading"),
                ("related", _CLOCK, "espi-entry/LocalTimeParameters"),
            ]
            entry(point, "UsagePoint", links, meter_no, "<ServiceCategory><kind>0</kind></ServiceCategory>")
        if kind not in known:
            entry(kind, "ReadingType", [], series, _espi_type(series))
        known |= {point, kind}
        links = [
            ("related", f"{reading}/IntervalBlock", "espi-feed/IntervalBlock"),
            ("related", kind, "espi-entry/ReadingType"),
        ]
        entry(reading, "MeterReading", links, meter_no, "")
        for day in own_days:
            entry(f"{reading}/IntervalBlock/{day.day:%Y%m%d}", "IntervalBlock", [], str(day.day), _espi_day(day))
    stream.write("</feed>\n")


_CLOCK = "/LocalTimeParameters/1"
_SHANGHAI_CLOCK = "".join(
    f"<{name}>{value}</{name}>"
    for name, value in {
        "dstEndRule": "FFFFFFFF",
        "dstOffset": 0,
        "dstStartRule": "FFFFFFFF",
        "tzOffset": 28_800,
    }.items()
)
"""Eight hours ahead of UTC, and never another time in summer."""


def _link(link: tuple[str, str, str]) -> str:
    rel, href, kind = link
    return f"<link rel={quoteattr(rel)} href={quoteattr(href)} type={quoteattr(kind)}/>"


def _espi_type(series: str) -> str:
    flow, unit = 1 if "_fwd_" in series else 19, 73 if series.startswith("reactive") else 72
    return (
        "<accumulationBehaviour>4</accumulationBehaviour><commodity>1</commodity><dataQualifier>12</dataQualifier>"
        f"<flowDirection>{flow}</flowDirection><intervalLength>{SECONDS}</intervalLength><kind>12</kind>"
        f"<powerOfTenMultiplier>0</powerOfTenMultiplier><timeAttribute>0</timeAttribute><uom>{unit}</uom>"
    )


def _espi_day(day: MeterDay) -> str:
    begins = int(midnight(day.day).timestamp())
    whole = f"<interval><duration>{len(day.values) * SECONDS}</duration><start>{begins}</start></interval>"
    return whole + "".join(
        "<IntervalReading>"
        + (f"<ReadingQuality><quality>{_espi_quality(mark)}</quality></ReadingQuality>" if mark else "")
        + f"<timePeriod><duration>{SECONDS}</duration><start>{int(at.timestamp())}</start></timePeriod>"
        f"<value>{value}</value></IntervalReading>"
        for at, value, mark in _intervals(day)
    )


def _espi_quality(mark: str) -> str:
    """The code of QualityOfReading: 8 is estimated by a reference day, and what the others of their kind are told as."""
    of, _, said = mark.partition(" ")
    return said if of == "espi" else _ESPI_QUALITIES.get(mark, "8")


_ESPI_QUALITIES = {"denghuo manual": "7", "denghuo linear": "9", "denghuo register_linear": "9"}


# --- IEC 61968-9 ----------------------------------------------------------------------------------------------------------


def _cim(days: Iterable[MeterDay], stream: TextIO, now: datetime) -> None:
    stream.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<MeterReadings xmlns="http://iec.ch/TC57/2011/MeterReadings#">\n'
    )
    for day in days:
        readings = "".join(
            "<IntervalReadings>"
            + (f"<ReadingQualities><ReadingQualityType ref={_cim_quality(mark)}/></ReadingQualities>" if mark else "")
            + f"<timeStamp>{(at + SLOT).astimezone(SHANGHAI).isoformat()}</timeStamp><value>{Energy(value)}</value>"
            "</IntervalReadings>"
            for at, value, mark in _intervals(day)
        )
        stream.write(
            f'<MeterReading><IntervalBlocks>{readings}<ReadingType ref="{_cim_type(day.series)}"/></IntervalBlocks>'
            f"<Meter><Names><name>{escape(day.meter_no)}</name></Names></Meter></MeterReading>\n"
        )
    stream.write("</MeterReadings>\n")


def _cim_quality(mark: str) -> str:
    of, _, said = mark.partition(" ")
    return quoteattr(said if of == "cim" else "2.7.0" if mark in ("denghuo manual", "espi 7") else "2.8.0")


def _cim_type(series: str) -> str:
    """Fifteen minutes, delta, a direction, energy of electricity, in kWh or kvarh."""
    flow, unit = 1 if "_fwd_" in series else 19, 73 if series.startswith("reactive") else 72
    return f"0.0.2.4.{flow}.1.12.0.0.0.0.0.0.0.0.3.{unit}.0"


_WRITERS: Mapping[str, Callable[[Iterable[MeterDay], TextIO, datetime], None]] = {
    "espi": _espi,
    "cim": _cim,
    "csv": _csv,
}
MEDIA: Mapping[Format, tuple[str, str]] = {
    "espi": ("xml", "application/xml"),
    "cim": ("xml", "application/xml"),
    "csv": ("csv", "text/csv"),
    "parquet": ("parquet", "application/vnd.apache.parquet"),
}
"""Suffix and media type of the files of each format."""
FORMATS: tuple[Format, ...] = tuple(MEDIA)

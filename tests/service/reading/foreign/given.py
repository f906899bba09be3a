"""Small files in the formats of other systems, and where the collected ones lie on a machine that has them."""

import pathlib
from collections.abc import Sequence
from typing import Any

COLLECTED = next(
    (
        folder / "shared" / "data"
        for folder in pathlib.Path(__file__).resolve().parents
        if (folder / "shared" / "data" / "nem12").is_dir()
    ),
    None,
)


def nem12(
    *days: tuple[str, Sequence[str], str],
    meter: str = "M1",
    channel: str = "E1",
    minutes: int = 30,
    unit: str = "kWh",
    after: Sequence[str] = (),
) -> str:
    """A file of one channel: days as (day, values, quality), each followed by the records of `after`."""
    lines = ["100,NEM12,202605011135,MDA1,RET1", f"200,{meter},E1Q1,1,{channel},N1,SER{meter},{unit},{minutes},"]
    for day, values, quality in days:
        lines += [f"300,{day},{','.join(values)},{quality},,,20260501120025,20260501142516", *after]
    return "\r\n".join([*lines, "900", ""])


def espi(
    readings: Sequence[tuple[int, int, int]], *, uom: str = "72", flow: str = "1", power: str = "0", ahead: bool = False
) -> str:
    """A feed of one usage point M1: readings as (start in seconds since 1970, seconds, value). ahead: blocks before their type."""
    at = "RetailCustomer/1/UsagePoint/M1/MeterReading/01"
    kind = _entry(
        "ReadingType/07",
        [],
        f"<ReadingType><flowDirection>{flow}</flowDirection><intervalLength>3600</intervalLength>"
        f"<powerOfTenMultiplier>{power}</powerOfTenMultiplier><uom>{uom}</uom></ReadingType>",
    )
    block = _entry(
        f"{at}/IntervalBlock/1",
        [],
        "<IntervalBlock>"
        + "".join(
            f"<IntervalReading><timePeriod><duration>{seconds}</duration><start>{start}</start></timePeriod>"
            f"<value>{value}</value></IntervalReading>"
            for start, seconds, value in readings
        )
        + "</IntervalBlock>",
    )
    entries = [_entry(at, ["ReadingType/07"], "<MeterReading/>"), *((block, kind) if ahead else (kind, block))]
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def _entry(own: str, related: Sequence[str], content: str) -> str:
    links = f'<link rel="self" href="{own}"/>' + "".join(f'<link rel="related" href="{href}"/>' for href in related)
    inner = content.replace(">", ' xmlns="http://naesb.org/espi">', 1) if not content.endswith("/>") else (
        content.replace("/>", ' xmlns="http://naesb.org/espi"/>')
    )  # fmt: skip
    return f"<entry>{links}<content>{inner}</content></entry>"


FIFTEEN_KWH = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"
REGISTER_KWH = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0"


def cim(
    intervals: Sequence[tuple[str, str, str]] = (), registers: Sequence[tuple[str, str]] = (), kind: str = FIFTEEN_KWH
) -> dict[str, Any]:
    """A MeterReadings message of meter M1: intervals as (end, value, quality), registers as (time, value)."""
    return {
        "MeterReadings": {
            "MeterReading": {
                "IntervalBlocks": {
                    "IntervalReadings": [
                        {"timeStamp": at, "value": value, "ReadingQualities": {"ReadingQualityType": {"ref": quality}}}
                        for at, value, quality in intervals
                    ],
                    "ReadingType": {"ref": kind},
                },
                "Meter": {"Names": {"name": "M1"}},
                "Readings": [
                    {"timeStamp": at, "value": value, "ReadingType": {"ref": REGISTER_KWH}} for at, value in registers
                ],
            }
        }
    }


def cim_xml(message: dict[str, Any]) -> str:
    """The same message as XML."""

    def said(name: str, value: Any) -> str:
        if isinstance(value, list):
            return "".join(said(name, one) for one in value)
        if not isinstance(value, dict):
            return f"<m:{name}>{value}</m:{name}>"
        if set(value) == {"ref"}:
            return f'<m:{name} ref="{value["ref"]}"/>'
        return f"<m:{name}>{''.join(said(own, part) for own, part in value.items())}</m:{name}>"

    inner = said("MeterReading", message["MeterReadings"]["MeterReading"])
    return f'<m:MeterReadings xmlns:m="http://iec.ch/TC57/2011/MeterReadings#">{inner}</m:MeterReadings>'

"""Small files in the formats of other systems, and where the collected ones lie on a machine that has them."""

import pathlib
from collections.abc import Sequence

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

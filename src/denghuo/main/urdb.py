"""`denghuo urdb`: a rate of the United States Utility Rate Database as tariff files, to be tried, looked at and drafted."""

import pathlib
from datetime import date

from denghuo.service.tariff.rules import Unreadable, faulty, file_text, read_urdb


def write_tariffs(
    words: str, folder: pathlib.Path, start: date | None, end: date | None, average: bool
) -> list[pathlib.Path]:
    """Writes one tariff file for each run of months of a rate, named by code and first day, and gives their paths.

    Raises:
        TariffFaulty: with the fault that keeps the rate from being read; then nothing is written.
    """
    try:
        tariffs = read_urdb(words, start=start, end=end, daily="average" if average else "days")
    except Unreadable as unreadable:
        raise faulty(unreadable.findings) from None
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in tariffs:
        path = folder / f"{one.code}.{one.effective_from:%Y%m%d}.yaml"
        path.write_text(file_text(one), "utf-8")
        written.append(path)
    return written

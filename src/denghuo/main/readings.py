"""`denghuo import-readings`: files of readings in the formats of other systems, one after the other."""

import csv
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.import_files import FileRefused
from denghuo.data.processing.importing import Refusal
from denghuo.importer.foreign import Format, Mapping, ReadingsRefused, Taken, format_of, take_readings
from denghuo.importer.report import said as refused_row
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Text, text
from denghuo.service.host.binding import Ask

Say = Callable[[str], None]
TAKEN, IN_PART, FAULTY = 0, 1, 2
NOTHING_TAKEN = text("整个文件未导入", "nothing of the file was taken")


def import_readings(
    files: Sequence[pathlib.Path],
    kind: Format | None,
    mapping: Mapping,
    *,
    spread: bool,
    ask: Ask | None,
    call: Call,
    datasets: Datasets | None,
    say: Say,
    report: TextIO | None = None,
) -> int:
    """Takes files over and says what became of each; a file that is refused keeps none of the others back.

    report: where every refusal is written, as CSV.

    Returns the status of the command: 0 all was taken, 1 something was refused, 2 a file could not be used.
    """
    status = TAKEN
    told = None if report is None else _told_in(report)
    for path in files:
        begun = time.monotonic()
        try:
            taken = take_readings(
                path,
                kind or format_of(path, mapping),
                mapping,
                spread=spread,
                ask=ask,
                call=call,
                datasets=datasets,
                tell=told,
            )
        except (ReadingsRefused, FileRefused) as refused:
            say(f"{refused.detail['zh']}\n{refused.detail['en']}")
            if told is not None:
                told(Refusal(path.name, refused.fields.get("line", 0), "", "", refused.detail, NOTHING_TAKEN))
            status = FAULTY
            continue
        for line in lines(taken, time.monotonic() - begun, stored=ask is not None):
            say(line)
        if taken.refused:
            status = max(status, IN_PART)
    return status


def _told_in(report: TextIO) -> Callable[[Refusal], None]:
    """Writes refusals as rows of a CSV file; a value that a spreadsheet would take for a formula is given as text."""
    table = csv.writer(report, lineterminator="\n")
    table.writerow(["file", "line", "field", "value", "what_zh", "what_en", "remedy_zh", "remedy_en"])

    def told(one: Refusal) -> None:
        value = f"'{one.value}" if one.value[:1] in tuple("=+-@") else one.value
        table.writerow([one.file, one.line, one.field, value, *_both(one.what), *_both(one.remedy)])

    return told


def _both(words: Text) -> tuple[str, str]:
    return words["zh"], words["en"]


def lines(taken: Taken, seconds: float, *, stored: bool) -> list[str]:
    """What a file held by channel, what was taken of it, and the first refusals."""
    held = sum(taken.values.values())
    said = [
        f"{taken.file}: {held:,} 个值 values, 缺失 missing {taken.missing:,}, 对方估算 estimated by the sender {taken.estimated:,}"
    ]
    for meter, channel in sorted(taken.values):
        total = taken.sums.get((meter, channel))
        said.append(
            f"  {f'{meter} {channel}'.strip()}: {taken.values[meter, channel]:,}"
            + ("" if total is None else f", {total.normalize():f}")
        )
    if stored:
        said.append(
            f"  入库 taken {taken.taken:,}, 未变 unchanged {taken.unchanged:,}, 更正 corrected {taken.corrected:,},"
            f" 拒绝 refused {taken.refused:,}; {seconds:.1f} s"
        )
    else:
        said.append(f"  可入库 to be taken {taken.handed:,}, 拒绝 refused {taken.refused:,}; {seconds:.1f} s")
    said += [f"  {refused_row(refusal)}" for refusal in taken.refusals]
    return said

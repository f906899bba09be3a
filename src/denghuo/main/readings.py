"""`denghuo import-readings`: files of readings in the formats of other systems, one after the other (读数导入).

What was sent, read and taken of a file is known to the platform by its SHA-256, so the same command goes on where it was stopped.
"""

import base64
import csv
import hashlib
import pathlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from denghuo.data.processing.import_files import FileRefused
from denghuo.data.processing.importing import Refusal
from denghuo.importer.report import said as refused_row
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.main.progress import Shown, share
from denghuo.service.reading.api import (
    PART_BYTES_MAX,
    AdvanceImport,
    BeginImport,
    FindImportRefusals,
    ImportFormat,
    ImportRef,
    ReadingApi,
    ReadingsImport,
    SendImportPart,
)
from denghuo.service.reading.foreign import FileRead, Mapping, ReadingsRefused, Taken, format_of, why

Say = Callable[[str], None]
TAKEN, IN_PART, FAULTY, STOPPED = 0, 1, 2, 130
NOTHING_TAKEN = text("整个文件未导入", "nothing of the file was taken")
REFUSALS_SHOWN = 100
STEP_S = 0.5
_STEPS = {"sending": "上传 sending", "reading": "解析 reading", "taking": "入库 taking"}


@dataclass(frozen=True)
class How:
    """How files are read: by a format, else each by what it begins with; by a mapping, as its words or by its code."""

    kind: ImportFormat | None
    words: str | None
    code: str | None
    spread: bool


class Told:
    """Where every refusal is written as a row of CSV; a value that a spreadsheet would take for a formula is given as text."""

    def __init__(self, report: TextIO | None) -> None:
        self._table = None if report is None else csv.writer(report, lineterminator="\n")
        if self._table is not None:
            self._table.writerow(["file", "line", "field", "value", "what_zh", "what_en", "remedy_zh", "remedy_en"])

    def add(self, one: Refusal) -> None:
        if self._table is not None:
            value = f"'{one.value}" if one.value[:1] in tuple("=+-@") else one.value
            both = (one.what["zh"], one.what["en"], one.remedy["zh"], one.remedy["en"])
            self._table.writerow([one.file, one.line, one.field, value, *both])


# --- looked at only ---------------------------------------------------------------------------------------------------------


def look_at(files: Iterable[pathlib.Path], how: How, mapping: Mapping, say: Say, report: TextIO | None) -> int:
    """Reads files to their ends and says what each holds; nothing is written.

    Returns the status of the command: 0 all can be taken, 1 something is refused, 2 a file cannot be used.
    """
    status, told = TAKEN, Told(report)
    for path in files:
        begun = time.monotonic()
        first: list[Refusal] = []
        seen: Counter[tuple[str, str]] = Counter()
        try:
            taken = Taken()
            for taken, refusals in _looked_at(path, how, mapping):  # noqa: B007  # what there is at the end is told
                for one in refusals:
                    told.add(one)
                    # Of each kind the first: that a channel is refused is not said for each of its days.
                    seen[one.field, one.value] += 1
                    if seen[one.field, one.value] == 1 and len(first) < REFUSALS_SHOWN:
                        first.append(one)
        except (ReadingsRefused, FileRefused) as refused:
            what = why(refused)
            say(f"{what['zh']}\n{what['en']}")
            told.add(Refusal(path.name, refused.fields.get("line", 0), "", "", what, NOTHING_TAKEN))
            status = FAULTY
            continue
        for line in held(path.name, taken, time.monotonic() - begun):
            say(line)
        for one in first:
            say(f"  {refused_row(one)}")
        if taken.refused:
            status = max(status, IN_PART)
    return status


def _looked_at(path: pathlib.Path, how: How, mapping: Mapping) -> Iterator[tuple[Taken, list[Refusal]]]:
    """What was read of a file so far, and the refusals since the last time."""
    read = FileRead(path, how.kind or format_of(path, mapping), mapping, spread=how.spread)
    shown, size, begun = Shown(), path.stat().st_size, time.monotonic()
    try:
        while True:
            piece = read.read_on(STEP_S)
            figures = f"值 values {sum(read.taken.values.values()):,}, 拒绝 refused {read.taken.refused:,}"
            shown.tell(f"{path.name} 解析 reading {share(read.bytes_read, size, time.monotonic() - begun)}  {figures}")
            if piece is not None:
                yield read.taken, piece.refusals
                if piece.ended:
                    return
    finally:
        shown.end()


def held(name: str, taken: Taken, seconds: float) -> list[str]:
    """What a file holds by channel, as its sender names them."""
    said = [
        f"{name}: {sum(taken.values.values()):,} 个值 values, 缺失 missing {taken.missing:,},"
        f" 对方估算 estimated by the sender {taken.estimated:,}"
    ]
    for meter, channel in sorted(taken.values):
        total = taken.sums.get((meter, channel))
        said.append(
            f"  {f'{meter} {channel}'.strip()}: {taken.values[meter, channel]:,}"
            + ("" if total is None else f", {total.normalize():f}")
        )
    return [*said, f"  可入库 to be taken {taken.handed:,}, 拒绝 refused {taken.refused:,}; {seconds:.1f} s"]


# --- taken over -------------------------------------------------------------------------------------------------------------


def import_readings(
    files: Iterable[pathlib.Path], how: How, api: ReadingApi, call: Callable[[], Call], say: Say, report: TextIO | None
) -> int:
    """Takes files over and says what became of each; a file that is refused keeps none of the others back.

    report: where every refusal is written, as CSV.

    Returns the status of the command: 0 all was taken, 1 something was refused, 2 a file could not be used, 130 it was stopped.
    """
    status, told = TAKEN, Told(report)
    for path in files:
        shown = Shown()
        number = 0
        try:
            one = _begun(path, how, api, call, say)
            number = one.import_no
            one = _driven(path, one, api, call, shown)
        except KeyboardInterrupt:
            shown.end()
            if number:
                api.stop_import(call(), ImportRef(import_no=number))
            say("已暂停，再次运行同一命令即可从此处继续。\nStopped; the same command goes on from here.")
            return STOPPED
        finally:
            shown.end()
        refusals = _refusals(one, api, call)
        for line in became(one):
            say(line)
        for place, refusal in enumerate(refusals):
            told.add(refusal)
            if place < REFUSALS_SHOWN and one.state != "refused":
                say(f"  {refused_row(refusal)}")
            elif report is None:
                break
        status = max(status, FAULTY if one.state == "refused" else IN_PART if one.refused else TAKEN)
    return status


def _begun(path: pathlib.Path, how: How, api: ReadingApi, call: Callable[[], Call], say: Say) -> ReadingsImport:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    asked = BeginImport.model_validate(
        {
            "file_name": path.name[-80:].lstrip("."),
            "size_bytes": path.stat().st_size,
            "content": digest,
            "format": how.kind,
            "mapping": how.code,
            "mapping_words": how.words,
            "spread": how.spread,
            "attended": True,
        }
    )
    one = api.begin_import(call(), asked)
    if one.sent_bytes:
        step = _STEPS.get(one.state, one.state)
        say(f"{path.name}: 继续导入批次 {one.import_no} going on with import {one.import_no}: {step} {one.percent}%")
    elif one.changed is not None:
        say(
            f"{path.name}: 文件自批次 {one.changed} 后已变化，从头导入；该批次停在原处。\n"
            f"{path.name}: the file has changed since import {one.changed}, which stays where it is; it is imported anew."
        )
    return one


def _driven(
    path: pathlib.Path, one: ReadingsImport, api: ReadingApi, call: Callable[[], Call], shown: Shown
) -> ReadingsImport:
    """Sends the file and runs its steps, showing how far it is."""
    ref = ImportRef(import_no=one.import_no)
    with path.open("rb") as file:
        sent, begun, first = one.sent_bytes, time.monotonic(), one.sent_bytes
        while one.state == "sending" and sent < one.size_bytes:
            file.seek(sent)
            part = base64.b64encode(file.read(PART_BYTES_MAX)).decode()
            sent = api.send_import_part(
                call(), SendImportPart(import_no=one.import_no, from_byte=sent, part=part)
            ).sent_bytes
            pace = share(sent - first, one.size_bytes - first, time.monotonic() - begun)
            shown.tell(f"{path.name} {_STEPS['sending']} {pace}")
    state = ""
    while True:
        one = api.readings_import(call(), ref)
        if one.state != state:
            state, begun, first = one.state, time.monotonic(), one.done
        if one.state not in ("reading", "taking"):
            return one
        pace = share(one.done - first, one.whole - first, time.monotonic() - begun)
        figures = f"值 values {one.values:,}, 入库 taken {one.taken:,}, 拒绝 refused {one.refused:,}"
        shown.tell(f"{path.name} {_STEPS[one.state]} {one.percent:3}% {pace[4:].strip()}  {figures}")
        api.advance_import(call(), AdvanceImport(import_no=one.import_no, epoch=one.epoch))


def _refusals(one: ReadingsImport, api: ReadingApi, call: Callable[[], Call]) -> Iterator[Refusal]:
    after: str | None = None
    while one.refused:
        found = api.import_refusals(call(), FindImportRefusals(import_no=one.import_no, after=after, limit=200))
        for row in found.rows:
            yield Refusal(one.file_name, row.line, row.field, row.value, _text(row.what), _text(row.remedy))
        after = found.next
        if after is None:
            return


def _text(pair: TextPair) -> Text:
    return text(pair.zh, pair.en)


def became(one: ReadingsImport) -> list[str]:
    """What a file held, and what became of it."""
    if one.trouble is not None:
        return [one.trouble.zh, one.trouble.en]
    said = [
        f"{one.file_name}: {one.values:,} 个值 values, 缺失 missing {one.missing:,},"
        f" 对方估算 estimated by the sender {one.estimated:,}"
    ]
    said += [f"  {total.quantity}: {total.values:,}, {total.energy} kWh/kvarh" for total in one.sums]
    seconds = (one.ended_at - one.begun_at).total_seconds() if one.ended_at else 0
    return [
        *said,
        f"  入库 taken {one.taken:,}, 未变 unchanged {one.unchanged:,}, 更正 corrected {one.corrected:,},"
        f" 拒绝 refused {one.refused:,}; {seconds:.1f} s; 批次 import {one.import_no}",
    ]

"""Files of readings: where they lie until they are taken in, and the steps in which they are read and taken (读数导入)."""

import base64
import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from denghuo.data.processing.database import disk_full
from denghuo.data.processing.import_files import FileRefused
from denghuo.data.processing.importing import Refusal
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.reading.api import (
    PART_BYTES_MAX,
    BeginImport,
    ContentDiffers,
    ImportAdvanced,
    ImportFormat,
    ImportPartSent,
    Intake,
    MappingRef,
    NoSuchImport,
    PartOutOfPlace,
    ReadingsImport,
    Received,
    SendImportPart,
)
from denghuo.service.reading.foreign import FileRead, Piece, ReadingsRefused, format_of, mapping_in, why
from denghuo.service.reading.service.import_forms import shown_import, state_of
from denghuo.service.reading.service.mappings import mapping_row
from denghuo.service.reading.store.imports import Imports, Mappings, Row, lapses_before

STEP_S = 1.5
"""For so long a step reads on before it says how far it is."""
_SHA256 = 64
NOTHING_TAKEN = text("整个文件未导入", "nothing of the file was taken")

_Key = tuple[Path, int, int]
_reading: dict[_Key, FileRead] = {}
"""Files that this process is reading, by their folder, import and epoch: the next step goes on with them. Whoever takes one out has
it to himself; another process, or this one after it was killed, takes the reading up from the piece that was kept last."""
_lock = threading.Lock()


class ImportDesk:
    """receive: takes rows in, within the same transaction."""

    def __init__(self, work: Work, call: Call, receive: Callable[[Call, Intake], Received]) -> None:
        self._work, self._call, self._receive = work, call, receive
        self._imports, self._mappings = Imports(work), Mappings(work)

    # -- begin, send, stop -----------------------------------------------------------------------------------------------

    def begin(self, request: BeginImport) -> ReadingsImport:
        """Raises: MappingFaulty, NoSuchMapping."""
        call = self._call
        mapping: Row = {"code": None, "version": None, "words": request.mapping_words or ""}
        if request.mapping is not None:
            kept = mapping_row(self._mappings, MappingRef(code=request.mapping))
            mapping = {name: kept[name] for name in mapping}
        mapping_in(mapping["words"])
        for given_up in self._imports.lapse(lapses_before(call.now), call.now):
            shutil.rmtree(self._folder(given_up), ignore_errors=True)
        org = "" if "" in call.scope else call.scope[0] if call.scope else ""
        row = self._imports.begin(request, mapping, org, call.scope, call.actor, call.now)
        if row["halted"] == "stopped":
            self._go_on(row, attended=request.attended)
        return self.shown(row["import_no"])

    def send(self, request: SendImportPart) -> ImportPartSent:
        row = self.row(request.import_no, locked=True)
        sent = int(row["sent_bytes"])
        if row["phase"] == "sending" and request.from_byte >= sent:
            part = self._part(row, request)
            path = self._path(row)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("r+b" if path.exists() else "wb") as file:
                    file.seek(sent)
                    file.write(part)
                    file.truncate()
            except OSError as error:
                raise disk_full() from error
            sent += len(part)
            self._imports.sent(request.import_no, sent, self._call.now)
            if sent == row["size_bytes"]:
                self._all_sent(row)
        return ImportPartSent(import_no=request.import_no, sent_bytes=sent, state=state_of(self.row(request.import_no)))

    def _part(self, row: Row, request: SendImportPart) -> bytes:
        sent = int(row["sent_bytes"])
        try:
            part = base64.b64decode(request.part, validate=True)
        except ValueError:
            part = b""
        if request.from_byte != sent or not 0 < len(part) <= min(PART_BYTES_MAX, row["size_bytes"] - sent):
            raise PartOutOfPlace(
                text(
                    f"应从第 {sent} 字节继续，每段 1 字节至 4 MiB、Base64 编码、不超过文件大小 {row['size_bytes']} 字节。",
                    f"Go on with byte {sent}: a part has 1 byte to 4 MiB as base64, within the file's {row['size_bytes']} bytes.",
                ),
                import_no=row["import_no"],
                sent_bytes=sent,
            )
        return part

    def _all_sent(self, row: Row) -> None:
        with self._path(row).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if len(row["content"]) == _SHA256 and digest != row["content"]:
            raise ContentDiffers(
                text(
                    "收到的内容与声明的 SHA-256 不符：文件在上传中被修改，请重新导入。",
                    "What was sent has another SHA-256 than was told: the file was changed meanwhile; import it again.",
                ),
                import_no=row["import_no"],
                expected=row["content"],
                given=digest,
            )
        self._imports.enter(row["import_no"], "reading", self._call.now, digest)
        self._order(row["import_no"], row["epoch"], attended=row["attended"])

    def stop(self, import_no: int) -> ReadingsImport:
        self.row(import_no)
        self._imports.halt(import_no, "stopped", self._call.now)
        self._let_go(import_no)
        return self.shown(import_no)

    def resume(self, import_no: int) -> ReadingsImport:
        row = self.row(import_no, locked=True)
        if row["phase"] != "done" and row["halted"] in (None, "stopped"):
            self._go_on(row, attended=False)
        return self.shown(import_no)

    def _go_on(self, row: Row, *, attended: bool) -> None:
        self._let_go(row["import_no"])
        epoch = self._imports.resume(row, self._call.now, attended=attended)
        if row["phase"] != "sending":
            self._order(row["import_no"], epoch, attended=attended)

    def _order(self, import_no: int, epoch: int, *, attended: bool) -> None:
        if not attended:
            self._work.enqueue("reading.advance_import", {"import_no": import_no, "epoch": epoch})

    # -- its steps -------------------------------------------------------------------------------------------------------

    def advance(self, import_no: int, epoch: int) -> ImportAdvanced:
        row = self.row(import_no, locked=True)
        if row["epoch"] == epoch and row["halted"] is None:
            try:
                if row["phase"] == "reading":
                    self._read_on(row)
                elif row["phase"] == "taking":
                    self._take_on(row)
            except (ReadingsRefused, FileRefused) as refused:
                self._refuse(row, refused)
        after = self.row(import_no)
        state = state_of(after)
        return ImportAdvanced(
            import_no=import_no, state=state, again=state in ("reading", "taking") and after["epoch"] == epoch
        )

    def _read_on(self, row: Row) -> None:
        number = row["import_no"]
        read = self._opened(row)
        piece = read.read_on(STEP_S)
        if piece is not None:
            self._keep(row, read, piece)
        refused = read.taken.refused if piece is not None else row["refused"]
        self._imports.read(number, _figures(row, read, refused), self._call.now)
        if piece is not None and piece.ended:
            self._imports.enter(number, "taking", self._call.now)
            if self._imports.next_piece(number) is None:
                self._end(number)
            return
        with _lock:
            _reading[self._key(row)] = read

    def _keep(self, row: Row, read: FileRead, piece: Piece) -> None:
        """Publishes the rows of a piece, and keeps what it takes to go on behind it."""
        number = row["import_no"]
        count = self._imports.piece_count(number)
        refs = [
            self._work.datasets.publish(
                one.schema, one.period, f"readings-{row['digest'][:16]}-{count + place}", one.table, self._call.now
            )
            for place, one in enumerate(piece.rows)
        ]
        self._imports.keep_pieces(number, refs)
        self._imports.keep_refusals(number, piece.refusals)
        if not piece.ended:
            state = self._folder(number) / f"after-{read.pieces}.json"
            try:
                state.write_text(json.dumps(read.kept()), encoding="utf-8")
            except OSError as error:
                raise disk_full() from error
            (self._folder(number) / f"after-{read.pieces - 2}.json").unlink(missing_ok=True)

    def _opened(self, row: Row) -> FileRead:
        """The reading of a file, as this process has it open, or from the piece that was kept last."""
        with _lock:
            read = _reading.pop(self._key(row), None)
        if read is not None and read.pieces == row["pieces"]:
            return read
        path, mapping = self._path(row), mapping_in(row["words"])
        kind = cast(ImportFormat, row["format"]) or format_of(path, mapping)
        if not row["pieces"]:
            return FileRead(path, kind, mapping, spread=row["spread"])
        state = self._folder(row["import_no"]) / f"after-{row['pieces']}.json"
        kept: dict[str, Any] = json.loads(state.read_text(encoding="utf-8"))
        return FileRead.resumed(path, kind, mapping, spread=row["spread"], kept=kept)

    def _take_on(self, row: Row) -> None:
        number = row["import_no"]
        piece = self._imports.next_piece(number)
        if piece is not None:
            piece_no, ref = piece
            # What the platform takes is decided by the rights of who began it, whoever runs the step.
            call = replace(self._call, scope=tuple(row["scope"]), actor=row["begun_by"])
            received = self._receive(call, Intake(rows=ref))
            self._imports.took(number, piece_no, ref.row_count, received, self._call.now)
        if self._imports.next_piece(number) is None:
            self._end(number)

    def _end(self, import_no: int) -> None:
        self._imports.enter(import_no, "done", self._call.now)
        shutil.rmtree(self._folder(import_no), ignore_errors=True)

    def _refuse(self, row: Row, refused: ReadingsRefused | FileRefused) -> None:
        number, line = row["import_no"], refused.fields.get("line", 0)
        told = [Refusal(row["file_name"], line, "", "", why(refused), NOTHING_TAKEN)]
        self._imports.keep_refusals(number, told)
        self._imports.halt(number, "refused", self._call.now, why(refused))
        shutil.rmtree(self._folder(number), ignore_errors=True)

    # -- what is shown ---------------------------------------------------------------------------------------------------

    def shown(self, import_no: int) -> ReadingsImport:
        return shown_import(self.row(import_no), self._call.now)

    def row(self, import_no: int, *, locked: bool = False) -> Row:
        row = self._imports.one(import_no, locked=locked)
        if row is None:
            raise NoSuchImport(
                text(
                    f"没有导入批次 {import_no}，或不在您的管辖范围内。",
                    f"There is no import {import_no}, or it is outside your scope.",
                ),
                import_no=import_no,
            )
        return row

    # -- where files lie -------------------------------------------------------------------------------------------------

    def _folder(self, import_no: int) -> Path:
        return self._work.datasets.folder / "imports" / str(import_no)

    def _path(self, row: Row) -> Path:
        return self._folder(row["import_no"]) / str(row["file_name"])

    def _let_go(self, import_no: int) -> None:
        """What this process has read of a file and not given yet."""
        with _lock:
            for key in [one for one in _reading if one[:2] == (self._work.datasets.folder, import_no)]:
                del _reading[key]

    def _key(self, row: Row) -> _Key:
        return self._work.datasets.folder, row["import_no"], row["epoch"]


def _figures(row: Row, read: FileRead, refused: int) -> Row:
    taken = read.taken
    return {
        "format": row["format"] or read.kind,
        "read_bytes": read.bytes_read,
        "pieces": read.pieces,
        "values": sum(taken.values.values()),
        "missing": taken.missing,
        "estimated": taken.estimated,
        "handed": taken.handed,
        "refused": refused,
        "energy": json.dumps({flow: list(pair) for flow, pair in taken.energy.items()}),
    }

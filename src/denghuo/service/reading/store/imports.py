"""Queries on imports of files of readings and on mappings."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, LiteralString

from denghuo.data.processing.importing import Refusal
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.problem import Text
from denghuo.service.reading.api import BeginImport, Received

Row = dict[str, Any]
_STATE: LiteralString = "coalesce(halted, phase)"
_OPEN: LiteralString = "phase <> 'done' AND (halted IS NULL OR halted = 'stopped')"


class Imports:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- one -------------------------------------------------------------------------------------------------------------

    def begin(self, request: BeginImport, mapping: Row, org: str, scope: Iterable[str], by: str, at: datetime) -> Row:
        """The import of this file that is not done, or a new one. mapping: its code, version and words."""
        known = {**request.model_dump(include={"file_name", "size_bytes", "content", "format", "spread"}), **mapping}
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 18))", (f"import {request.file_name}",))
        row = self._work.row(
            "SELECT * FROM import WHERE (file_name, size_bytes, content, spread, words) = (%(file_name)s, %(size_bytes)s,"
            " %(content)s, %(spread)s, %(words)s) AND (%(format)s::text IS NULL OR format = %(format)s)"
            " AND org = %(org)s AND " + _OPEN + " ORDER BY import_no DESC LIMIT 1 FOR UPDATE",
            {**known, "org": org},
        )
        if row is not None:
            return dict(row)
        changed = self._work.value(
            "SELECT max(import_no) FROM import WHERE file_name = %s AND org = %s AND content <> %s AND " + _OPEN,
            (request.file_name, org, request.content),
        )
        number = self._work.value(
            "INSERT INTO import (file_name, size_bytes, content, format, mapping_code, mapping_version, words, spread,"
            " attended, org, scope, changed, begun_by, begun_at, paced_at, touched_at) VALUES (%(file_name)s, %(size_bytes)s,"
            " %(content)s, %(format)s, %(code)s, %(version)s, %(words)s, %(spread)s, %(attended)s, %(org)s, %(scope)s,"
            " %(changed)s, %(by)s, %(at)s, %(at)s, %(at)s) RETURNING import_no",
            {
                **known,
                "attended": request.attended,
                "org": org,
                "scope": list(scope),
                "changed": changed,
                "by": by,
                "at": at,
            },
        )
        return self.one(int(number or 0)) or {}

    def one(self, import_no: int, *, locked: bool = False) -> Row | None:
        """locked: nobody else goes on with it until the transaction ends."""
        if locked:
            return self._work.row("SELECT * FROM import WHERE import_no = %s FOR UPDATE", (import_no,))
        return self._work.row("SELECT * FROM import WHERE import_no = %s", (import_no,))

    def sent(self, import_no: int, sent_bytes: int, at: datetime) -> None:
        self._work.run(
            "UPDATE import SET sent_bytes = %s, touched_at = %s WHERE import_no = %s", (sent_bytes, at, import_no)
        )

    def enter(self, import_no: int, phase: str, at: datetime, digest: str | None = None) -> None:
        """Its next step begins."""
        self._work.run(
            "UPDATE import SET phase = %(phase)s, digest = coalesce(%(digest)s, digest), paced_at = %(at)s, paced_from = 0,"
            " touched_at = %(at)s, ended_at = CASE WHEN %(phase)s = 'done' THEN %(at)s::timestamptz END"
            " WHERE import_no = %(no)s",
            {"phase": phase, "digest": digest, "at": at, "no": import_no},
        )

    def halt(self, import_no: int, state: str, at: datetime, trouble: Text | None = None) -> None:
        self._work.run(
            "UPDATE import SET halted = %(state)s, trouble = %(trouble)s, touched_at = %(at)s,"
            " refused = refused + CASE WHEN %(state)s = 'refused' THEN 1 ELSE 0 END,"
            " ended_at = CASE WHEN %(state)s <> 'stopped' THEN %(at)s::timestamptz END"
            " WHERE import_no = %(no)s AND halted IS NULL AND phase <> 'done'",
            {
                "state": state,
                "trouble": json.dumps(trouble, ensure_ascii=False) if trouble else None,
                "at": at,
                "no": import_no,
            },
        )

    def resume(self, row: Row, at: datetime, *, attended: bool) -> int:
        """The new epoch."""
        done = {"sending": "sent_bytes", "reading": "read_bytes"}.get(row["phase"], "done")
        return int(
            self._work.value(
                "UPDATE import SET halted = NULL, epoch = epoch + 1, attended = %s, paced_at = %s, paced_from = %s,"
                " touched_at = %s WHERE import_no = %s RETURNING epoch",
                (attended, at, row[done], at, row["import_no"]),
            )
            or 0
        )

    def lapse(self, before: datetime, at: datetime) -> list[int]:
        """Gives up what nobody went on with since an instant."""
        return self._work.values(
            "UPDATE import SET halted = 'lapsed', ended_at = %s WHERE touched_at < %s AND "
            + _OPEN
            + " RETURNING import_no",
            (at, before),
        )

    # -- its steps -------------------------------------------------------------------------------------------------------

    def read(self, import_no: int, figures: Row, at: datetime) -> None:
        """What was read so far: `format`, `read_bytes`, `pieces`, `values` and so on."""
        self._work.run(
            "UPDATE import SET format = %(format)s, read_bytes = greatest(read_bytes, %(read_bytes)s), pieces = %(pieces)s,"
            " values = %(values)s, missing = %(missing)s, estimated = %(estimated)s, handed = %(handed)s,"
            " refused = %(refused)s, energy = %(energy)s::jsonb, touched_at = %(at)s WHERE import_no = %(no)s",
            figures | {"at": at, "no": import_no},
        )

    def keep_pieces(self, import_no: int, refs: Iterable[DatasetRef]) -> None:
        for ref in refs:
            self._work.run(
                "INSERT INTO import_piece (import_no, piece_no, ref, digest) SELECT %(no)s, count(*) + 1, %(ref)s::jsonb,"
                " %(digest)s FROM import_piece WHERE import_no = %(no)s",
                {"no": import_no, "ref": ref.model_dump_json(), "digest": ref.digest},
            )

    def piece_count(self, import_no: int) -> int:
        return int(self._work.value("SELECT count(*) FROM import_piece WHERE import_no = %s", (import_no,)) or 0)

    def next_piece(self, import_no: int) -> tuple[int, DatasetRef] | None:
        row = self._work.row(
            "SELECT piece_no, ref FROM import_piece WHERE import_no = %s AND NOT taken ORDER BY piece_no LIMIT 1",
            (import_no,),
        )
        return None if row is None else (int(row["piece_no"]), DatasetRef.model_validate(row["ref"]))

    def took(self, import_no: int, piece_no: int, rows: int, received: Received, at: datetime) -> None:
        self._work.run(
            "UPDATE import_piece SET taken = true WHERE import_no = %s AND piece_no = %s", (import_no, piece_no)
        )
        self._work.run(
            "UPDATE import SET done = done + %s, taken = taken + %s, unchanged = unchanged + %s, corrected = corrected + %s,"
            " refused = refused + %s, touched_at = %s WHERE import_no = %s",
            (rows, received.taken, received.unchanged, received.corrected, received.refused, at, import_no),
        )

    def keep_refusals(self, import_no: int, refusals: Iterable[Refusal]) -> None:
        columns = ("import_no", "line", "field", "value", "what_zh", "what_en", "remedy_zh", "remedy_en")
        self._work.copy_in(
            "import_refusal",
            columns,
            ((import_no, one.line, one.field, one.value, *_both(one.what), *_both(one.remedy)) for one in refusals),
        )

    # -- pages -----------------------------------------------------------------------------------------------------------

    def found(self, state: str | None, after: int | None, limit: int) -> tuple[list[Row], int]:
        asked = {"state": state, "after": after, "limit": limit}
        rows = self._work.rows(
            "SELECT * FROM import WHERE (%(state)s::text IS NULL OR " + _STATE + " = %(state)s)"
            " AND (%(after)s::int IS NULL OR import_no < %(after)s) ORDER BY import_no DESC LIMIT %(limit)s",
            asked,
        )
        total = self._work.value(
            "SELECT count(*) FROM import WHERE %(state)s::text IS NULL OR " + _STATE + " = %(state)s", asked
        )
        return rows, int(total or 0)

    def unread(self, import_no: int, after: int, limit: int) -> list[Row]:
        """What could not be read, in the order of the file."""
        return self._work.rows(
            "SELECT refusal_no AS at, line, field, value, what_zh, what_en, remedy_zh, remedy_en FROM import_refusal"
            " WHERE import_no = %s AND refusal_no > %s ORDER BY refusal_no LIMIT %s",
            (import_no, after, limit),
        )

    def untaken(self, import_no: int, after: int, limit: int) -> list[Row]:
        """What was read and not taken; value: with its instant."""
        return self._work.rows(
            "SELECT id AS at, subject, refused_read.at AS read_at, value, zh, en FROM refused_read"
            " WHERE intake IN (SELECT digest FROM import_piece WHERE import_no = %s) AND id > %s ORDER BY id LIMIT %s",
            (import_no, after, limit),
        )

    def refusal_count(self, import_no: int) -> int:
        return int(
            self._work.value(
                "SELECT (SELECT count(*) FROM import_refusal WHERE import_no = %(no)s) + (SELECT count(*) FROM refused_read"
                " WHERE intake IN (SELECT digest FROM import_piece WHERE import_no = %(no)s))",
                {"no": import_no},
            )
            or 0
        )


class Mappings:
    def __init__(self, work: Work) -> None:
        self._work = work

    def one(self, code: str, version: int | None) -> Row | None:
        return self._work.row(
            "SELECT * FROM mapping WHERE code = %s AND (%s::int IS NULL OR version = %s) ORDER BY version DESC LIMIT 1",
            (code, version, version),
        )

    def save(self, code: str, title: str, words: str, by: str, at: datetime) -> None:
        """As the next version, unless the newest says the same."""
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 19))", (f"mapping {code}",))
        newest = self.one(code, None)
        if newest is not None and (newest["title"], newest["words"]) == (title, words):
            return
        self._work.run(
            "INSERT INTO mapping (code, version, title, words, saved_by, saved_at) VALUES (%s, %s, %s, %s, %s, %s)",
            (code, 1 if newest is None else newest["version"] + 1, title, words, by, at),
        )

    def found(self, code: str | None, after: str | None, limit: int) -> tuple[list[Row], int]:
        """Of a code all versions, the newest first; else the newest of each."""
        asked = {"code": code, "after": after, "limit": limit}
        if code is None:
            rows = self._work.rows(
                "SELECT DISTINCT ON (code) m.*, (SELECT count(*) FROM import i WHERE i.mapping_code = m.code) AS used"
                " FROM mapping m WHERE %(after)s::text IS NULL OR code > %(after)s"
                " ORDER BY code, version DESC LIMIT %(limit)s",
                asked,
            )
            total = self._work.value("SELECT count(DISTINCT code) FROM mapping")
        else:
            rows = self._work.rows(
                "SELECT m.*, (SELECT count(*) FROM import i WHERE (i.mapping_code, i.mapping_version) = (m.code, m.version))"
                " AS used FROM mapping m WHERE code = %(code)s AND (%(after)s::int IS NULL OR version < %(after)s::int)"
                " ORDER BY version DESC LIMIT %(limit)s",
                asked,
            )
            total = self._work.value("SELECT count(*) FROM mapping WHERE code = %s", (code,))
        return rows, int(total or 0)


def lapses_before(now: datetime) -> datetime:
    """What nobody went on with for thirty days is given up."""
    return now - timedelta(days=30)


def _both(words: Text) -> tuple[str, str]:
    return words["zh"], words["en"]

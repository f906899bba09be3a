"""Queries on the tariff schema."""

import hashlib
import json
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.types.range import Range

from denghuo.data.processing.work import Work, containing
from denghuo.service.tariff.api import IN_FORCE_MAX, FindTariffs, InForce, TariffDocument

_SHOWN = (
    "SELECT code, version, status, in_force, document::text, drafted_by, drafted_at, published_by, published_at FROM "
)
_COLUMNS = _SHOWN + "version "
# What was published until an instant, and not replaced by then. A version without an end is ended by the next one that is
# published (`end_open`), so its end is known when that one is.
_KNOWN = (
    _SHOWN
    + "(SELECT v.*, daterange(lower(v.span), coalesce(upper(v.span), (SELECT min(lower(n.in_force)) FROM version n"
    " WHERE n.code = v.code AND n.published_at <= %(known_at)s"
    " AND lower(n.in_force) > lower(v.span)))) AS in_force FROM ("
    "SELECT code, version, 'published' AS status, area, classes, document, drafted_by, drafted_at, published_by, published_at,"
    " daterange((document ->> 'effective_from')::date, (document ->> 'effective_to')::date) AS span"
    " FROM version WHERE published_at <= %(known_at)s AND (replaced_at IS NULL OR replaced_at > %(known_at)s)) AS v) AS known "
)


class Stored:
    """A version as it stands in the table; the document carries its version and the days for which it is in force."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.status: str = row["status"]
        self.drafted_by: str = row["drafted_by"]
        self.drafted_at: datetime = row["drafted_at"]
        self.published_by: str | None = row["published_by"]
        self.published_at: datetime | None = row["published_at"]
        self.document = _document(row["document"], row["version"], row["in_force"].upper)


@lru_cache(maxsize=512)
def _document(said: str, version: int, effective_to: date | None) -> TariffDocument:
    """A tariff from its text: nearly every bill needs the same few, and to read one takes a millisecond."""
    read = TariffDocument.model_validate_json(said)
    return read.model_copy(update={"version": version, "effective_to": effective_to})


class TariffStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- reading ---------------------------------------------------------------------------------------------------------

    def one(self, code: str, version: int | None) -> Stored | None:
        """A version; without a number the published one that begins last, else the newest."""
        row = self._work.row(
            _COLUMNS + "WHERE code = %(code)s AND (%(version)s::int IS NULL OR version = %(version)s)"
            " ORDER BY CASE WHEN status = 'published' THEN lower(in_force) END DESC NULLS LAST, version DESC LIMIT 1",
            {"code": code, "version": version},
        )
        return Stored(row) if row is not None else None

    def same(self, tariff: TariffDocument) -> Stored | None:
        """The newest published version with the same content."""
        row = self._work.row(
            _COLUMNS
            + "WHERE code = %s AND status = 'published' AND document = %s::jsonb ORDER BY version DESC LIMIT 1",
            (tariff.code, _json(tariff)),
        )
        return Stored(row) if row is not None else None

    def in_force(self, request: InForce) -> list[Stored]:
        rows = self._work.rows(
            (_COLUMNS if request.known_at is None else _KNOWN) + "WHERE status = 'published'"
            " AND in_force && daterange(%(on)s, coalesce(%(until)s, %(on)s)::date, '[]')"
            " AND (%(area)s::text IS NULL OR area = %(area)s)"
            " AND (%(tariff_class)s::text IS NULL OR %(tariff_class)s = ANY (classes))"
            " ORDER BY code, lower(in_force) LIMIT %(limit)s",
            {
                "on": request.on,
                "until": request.until,
                "area": request.area,
                "tariff_class": request.tariff_class,
                "known_at": request.known_at,
                "limit": IN_FORCE_MAX,
            },
        )
        return [Stored(row) for row in rows]

    def find(self, request: FindTariffs) -> tuple[list[Stored], int]:
        code, _, version = (request.after or "").partition("|")
        params = {
            "pattern": containing(request.keyword),
            "tariff_class": request.tariff_class,
            "kind": request.kind,
            "status": request.status,
            "area": request.area,
            "on": request.on,
            "code": code,
            "version": int(version) if version.isdecimal() and len(version) < 10 else 0,
            "limit": request.limit,
        }
        matching = (
            "WHERE search LIKE %(pattern)s AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
            " AND (%(tariff_class)s::text IS NULL OR %(tariff_class)s = ANY (classes))"
            " AND (%(status)s::text IS NULL OR status = %(status)s) AND (%(area)s::text IS NULL OR area = %(area)s)"
            " AND (%(on)s::date IS NULL OR (status = 'published' AND in_force @> %(on)s::date))"
        )
        rows = self._work.rows(
            _COLUMNS
            + matching
            + " AND (code, version) > (%(code)s, %(version)s) ORDER BY code, version LIMIT %(limit)s",
            params,
        )
        total = self._work.value("SELECT count(*) FROM version " + matching, params)
        return [Stored(row) for row in rows], int(total or 0)

    # -- writing ---------------------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """One publication at a time: what is compared with the published tariffs stays true until it is committed."""
        self._work.run("LOCK TABLE version IN SHARE ROW EXCLUSIVE MODE")

    def draft(self, tariff: TariffDocument, actor: str, at: datetime) -> int:
        """Stores a draft as the next version of its code, or in place of the open draft; gives its version."""
        tariff_id = self._work.value(
            "WITH added AS (INSERT INTO tariff (code) VALUES (%(code)s) ON CONFLICT (code) DO NOTHING RETURNING tariff_id)"
            " SELECT tariff_id FROM added UNION ALL SELECT tariff_id FROM tariff WHERE code = %(code)s LIMIT 1",
            {"code": tariff.code},
        )
        self._work.run("DELETE FROM version WHERE code = %s AND status = 'draft'", (tariff.code,))
        # The number of a draft that another one replaced is used again: nothing was ever billed by it.
        version = int(
            self._work.value("SELECT coalesce(max(version), 0) + 1 FROM version WHERE code = %s", (tariff.code,)) or 1
        )
        self._work.run(
            "INSERT INTO version (tariff_id, code, version, status, area, kind, classes, settlements, is_default, in_force,"
            " document, search, drafted_by, drafted_at)"
            " VALUES (%(tariff_id)s, %(code)s, %(version)s, 'draft', %(area)s, %(kind)s, %(classes)s, %(settlements)s,"
            " %(is_default)s, %(in_force)s, %(document)s::jsonb, %(search)s, %(actor)s, %(at)s)",
            {
                "tariff_id": tariff_id,
                "code": tariff.code,
                "version": version,
                "area": tariff.area,
                "kind": tariff.kind,
                "classes": list(tariff.classes),
                "settlements": list(tariff.settlements),
                "is_default": tariff.default,
                "in_force": Range(tariff.effective_from, tariff.effective_to),
                "document": _json(tariff),
                "search": _search(tariff),
                "actor": actor,
                "at": at,
            },
        )
        return version

    def begins(self, code: str, on: date) -> bool:
        """Whether a version of the code that was not withdrawn begins on a day."""
        return bool(
            self._work.value(
                "SELECT count(*) FROM version WHERE code = %s AND lower(in_force) = %s AND status <> 'withdrawn'",
                (code, on),
            )
        )

    def overlapping(self, tariff: TariffDocument) -> Stored | None:
        """A published version of the code that is in force on a day of the tariff's span."""
        return self._first("code = %(code)s", tariff)

    def other_default(self, tariff: TariffDocument, elsewhere: bool = False) -> Stored | None:
        """Another tariff that is the default of the same contracts on a day of the tariff's span; `elsewhere`: of other areas.

        Contracts name no area: where no unit has one either, two areas with a default each would leave them without a choice.
        """
        return self._first(
            "code <> %(code)s AND is_default AND kind = %(kind)s AND classes && %(classes)s::text[]"
            " AND settlements && %(settlements)s::text[] AND (NOT %(elsewhere)s OR area <> %(area)s) AND (area = %(area)s"
            " OR NOT EXISTS (SELECT FROM unit_area WHERE replaced_at IS NULL AND area IS NOT NULL))",
            tariff,
            elsewhere,
        )

    def fitting_default(self, tariff: TariffDocument) -> TariffDocument:
        """The tariff as it can stand beside the defaults of other areas: whoever is billed by it there names it."""
        if tariff.default and self.other_default(tariff, elsewhere=True) is not None:
            return tariff.model_copy(update={"default": False})
        return tariff

    def _first(self, condition: Any, tariff: TariffDocument, elsewhere: bool = False) -> Stored | None:
        row = self._work.row(
            _COLUMNS
            + "WHERE status = 'published' AND in_force && %(span)s AND "
            + condition
            + " ORDER BY code LIMIT 1",
            {
                "code": tariff.code,
                "span": Range(tariff.effective_from, tariff.effective_to),
                "area": tariff.area,
                "kind": tariff.kind,
                "classes": list(tariff.classes),
                "settlements": list(tariff.settlements),
                "elsewhere": elsewhere,
            },
        )
        return Stored(row) if row is not None else None

    def end_open(self, code: str, at: date) -> int:
        """Ends the open-ended published version that began before a day on that day."""
        return self._work.run(
            "UPDATE version SET in_force = daterange(lower(in_force), %(at)s)"
            " WHERE code = %(code)s AND status = 'published' AND upper_inf(in_force) AND lower(in_force) < %(at)s",
            {"code": code, "at": at},
        )

    def publish(self, code: str, version: int, actor: str, at: datetime) -> bool:
        """Puts a draft into force; False where the database found an overlap."""
        try:
            with self._work.savepoint():
                self._work.run(
                    "UPDATE version SET status = 'published', published_by = %(actor)s, published_at = %(at)s"
                    " WHERE code = %(code)s AND version = %(version)s AND status = 'draft'",
                    {"code": code, "version": version, "actor": actor, "at": at},
                )
        except psycopg.errors.ExclusionViolation:
            return False
        return True

    def replace(self, code: str, version: int, at: datetime) -> None:
        """A published version ceases to hold, because what corrects it is published; until that instant it did."""
        self._work.run(
            "UPDATE version SET status = 'replaced', replaced_at = %s"
            " WHERE code = %s AND version = %s AND status = 'published'",
            (at, code, version),
        )

    def known(self, code: str) -> bool:
        """Whether there is or was a version of a code."""
        return bool(self._work.value("SELECT count(*) FROM version WHERE code = %s", (code,)))

    def withdraw(self, code: str, version: int) -> None:
        self._work.run(
            "UPDATE version SET status = 'withdrawn' WHERE code = %s AND version = %s AND status = 'draft'",
            (code, version),
        )


def digest(tariff: TariffDocument) -> str:
    """What tells the content of two drafts with the same number apart; the days in force of a stored version may be cut."""
    return hashlib.sha256(_json(tariff).encode()).hexdigest()


def _json(tariff: TariffDocument) -> str:
    return json.dumps(tariff.model_dump(mode="json", exclude={"version"}), ensure_ascii=False)


def _search(tariff: TariffDocument) -> str:
    parts = [tariff.code, tariff.title.zh, tariff.title.en, tariff.area, tariff.area_title.zh, tariff.area_title.en]
    return " ".join([*parts, *(source.number for source in tariff.sources)]).lower()

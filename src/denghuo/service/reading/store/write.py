"""The plan, the month's reads and what clerks entered: what the making of reads needs and leaves behind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

from psycopg import sql

from denghuo.data.processing.work import Work
from denghuo.service.reading.batch import Accepted, Manual, PlanPiece, ReadRow, in_order

_PLAN_KEY = ("month", "point_no", "piece")
_PLAN = tuple(PlanPiece.__dataclass_fields__)
_PLAN_VALUES = attrgetter(*_PLAN)
_READ_KEY = ("month", "point_no", "piece", "quantity", "band")
_READ = ReadRow._fields


class ReadingStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def lock_month(self, month: str) -> None:
        """One at a time makes reads of a month, because each publishes the month's dataset. Held until the transaction ends."""
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", (f"reading {month}",))

    def publication(self, month: str, now: datetime) -> datetime:
        """The instant to publish the month's dataset at: later than the last, also where a call waited behind a younger one."""
        at: Any = self._work.value(
            "INSERT INTO publication (month, published_at) VALUES (%s, %s) ON CONFLICT (month) DO UPDATE SET"
            " published_at = greatest(excluded.published_at, publication.published_at + interval '1 microsecond')"
            ", due = false RETURNING published_at",
            (month, now),
        )
        return cast(datetime, at)

    def mark_due(self, month: str) -> bool:
        """Notes that the month's dataset is behind its reads; False where none was published, so that none has to follow."""
        return bool(self._work.run("UPDATE publication SET due = true WHERE month = %s", (month,)))

    def note_units(self, month: str, figures: Mapping[str, Sequence[int]], at: datetime) -> list[str]:
        """Keeps (due, read) of a month by unit; gives the units of which something else was told before, or nothing."""
        return self._work.values(
            "INSERT INTO unit_read (month, org, due, read, told_at) SELECT %s, org, due, read, %s"
            " FROM unnest(%s::text[], %s::int[], %s::int[]) AS f (org, due, read) ORDER BY org"
            " ON CONFLICT (month, org) DO UPDATE SET due = excluded.due, read = excluded.read, told_at = excluded.told_at"
            " WHERE (unit_read.due, unit_read.read) <> (excluded.due, excluded.read) RETURNING org",
            (
                month,
                at,
                list(figures),
                [due for due, _ in figures.values()],
                [read for _, read in figures.values()],
            ),
        )

    def told_units(self, month: str) -> list[str]:
        return self._work.values("SELECT org FROM unit_read WHERE month = %s", (month,))

    def due(self, month: str) -> bool:
        return bool(self._work.value("SELECT due FROM publication WHERE month = %s", (month,)))

    # -- plan and subjects -----------------------------------------------------------------------------------------------

    def save_plan(
        self, month: str, pieces: Sequence[PlanPiece], at: datetime, point_nos: Sequence[str] | None = None
    ) -> int:
        """Brings the plan of a month (or of some points in it) to these pieces; gives the number of rows that are new, other or
        gone."""
        self._stage("plan", _PLAN, map(_PLAN_VALUES, pieces))
        gone = self._work.run(
            "DELETE FROM plan WHERE month = %(month)s AND (%(points)s::text[] IS NULL OR point_no = ANY (%(points)s))"
            " AND NOT EXISTS (SELECT FROM incoming_plan i WHERE (i.point_no, i.piece) = (plan.point_no, plan.piece))",
            {"month": month, "points": _listed(point_nos)},
        )
        changed = self._merge("plan", _PLAN_KEY, _PLAN, at)
        return gone + changed

    def pieces(self, month: str, point_no: str | None = None) -> list[PlanPiece]:
        rows: list[PlanPiece] = self._work.rows(
            sql.SQL(
                "SELECT {columns} FROM plan WHERE month = %(month)s"
                " AND (%(point_no)s::text IS NULL OR point_no = %(point_no)s) ORDER BY point_no, piece"
            ).format(columns=_names(_PLAN)),
            {"month": month, "point_no": point_no},
            PlanPiece,
        )
        return rows

    def pieces_of(self, month: str, point_nos: Sequence[str]) -> list[PlanPiece]:
        """The plan of these points as far as the caller may see them."""
        return self._work.rows(
            sql.SQL(
                "SELECT {columns} FROM plan WHERE month = %s AND point_no = ANY (%s) ORDER BY point_no, piece"
            ).format(columns=_names(_PLAN)),
            (month, list(point_nos)),
            PlanPiece,
        )

    def pieces_in(self, month: str, org: str) -> list[PlanPiece]:
        """The plan of one unit."""
        return self._work.rows(
            sql.SQL("SELECT {columns} FROM plan WHERE month = %s AND org = %s ORDER BY point_no, piece").format(
                columns=_names(_PLAN)
            ),
            (month, org),
            PlanPiece,
        )

    def save_subjects(self, rows: Iterable[tuple[str, str, str, str | None]]) -> None:
        """(subject, kind, org, account_no) of whatever has registers or curves; of a meter that went over to another account within
        the month the last one counts."""
        columns = ("subject", "kind", "org", "account_no")
        self._stage("subject", columns, {row[:2]: row for row in rows}.values())
        self._work.run(
            "INSERT INTO subject (subject, kind, org, account_no) SELECT * FROM incoming_subject"
            " ON CONFLICT (kind, subject) DO UPDATE SET org = excluded.org, account_no = excluded.account_no"
            " WHERE (subject.org, subject.account_no) IS DISTINCT FROM (excluded.org, excluded.account_no)"
        )
        self._work.run("DROP TABLE incoming_subject")

    def subject_kinds(self, subject: str) -> list[str]:
        """As what a subject is known to this caller: area, meter or both."""
        return self._work.values("SELECT kind FROM subject WHERE subject = %s ORDER BY kind", (subject,))

    # -- reads -----------------------------------------------------------------------------------------------------------

    def save_reads(
        self, month: str, rows: Sequence[ReadRow], at: datetime, point_nos: Sequence[str] | None = None
    ) -> int:
        """Brings the reads of a month (or of some points in it) to these rows; what a row was before is kept."""
        self._stage("month_read", _READ, rows)
        whose = {"month": month, "points": _listed(point_nos)}
        gone = "month = %(month)s AND (%(points)s::text[] IS NULL OR point_no = ANY (%(points)s))"
        absent = (
            " AND NOT EXISTS (SELECT FROM incoming_month_read i WHERE (i.point_no, i.piece, i.quantity, i.band)"
            " = (r.point_no, r.piece, r.quantity, r.band))"
        )
        self._work.run("INSERT INTO month_read_past SELECT r.* FROM month_read r WHERE " + gone + absent, whose)
        removed = self._work.run("DELETE FROM month_read r WHERE " + gone + absent, whose)
        self._work.run(
            sql.SQL(
                "INSERT INTO month_read_past SELECT r.* FROM month_read r JOIN incoming_month_read i USING ({key})"
                " WHERE ({before}) IS DISTINCT FROM ({after})"
            ).format(key=_names(_READ_KEY), before=_names(_READ, "r"), after=_names(_READ, "i"))
        )
        return removed + self._merge("month_read", _READ_KEY, _READ, at, versioned=True)

    def reads(self, month: str, point_nos: Sequence[str] | None = None) -> list[ReadRow]:
        """The reads of a month, or those of some points in it, in the order of the dataset."""
        query = "SELECT {columns} FROM month_read WHERE month = %(month)s"
        if point_nos is not None:
            query += " AND point_no = ANY (%(points)s)"
        rows = self._work.rows(
            sql.SQL(query).format(columns=_names(_READ)), {"month": month, "points": _listed(point_nos)}
        )
        return sorted((ReadRow(**row) for row in rows), key=in_order)

    def read(self, month: str, point_no: str, piece: int, quantity: str, band: str) -> ReadRow | None:
        row = self._work.row(
            sql.SQL(
                "SELECT {columns} FROM month_read WHERE (month, point_no, piece, quantity, band) = (%s, %s, %s, %s, %s)"
            ).format(columns=_names(_READ)),
            (month, point_no, piece, quantity, band),
        )
        return ReadRow(**row) if row else None

    # -- what clerks entered ---------------------------------------------------------------------------------------------

    def entered(
        self,
        first: datetime,
        last: datetime,
        meters: Sequence[str] | None = None,
        known_at: datetime | None = None,
    ) -> list[Manual]:
        """The newest entered register of each key whose instant lies within the two (included), of those that were entered until
        `known_at`; and what customers reported, as far as it counts or counted then."""
        asked = {"first": first, "last": last, "meters": _listed(meters), "known_at": known_at}
        rows: list[Manual] = self._work.rows(
            "SELECT DISTINCT ON (meter_no, quantity, band, read_at) meter_no, quantity, band, read_at, value_e4"
            " FROM manual_read WHERE read_at BETWEEN %(first)s AND %(last)s"
            " AND (%(meters)s::text[] IS NULL OR meter_no = ANY (%(meters)s))"
            " AND (%(known_at)s::timestamptz IS NULL OR entered_at <= %(known_at)s)"
            " ORDER BY meter_no, quantity, band, read_at, version DESC",
            asked,
            Manual,
        )
        reported: list[Manual] = self._work.rows(
            "SELECT meter_no, r.quantity, r.band, read_at, (r.shown * 10000)::bigint AS value_e4, 'self_read' AS source"
            " FROM self_read, jsonb_to_recordset(registers) AS r (quantity text, band text, shown numeric)"
            " WHERE read_at BETWEEN %(first)s AND %(last)s AND (%(meters)s::text[] IS NULL OR meter_no = ANY (%(meters)s))"
            " AND counts_from <= coalesce(%(known_at)s::timestamptz, 'infinity')"
            " AND (counts_to IS NULL OR counts_to > coalesce(%(known_at)s::timestamptz, 'infinity'))"
            " ORDER BY self_read_no",
            asked,
            Manual,
        )
        return [*rows, *reported]

    def enter(self, manual: Manual, piece: PlanPiece, reason: str, actor: str, at: datetime) -> None:
        self._work.run(
            "INSERT INTO manual_read (meter_no, quantity, band, read_at, version, value_e4, point_no, org, account_no,"
            " reason, entered_by, entered_at) SELECT %(meter_no)s, %(quantity)s, %(band)s, %(read_at)s,"
            " coalesce(max(version), 0) + 1, %(value_e4)s, %(point_no)s, %(org)s, %(account_no)s, %(reason)s, %(actor)s,"
            " %(at)s FROM manual_read WHERE (meter_no, quantity, band, read_at)"
            " = (%(meter_no)s, %(quantity)s, %(band)s, %(read_at)s)",
            {
                **manual._asdict(),
                "point_no": piece.point_no,
                "org": piece.org,
                "account_no": piece.account_no,
                "reason": reason,
                "actor": actor,
                "at": at,
            },
        )

    def accepted(
        self, month: str, point_nos: Sequence[str] | None = None, known_at: datetime | None = None
    ) -> dict[tuple[str, int, str, str], Accepted]:
        rows = self._work.rows(
            "SELECT DISTINCT ON (point_no, piece, quantity, band) point_no, piece, quantity, band, start_e4, end_e4, rule,"
            " accepted_by, reason FROM acceptance WHERE month = %(month)s"
            " AND (%(points)s::text[] IS NULL OR point_no = ANY (%(points)s))"
            " AND (%(known_at)s::timestamptz IS NULL OR accepted_at <= %(known_at)s)"
            " ORDER BY point_no, piece, quantity, band, id DESC",
            {"month": month, "points": _listed(point_nos), "known_at": known_at},
        )
        return {
            (row.pop("point_no"), row.pop("piece"), row.pop("quantity"), row.pop("band")): Accepted(**row)
            for row in rows
        }

    def accept(self, read: ReadRow, reason: str, actor: str, at: datetime) -> None:
        self._work.run(
            "INSERT INTO acceptance (month, point_no, piece, quantity, band, start_e4, end_e4, rule, org, account_no, reason,"
            " accepted_by, accepted_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*read.key_of_month, read.start_e4, read.end_e4, read.rule, read.org, read.account_no, reason, actor, at),
        )

    # -- refused rows ----------------------------------------------------------------------------------------------------

    def save_refused(self, rows: Iterable[Sequence[Any]]) -> None:
        columns = ("intake", "month", "subject", "at", "value", "code", "zh", "en", "org", "account_no", "refused_at")
        self._stage("refused_read", columns, rows)
        self._work.run(
            sql.SQL(
                "INSERT INTO refused_read ({columns}) SELECT * FROM incoming_refused_read ON CONFLICT DO NOTHING"
            ).format(columns=_names(columns))
        )
        self._work.run("DROP TABLE incoming_refused_read")

    # -- bulk ------------------------------------------------------------------------------------------------------------

    def _stage(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """COPY into a temporary table beside `table`, from where rows are merged (COPY refuses row-level security)."""
        names = {"table": sql.Identifier(table), "incoming": sql.Identifier(f"incoming_{table}")}
        self._work.run(
            sql.SQL(
                "CREATE TEMPORARY TABLE {incoming} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
            ).format(columns=_names(columns), **names)
        )
        with self._work.connection.cursor() as cursor:
            with cursor.copy(sql.SQL("COPY {incoming} FROM STDIN").format(**names)) as copy:
                for row in rows:
                    copy.write_row(row)
        self._work.run(sql.SQL("ANALYZE {incoming}").format(**names))

    def _merge(
        self, table: str, key: Sequence[str], columns: Sequence[str], at: datetime, versioned: bool = False
    ) -> int:
        """Takes over what was staged; gives the number of rows that are new or other than before."""
        rest = [column for column in columns if column not in key]
        changes = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in [*rest, "changed_at"]]
        if versioned:
            changes.append(sql.SQL("version = {}.version + 1").format(sql.Identifier(table)))
        touched = self._work.run(
            sql.SQL(
                "INSERT INTO {table} ({columns}, changed_at) SELECT {columns}, %(at)s FROM {incoming}"
                " ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE ({before}) IS DISTINCT FROM ({after})"
            ).format(
                table=sql.Identifier(table),
                incoming=sql.Identifier(f"incoming_{table}"),
                columns=_names(columns),
                key=_names(key),
                changes=sql.SQL(", ").join(changes),
                before=_names(rest, table),
                after=_names(rest, "excluded"),
            ),
            {"at": at},
        )
        self._work.run(sql.SQL("DROP TABLE {}").format(sql.Identifier(f"incoming_{table}")))
        return touched


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _names(columns: Iterable[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) if table else sql.Identifier(name) for name in columns)

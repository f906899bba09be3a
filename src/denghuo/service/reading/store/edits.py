"""What clerks said of spans of meter-days."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.service.reading.rules.edits import Edit

_EDIT = "SELECT edit_no, series, subject, first_slot, last_slot, way, seen, given, reason, entered_by, entered_at FROM curve_edit "


class EditStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def of_day(self, day: date, meter_no: str | None) -> dict[str, dict[str, list[Edit]]]:
        """The edits of a day by series and meter, in the order in which they were made; of one meter where it is named."""
        rows = self._work.rows(
            _EDIT + "WHERE day = %s AND (%s::text IS NULL OR subject = %s) ORDER BY edit_no", (day, meter_no, meter_no)
        )
        found: dict[str, dict[str, list[Edit]]] = {}
        for row in rows:
            found.setdefault(row["series"], {}).setdefault(row["subject"], []).append(edit_of(row))
        return found

    def rows(self, series: str, meter_no: str, day: date) -> list[Mapping[str, Any]]:
        """Oldest first."""
        return list(
            self._work.rows(
                _EDIT + "WHERE series = %s AND subject = %s AND day = %s ORDER BY edit_no", (series, meter_no, day)
            )
        )

    def enter(
        self,
        series: str,
        meter_no: str,
        day: date,
        edit: Edit,
        owner: tuple[str, str | None],
        said: tuple[str, str, datetime],
    ) -> int:
        """said: reason, by whom and when. Gives its number."""
        number = self._work.value(
            "INSERT INTO curve_edit (series, subject, day, first_slot, last_slot, way, seen, given, org, account_no, reason,"
            " entered_by, entered_at) VALUES (%s, %s, %s, %s, %s, %s, %s::int[], %s::int[], %s, %s, %s, %s, %s)"
            " RETURNING edit_no",
            (series, meter_no, day, edit.first, edit.last, edit.way, list(edit.seen), list(edit.given), *owner, *said),
        )
        return int(number or 0)


def edit_of(row: Mapping[str, Any]) -> Edit:
    """What a clerk said of a span of slots, as the checks take it."""
    seen: Sequence[int] = row["seen"]
    given: Sequence[int] = row["given"]
    return Edit(row["edit_no"], row["first_slot"], row["last_slot"], row["way"], tuple(seen), tuple(given))

"""Queries on the permission schema, and the delivered roles."""

import pathlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import yaml

from denghuo.data.processing.work import Work, containing
from denghuo.kernel.problem import Text, text
from denghuo.service.permission.api import ROLES, FindStaff, NewOrganisation, Organisation, RoleDefinition

_DELIVERED = pathlib.Path(__file__).parent / "roles.yaml"


@dataclass(frozen=True)
class KnownRole:
    code: str
    name: Text
    permits: tuple[str, ...]
    delivered: bool


@dataclass(frozen=True)
class KnownPost:
    """An appointment as stored."""

    appointment_no: int
    user_name: str
    role: str
    org: str
    from_day: date
    to_day: date | None
    delegated_by: str | None


@dataclass(frozen=True)
class KnownStaff:
    user_name: str
    name: str
    org: str
    phone: str | None
    state: str


@cache
def delivered_roles() -> dict[str, KnownRole]:
    """The roles of the data file, with what everyone may do mixed in."""
    content: dict[str, Any] = yaml.safe_load(_DELIVERED.read_text("utf-8"))
    everyone: list[str] = content["everyone"]
    return {
        code: KnownRole(
            code,
            ROLES.entries[code],
            tuple(sorted({*permits, *([] if code == "customer" else everyone)})),
            delivered=True,
        )
        for code, permits in content["roles"].items()
    }


_POST = "appointment_no, user_name, role, org, from_day, to_day, delegated_by"
_STANDS = "from_day <= %(today)s AND (to_day IS NULL OR %(today)s < to_day)"


class PermissionStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- organisations ---------------------------------------------------------------------------------------------------

    def organisations(self, on: date, codes: list[str] | None = None) -> list[Organisation]:
        return self._work.rows(
            "SELECT code, name, name_en, kind, parent, address, phone, from_day, to_day FROM organisation"
            " WHERE from_day <= %(on)s AND (to_day IS NULL OR %(on)s < to_day)"
            " AND (%(codes)s::text[] IS NULL OR code = ANY (%(codes)s)) ORDER BY code",
            {"on": on, "codes": codes},
            Organisation,
        )

    def standing(self, codes: list[str]) -> dict[str, Organisation]:
        """The latest versions of organisations."""
        rows: list[Organisation] = self._work.rows(
            "SELECT code, name, name_en, kind, parent, address, phone, from_day, to_day FROM organisation"
            " WHERE code = ANY (%s) AND to_day IS NULL",
            (codes,),
            Organisation,
        )
        return {row.code: row for row in rows}

    def add_organisation(self, item: NewOrganisation) -> None:
        self._work.run(
            "INSERT INTO organisation (code, name, name_en, kind, parent, address, phone, from_day)"
            " VALUES (%(code)s, %(name)s, %(name_en)s, %(kind)s, %(parent)s, %(address)s, %(phone)s, %(from_day)s)",
            item.model_dump(),
        )

    def replace_organisation(self, item: NewOrganisation, before: Organisation) -> None:
        """Ends the version before on the day the new one begins; on the same day the content is corrected in place."""
        if before.from_day == item.from_day:
            self._work.run("DELETE FROM organisation WHERE code = %s AND from_day = %s", (item.code, before.from_day))
        else:
            self._work.run(
                "UPDATE organisation SET to_day = %s WHERE code = %s AND to_day IS NULL", (item.from_day, item.code)
            )
        self.add_organisation(item)

    # -- roles -----------------------------------------------------------------------------------------------------------

    def roles(self) -> dict[str, KnownRole]:
        """Delivered roles, replaced and joined by the utility's own."""
        own = {
            row["code"]: KnownRole(
                row["code"], text(row["name_zh"], row["name_en"]), tuple(row["permits"]), delivered=False
            )
            for row in self._work.rows("SELECT code, name_zh, name_en, permits FROM role")
        }
        return delivered_roles() | own

    def define(self, roles: list[RoleDefinition]) -> int:
        return self._work.run_many(
            "INSERT INTO role (code, name_zh, name_en, permits) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (code) DO UPDATE SET (name_zh, name_en, permits)"
            " = (EXCLUDED.name_zh, EXCLUDED.name_en, EXCLUDED.permits)",
            [(role.code, role.name.zh, role.name.en, role.permits) for role in roles],
        )

    def holders(self, today: date) -> dict[str, int]:
        rows = self._work.rows(
            f"SELECT role, count(DISTINCT user_name) AS holders FROM appointment WHERE {_STANDS} GROUP BY role",
            {"today": today},
        )
        return {row["role"]: row["holders"] for row in rows}

    # -- staff and posts -------------------------------------------------------------------------------------------------

    def member(self, user_name: str) -> KnownStaff | None:
        row: KnownStaff | None = self._work.row(
            "SELECT user_name, name, org, phone, state FROM staff WHERE user_name = %s", (user_name,), KnownStaff
        )
        return row

    def put_staff(self, user_name: str, name: str, org: str, phone: str | None, at: datetime) -> None:
        self._work.run(
            "INSERT INTO staff (user_name, name, org, phone, recorded_at) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (user_name) DO UPDATE SET (name, org, phone, state, recorded_at)"
            " = (EXCLUDED.name, EXCLUDED.org, EXCLUDED.phone, 'active', EXCLUDED.recorded_at)",
            (user_name, name, org, phone, at),
        )

    def mark_left(self, user_name: str) -> None:
        self._work.run("UPDATE staff SET state = 'left' WHERE user_name = %s", (user_name,))

    def posts(self, user_names: list[str], today: date | None = None) -> list[KnownPost]:
        """Appointments of persons, all of them or those that stand on a day, in the order of their numbers."""
        if today is None:
            return self._work.rows(
                f"SELECT {_POST} FROM appointment WHERE user_name = ANY (%(names)s) ORDER BY appointment_no",
                {"names": user_names},
                KnownPost,
            )
        return self._work.rows(
            f"SELECT {_POST} FROM appointment WHERE user_name = ANY (%(names)s) AND {_STANDS} ORDER BY appointment_no",
            {"names": user_names, "today": today},
            KnownPost,
        )

    def post(self, appointment_no: int) -> KnownPost | None:
        row: KnownPost | None = self._work.row(
            f"SELECT {_POST} FROM appointment WHERE appointment_no = %s", (appointment_no,), KnownPost
        )
        return row

    def add_post(
        self,
        user_name: str,
        role: str,
        org: str,
        days: tuple[date, date | None],
        delegated_by: str | None,
        at: datetime,
    ) -> int:
        return int(
            self._work.value(
                "INSERT INTO appointment (user_name, role, org, from_day, to_day, delegated_by, recorded_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING appointment_no",
                (user_name, role, org, *days, delegated_by, at),
            )
            or 0
        )

    def end_posts(self, numbers: list[int], today: date) -> int:
        """Ends appointments before today; one that has not begun becomes empty."""
        return self._work.run(
            "UPDATE appointment SET to_day = greatest(from_day, %(today)s)"
            " WHERE appointment_no = ANY (%(numbers)s) AND (to_day IS NULL OR to_day > %(today)s)",
            {"numbers": numbers, "today": today},
        )

    def lent_by(self, user_name: str, role: str, org: str) -> list[int]:
        """Appointments that were delegated from a post."""
        return self._work.values(
            "SELECT appointment_no FROM appointment WHERE delegated_by = %s AND role = %s AND denghuo.of_unit(org, %s)",
            (user_name, role, org),
        )

    def find_staff(self, request: FindStaff, today: date) -> tuple[list[KnownStaff], int]:
        params = {
            "pattern": containing(request.keyword),
            "org": request.org,
            "role": request.role,
            "after": request.after,
            "limit": request.limit,
            "today": today,
        }
        matching = (
            "FROM staff WHERE (user_name LIKE %(pattern)s OR lower(name) LIKE %(pattern)s)"
            " AND denghuo.of_unit(org, %(org)s)"
            " AND (%(role)s::text IS NULL OR EXISTS (SELECT FROM appointment WHERE appointment.user_name = staff.user_name"
            f" AND role = %(role)s AND {_STANDS}))"
        )
        rows = self._work.rows(
            f"SELECT user_name, name, org, phone, state {matching}"
            " AND (%(after)s::text IS NULL OR user_name > %(after)s) ORDER BY user_name LIMIT %(limit)s",
            params,
            KnownStaff,
        )
        return rows, int(self._work.value(f"SELECT count(*) {matching}", params) or 0)

    def names(self, user_names: list[str]) -> dict[str, str]:
        """What persons are called, by user name; those who left too."""
        rows = self._work.rows("SELECT user_name, name FROM staff WHERE user_name = ANY (%s)", (user_names,))
        return {row["user_name"]: row["name"] for row in rows}

    def user_names(self) -> list[str]:
        return self._work.values("SELECT user_name FROM staff ORDER BY user_name")

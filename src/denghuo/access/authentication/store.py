"""Queries on the access schema: credentials, sessions, failures."""

from dataclasses import dataclass
from datetime import datetime

from denghuo.access.api import FindCredentials
from denghuo.access.authentication.rules import FORGOTTEN_AFTER, IDLE, SESSIONS_MAX
from denghuo.data.processing.work import Work, containing


@dataclass(frozen=True)
class KnownCredential:
    user_name: str
    kind: str
    name: str
    org: str
    accounts: list[str]
    password_hash: str
    must_change: bool
    totp: bytes | None
    totp_confirmed: bool
    totp_step: int
    disabled: bool


@dataclass(frozen=True)
class KnownSession:
    """A session with what of its holder's credential decides over it."""

    session_no: int
    user_name: str
    org: str | None
    address: str
    agent: str
    started_at: datetime
    seen_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    kind: str
    name: str
    home: str
    accounts: list[str]
    must_change: bool
    totp_confirmed: bool
    disabled: bool


@dataclass(frozen=True)
class CredentialRow:
    user_name: str
    name: str
    org: str
    kind: str
    accounts: list[str]
    totp_confirmed: bool
    disabled: bool
    last_signed_in: datetime | None
    sessions: int


_CREDENTIAL = (
    "user_name, kind, name, org, accounts, password_hash, must_change, totp, totp_confirmed, totp_step, disabled"
)
_SESSION = (
    "SELECT session_no, session.user_name, session.org, address, agent, started_at, seen_at, ends_at, ended_at,"
    " kind, name, credential.org AS home, accounts, must_change, totp_confirmed, disabled"
    " FROM session JOIN credential ON credential.user_name = session.user_name"
)
_LIVE = "ended_at IS NULL AND ends_at > %(now)s AND seen_at >= %(now)s - %(idle)s::interval"


class AccessStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def commit(self) -> None:
        """Keeps what was written although the operation will now end in a problem: a failure must count."""
        self._work.connection.commit()

    # -- credentials -----------------------------------------------------------------------------------------------------

    def credential(self, user_name: str) -> KnownCredential | None:
        row: KnownCredential | None = self._work.row(
            f"SELECT {_CREDENTIAL} FROM credential WHERE user_name = %s", (user_name,), KnownCredential
        )
        return row

    def credential_in_scope(self, user_name: str) -> KnownCredential | None:
        row: KnownCredential | None = self._work.row(
            f"SELECT {_CREDENTIAL} FROM credential WHERE user_name = %s AND denghuo.in_scope(org)",
            (user_name,),
            KnownCredential,
        )
        return row

    def put_credential(self, found: KnownCredential, at: datetime) -> None:
        self._work.run(
            "INSERT INTO credential (user_name, kind, name, org, accounts, password_hash, must_change, changed_at)"
            " VALUES (%(user_name)s, %(kind)s, %(name)s, %(org)s, %(accounts)s, %(password_hash)s, %(must_change)s, %(at)s)"
            " ON CONFLICT (user_name) DO UPDATE SET (name, org, accounts, password_hash, must_change, changed_at)"
            " = (EXCLUDED.name, EXCLUDED.org, EXCLUDED.accounts, EXCLUDED.password_hash, EXCLUDED.must_change,"
            " EXCLUDED.changed_at)",
            {
                "user_name": found.user_name,
                "kind": found.kind,
                "name": found.name,
                "org": found.org,
                "accounts": found.accounts,
                "password_hash": found.password_hash,
                "must_change": found.must_change,
                "at": at,
            },
        )

    def put_password(self, user_name: str, password_hash: str, at: datetime) -> None:
        self._work.run(
            "UPDATE credential SET password_hash = %s, must_change = false, changed_at = %s WHERE user_name = %s",
            (password_hash, at, user_name),
        )

    def put_totp(self, user_name: str, sealed: bytes | None, confirmed: bool, step: int = 0) -> None:
        self._work.run(
            "UPDATE credential SET totp = %s, totp_confirmed = %s, totp_step = %s WHERE user_name = %s",
            (sealed, confirmed, step, user_name),
        )

    def use_code(self, user_name: str, step: int) -> bool:
        """Marks a code as used; false where another request used it first."""
        return (
            self._work.run(
                "UPDATE credential SET totp_step = %s WHERE user_name = %s AND totp_step < %s", (step, user_name, step)
            )
            == 1
        )

    def put_disabled(self, user_name: str, disabled: bool) -> None:
        self._work.run("UPDATE credential SET disabled = %s WHERE user_name = %s", (disabled, user_name))

    def find_credentials(self, request: FindCredentials, now: datetime) -> tuple[list[CredentialRow], int]:
        params = {
            "pattern": containing(request.keyword),
            "kind": request.kind,
            "after": request.after,
            "limit": request.limit,
            "now": now,
            "idle": IDLE,
        }
        matching = (
            "FROM credential WHERE denghuo.in_scope(org) AND (user_name LIKE %(pattern)s OR lower(name) LIKE %(pattern)s)"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
        )
        rows = self._work.rows(
            "SELECT user_name, name, org, kind, accounts, totp_confirmed, disabled,"
            " (SELECT max(started_at) FROM session WHERE session.user_name = credential.user_name) AS last_signed_in,"
            f" (SELECT count(*) FROM session WHERE session.user_name = credential.user_name AND {_LIVE}) AS sessions {matching}"
            " AND (%(after)s::text IS NULL OR user_name > %(after)s) ORDER BY user_name LIMIT %(limit)s",
            params,
            CredentialRow,
        )
        return rows, int(self._work.value(f"SELECT count(*) {matching}", params) or 0)

    # -- failures --------------------------------------------------------------------------------------------------------

    def locked_until(self, name_digests: list[bytes]) -> dict[bytes, datetime]:
        rows = self._work.rows(
            "SELECT name_digest, locked_until FROM failure WHERE name_digest = ANY (%s) AND locked_until IS NOT NULL",
            (name_digests,),
        )
        return {bytes(row["name_digest"]): row["locked_until"] for row in rows}

    def count_failure(self, name_digest: bytes, now: datetime) -> int:
        """Adds a failure; gives how many there were in a row."""
        return int(
            self._work.value(
                "INSERT INTO failure (name_digest, failures, last_at) VALUES (%(digest)s, 1, %(now)s)"
                " ON CONFLICT (name_digest) DO UPDATE SET last_at = %(now)s, failures ="
                " CASE WHEN failure.last_at < %(now)s - %(forgotten)s::interval THEN 1 ELSE failure.failures + 1 END"
                " RETURNING failures",
                {"digest": name_digest, "now": now, "forgotten": FORGOTTEN_AFTER},
            )
            or 0
        )

    def lock(self, name_digest: bytes, until: datetime) -> None:
        self._work.run("UPDATE failure SET locked_until = %s WHERE name_digest = %s", (until, name_digest))

    def forget_failures(self, name_digest: bytes) -> None:
        self._work.run("DELETE FROM failure WHERE name_digest = %s", (name_digest,))

    def note_attempt(self, at: datetime, user_name: str | None, visit: tuple[str, str, str], outcome: str) -> None:
        """visit: address, agent, trace."""
        self._work.run(
            "INSERT INTO attempt (at, user_name, address, agent, trace, outcome) VALUES (%s, %s, %s, %s, %s, %s)",
            (at, user_name, *visit, outcome),
        )

    # -- sessions --------------------------------------------------------------------------------------------------------

    def session(self, digest: bytes) -> KnownSession | None:
        row: KnownSession | None = self._work.row(f"{_SESSION} WHERE digest = %s", (digest,), KnownSession)
        return row

    def session_of(self, session_no: int) -> KnownSession | None:
        row: KnownSession | None = self._work.row(f"{_SESSION} WHERE session_no = %s", (session_no,), KnownSession)
        return row

    def sessions(
        self, user_name: str | None, everyone: bool, page: tuple[int, int | None], now: datetime
    ) -> tuple[list[KnownSession], int]:
        """Live sessions of one person, or of everyone within the caller's scope; page: limit and the number to go on below."""
        params = {
            "user_name": user_name,
            "limit": page[0],
            "below": page[1],
            "now": now,
            "idle": IDLE,
            "everyone": everyone,
        }
        matching = (
            f" WHERE {_LIVE} AND (session.user_name = %(user_name)s OR %(everyone)s)"
            " AND (NOT %(everyone)s OR denghuo.in_scope(credential.org))"
        )
        rows = self._work.rows(
            f"{_SESSION}{matching} AND (%(below)s::bigint IS NULL OR session_no < %(below)s)"
            " ORDER BY session_no DESC LIMIT %(limit)s",
            params,
            KnownSession,
        )
        total = self._work.value(
            "SELECT count(*) FROM session JOIN credential ON credential.user_name = session.user_name" + matching,
            params,
        )
        return rows, int(total or 0)

    def begin(
        self, digest: bytes, user_name: str, org: str | None, visit: tuple[str, str], times: tuple[datetime, datetime]
    ) -> int:
        """visit: address, agent. times: now and the session's absolute end."""
        number = self._work.value(
            "INSERT INTO session (digest, user_name, org, address, agent, started_at, seen_at, ends_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING session_no",
            (digest, user_name, org, *visit, times[0], times[0], times[1]),
        )
        self._work.run(
            "UPDATE session SET ended_at = %(now)s, ended_by = 'limit' WHERE session_no IN (SELECT session_no FROM session"
            " WHERE user_name = %(user_name)s AND ended_at IS NULL ORDER BY session_no DESC OFFSET %(most)s)",
            {"now": times[0], "user_name": user_name, "most": SESSIONS_MAX},
        )
        return int(number or 0)

    def touch(self, session_no: int, now: datetime) -> None:
        self._work.run("UPDATE session SET seen_at = greatest(seen_at, %s) WHERE session_no = %s", (now, session_no))

    def move(self, session_no: int, org: str) -> None:
        self._work.run("UPDATE session SET org = %s WHERE session_no = %s", (org, session_no))

    def end(self, session_no: int, by: str, now: datetime) -> int:
        return self._work.run(
            "UPDATE session SET ended_at = %s, ended_by = %s WHERE session_no = %s AND ended_at IS NULL",
            (now, by, session_no),
        )

    def end_presented(self, digest: bytes, now: datetime) -> int:
        return self._work.run(
            "UPDATE session SET ended_at = %s, ended_by = 'sign-in' WHERE digest = %s AND ended_at IS NULL",
            (now, digest),
        )

    def end_all(self, user_name: str, by: str, now: datetime, but: int | None = None) -> int:
        return self._work.run(
            "UPDATE session SET ended_at = %s, ended_by = %s WHERE user_name = %s AND ended_at IS NULL"
            " AND session_no IS DISTINCT FROM %s",
            (now, by, user_name, but),
        )

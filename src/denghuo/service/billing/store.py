"""Queries on the billing schema: the cycle, drafts in bulk, the review, issue and tier-year use. Reading side: find.py."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.rating import KIND_DIGITS, Draft, piece_json
from denghuo.service.billing.review import Finding

STAGE_NAMES = ("plan", "read", "rate", "review", "issue")
UNISSUED = ("rated", "held", "passed")
_BILL = (
    "bill_no",
    "month",
    "account_no",
    "org",
    "kind",
    "state",
    "contract_no",
    "tariff_class",
    "tariff_code",
    "tariff_version",
    "tariff_title",
    "voltage",
    "contract_w",
    "capacity_va",
    "pv_w",
    "area_no",
    "from_on",
    "to_on",
    "energy_wh",
    "used_before_wh",
    "amount_fen",
    "estimated_days",
    "illustrative",
    "registers",
    "remarks",
    "rated_at",
)
_LINE = (
    "bill_no",
    "line",
    "org",
    "account_no",
    "code",
    "group",
    "band",
    "tier",
    "quantity_milli",
    "price_e8",
    "amount_fen",
    "detail",
)


@dataclass(frozen=True)
class CycleState:
    """A row of the cycle table."""

    month: str
    state: str
    stage: str
    epoch: int
    run_no: int
    accounts: int
    terms: dict[str, Any] | None
    energy: dict[str, Any] | None
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    resumed_at: datetime
    resumed_done: int
    busy_ms: int
    trouble: dict[str, str] | None

    @property
    def terms_ref(self) -> DatasetRef | None:
        return None if self.terms is None else DatasetRef.model_validate(self.terms)

    @property
    def energy_ref(self) -> DatasetRef | None:
        return None if self.energy is None else DatasetRef.model_validate(self.energy)


@dataclass(frozen=True)
class StageRow:
    stage: str
    done: int
    total: int
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Hold:
    """An exception as it is stored."""

    exception_no: str
    month: str
    account_no: str
    org: str
    kind: str
    tariff_class: str
    code: str
    reason: dict[str, str]
    remedy: dict[str, str]
    parameters: dict[str, str]
    pieces: list[dict[str, Any]]
    energy_wh: int | None
    amount_fen: int | None
    bill_no: str | None
    state: str
    raised_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    settled_why: str | None


@dataclass(frozen=True)
class ToReview:
    """A rated bill as the review sees it."""

    bill_no: str
    account_no: str
    org: str
    kind: str
    tariff_class: str
    energy_wh: int
    amount_fen: int
    from_on: date
    to_on: date
    estimated_days: int
    contract_w: int | None
    pv_w: int | None
    registers: list[dict[str, Any]]
    remarks: list[dict[str, Any]]


@dataclass(frozen=True)
class Finished:
    """One exception to be written: the finding and whom it holds."""

    month: str
    account_no: str
    org: str
    kind: str
    tariff_class: str
    finding: Finding
    pieces: list[dict[str, Any]]
    bill_no: str | None = None
    energy_wh: int | None = None
    amount_fen: int | None = None

    @property
    def exception_no(self) -> str:
        return f"{self.month.replace('-', '')}-{self.account_no}-{KIND_DIGITS[self.kind]}-{self.finding.code}"


_CYCLE = (
    "SELECT month, state, stage, epoch, run_no, accounts, terms, energy, started_at, started_by, ended_at, resumed_at,"
    " resumed_done, busy_ms, trouble FROM cycle"
)


class BillingStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- the cycle ---------------------------------------------------------------------------------------------------------

    def cycle(self, month: str) -> CycleState | None:
        return self._work.row(_CYCLE + " WHERE month = %s", (month,), CycleState)

    def stages(self, month: str) -> dict[str, StageRow]:
        rows = self._work.rows(
            "SELECT stage, done, total, started_at, ended_at FROM cycle_stage WHERE month = %s", (month,), StageRow
        )
        return {row.stage: row for row in rows}

    def start(self, month: str, by: str, at: datetime) -> bool:
        """Enters the month; False where it was there before."""
        fresh = self._work.run(
            "INSERT INTO cycle (month, state, stage, started_at, started_by, resumed_at)"
            " VALUES (%s, 'running', 'plan', %s, %s, %s) ON CONFLICT DO NOTHING",
            (month, at, by, at),
        )
        if fresh:
            self._work.run_many(
                "INSERT INTO cycle_stage (month, stage) VALUES (%s, %s)", [(month, stage) for stage in STAGE_NAMES]
            )
        return bool(fresh)

    def stop(self, month: str, at: datetime) -> None:
        self._work.run(
            "UPDATE cycle SET state = 'stopped',"
            " busy_ms = busy_ms + greatest(0, (extract(epoch FROM %s - resumed_at) * 1000)::bigint)"
            " WHERE month = %s AND state = 'running'",
            (at, month),
        )

    def resume(self, month: str, done: int, at: datetime) -> int | None:
        """Begins a new run of the job; its epoch, or None where the month is done."""
        epoch: int | None = self._work.value(
            "UPDATE cycle SET busy_ms = busy_ms + CASE WHEN state = 'running'"
            " THEN greatest(0, (extract(epoch FROM %(at)s - resumed_at) * 1000)::bigint) ELSE 0 END,"
            " state = 'running', trouble = NULL, epoch = epoch + 1, resumed_at = %(at)s, resumed_done = %(done)s"
            " WHERE month = %(month)s AND state <> 'done' RETURNING epoch",
            {"month": month, "at": at, "done": done},
        )
        return epoch

    def take_step(self, cycle: CycleState, done: int) -> bool:
        """Locks the cycle's row for the writing part of a step; False where another step or a stop came first.

        What was computed before the lock is then thrown away; nothing of it was written.
        """
        row = self._work.row(
            "SELECT c.stage, c.state, c.epoch, s.done FROM cycle c JOIN cycle_stage s USING (month, stage)"
            " WHERE month = %s FOR UPDATE OF c",
            (cycle.month,),
        )
        present = (cycle.stage, "running", cycle.epoch, done)
        return row is not None and (row["stage"], row["state"], row["epoch"], row["done"]) == present

    def lock(self, month: str) -> str:
        """Keeps the month's steps apart from a change to one account; gives the stage, "done" at the end."""
        row = self._work.row("SELECT state, stage FROM cycle WHERE month = %s FOR UPDATE", (month,))
        return "" if row is None else "done" if row["state"] == "done" else str(row["stage"])

    def begin_stage(self, month: str, stage: str, total: int, at: datetime) -> None:
        """Notes the start; a stage that was begun keeps its own."""
        self._work.run(
            "UPDATE cycle_stage SET started_at = coalesce(started_at, %s), total = greatest(total, %s)"
            " WHERE month = %s AND stage = %s",
            (at, total, month, stage),
        )

    def progress(self, month: str, stage: str, done: int) -> None:
        self._work.run("UPDATE cycle_stage SET done = %s WHERE month = %s AND stage = %s", (done, month, stage))

    def end_stage(self, month: str, stage: str, total: int, at: datetime) -> None:
        """Closes the stage and opens the next; after the last one the month is done."""
        self._work.run(
            "UPDATE cycle_stage SET done = %s, total = %s, started_at = coalesce(started_at, %s), ended_at = %s"
            " WHERE month = %s AND stage = %s",
            (total, total, at, at, month, stage),
        )
        following = STAGE_NAMES.index(stage) + 1
        if following < len(STAGE_NAMES):
            self._work.run("UPDATE cycle SET stage = %s WHERE month = %s", (STAGE_NAMES[following], month))
            self._work.run(
                "UPDATE cycle_stage SET started_at = %s WHERE month = %s AND stage = %s",
                (at, month, STAGE_NAMES[following]),
            )
        else:
            self._work.run(
                "UPDATE cycle SET state = 'done', ended_at = %s,"
                " busy_ms = busy_ms + greatest(0, (extract(epoch FROM %s - resumed_at) * 1000)::bigint) WHERE month = %s",
                (at, at, month),
            )

    def fail(self, month: str, trouble: TextPair, at: datetime) -> None:
        self.stop(month, at)
        self._work.run(
            "UPDATE cycle SET state = 'failed', trouble = %s WHERE month = %s", (trouble.model_dump_json(), month)
        )

    def note_inputs(
        self, month: str, terms: DatasetRef | None, energy: DatasetRef | None, accounts: int | None
    ) -> None:
        self._work.run(
            "UPDATE cycle SET terms = coalesce(%s, terms), energy = coalesce(%s, energy), accounts = coalesce(%s, accounts)"
            " WHERE month = %s",
            (terms and terms.model_dump_json(), energy and energy.model_dump_json(), accounts, month),
        )

    # -- drafts ------------------------------------------------------------------------------------------------------------

    def standing(self, month: str, account_nos: Sequence[str]) -> dict[tuple[str, str], tuple[str, str]]:
        """(account, kind) -> (bill number, state) of the bills that stand for these accounts in the month."""
        rows = self._work.rows(
            "SELECT account_no, kind, bill_no, state FROM bill"
            " WHERE month = %s AND account_no = ANY (%s) AND state <> 'reversed' AND reverses IS NULL",
            (month, list(account_nos)),
        )
        return {(row["account_no"], row["kind"]): (row["bill_no"], row["state"]) for row in rows}

    def figures(self, bill_no: str) -> tuple[Money, int]:
        """Amount and energy of a bill."""
        row = self._work.row("SELECT amount_fen, energy_wh FROM bill WHERE bill_no = %s", (bill_no,))
        assert row is not None  # the caller read its number from the same table
        return Money(row["amount_fen"]), int(row["energy_wh"])

    def drop(self, bill_nos: Sequence[str]) -> None:
        """Takes back drafts. A bill that was issued is never dropped."""
        if bill_nos:
            dropped = self._work.values(
                "DELETE FROM bill WHERE bill_no = ANY (%s) AND state = ANY (%s) RETURNING bill_no",
                (list(bill_nos), list(UNISSUED)),
            )
            self._work.run("DELETE FROM bill_line WHERE bill_no = ANY (%s)", (dropped,))

    def add_drafts(self, month: str, drafts: Sequence[Draft], at: datetime) -> None:
        self._work.copy_in("bill", _BILL, (_bill_row(month, draft, at) for draft in drafts))
        self._work.copy_in("bill_line", _LINE, (row for draft in drafts for row in _line_rows(draft)))

    def used(self, account_nos: Sequence[str], before: str) -> dict[str, dict[str, int]]:
        """Energy by earlier month of these accounts, over at most the last twelve months."""
        since = f"{int(before[:4]) - 1}{before[4:]}"
        found: dict[str, dict[str, int]] = {}
        for row in self._work.rows(
            "SELECT account_no, month, energy_wh FROM year_use WHERE account_no = ANY (%s) AND month >= %s AND month < %s",
            (list(account_nos), since, before),
        ):
            found.setdefault(row["account_no"], {})[row["month"]] = row["energy_wh"]
        return found

    # -- review ------------------------------------------------------------------------------------------------------------

    def to_review(self, month: str, limit: int, account_no: str | None = None) -> list[ToReview]:
        return self._work.rows(
            "SELECT bill_no, account_no, org, kind, tariff_class, energy_wh, amount_fen, from_on, to_on, estimated_days,"
            " contract_w, pv_w, registers, remarks FROM bill WHERE month = %s AND state = 'rated'"
            " AND (%s::text IS NULL OR account_no = %s) ORDER BY bill_no LIMIT %s",
            (month, account_no, account_no, limit),
            ToReview,
        )

    def limits(self) -> dict[tuple[str, str, str], int]:
        rows = self._work.rows('SELECT code, kind, tariff_class, "limit" FROM review_rule WHERE active')
        return {(row["code"], row["kind"], row["tariff_class"]): row["limit"] for row in rows}

    def set_states(self, bill_nos: Sequence[str], state: str) -> None:
        if bill_nos:
            self._work.run(
                "UPDATE bill SET state = %s WHERE bill_no = ANY (%s) AND state = ANY (%s)",
                (state, list(bill_nos), list(UNISSUED)),
            )

    def hold(self, held: Iterable[Finished], at: datetime) -> None:
        """Writes exceptions. One that was released stays so as long as it says the same; else it is open again."""
        self._work.run_many(
            "INSERT INTO hold AS h (exception_no, month, account_no, org, kind, tariff_class, code, reason, remedy,"
            " parameters, pieces, energy_wh, amount_fen, bill_no, raised_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (exception_no) DO UPDATE SET reason = excluded.reason, remedy = excluded.remedy,"
            " parameters = excluded.parameters, pieces = excluded.pieces, energy_wh = excluded.energy_wh,"
            " amount_fen = excluded.amount_fen, bill_no = excluded.bill_no, org = excluded.org,"
            " tariff_class = excluded.tariff_class,"
            " state = CASE WHEN h.state = 'released' AND h.parameters = excluded.parameters THEN 'released' ELSE 'open' END,"
            " raised_at = CASE WHEN h.state = 'open' THEN h.raised_at ELSE excluded.raised_at END",
            [
                (
                    one.exception_no,
                    one.month,
                    one.account_no,
                    one.org,
                    one.kind,
                    one.tariff_class,
                    one.finding.code,
                    one.finding.reason.model_dump_json(),
                    one.finding.remedy.model_dump_json(),
                    json.dumps(one.finding.parameters, ensure_ascii=False),
                    json.dumps(one.pieces, ensure_ascii=False),
                    one.energy_wh,
                    one.amount_fen,
                    one.bill_no,
                    at,
                )
                for one in held
            ],
        )

    def holds(self, month: str, account_no: str, state: str | None = None) -> list[Hold]:
        return self._work.rows(
            HOLD + " WHERE month = %s AND account_no = %s AND (%s::text IS NULL OR state = %s)",
            (month, account_no, state, state),
            Hold,
        )

    def holds_by_no(self, exception_nos: Sequence[str]) -> list[Hold]:
        return self._work.rows(
            HOLD + " WHERE exception_no = ANY (%s) ORDER BY exception_no FOR UPDATE", (list(exception_nos),), Hold
        )

    def settle(self, exception_nos: Sequence[str], state: str, by: str, why: str, at: datetime) -> None:
        if exception_nos:
            self._work.run(
                "UPDATE hold SET state = %s, settled_at = %s, settled_by = %s, settled_why = %s"
                " WHERE exception_no = ANY (%s) AND state = 'open'",
                (state, at, by, why, list(exception_nos)),
            )

    def still_held(self, bill_nos: Sequence[str]) -> set[str]:
        """Which of these bills another open exception holds."""
        return set(
            self._work.values(
                "SELECT DISTINCT bill_no FROM hold WHERE bill_no = ANY (%s) AND state = 'open'", (list(bill_nos),)
            )
        )

    def untold(self, month: str, limit: int) -> list[Hold]:
        """Exceptions of which the to-do list does not know the present state."""
        return self._work.rows(
            HOLD
            + " WHERE month = %s AND (state = 'open') <> (task = 'raised') AND NOT (state <> 'open' AND task = 'none')"
            " ORDER BY exception_no LIMIT %s",
            (month, limit),
            Hold,
        )

    def told(self, exception_nos: Sequence[str], task: str) -> None:
        if exception_nos:
            self._work.run("UPDATE hold SET task = %s WHERE exception_no = ANY (%s)", (task, list(exception_nos)))

    def counts(self, month: str) -> dict[str, int]:
        """Bills of the month by state."""
        rows = self._work.rows("SELECT state, count(*) AS number FROM bill WHERE month = %s GROUP BY state", (month,))
        return {row["state"]: row["number"] for row in rows}

    # -- issue -------------------------------------------------------------------------------------------------------------

    def next_run(self, month: str) -> int:
        """The number of the next issue of the month; its row lock keeps two issues apart."""
        return int(
            self._work.value("UPDATE cycle SET run_no = run_no + 1 WHERE month = %s RETURNING run_no", (month,)) or 0
        )

    def passed(self, month: str, limit: int) -> list[str]:
        return self._work.values(
            "SELECT bill_no FROM bill WHERE month = %s AND state = 'passed' ORDER BY bill_no LIMIT %s", (month, limit)
        )

    def issue(self, bill_nos: Sequence[str], run_no: int, issued_on: date, due_on: date) -> list[dict[str, Any]]:
        """Marks passed bills as issued; gives their dataset rows in the order of their numbers."""
        rows = self._work.rows(
            "UPDATE bill SET state = 'issued', run_no = %s, issued_on = %s, due_on = %s"
            " WHERE bill_no = ANY (%s) AND state = 'passed' RETURNING bill_no, account_no, org, kind, month, tariff_class,"
            " tariff_code, area_no, energy_wh, amount_fen, issued_on, due_on, estimated_days, reverses",
            (run_no, issued_on, due_on, list(bill_nos)),
        )
        return sorted(rows, key=lambda row: str(row["bill_no"]))

    def issued(self, month: str, run_no: int, after: str, limit: int) -> list[dict[str, Any]]:
        """Bills of an issue in the order of their numbers, behind `after`."""
        return self._work.rows(
            "SELECT bill_no, account_no, org, kind, amount_fen, due_on FROM bill"
            " WHERE month = %s AND run_no = %s AND bill_no > %s ORDER BY bill_no LIMIT %s",
            (month, run_no, after, limit),
        )

    def lines(self, bill_nos: Sequence[str]) -> list[dict[str, Any]]:
        return self._work.rows(
            'SELECT bill_no, line, code, "group", band, tier, quantity_milli, price_e8, amount_fen FROM bill_line'
            " WHERE bill_no = ANY (%s) ORDER BY bill_no, line",
            (list(bill_nos),),
        )

    def note_use(self, bill_nos: Sequence[str], at: datetime) -> None:
        """Adds the energy of issued supply bills to the tier year."""
        self._work.run(
            "INSERT INTO year_use (account_no, month, org, energy_wh, source, billed_on, recorded_at)"
            " SELECT account_no, month, org, energy_wh, 'billed', issued_on, %s FROM bill"
            " WHERE bill_no = ANY (%s) AND kind = 'supply' AND state = 'issued'"
            " ON CONFLICT (account_no, month) DO UPDATE SET energy_wh = excluded.energy_wh, source = excluded.source,"
            " billed_on = excluded.billed_on, recorded_at = excluded.recorded_at",
            (at, list(bill_nos)),
        )

    def take_over(self, rows: Sequence[tuple[str, str, str, int, date | None]], at: datetime) -> tuple[int, int]:
        """Rows (account, month, org, Wh, billed on) of the system before; gives (taken, unchanged). Billed months stay."""
        taken = unchanged = 0
        known = {
            (row["account_no"], row["month"]): (row["energy_wh"], row["source"])
            for row in self._work.rows(
                "SELECT account_no, month, energy_wh, source FROM year_use WHERE account_no = ANY (%s)",
                ([row[0] for row in rows],),
            )
        }
        for account_no, month, org, energy_wh, billed_on in rows:
            before = known.get((account_no, month))
            if before is not None and before[0] == energy_wh:
                unchanged += 1
            elif before is None or before[1] == "taken_over":
                self._work.run(
                    "INSERT INTO year_use (account_no, month, org, energy_wh, source, billed_on, recorded_at)"
                    " VALUES (%s, %s, %s, %s, 'taken_over', %s, %s) ON CONFLICT (account_no, month)"
                    " DO UPDATE SET energy_wh = excluded.energy_wh, recorded_at = excluded.recorded_at",
                    (account_no, month, org, energy_wh, billed_on, at),
                )
                taken += 1
        return taken, unchanged


HOLD = (
    "SELECT exception_no, month, account_no, org, kind, tariff_class, code, reason, remedy, parameters, pieces, energy_wh,"
    " amount_fen, bill_no, state, raised_at, settled_at, settled_by, settled_why FROM hold"
)


def _bill_row(month: str, draft: Draft, at: datetime) -> tuple[Any, ...]:
    terms, rated = draft.terms, draft.rated
    return (
        draft.bill_no,
        month,
        draft.entry.account_no,
        terms.org,
        draft.entry.kind,
        "rated",
        terms.contract_no,
        terms.tariff_class,
        rated.tariff_code,
        rated.tariff_version,
        draft.tariff.title.model_dump_json(),
        terms.voltage_kv,
        terms.contract_w,
        terms.capacity_va,
        terms.pv_w,
        draft.entry.pieces[0].area_no,
        draft.first_day,
        draft.last_day,
        rated.energy_wh,
        draft.used_before_wh,
        rated.total.fen,
        rated.estimated_days,
        rated.illustrative,
        json.dumps([piece_json(piece) for piece in draft.entry.pieces], ensure_ascii=False),
        json.dumps(draft.remarks, ensure_ascii=False),
        at,
    )


def _line_rows(draft: Draft) -> Iterable[tuple[Any, ...]]:
    terms = draft.terms
    for number, line in enumerate(draft.rated.lines, 1):
        yield (
            draft.bill_no,
            number,
            terms.org,
            draft.entry.account_no,
            line.code,
            line.group,
            line.band,
            line.tier,
            line.quantity_milli,
            None if line.price is None else line.price.e8,
            line.amount.fen,
            line.model_dump_json(),
        )


def finished(month: str, entry: Entry, found: Finding) -> Finished:
    """The exception of an entry that could not be rated."""
    return Finished(
        month=month,
        account_no=entry.account_no,
        org=entry.org,
        kind=entry.kind,
        tariff_class=entry.terms[-1].tariff_class,
        finding=found,
        pieces=[piece_json(piece) for piece in entry.pieces],
    )

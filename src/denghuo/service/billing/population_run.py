"""A tariff tried on everybody over up to twelve months, month by month (全体用户测算批次).

A step rates one month by both tariffs and keeps each contract's figures as a file of columns; when the last month is there, all
files are read once and added up by contract, then by segment and unit. A step that is done again writes the same file; one whose
month another job has taken changes nothing. What a run knows of contracts lies in those files alone: no bill is touched.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Problem, Unavailable, text
from denghuo.kernel.values import Energy, Money, Percent, decimal_text, round_half_up
from denghuo.service.billing.api.population import USES, Mover, NobodyToTry, Segment
from denghuo.service.billing.api.population_run import (
    FindPopulationRuns,
    PopulationAdvanced,
    PopulationMonth,
    PopulationResult,
    PopulationRow,
    PopulationRun,
    PopulationRunNotFound,
    PopulationRunsFound,
    StartPopulationRun,
    UnitTried,
)
from denghuo.service.billing.covered import months_from
from denghuo.service.billing.cycle import platform_call
from denghuo.service.billing.population import USES_KWH, Population, read_month, tariff_to_try
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.store.populations import Populations, Row
from denghuo.service.host.binding import Ask

MOVERS = 20
TRIED = DatasetSchema(
    "billing.tried_month",
    1,
    {
        "account_no": "text",
        "kind": "text",
        "org": "text",
        "tariff_class": "text",
        "energy_wh": "int64",
        "now_fen": "int64",
        "then_fen": "int64",
        "by_rules": "bool",
        "without_bands": "bool",
    },
    text("一种电价在一个月的全体测算", "A tariff tried on everybody, of a month"),
)


class PopulationDesk:
    def __init__(self, work: Work, ask: Ask, call: Call) -> None:
        self._work, self._ask, self._call = work, ask, call
        self._runs = Populations(work)

    # -- the run -----------------------------------------------------------------------------------------------------------

    def begin(self, request: StartPopulationRun) -> PopulationRun:
        """Raises: NoTariffToTry; MonthNotRead for the first month without quantities."""
        months = months_from(Month.of(request.first_month), Month.of(request.last_month))
        tried = tariff_to_try(self._ask, self._call, request.code, request.version, months[0])
        store = BillingStore(self._work)
        for month in months:
            read_month(store, str(month))
        number, begun = self._runs.begin(
            tried.code, tried.version, request.first_month, request.last_month, self._call.actor, self._call.now
        )
        if begun:
            self._order(number, 1)
        return self.shown(number)

    def stop(self, run_no: int) -> PopulationRun:
        self._runs.halt(self._row(run_no), "stopped", self._call.now)
        return self.shown(run_no)

    def resume(self, run_no: int) -> PopulationRun:
        self._row(run_no)
        epoch = self._runs.resume(run_no, self._call.now)
        if epoch is not None:
            self._order(run_no, epoch)
        return self.shown(run_no)

    def _order(self, run_no: int, epoch: int) -> None:
        self._work.enqueue("billing.advance_population_run", {"run_no": run_no, "epoch": epoch})

    def advance(self, run_no: int, epoch: int) -> PopulationAdvanced:
        """One month, or, once all are there, their sums."""
        run = self._row(run_no)
        if run["state"] != "running" or run["epoch"] != epoch:
            return PopulationAdvanced(run_no=run_no, done=run["done"], again=False)
        months = months_from(Month.of(run["first_month"]), Month.of(run["last_month"]))
        try:
            if run["done"] == len(months):
                self._runs.end(run, self._added_up(run).model_dump_json(), self._call.now)
                return PopulationAdvanced(run_no=run_no, done=run["done"], again=False)
            self._runs.take_month(run, self._month(run, months[run["done"]]))
        except Unavailable:
            raise
        except Problem as problem:
            # Said on the run's page, instead of a job that dies in silence; a resume tries again.
            self._runs.halt(run, "failed", self._call.now, TextPair(**problem.detail))
            return PopulationAdvanced(run_no=run_no, done=run["done"], again=False)
        return PopulationAdvanced(run_no=run_no, done=run["done"] + 1, again=True)

    def _month(self, run: Row, month: Month) -> Row:
        """A month rated by both tariffs and written; figures of it for the run."""
        tried = tariff_to_try(self._ask, platform_call(self._call), run["code"], run["version"], month)
        population = Population(self._work, self._ask, platform_call(self._call), str(month), curves=True)
        try:
            table, not_rated = population.by_contract(tried)
        except NobodyToTry:
            return {"month": str(month), "ref": None} | dict.fromkeys(_FIGURES, 0)
        shard = f"{run['code']}-{run['version']}-{run['run_no']}"
        ref = self._work.datasets.publish(TRIED, str(month), shard, table, self._call.now)
        with duckdb.connect() as connection:
            connection.register("tried", table)
            found: Any = connection.execute(
                "SELECT count(*), coalesce(sum(by_rules::INT), 0), coalesce(sum(without_bands::INT), 0),"
                " coalesce(sum(now_fen), 0), coalesce(sum(then_fen), 0) FROM tried"
            ).fetchone()
        contracts, by_rules, without_bands, now, then = map(int, found)
        return {
            "month": str(month),
            "ref": json.loads(ref.model_dump_json()),
            "contracts": contracts,
            "by_rules": by_rules,
            "without_bands": without_bands,
            "not_rated": not_rated,
            "now_fen": now,
            "then_fen": then,
        }

    def _added_up(self, run: Row) -> PopulationResult:
        refs = [DatasetRef.model_validate(one["ref"]) for one in run["months"] if one["ref"] is not None]
        if not refs:
            raise NobodyToTry(
                text(
                    f"这些月份没有适用电价 {run['code']} 的用户。",
                    f"In none of these months a contract is of the classes of tariff {run['code']}.",
                ),
                code=run["code"],
                month=run["last_month"],
            )
        return added_up([str(self._work.datasets.path(ref)) for ref in refs])

    # -- what is shown -----------------------------------------------------------------------------------------------------

    def found(self, request: FindPopulationRuns) -> PopulationRunsFound:
        rows, total = self._runs.found(request.code, request.after_number, request.limit)
        return PopulationRunsFound(
            rows=[PopulationRow.model_validate(_head(row)) for row in rows],
            total=total,
            next=str(rows[-1]["run_no"]) if len(rows) == request.limit else None,
            as_of=self._call.now,
        )

    def shown(self, run_no: int) -> PopulationRun:
        row, now = self._row(run_no), self._call.now
        running_ms = (
            max(int((now - row["resumed_at"]) / timedelta(milliseconds=1)), 0) if row["state"] == "running" else 0
        )
        spent_ms = row["busy_ms"] + running_ms
        head = _head(row)
        return PopulationRun.model_validate(
            head
            | {
                "ends_at": _end(row, head["months_asked"], running_ms, now),
                "seconds": decimal_text(round_half_up(spent_ms, 100), 1, 1),
                "trouble": row["trouble"],
                "months": [_shown_month(one) for one in row["months"]],
                "result": row["result"],
                "as_of": now,
            }
        )

    def _row(self, run_no: int) -> Row:
        row = self._runs.one(run_no)
        if row is None:
            raise PopulationRunNotFound(text(f"没有测算批次 {run_no}。", f"There is no run {run_no}."), run_no=run_no)
        return row


_FIGURES = ("contracts", "by_rules", "without_bands", "not_rated", "now_fen", "then_fen")


def _head(row: Row) -> Row:
    names = (
        "run_no",
        "code",
        "version",
        "first_month",
        "last_month",
        "state",
        "done",
        "started_by",
        "started_at",
        "ended_at",
    )
    asked = len(months_from(Month.of(row["first_month"]), Month.of(row["last_month"])))
    return {name: row[name] for name in names} | {"months_asked": asked}


def _end(row: Row, total: int, running_ms: int, now: datetime) -> datetime | None:
    """When the months that are left will be done, at the pace of those since the run was last begun."""
    done = row["done"] - row["resumed_done"]
    if row["state"] != "running" or done <= 0:
        return None
    return now + timedelta(milliseconds=running_ms * (total - row["done"]) // done)


def _shown_month(one: Row) -> PopulationMonth:
    kept = {name: one[name] for name in ("month", "contracts", "by_rules", "without_bands", "not_rated")}
    now, then = Money(one["now_fen"]), Money(one["then_fen"])
    return PopulationMonth(**kept, now=now, then=then, difference=then - now)


# --- adding up --------------------------------------------------------------------------------------------------------------

_BY_CONTRACT = """
CREATE TEMP TABLE contract AS
SELECT account_no, kind, max(org) AS org, max(tariff_class) AS tariff_class, sum(energy_wh)::BIGINT AS energy_wh,
       sum(now_fen)::BIGINT AS now_fen, sum(then_fen)::BIGINT AS then_fen,
       sum(then_fen)::BIGINT - sum(now_fen)::BIGINT AS difference, -(-sum(energy_wh)::BIGINT // (count(*) * 1000)) AS kwh
FROM read_parquet(?) GROUP BY account_no, kind
"""
_SUMS = """
SELECT {by}, count(*), sum(now_fen)::BIGINT, sum(then_fen)::BIGINT, count(*) FILTER (difference > 0),
       count(*) FILTER (difference < 0) FROM contract GROUP BY ALL ORDER BY ALL
"""
_MOVED = """
SELECT account_no, org, tariff_class, energy_wh, now_fen, then_fen FROM contract WHERE difference {sign} 0
ORDER BY difference {order}, account_no, kind LIMIT {limit}
"""


@dataclass(frozen=True)
class _Sum:
    """Contracts together."""

    contracts: int
    now: int
    then: int
    more: int
    less: int

    def shown(self) -> dict[str, Any]:
        return {
            "contracts": self.contracts,
            "now": Money(self.now),
            "then": Money(self.then),
            "difference": Money(self.then - self.now),
            "percent": Percent.of_parts(self.then - self.now, self.now),
            "more": self.more,
            "less": self.less,
        }


def added_up(paths: Sequence[str], movers: int = MOVERS) -> PopulationResult:
    """The files of some months (columns of `TRIED`) added up by contract, and these by segment and unit."""
    ranges = "".join(f" WHEN kwh <= {limit} THEN {place}" for place, limit in enumerate(USES_KWH))
    use = f"CASE{ranges} ELSE {len(USES_KWH)} END"
    uses = list(USES.entries)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(_BY_CONTRACT, [list(paths)])

        def sums(by: str) -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = connection.execute(_SUMS.format(by=by)).fetchall()
            return found

        segments = [
            (tariff_class, uses[at], _Sum(*rest)) for tariff_class, at, *rest in sums(f"tariff_class, {use} AS use")
        ]
        units = [(org, _Sum(*rest)) for org, *rest in sums("org")]
        moved = [
            connection.execute(_MOVED.format(sign=sign, order=order, limit=movers)).fetchall()
            for sign, order in ((">", "DESC"), ("<", "ASC"))
        ]
    every = [one for _, one in units]
    names = ("contracts", "now", "then", "more", "less")
    whole = _Sum(*(sum(getattr(one, name) for one in every) for name in names))
    return PopulationResult(
        **whole.shown(),
        same=whole.contracts - whole.more - whole.less,
        segments=[
            Segment(row_key=f"{tariff_class}:{use}", tariff_class=tariff_class, use=use, **one.shown())
            for tariff_class, use, one in segments
        ],
        units=[UnitTried(org=org, **one.shown()) for org, one in units],
        most_more=[_mover(row) for row in moved[0]],
        most_less=[_mover(row) for row in moved[1]],
    )


def _mover(row: tuple[Any, ...]) -> Mover:
    account_no, org, tariff_class, energy, now, then = row
    return Mover(
        account_no=account_no,
        org=org,
        tariff_class=tariff_class,
        energy=Energy(energy),
        now=Money(now),
        then=Money(then),
        difference=Money(then - now),
    )

"""Proof of issue (发行证明): one hash tree over the bills of an issue run, one over the runs of a day.

A run's tree is made once, by a job after the issue, from what was committed; its paths never change afterwards. The tree of a day
is made from the heads of its runs; it is given out once the day is over, so that nothing that was given out becomes wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.kernel.period import midnight
from denghuo.service.billing import tree
from denghuo.service.billing.api import DayRef, DayRoot, RunsSealed
from denghuo.service.billing.file import (
    bill_part,
    file,
    further_tariffs,
    leaf_value,
    readings_part,
    run_part,
    run_value,
    tariff_part,
)
from denghuo.service.billing.sealing import by_columns, leaves
from denghuo.service.billing.store import BillingStore
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffApi, TariffDocument, TariffRef

AT_ONCE = 50_000
GRACE = timedelta(hours=1)
"""How long after midnight an issue of the day before may still be on its way into the database."""


pc: Any = pyarrow.compute


class Prover:
    """Makes trees, and files with proofs out of them."""

    def __init__(self, store: BillingStore, ask: Ask, call: Call) -> None:
        self._store, self._ask, self._call = store, ask, call
        self._tariffs: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._digests: dict[tuple[str, int], str] = {}

    # -- the tree of a run ---------------------------------------------------------------------------------------------

    def seal(self) -> RunsSealed:
        """Makes the tree of the oldest run that has none. Reads page by page and locks nothing until all is computed."""
        waiting = self._store.proofs.pending()
        if not waiting:
            return RunsSealed(month=None, run_no=None, bills=0, again=False)
        run = waiting[0]
        numbers, leaves = self._leaves(run)
        if len(numbers) != run["bills"]:
            raise RuntimeError(f"run {run['run_no']} of {run['month']} has {len(numbers)} bills, not {run['bills']}")
        made = tree.nodes(leaves)
        self._store.proofs.seal(run["month"], run["run_no"], tree.root(made), made, numbers, self._call.now)
        return RunsSealed(month=run["month"], run_no=run["run_no"], bills=len(numbers), again=len(waiting) > 1)

    def _leaves(self, run: Mapping[str, Any]) -> tuple["pa.Array[Any]", bytes]:
        """The numbers of the bills of a run and their leaves, in order."""
        numbers: list[pa.Array[Any]] = []
        made: list[bytes] = []
        after = ""
        while len(bills := self._store.proofs.page(run["month"], run["run_no"], after, AT_ONCE)):
            page: Any = bills["bill_no"].combine_chunks()
            after = page[-1].as_py()
            numbers.append(page)
            made.extend(self._page(run, bills))
        return pa.concat_arrays(numbers or [pa.array([], pa.string())]), b"".join(made)

    def _page(self, run: Mapping[str, Any], bills: pa.Table) -> list[bytes]:
        plain = by_columns(bills)
        mine = bills.filter(pa.array(plain))
        lines = self._store.proofs.lines_of_page(run["month"], run["run_no"], bills)
        lines = lines.filter(pc.is_in(lines["bill_no"], value_set=mine["bill_no"].combine_chunks()))
        found = iter(leaves(mine, lines, run["secret"], self._digest))
        others = iter(self._by_rows(run, map(str, bills.filter(pa.array(~plain))["bill_no"].to_pylist())))
        return [next(found) if is_plain else next(others) for is_plain in plain.tolist()]

    def _by_rows(self, run: Mapping[str, Any], bill_nos: Iterable[str]) -> Iterator[bytes]:
        """The leaves of bills that the columns leave."""
        numbers = list(bill_nos)
        lines = self._store.proofs.lines(numbers)
        for row in self._store.proofs.bills(numbers):
            yield tree.leaf(
                leaf_value(
                    bill_part(row, lines[row["bill_no"]]),
                    readings_part(row["registers"]),
                    self._digest(row["tariff_code"], row["tariff_version"]),
                    tree.salt(run["secret"], row["bill_no"]),
                    [self._digest(code, version) for code, version in further_tariffs(row["rating"])],
                )
            )

    def _digest(self, code: str, version: int) -> str:
        if (code, version) not in self._digests:
            self._digests[code, version] = tree.digest(self.rated_tariff(code, version))
        return self._digests[code, version]

    def rated_tariff(self, code: str, version: int) -> Mapping[str, Any]:
        """The tariff as it was when bills were first rated by it; bills older than this table ask for the published version."""
        if (code, version) not in self._tariffs:
            kept = self._store.proofs.tariff(code, version)
            if kept is None:
                asking = Call.system(self._call.now)
                kept = tariff_part(self._ask(TariffApi).tariff(asking, TariffRef(code=code, version=version)).document)
            self._tariffs[code, version] = kept
        return self._tariffs[code, version]

    def tariff(self, code: str, version: int) -> TariffDocument:
        """As `rated_tariff`, ready to rate by."""
        return TariffDocument.model_validate({**self.rated_tariff(code, version), "version": version})

    # -- the file of a bill --------------------------------------------------------------------------------------------

    def bill_file(self, row: Mapping[str, Any]) -> Document:
        """The file of an issued bill; without a proof as long as the tree of its run is not made."""
        number = row["bill_no"]
        return file(
            bill_part(row, self._store.proofs.lines([number])[number]),
            readings_part(row["registers"]),
            self.rated_tariff(row["tariff_code"], row["tariff_version"]),
            self._proof(row),
            [self.rated_tariff(code, version) for code, version in further_tariffs(row["rating"])],
        )

    def _proof(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """The path to the root of the run, and once that is final the one to the root of the day."""
        run = self._store.proofs.run(row["month"], row["run_no"])
        place = self._store.proofs.place(row["bill_no"])
        if run is None or run["root"] is None or place is None:
            return None
        return {
            "salt": tree.salt(run["secret"], row["bill_no"]),
            "index": place,
            "path": [one.hex() for one in self._store.proofs.path(run, place)],
            "run": run_part(run),
            "day": self._day_part(run),
        }

    # -- the tree of a day ---------------------------------------------------------------------------------------------

    def _day_part(self, run: Mapping[str, Any]) -> dict[str, Any] | None:
        runs = self._store.proofs.runs_of(run["issued_on"])
        if not _final(run["issued_on"], runs, self._call.now):
            return None
        at = next(at for at, one in enumerate(runs) if (one["month"], one["run_no"]) == (run["month"], run["run_no"]))
        day = _day_nodes(runs)
        return {
            "issued_on": run["issued_on"].isoformat(),
            "index": at,
            "runs": len(runs),
            "path": [one.hex() for one in tree.path(day, len(runs), at)],
            "root": tree.root(day).hex(),
        }

    def day_root(self, asked: DayRef) -> DayRoot:
        runs = self._store.proofs.runs_of(asked.issued_on)
        final = _final(asked.issued_on, runs, self._call.now)
        named = next((one for one in runs if (one["month"], one["run_no"]) == (asked.month, asked.run_no)), None)
        return DayRoot(
            issued_on=asked.issued_on,
            runs=len(runs),
            root=tree.root(_day_nodes(runs)).hex() if runs and final else None,
            final=final,
            run_root=None if named is None or named["root"] is None else bytes(named["root"]).hex(),
            as_of=self._call.now,
        )


def _day_nodes(runs: Sequence[Mapping[str, Any]]) -> bytes:
    return tree.nodes(b"".join(tree.leaf(run_value(one)) for one in runs))


def _final(day: date, runs: Sequence[Mapping[str, Any]], now: datetime) -> bool:
    """Whether no run can follow and none waits for its tree."""
    over = now >= midnight(day + timedelta(days=1)) + GRACE
    return over and all(one["root"] is not None for one in runs)

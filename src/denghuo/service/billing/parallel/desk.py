"""Takes old bills, walks through them a page at a time and tells what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing.api.parallel import (
    VERDICTS,
    AcceptDifferences,
    BeginParallelRun,
    DifferencesAccepted,
    HandOldBills,
    NotAcceptable,
    OldBillsHanded,
    ParallelAdvanced,
    ParallelRunNotFound,
)
from denghuo.service.billing.cycle import platform_call, tariffs_of
from denghuo.service.billing.explained import computed_again
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.kept import part_tariffs, stored_subject
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.parallel.judge import Judged, judge
from denghuo.service.billing.parallel.sides import Cause, Figures, OldSide, OurSide
from denghuo.service.billing.pieces import piece_of
from denghuo.service.billing.proving import Prover
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.store.parallels import Compared, Parallels
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import Organisations, PermissionApi
from denghuo.service.tariff.api import TariffApi, TariffDocument, TariffNotFound, TariffRef

PAGE = 500
STRAY = TextPair(zh="该户没有旧账单", en="the account has no old bill")
TO_STRAY = TextPair(zh="请补充账单，或删除该明细行", en="add its bill, or remove the line")
VERSIONS_BACK = 3
Row = Mapping[str, Any]


class ParallelDesk:
    def __init__(self, work: Work, ask: Ask, call: Call) -> None:
        self._work, self._ask, self._call = work, ask, call
        self._parallels, self._find = Parallels(work), BillingFinder(work)
        self._prover = Prover(BillingStore(work), ask, call)
        self._tariff = cache(self._rated_tariff)
        self._versions = cache(self._other_versions)
        self._tariffs = cache(self._in_force)

    # -- taking ------------------------------------------------------------------------------------------------------------

    def begin(self, request: BeginParallelRun) -> int:
        asking = self._call.only("permission.organisations")
        units = self._ask(PermissionApi).organisations(asking, Organisations()).rows
        company = next((unit.code for unit in units if unit.parent is None), "")
        return self._parallels.begin(
            request.month, request.digest, request.file_name, company, self._call.actor, self._call.now
        )

    def hand(self, request: HandOldBills) -> OldBillsHanded:
        run = self._run(request.run_no)
        if run["state"] != "taking":
            return OldBillsHanded(taken=0, unchanged=len(request.bills) + len(request.lines))
        taken = self._parallels.take_bills(run, request.bills) + self._parallels.take_lines(
            run["run_no"], request.lines
        )
        self._parallels.refuse(run["run_no"], request.refused)
        if request.last:
            self._parallels.refuse_strays(run["run_no"], STRAY, TO_STRAY)
            self._begin_comparing(run["run_no"])
        return OldBillsHanded(taken=taken, unchanged=len(request.bills) + len(request.lines) - taken)

    def again(self, run_no: int) -> None:
        """Compares anew with the bills as they stand now; a run whose file is still being taken goes on taking it."""
        if self._run(run_no)["state"] != "taking":
            self._begin_comparing(run_no)

    def _begin_comparing(self, run_no: int) -> None:
        self._parallels.begin_comparing(run_no)
        self._work.enqueue("billing.advance_parallel_run", {"run_no": run_no})

    def accept(self, request: AcceptDifferences) -> DifferencesAccepted:
        if request.verdict in ("equal", "unexplained"):
            name = VERDICTS.entries[request.verdict]
            raise NotAcceptable(
                text(
                    f"“{name['zh']}”不能认可：一致的无需认可，未能解释的须先查明原因。",
                    f"“{name['en']}” is not to be accepted: what is equal needs it not, what is unexplained must be explained.",
                ),
                verdict=request.verdict,
            )
        self._run(request.run_no)
        count = self._parallels.accept(
            request.run_no,
            request.verdict,
            request.org,
            request.account_nos,
            self._call.actor,
            self._call.now,
            request.reason,
        )
        return DifferencesAccepted(accepted=count)

    def _run(self, run_no: int) -> dict[str, Any]:
        run = self._parallels.hold(run_no)
        if run is None:
            raise no_run(run_no)
        return run

    # -- comparing ---------------------------------------------------------------------------------------------------------

    def advance(self, run_no: int) -> ParallelAdvanced:
        """One page of old bills; after the last of them those of ours that have no old one."""
        run = self._run(run_no)
        if run["state"] != "comparing":
            return ParallelAdvanced(run_no=run_no, again=False)
        rows = self._parallels.old_bills(run, PAGE)
        if rows:
            self._parallels.keep(run_no, self._compared(run, rows))
            self._parallels.go_on(run_no, rows[-1]["account_no"], rows[-1]["kind"])
            return ParallelAdvanced(run_no=run_no, again=True)
        news = self._parallels.only_new(run, PAGE)
        self._parallels.keep(run_no, [_only_new(row) for row in news])
        if len(news) == PAGE:
            return ParallelAdvanced(run_no=run_no, again=True)
        self._parallels.forget_gone(run_no)
        self._parallels.end(run_no, self._call.now)
        return ParallelAdvanced(run_no=run_no, again=False)

    def _compared(self, run: Row, rows: Sequence[Row]) -> list[Compared]:
        numbers = sorted({row["account_no"] for row in rows})
        bills = self._parallels.our_bills(run["month"], numbers)
        lines = self._find.whole_lines([bill["bill_no"] for bill in bills.values()])
        unbilled = sorted({row["account_no"] for row in rows if (row["account_no"], row["kind"]) not in bills})
        held = self._parallels.held(run["month"], unbilled)
        orgs = self._orgs(unbilled)
        found = []
        for row in rows:
            key = row["account_no"], row["kind"]
            bill = bills.get(key)
            if bill is None:
                found.append(_only_old(row, held.get(key), orgs.get(row["account_no"]), run["org"]))
            else:
                found.append(_compared(row, bill, self._judged(row, bill, lines[bill["bill_no"]])))
        return found

    def _judged(self, row: Row, bill: Row, lines: Sequence[Row]) -> Judged:
        old = OldSide(
            row["old_energy_wh"],
            row["old_amount_fen"],
            row["old_class"],
            row["old_used_before_wh"],
            [figures(line["component"], line) for line in row["lines"]],
        )
        same = old.amount_fen == bill["amount_fen"] and old.energy_wh in (None, bill["energy_wh"])
        # Most bills are equal without lines to look at: nothing is read or rated for them.
        return Judged("equal", ()) if same and not old.lines else judge(old, self._ours(bill, lines))

    def _ours(self, bill: Row, lines: Sequence[Row]) -> OurSide:
        own = self._tariff(bill["tariff_code"], bill["tariff_version"])
        side = OurSide(
            energy_wh=bill["energy_wh"],
            amount_fen=bill["amount_fen"],
            lines=[figures(line["code"], line) for line in lines],
            groups={line["code"]: line["group"] for line in lines},
            in_base=_base(own, lines),
            factor=_factor(lines),
        )
        rating = bill["rating"]
        if rating is None or rating.get("stages"):
            return side
        try:
            rated = computed_again(bill, self._tariff)
        except CannotRate:
            return side
        pieces = [piece_of(bill, piece) for piece in bill["registers"]]
        month = bill["month"]
        return replace(
            side,
            subject=stored_subject(rating, pieces),
            tariff=own,
            others=part_tariffs(rating, bill["to_on"], own, self._tariff),
            tariffs=lambda: self._tariffs(month),
            versions=lambda: self._versions(own.code, own.version),
            rated=rated,
        )

    def _orgs(self, numbers: Sequence[str]) -> dict[str, str]:
        """The units of accounts that have no bill here; an account that is unknown has none."""
        if not numbers:
            return {}
        asking = platform_call(self._call)
        return {
            one.account_no: one.org
            for one in self._ask(CustomerApi).accounts(asking, AccountNumbers(numbers=list(numbers))).rows
        }

    # -- tariffs, each asked for once ----------------------------------------------------------------------------------------

    def _rated_tariff(self, code: str, version: int) -> TariffDocument:
        return TariffDocument.model_validate({**self._prover.rated_tariff(code, version), "version": version})

    def _in_force(self, month: str) -> Sequence[TariffDocument]:
        return tariffs_of(self._ask, self._call, Month.of(month))

    def _other_versions(self, code: str, version: int) -> Sequence[TariffDocument]:
        """Published versions of a tariff near one: the newest ones before it and the next after."""
        found = []
        for number in (*range(version - 1, max(version - 1 - VERSIONS_BACK, 0), -1), version + 1):
            try:
                one = self._ask(TariffApi).tariff(platform_call(self._call), TariffRef(code=code, version=number))
            except TariffNotFound:
                continue
            if one.head.status == "published":
                found.append(one.document)
        return found


def no_run(run_no: int) -> ParallelRunNotFound:
    """The problem of a run that is not there."""
    return ParallelRunNotFound(text(f"没有对账批次 {run_no}。", f"There is no parallel run {run_no}."), run_no=run_no)


# --- one account -------------------------------------------------------------------------------------------------------------


def figures(component: str, line: Row) -> Figures:
    """A line of either bill as it is compared."""
    return Figures(component, line["band"], line["tier"], line["quantity_milli"], line["price_e8"], line["amount_fen"])


def _base(tariff: TariffDocument, lines: Sequence[Row]) -> frozenset[str]:
    """Components that the power factor is taken on, the basic charge with them where the tariff says so."""
    found = {one.code for one in tariff.components if one.in_power_factor_base and one.group != "fund"}
    if tariff.power_factor is not None and tariff.power_factor.with_basic_charge:
        found |= {line["code"] for line in lines if line["group"] == "basic"}
    return frozenset(found)


def _factor(lines: Sequence[Row]) -> int | None:
    """Our power factor in hundredths, as the bill's own explanation has it."""
    for line in lines:
        if line["group"] != "power_factor":
            continue
        # Contracts with a power factor are rated by the rules, which keep the explanation of a line.
        for step in line["detail"]["steps"]:
            if "factor" in step["values"]:
                return int(step["values"]["factor"].replace(".", ""))
    return None


def _compared(row: Row, bill: Row, judged: Judged) -> Compared:
    return Compared(
        account_no=row["account_no"],
        kind=row["kind"],
        org=bill["org"],
        bill_no=bill["bill_no"],
        new_energy_wh=bill["energy_wh"],
        new_amount_fen=bill["amount_fen"],
        verdict=judged.verdict,
        difference_fen=bill["amount_fen"] - row["old_amount_fen"],
        unexplained_fen=judged.unexplained_fen,
        causes=[_cause(one) for one in judged.causes],
    )


def _cause(one: Cause) -> dict[str, Any]:
    return {"cause": one.code, "amount_fen": one.amount_fen, "zh": one.sentence.zh, "en": one.sentence.en}


def _only_old(row: Row, held: Row | None, org: str | None, company: str) -> Compared:
    if held is not None:
        reason = held["reason"]
        said = TextPair(zh=f"本系统未出账：{reason['zh']}", en=f"No bill here: {reason['en']}")
    elif org is None:
        said = TextPair(zh="本系统没有该户号。", en="There is no such account here.")
    else:
        said = TextPair(zh="本系统该月没有该户的账单。", en="The account has no bill of the month here.")
    return Compared(
        account_no=row["account_no"],
        kind=row["kind"],
        org=held["org"] if held is not None else org or company,
        bill_no=None,
        new_energy_wh=None,
        new_amount_fen=None,
        verdict="only_old",
        difference_fen=-row["old_amount_fen"],
        unexplained_fen=0,
        causes=[_cause(Cause("only_old", -row["old_amount_fen"], said))],
    )


def _only_new(row: Row) -> Compared:
    said = TextPair(
        zh=f"旧系统文件中没有该户，本系统 {Money(row['amount_fen'])} 元。",
        en=f"The file of the old system has no bill of the account; ours is {Money(row['amount_fen'])} yuan.",
    )
    return Compared(
        account_no=row["account_no"],
        kind=row["kind"],
        org=row["org"],
        bill_no=row["bill_no"],
        new_energy_wh=row["energy_wh"],
        new_amount_fen=row["amount_fen"],
        verdict="only_new",
        difference_fen=row["amount_fen"],
        unexplained_fen=0,
        causes=[_cause(Cause("only_new", row["amount_fen"], said))],
    )

"""`denghuo replay`: page after page to the end or to the size of the sample; what differs is told and ends with exit code 1."""

import pathlib
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money
from denghuo.main import replay
from denghuo.main.command import main
from denghuo.service.billing.api import (
    AsKnown,
    CorrectedBill,
    CorrectedBills,
    Difference,
    FindBillsByDays,
    FindBillsBySpotPrices,
    FindCorrectedBills,
    KnownBill,
    MonthReplayed,
    Replayed,
    ReplayMonth,
)
from denghuo.service.tariff.api import NoSuchDayTable

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def differing(bill_no: str) -> Replayed:
    return Replayed(
        bill_no=bill_no,
        account_no="5810100000019",
        month="2026-04",
        kind="supply",
        outcome="differs",
        said=TextPair(zh="不同", en="Different"),
        line_count=1,
        amount=Money.of("148.08"),
        computed=Money.of("148.09"),
        differences=[Difference(where="line 1 (energy).amount", kept="148.08", computed="148.09")],
        as_of=NOW,
    )


class Bills:
    """A month of bills of which some differ, answered in pages."""

    def __init__(self, count: int, differs: set[int]) -> None:
        self.numbers = [f"{at:022d}" for at in range(count)]
        self.differs = {self.numbers[at] for at in differs}
        self.asked: list[ReplayMonth] = []

    def replay_month(self, call: Call, request: ReplayMonth) -> MonthReplayed:
        self.asked.append(request)
        page = [number for number in self.numbers if number > (request.after or "")][: request.limit]
        rows = [differing(number) for number in page if number in self.differs]
        return MonthReplayed(
            month=request.month,
            checked=len(page),
            identical=len(page) - len(rows),
            not_kept=0,
            rows=rows,
            total=len(self.numbers),
            next=page[-1] if len(page) == request.limit else None,
            as_of=NOW,
        )

    def as_known(self, call: Call, request: AsKnown) -> KnownBill:
        differs = request.known_on == date(2026, 5, 4)
        return KnownBill(
            account_no=request.account_no,
            month=request.month,
            kind=request.kind,
            known_on=request.known_on or date(2026, 5, 9),
            state="rated",
            said=TextPair(zh="按截至当日已记录的资料计算", en="Computed from what was recorded"),
            tariff_title=None,
            from_on=None,
            to_on=None,
            energy=Energy.of("240"),
            used_before=None,
            amount=Money.of("148.09"),
            remarks=[],
            registers=[],
            lines=[],
            bill_no=None,
            billed=None,
            differences=[Difference(where="amount", kept="148.08", computed="148.09")] if differs else [],
            as_of=NOW,
        )


def run(bills: Bills, sample: int | None = None, seed: str | None = None) -> int:
    running: Any = SimpleNamespace(directory=lambda contract: bills)
    return replay.run_replay(running, "2026-04", sample, seed)


def test_all_pages_are_computed_and_identical_bills_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    bills = Bills(2 * replay.AT_ONCE + 1, set())
    assert run(bills) == 0
    assert [(asked.seed, asked.limit) for asked in bills.asked] == [(None, replay.AT_ONCE)] * 3
    assert "401 bills computed again: 401 identical, 0 differ" in capsys.readouterr().out


def test_bills_that_differ_are_told_and_end_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Bills(10, {3, 7})) == 1
    told = capsys.readouterr()
    assert told.err.count("line 1 (energy).amount: 148.08 -> 148.09") == 2
    assert f"{3:022d}  148.08 -> 148.09" in told.err and "8 identical, 2 differ" in told.out


def test_a_sample_ends_at_its_size_and_says_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    bills = Bills(1_000, set())
    assert run(bills, sample=replay.AT_ONCE + 5, seed="again") == 0
    assert [(asked.seed, asked.limit) for asked in bills.asked] == [("again", replay.AT_ONCE), ("again", 5)]
    assert "205 bills computed again sampled (seed again)" in capsys.readouterr().out
    assert run(bills, sample=1) == 0
    assert bills.asked[-1].seed


def test_progress_tells_the_time_that_is_left() -> None:
    count = replay.Count(wanted=1_000, checked=250, identical=250)
    assert "250/1,000  25/s  还需 left 0:30" in count.line("2026-04", 10.0)
    assert "left 0:00" in replay.Count(wanted=5).line("2026-04", 0.0)


def test_a_month_as_known_on_a_day_is_told_and_ends_with_one_where_the_bill_differs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    running: Any = SimpleNamespace(directory=lambda contract: Bills(0, set()))
    for day, code in ((None, 0), (date(2026, 5, 3), 0), (date(2026, 5, 4), 1)):
        assert replay.show_known(running, "2026-04", "5810100000019", "supply", day) == code
    told = capsys.readouterr()
    assert told.out.count("240 kWh  148.09") == 3 and told.err == "  amount: 148.08 -> 148.09\n"


def test_only_an_account_of_thirteen_digits_is_known_on_a_day(tmp_path: pathlib.Path) -> None:
    for given, said in ((["--account", "58101"], "13"), (["--known-on", "2026-05-04"], "--account")):
        found = CliRunner().invoke(main, ["--data", str(tmp_path), "replay", "2026-04", *given])
        assert found.exit_code == 2 and said in found.output


class Corrected:
    """Three bills by prices that were corrected, in two pages; the amount of one stays."""

    def corrected_bills(self, call: Call, request: FindCorrectedBills) -> CorrectedBills:
        numbers = [1, 2, 3] if request.after is None else [3]
        rows = [
            _corrected(number, 0 if number == 2 else -100) for number in numbers[: 2 if request.after is None else 1]
        ]
        return CorrectedBills(
            rows=rows,
            issued=3,
            issued_amount=Money.of("30"),
            not_issued=0,
            total=3,
            next=rows[-1].bill_no if request.after is None else None,
            as_of=NOW,
        )

    def bills_by_spot_prices(self, call: Call, request: FindBillsBySpotPrices) -> CorrectedBills:
        return _page([_corrected(7, 500)])

    def bills_by_days(self, call: Call, request: FindBillsByDays) -> CorrectedBills:
        if request.kind == "temperatures":
            raise NoSuchDayTable(kind=request.kind, area=request.area, period=request.period)
        assert (request.area, request.period) == ("CN", "2026")
        return _page([])


def _page(rows: list[CorrectedBill]) -> CorrectedBills:
    return CorrectedBills(
        rows=rows,
        issued=len(rows),
        issued_amount=Money(1_000 * len(rows)),
        not_issued=0,
        total=len(rows),
        next=None,
        as_of=NOW,
    )


def _corrected(number: int, more: int) -> CorrectedBill:
    return CorrectedBill(
        bill_no=f"{number:022d}",
        account_no="5810100000019",
        month="2026-04",
        kind="supply",
        state="issued",
        issued_on=None,
        tariff_code="hb.business.single",
        tariff_version=1,
        corrected_version=2,
        amount=Money.of("10"),
        corrected=Money(1_000 + more),
        difference=Money(more),
        said=TextPair(zh="按更正价", en="By the corrected prices"),
    )


def test_bills_by_corrected_prices_are_told_with_their_sum(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    running: Any = SimpleNamespace(directory=lambda contract: Corrected())
    assert replay.show_corrected(running, "2026-04", "420000") == 1
    told = capsys.readouterr().out
    assert "spot prices: 1 bills of 10.00 yuan issued" in told and "1 change, by 5.00 yuan" in told
    assert "holidays: 0 bills of 0.00 yuan issued" in told and "temperatures: none were published" in told
    assert "合同条款、示数和单位价区的更正不在此列" in told and "differences do not add up" in told
    assert told.count(" -> 9.00") == 2 and told.count(" -> 10.00") == 1
    assert "3 bills of 30.00 yuan issued, 0 not issued by what was corrected; 2 change, by -2.00 yuan" in told
    asked = ["--data", str(tmp_path), "replay", "2026-04", "--corrected", "420000", "--sample", "5"]
    assert CliRunner().invoke(main, asked).exit_code == 2

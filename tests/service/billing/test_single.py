"""One account by itself, through both bindings: what peers reply of it is what the month's datasets have of it."""

from datetime import date

import pytest
from tests.service.billing.both_ways import CALL, drafts_of, inputs_of_month, said
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    prices,
    settle_county,
    take_registers,
)
from tests.service.billing.test_curves import by_time, steady, take_curves
from tests.service.billing.test_terms import agree, change, sub_meter

from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy
from denghuo.service.billing.api import Recalculate, StartCycle
from denghuo.service.billing.cycle import tariffs_of
from denghuo.service.billing.single import AccountMonths
from denghuo.service.contract.api import BehindTransformer, Part, TransformerLoss
from denghuo.service.reading.api import MONTH_ENERGY, MonthRef, ReadingApi, SettleAccounts

BY_CURVE = Supply(1, 1, daily(24))
GAPS = Supply(2, 1, daily(24))
APART = Supply(3, 1, daily(90))
NO_CURVE = Supply(4, 2, daily(24), surplus=daily(3))
CUT = Supply(5, 2, {day: shown for day, shown in daily(30).items() if day not in (10, 11, 12)}, "general_single_part")
MAIN = Supply(6, 1, daily(40), "general_single_part")
BEHIND = Supply(7, 2, daily(30), "general_single_part")
SHORT = Supply(8, 1, {day: shown for day, shown in daily(9).items() if day < 20})
ALL = [BY_CURVE, GAPS, APART, NO_CURVE, CUT, MAIN, BEHIND, SHORT]


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL, [by_time(), *prices()[1:]])
        take_curves(
            made,
            {
                "M00001": steady,
                "M00002": lambda day, slot: None if day == 7 and 32 <= slot < 40 else steady(day, slot),
                "M00003": steady,
            },
        )
        change(made, CUT, 11, tariff_class="resident")
        sub_meter(made, 21, MAIN)
        agree(
            made,
            MAIN,
            1,
            losses=[TransformerLoss(transformer_no="T1", way="agreed", active_kwh=Energy.of("90"))],
            behind=[BehindTransformer(transformer_no="T1", account_no=BEHIND.account_no)],
            parts=[Part(point_no="SUB21", way="meter", tariff_code="test.business")],
        )

    return prepare(make)


def equal_both_ways(found: County) -> None:
    inputs, tariffs = inputs_of_month(found.directory, MONTH), tariffs_of(found.directory, CALL, Month.of(MONTH))
    among_all = drafts_of(found.directory, MONTH, inputs.entries, inputs.of, tariffs)
    for supply in ALL:
        alone = AccountMonths(found.ask, CALL, Month.of(MONTH), tariffs_of(found.ask, CALL, Month.of(MONTH)))
        entries = alone.of(supply.account_no)
        assert entries and [said(entry) for entry in entries] == [said(one) for one in inputs.of(supply.account_no)]
        for key, outcome in drafts_of(found.directory, MONTH, entries, alone.of, tariffs).items():
            assert outcome == among_all[key]


def test_an_account_alone_is_what_it_is_among_all(found: County) -> None:
    equal_both_ways(found)
    take_curves(found, {"M00003": lambda day, slot: 90 * (steady(day, slot) or 0) // 24})
    take_registers(found, [Supply(8, 1, daily(9)), Supply(7, 2, daily(31))])
    equal_both_ways(found)


def test_what_one_account_changes_follows_in_the_dataset_of_the_month(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    take_registers(found, [Supply(8, 1, daily(9))])
    done = found.billing.recalculate(ACCOUNTANT, Recalculate(month=MONTH, account_no=SHORT.account_no))
    assert (done.issued, done.held) == (1, 0)

    def published() -> dict[str, object]:
        table = found.datasets.scan(found.datasets.newest(MONTH_ENERGY.name, MONTH))
        return {row["account_no"]: row["energy_wh"] for row in table.to_pylist() if row["meter_no"] == "M00008"}

    before = published()
    found.settle()
    assert published() == {SHORT.account_no: 270_000} != before
    reading = found.ask(ReadingApi)
    assert not reading.publish_energy(CALL, MonthRef(month=MONTH)).published
    assert reading.read_month(CALL, MonthRef(month=MONTH)).changed == 0
    (row,) = reading.settle_accounts(CALL, SettleAccounts(month=MONTH, account_nos=[SHORT.account_no])).rows
    assert (row.energy, row.status, row.from_at.date()) == (Energy.of("270"), "valid", date(2026, 3, 31))

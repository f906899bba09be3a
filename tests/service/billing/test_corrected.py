"""Bills by prices that were corrected, through both bindings: named before and after the correction is published, none changed."""

import pathlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    county,
    daily,
    prices,
    settle_county,
)

from denghuo.kernel.values import Money
from denghuo.service.billing import exceptions
from denghuo.service.billing.api import (
    AsKnown,
    Bill,
    BillRef,
    CorrectedBills,
    ExceptionRow,
    FindBills,
    FindCorrectedBills,
    FindExceptions,
    Recalculate,
    Release,
    Released,
    ReplayMonth,
    ReverseBill,
    SetReviewRule,
    StartCycle,
)
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import DraftPriceTable, NoSuchPriceTable, PriceTableRef, TariffApi
from denghuo.service.workflow.api import Decide, WorkflowApi

HUBEI = PriceTableRef(area="420000", month=MONTH)
TABLE = shipped.price_table("420000", "2026-01") or ""
CHEAPER = TABLE.replace("0.38447,", "0.37447,")
SHOP = Supply(1, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
OTHER = Supply(2, 2, daily(10), tariff_class="general_single_part", contract_kw=10)
HOUSE = Supply(3, 1, daily(4))


def without_printed(text: str) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    dropped = {lines[0].index(name) for name in ("total", "non_tou", "sharp", "peak", "valley") if name in lines[0]}
    return "\n".join(",".join(cell for at, cell in enumerate(line) if at not in dropped) for line in lines)


def take_in(found: County, text: str, *, correction: bool = False) -> None:
    found.directory(TariffApi).draft_price_table(
        OPERATOR,
        DraftPriceTable(
            area="hubei", month=MONTH, document_no="某月价格表", text=without_printed(text), correction=correction
        ),
    )


def publish(found: County) -> None:
    found.directory(TariffApi).publish_price_table(OTHER_PERSON, HUBEI)


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(empty: County) -> None:
        house, _, solar = prices()
        settle_county(empty, [SHOP, OTHER, HOUSE], [house, solar])
        take_in(empty, TABLE)
        publish(empty)
        empty.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        empty.settle()

    return prepare(make)


def corrected(found: County, **more: object) -> CorrectedBills:
    return found.billing.corrected_bills(
        ACCOUNTANT, FindCorrectedBills.model_validate({"area": "420000", "month": MONTH} | more)
    )


def test_bills_by_replaced_prices_are_named_and_stay_as_they_were_issued(found: County) -> None:
    assert corrected(found).total == 0  # nothing is corrected
    take_in(found, CHEAPER, correction=True)
    for _ in ("before it is published", "and after"):
        named = corrected(found)
        assert [(one.account_no, one.state, one.tariff_version, one.corrected_version) for one in named.rows] == [
            (SHOP.account_no, "issued", 1, 2),
            (OTHER.account_no, "issued", 1, 2),
        ]
        # 1,200 and 300 kWh, a fen less for each.
        assert [one.difference for one in named.rows] == [Money.of("-12.00"), Money.of("-3.00")]
        assert named.issued == 2 and named.issued_amount.fen == sum(one.amount.fen for one in named.rows)
        assert "应退 12.00 元" in named.rows[0].said.zh and "12.00 to be given back" in named.rows[0].said.en
        replayed = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
        assert (replayed.checked, replayed.identical) == (3, 3)
        if corrected_is_draft(found):
            publish(found)
    first = corrected(found, limit=1)
    rest = corrected(found, limit=1, after=first.next)
    assert [one.account_no for one in (*first.rows, *rest.rows)] == [SHOP.account_no, OTHER.account_no]
    assert first.total == rest.total == 2
    own = found.billing.corrected_bills(CLERK, FindCorrectedBills(area="420000", month=MONTH))
    assert [one.account_no for one in own.rows] == [SHOP.account_no]
    with pytest.raises(NoSuchPriceTable):
        corrected(found, month="2026-03")


@pytest.mark.parametrize(("binding", "overtaken"), [("remote", False), ("local", True)])
def test_what_is_rated_and_not_issued_is_never_issued_by_replaced_prices(
    binding: str, overtaken: bool, database_dsn: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with county(binding, database_dsn, tmp_path) as found:
        settle_county(found, [SHOP, OTHER], [])
        take_in(found, TABLE)
        publish(found)
        found.billing.set_review_rule(
            ACCOUNTANT,
            SetReviewRule(
                code="outlier_amount", kind="supply", tariff_class=SHOP.tariff_class, limit=500, reason="收紧限额"
            ),
        )
        found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        found.settle()
        rated_again_by_corrected_prices(found, monkeypatch, overtaken)


def rated_again_by_corrected_prices(found: County, monkeypatch: pytest.MonkeyPatch, overtaken: bool) -> None:
    """overtaken: the correction comes while the account is being calculated by the prices of before."""
    before = bill_of(found, SHOP)
    assert (before.state, before.tariff_version, bill_of(found, OTHER).state) == ("held", 1, "issued")
    take_in(found, CHEAPER, correction=True)
    if overtaken:
        rate_entries = exceptions.rate_entries

        def published_meanwhile(*given: Any) -> Any:
            rated = rate_entries(*given)
            monkeypatch.setattr(exceptions, "rate_entries", rate_entries)
            publish(found)
            found.settle()
            return rated

        monkeypatch.setattr(exceptions, "rate_entries", published_meanwhile)
        asked = replace(OPERATOR, now=datetime.now(UTC))
        found.billing.recalculate(asked, Recalculate(account_no=SHOP.account_no, month=MONTH))
        assert bill_of(found, SHOP).tariff_version == 1
        (held,) = open_of(found)
        assert released(found, held).issued == 0  # taken back instead
        assert [one.code for one in open_of(found)] == ["prices_corrected"]
    else:
        publish(found)
    found.settle()
    after = bill_of(found, SHOP)
    assert (after.state, after.tariff_version) == ("held", 2)
    assert after.amount.fen == before.amount.fen - 1200
    assert bill_of(found, OTHER).tariff_version == 1  # issued, and left to a person
    named = corrected(found)
    assert (named.issued, named.not_issued) == (1, 0)
    (held,) = open_of(found)
    assert held.code == "outlier_amount"
    assert released(found, held).issued == 1
    assert bill_of(found, SHOP).amount == after.amount


def bill_of(found: County, supply: Supply) -> Bill:
    (row,) = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, account_no=supply.account_no)).rows
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=row.bill_no))


def open_of(found: County) -> list[ExceptionRow]:
    return found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows


def released(found: County, held: ExceptionRow) -> Released:
    return found.billing.release(ACCOUNTANT, Release(exception_no=held.exception_no, reason="已核对电量与容量"))


def corrected_is_draft(found: County) -> bool:
    return found.directory(TariffApi).price_table(OPERATOR, HUBEI).head.status == "draft"


def test_a_bill_that_is_billed_again_has_the_corrected_prices_and_is_named_no_more(found: County) -> None:
    take_in(found, CHEAPER, correction=True)
    publish(found)
    row = corrected(found).rows[0]
    asked = found.billing.rebill(ACCOUNTANT, ReverseBill(bill_no=row.bill_no, reason="价格表更正，按更正价另发"))
    workflow = found.directory(WorkflowApi)
    workflow.decide(OTHER_PERSON, Decide(approval_no=asked.approval_no, agreed=True, remark="已核对"))
    found.settle()
    assert [one.account_no for one in corrected(found).rows] == [OTHER.account_no]
    again = found.billing.bill(ACCOUNTANT, BillRef(bill_no=row.bill_no)).replaced_by
    assert again is not None
    assert found.billing.bill(ACCOUNTANT, BillRef(bill_no=again)).amount == row.corrected
    known = found.billing.as_known(ACCOUNTANT, AsKnown(account_no=SHOP.account_no, month=MONTH))
    assert known.amount == row.corrected and known.differences == []


def test_a_correction_that_is_corrected_names_the_bills_by_the_first_table(found: County) -> None:
    take_in(found, CHEAPER, correction=True)
    publish(found)
    take_in(found, TABLE.replace("0.38447,", "0.39447,"), correction=True)
    assert [(one.corrected_version, one.difference) for one in corrected(found).rows] == [
        (3, Money.of("12.00")),
        (3, Money.of("3.00")),
    ]
    assert [one.difference for one in corrected(found, issue=2).rows] == [Money.of("-12.00"), Money.of("-3.00")]

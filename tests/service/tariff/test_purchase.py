"""What a utility buys for its agency customers, and what a month's price table says of it."""

from decimal import Decimal

from hypothesis import given as drawn
from hypothesis import strategies as st
from tests.service.billing.rules.make import given
from tests.service.tariff.test_monthly import JANUARY, without_printed

from denghuo.kernel.values import Energy, Money, Price
from denghuo.service.tariff.api import DraftPriceTable
from denghuo.service.tariff.rules import purchase_notices, read_price_table
from denghuo.service.tariff.rules.purchase import deviation_price, purchase_scale


def test_hbprice_scale_is_priority_and_market() -> None:
    inputs, expected = given("hbprice-scale")
    total = purchase_scale(Energy.of(str(inputs["priority"])), Energy.of(str(inputs["market"])))
    assert total == Energy.of(str(expected["total"]))


@drawn(st.integers(-(10**13), 10**13), st.integers(1, 10**13))
def test_the_deviation_gives_the_balance_back(fen: int, wh: int) -> None:
    price = deviation_price(Money(fen), Energy(wh))
    assert price.e8 % 100 == 0
    exact = Decimal(fen) * 10**9 / Decimal(wh)
    assert abs(price.e8 - exact) <= 50


def test_the_notice_of_the_purchase_is_compared_with_the_printed_deviation() -> None:
    text = without_printed(JANUARY).replace(",agent,", ",average,deviation,").replace(",0.38447,", ",0.38809,-0.00362,")
    rows = read_price_table(text).rows
    assert rows and rows[0].parts["deviation"] == Price.of("-0.00362")

    def said(balance: str) -> list[tuple[int, str, str]]:
        request = DraftPriceTable(
            area="420000",
            month="2026-01",
            document_no="测试公告",
            text=text,
            priority_kwh=Energy.of("600000"),
            market_kwh=Energy.of("400000"),
            balance=Money.of(balance),
        )
        return [(one.line, one.value, one.what.zh) for one in purchase_notices(request, rows)]

    assert said("-3620") == []
    other = said("-3720")
    assert [line for line, _, _ in other] == [row.line for row in rows]
    assert "-0.00372" in other[0][2] and other[0][1] == "-0.00362"

"""What a utility buys for its agency customers in a month (代理购电规模), and the deviation price that follows from it. Pure.

发改办价格〔2021〕809号, from 2021-12-01: the agency price is the month's average purchase price and the deviation of earlier
months; gains and losses of these months are given back or asked for over the energy that is bought.
"""

from collections.abc import Iterator, Sequence

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money, Price, round_half_up
from denghuo.service.tariff.api import DraftPriceTable, TableFault
from denghuo.service.tariff.rules.price_table import TableRow

PLACES = 6
"""Published prices have six decimals of yuan."""


def purchase_scale(priority: Energy, market: Energy) -> Energy:
    """What is bought: priority generation and market purchase."""
    return priority + market


def deviation_price(balance: Money, scale: Energy) -> Price:
    """What earlier months left over (positive = the customers owe it) for each kWh that is bought."""
    unit = 10 ** (8 - PLACES)
    return Price(round_half_up(balance.fen * 10**9, scale.wh * unit) * unit)


def purchase_notices(request: DraftPriceTable, rows: Sequence[TableRow]) -> Iterator[TableFault]:
    """Where the announced purchase does not give the deviation that the table prints."""
    if request.priority_kwh is None or request.market_kwh is None or request.balance is None:
        return
    scale = purchase_scale(request.priority_kwh, request.market_kwh)
    if scale.wh <= 0:
        yield _notice(0, str(scale), ("代理购电规模须大于零", "nothing is bought"))
        return
    right = deviation_price(request.balance, scale)
    for row in rows:
        printed = row.parts.get("deviation")
        if printed is not None and printed != right:
            said = (
                f"偏差费用 {request.balance} 元除以代理购电规模 {scale} 千瓦时为 {right} 元",
                f"a balance of {request.balance} yuan over the {scale} kWh that are bought is {right} yuan",
            )
            yield _notice(row.line, str(printed), said)


def _notice(line: int, value: str, what: tuple[str, str]) -> TableFault:
    return TableFault(
        line=line,
        field="deviation",
        value=value,
        what=TextPair(zh=what[0], en=what[1]),
        remedy=TextPair(
            zh="核对公告的购电规模、偏差费用与历史偏差折价",
            en="compare energies, balance and deviation with the notice",
        ),
    )

"""Charges of a tariff that are not per kWh: for each month or day of supply, or for each kW of a demand (固定电费、需量电费)."""

from collections.abc import Sequence
from datetime import date

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money, round_half_up
from denghuo.service.billing.lines import BillLine, CannotRate, MeteredPiece, Step, Unit
from denghuo.service.billing.rules.basic import days_share
from denghuo.service.billing.rules.making import made
from denghuo.service.billing.rules.quantities import metered_demand
from denghuo.service.billing.rules.words import band_name, charge, milli, step
from denghuo.service.tariff.api import Charge, TariffDocument

_ONE = 1000


def charge_lines(
    pieces: Sequence[MeteredPiece], tariff: TariffDocument, month: Month, first: date, last: date
) -> list[BillLine]:
    """A line for each charge of the tariff for the days first..last, both included. Outside the power factor's base.

    Raises:
        CannotRate: a demand charge without its register.
    """
    return [_line(one, pieces, tariff, month, first, last) for one in tariff.charges]


def _line(
    one: Charge, pieces: Sequence[MeteredPiece], tariff: TariffDocument, month: Month, first: date, last: date
) -> BillLine:
    quantity, unit, said = _quantity(one, pieces, first, last)
    days, divisor = (1, 1) if one.per == "day" else days_share(tariff, month, first, last)
    factor = "" if days == divisor else f" × {days}/{divisor}"
    amount = Money(round_half_up(one.price.e8 * quantity * days, 10**9 * divisor))
    paid, arithmetic = charge(quantity, unit, one.price, amount, factor)
    price = step(
        "price",
        {"price": str(one.price), "document": one.document},
        f"{one.title.zh}单价 {one.price} 元，依据{one.document}。",
        f"{one.title.en}: {one.price} yuan each, {one.document}. ",
    )
    title = (one.title.zh, one.title.en)
    return made(
        one.code,
        title,
        "basic",
        tariff,
        None,
        one.document,
        quantity,
        unit,
        one.price,
        amount,
        [said, price, paid],
        arithmetic,
        band=one.band,
    )


def _quantity(one: Charge, pieces: Sequence[MeteredPiece], first: date, last: date) -> tuple[int, Unit, Step]:
    days = (last - first).days + 1
    if one.per == "day":
        return days * _ONE, "d", step("days", {"days": str(days)}, f"{days} 天。", f"{days} days. ")
    if one.per == "month":
        return _ONE, "month", step("days", {"days": str(days)}, f"当月供电 {days} 天。", f"{days} days of supply. ")
    demand = metered_demand(pieces, one.band or "total")
    name = band_name(one.band)
    if demand is None:
        raise CannotRate(
            text(f"没有{name[0]}最大需量示数。", f"There is no register of the largest demand, {name[1]}."),
            code="no_reading",
            value=f"demand/{one.band or 'total'}",
        )
    values = {"actual": milli(demand), "band": one.band or "total"}
    zh, en = f"{name[0]}最大需量 {milli(demand)} 千瓦。", f"Largest demand, {name[1]}: {milli(demand)} kW. "
    return demand, "kW", step("demand", values, zh, en)

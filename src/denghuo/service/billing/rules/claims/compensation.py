"""Compensation for outages by the utility's fault (停电赔偿).

供电营业规则: for the time of the outage the energy that could have been used, times four the customer's average energy price, times
five for two-part customers. The possible energy is the hourly average of the month before.
"""

from datetime import date
from fractions import Fraction

from denghuo.kernel.values import Price, round_half_up
from denghuo.service.billing.lines import Claim
from denghuo.service.billing.rules.claims.making import claim, line, rounded
from denghuo.service.billing.rules.registry import dated
from denghuo.service.billing.rules.words import milli, step

SINGLE_PART_TIMES = 4
TWO_PART_TIMES = 5
MONTH_HOURS = 720


def outage_compensation(
    month_wh: int,
    minutes: int,
    price: Price,
    *,
    two_part: bool,
    month_hours: int = MONTH_HOURS,
    on: date | None = None,
) -> Claim:
    """The compensation (negative: owed to the customer) for an outage of `minutes`.

    month_wh: energy of the month before; price: average energy price; month_hours: hours of that month, 720 by custom. on: the
    day of the outage, by which the text is chosen; None = the text of today.
    """
    times = TWO_PART_TIMES if two_part else SINGLE_PART_TIMES
    possible = Fraction(month_wh * minutes, month_hours * 60)
    amount = -rounded(possible * Fraction(price.e8 * times, 10**9))
    energy_wh = round_half_up(possible.numerator, possible.denominator)
    said = step(
        "quantity",
        {"month": milli(month_wh), "hours": str(month_hours), "minutes": str(minutes), "energy": milli(energy_wh)},
        f"可能用电量：{milli(month_wh)} 千瓦时 ÷ {month_hours} 小时 × {minutes} 分钟 = {milli(energy_wh)} 千瓦时。",
        f"Possible energy: {milli(month_wh)} kWh / {month_hours} h x {minutes} min = {milli(energy_wh)} kWh. ",
    )
    return claim(
        [
            line(
                "compensation",
                "outage",
                ("停电赔偿", "Compensation for an outage"),
                dated("outage.compensation", on),
                amount,
                f"-{milli(energy_wh)} kWh × {price} × {times} = {amount}",
                [said],
                quantity_milli=energy_wh,
                price=price,
            )
        ],
        energy_wh,
    )

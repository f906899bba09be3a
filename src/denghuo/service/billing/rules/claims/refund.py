"""Money back or due for the past (退补电费), piece by piece at the prices of their own time."""

from collections.abc import Mapping, Sequence

from denghuo.kernel.values import Money, Price, round_half_up
from denghuo.service.billing.lines import Claim, ClaimLine
from denghuo.service.billing.rules.claims.correction import Correction
from denghuo.service.billing.rules.claims.making import PricedEnergy, claim, energy_line, line, of_period
from denghuo.service.billing.rules.power_factor import adjustment_percent, power_factor_hundredths
from denghuo.service.billing.rules.words import milli, percent, step
from denghuo.service.tariff.api import Band

RULE = "refund.pieces"


def settled(pieces: Sequence[PricedEnergy]) -> Claim:
    """Energy of pieces of time, each at its own price; negative energy is given back. Each piece is rounded by itself."""
    return claim([energy_line("refund", RULE, one, []) for one in pieces], sum(one.energy_wh for one in pieces))


def stated(name: str, amount: Money, period: str = "") -> ClaimLine:
    """A charge other than energy at a price, of which the sum is known: what is due of it, negative = given back."""
    return line("refund", "refund_item", (name, name), RULE, amount, str(amount), of_period(period), unit="time")


def factor_corrected(
    active_wh: int, was_varh: int, now_varh: int, *, standard: int, base: Money, period: str = ""
) -> ClaimLine:
    """The power-factor adjustment with the reactive energy that is right, less the one that was billed.

    Wh and varh; standard in hundredths; base: the charges that are adjusted, without their adjustment.

    Raises:
        ValueError: there is no active energy, so that there is no factor.
    """
    steps, amounts = of_period(period), []
    for varh, zh, en in ((was_varh, "原计", "billed"), (now_varh, "应计", "due")):
        factor = power_factor_hundredths(active_wh, varh)
        if not factor:
            raise ValueError("no power factor without active energy")
        number = adjustment_percent(standard, factor)
        amount = Money(round_half_up(base.fen * number, 10_000))
        values = {"standard": str(standard), "factor": str(factor), "percent": percent(number), "amount": str(amount)}
        steps.append(
            step(
                "power_factor",
                values | {"kwh": milli(active_wh), "kvarh": milli(varh)},
                f"{zh}无功 {milli(varh)} 千乏时、有功 {milli(active_wh)} 千瓦时，功率因数 {_hundredths(factor)}，标准"
                f" {_hundredths(standard)}，调整 {percent(number)}%：{base} 元 × {percent(number)}% = {amount} 元。",
                f"{en.capitalize()}: {milli(varh)} kvarh to {milli(active_wh)} kWh, power factor {_hundredths(factor)} by"
                f" standard {_hundredths(standard)}, {percent(number)} %: {base} yuan x {percent(number)} % = {amount} yuan. ",
                "factor.adjustment refund.factor",
            )
        )
        amounts.append(amount)
    due = amounts[1] - amounts[0]
    return line(
        "refund",
        "power_factor",
        ("功率因数调整电费", "Power-factor adjustment"),
        "refund.factor",
        due,
        f"{amounts[1]} - {amounts[0]} = {due}",
        steps,
        unit="time",
    )


def _hundredths(number: int) -> str:
    return f"{number // 100}.{number % 100:02d}"


def correction_claim(correction: Correction, prices: Mapping[Band, Price], period: str = "") -> Claim:
    """A correction of quantity in money, each register at its own price.

    Raises:
        KeyError: a register has no price.
    """
    lines = [
        energy_line(
            "correction",
            correction.rule,
            PricedEnergy(energy, prices[band], period, None if band == "total" else band),
            correction.steps,
        )
        for band, energy in correction.by_band.items()
    ]
    return claim(lines, correction.energy_wh)

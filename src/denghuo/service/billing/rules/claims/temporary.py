"""Temporary supply without a meter (临时用电不装表): power x hours x days, paid in advance and settled later."""

from collections.abc import Sequence
from dataclasses import dataclass

from denghuo.kernel.values import Money, Price, round_half_up
from denghuo.service.billing.lines import Claim
from denghuo.service.billing.rules.claims.making import PricedEnergy, claim, energy_line, line
from denghuo.service.billing.rules.prices import at_voltage
from denghuo.service.billing.rules.words import milli, step
from denghuo.service.tariff.api import TariffDocument

RULE = "temporary.unmetered"
ComponentPrice = tuple[str, tuple[str, str], Price, str]
"""Code, title in Chinese and English, price and document of a component; without a document the rule's own."""


@dataclass(frozen=True)
class Load:
    """Equipment in W that runs so many hours a day for so many days."""

    power_w: int
    hours_a_day: int
    days: int

    @property
    def energy_wh(self) -> int:
        return self.power_w * self.hours_a_day * self.days


def component_prices(tariff: TariffDocument, voltage: str) -> list[ComponentPrice]:
    """Code, title, price without time of use, and document of each component of a tariff at a voltage."""
    found = []
    for component in tariff.components:
        row = next((one for one in at_voltage(component.prices, voltage) if one.band is None), None)
        if row is not None:
            title = (component.title.zh, component.title.en)
            found.append((component.code, title, row.price, row.document or component.document))
    return found


def temporary_supply(loads: Sequence[Load], prices: Sequence[ComponentPrice]) -> Claim:
    """What is paid in advance: the energy of all loads at each component, each rounded by itself.

    prices: code, title, price and document of the components (`component_prices` takes them from a tariff).
    """
    energy = sum(load.energy_wh for load in loads)
    shown = " + ".join(
        f"{milli(load.power_w)} kW × {load.hours_a_day} h × {load.days} d = {milli(load.energy_wh)} kWh"
        for load in loads
    )
    said = step(
        "quantity",
        {"energy": milli(energy)},
        f"用电量：{shown}，合计 {milli(energy)} 千瓦时。",
        f"Energy: {shown}; together {milli(energy)} kWh. ",
        RULE,
    )
    lines = [
        energy_line("temporary", RULE, PricedEnergy(energy, price, code=code, title=title, document=document), [said])
        for code, title, price, document in prices
    ]
    return claim(lines, energy)


def temporary_refund(paid: Money, agreed_days: int, used_days: int) -> Claim:
    """What the 1996 text (art. 87, to 2024-05-31) gives back of a payment in advance: half of it where less than half of the
    agreed time was used, nothing beyond that.

    Raises:
        ValueError: without an agreed time.
    """
    if agreed_days <= 0 or used_days < 0:
        raise ValueError(f"{used_days} days of {agreed_days} agreed")
    given = Money(-round_half_up(paid.fen, 2)) if 2 * used_days < agreed_days else Money(0)
    shown = f"-{paid} × 1/2 = {given}" if given else f"0 = {given}"
    less = ("不足", "less than") if given else ("已达", "not less than")
    said = step(
        "days",
        {"agreed": str(agreed_days), "used": str(used_days)},
        f"约定 {agreed_days} 天，实际使用 {used_days} 天，{less[0]}二分之一。",
        f"Agreed {agreed_days} days, used {used_days}, {less[1]} half. ",
    )
    title = ("退还预收电费", "Payment in advance given back")
    return claim([line("temporary", "prepaid_refund", title, "temporary.refund", given, shown, [said])])


def temporary_settlement(due: Claim, paid: Money) -> Claim:
    """The claim of the real time against what was paid in advance: negative = given back."""
    already = line("temporary", "prepaid", ("已预收", "Paid in advance"), RULE, -paid, f"-{paid}", [])
    return claim([*due.lines, already], due.energy_wh)

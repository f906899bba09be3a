"""Temporary supply without a meter (临时用电不装表)."""

from collections.abc import Iterator

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.billing.api import TemporarySupply
from denghuo.service.billing.claims.facts import above_zero, missing, require
from denghuo.service.billing.lines import Claim
from denghuo.service.billing.misfits import Misfit
from denghuo.service.billing.rules import claims as rules
from denghuo.service.billing.rules.claims.temporary import ComponentPrice, component_prices
from denghuo.service.billing.rules.registry import RULES
from denghuo.service.billing.tariffs import stored
from denghuo.service.host.binding import Ask


def temporary_supply(facts: TemporarySupply, ask: Ask, call: Call) -> Claim:
    """The claim; a tariff that is named is asked of the tariff service."""
    require(_misfits(facts))
    if facts.agreed_days is not None:
        assert facts.paid is not None and facts.used_days is not None
        return rules.temporary_refund(facts.paid, facts.agreed_days, facts.used_days)
    loads = [rules.Load(one.power.w, one.hours_a_day, one.days) for one in facts.loads]
    due = rules.temporary_supply(loads, _prices(facts, ask, call))
    return due if facts.paid is None else rules.temporary_settlement(due, facts.paid)


def _prices(facts: TemporarySupply, ask: Ask, call: Call) -> list[ComponentPrice]:
    if facts.prices:
        return [("energy", (one.name, one.name), one.price, "") for one in facts.prices]
    assert facts.tariff_code is not None and facts.voltage is not None and facts.on is not None
    tariff, _ = stored(ask, call.only("tariff.read"), facts.tariff_code, None, facts.on)
    found = component_prices(tariff, facts.voltage) if facts.voltage in tariff.voltages else []
    if not found:
        said = text(
            f"该电价在 {facts.voltage} 千伏没有不分时的价格，可用电压：{'、'.join(tariff.voltages)}。",
            f"The tariff has no price without time of use at {facts.voltage} kV; it has {', '.join(tariff.voltages)}.",
        )
        require([Misfit("voltage", facts.voltage, said)])
    return found


def _misfits(facts: TemporarySupply) -> Iterator[Misfit]:
    if facts.paid is not None and facts.paid.fen <= 0:
        said = text("预收金额应大于 0，请更正。", "What was paid must be above zero; correct it.")
        yield Misfit("paid", str(facts.paid), said)
    if facts.agreed_days is not None:
        yield from _half(facts)
        return
    if not facts.loads:
        yield missing(TemporarySupply, "loads")
    for at, load in enumerate(facts.loads):
        yield from above_zero(f"loads.{at}.power", load.power)
    if facts.prices and facts.tariff_code is not None:
        said = text("电价构成与电价只填一种。", "Give the components of the price or a tariff, not both.")
        yield Misfit("tariff_code", facts.tariff_code, said)
    elif not facts.prices and facts.tariff_code is None:
        yield missing(TemporarySupply, "prices")
    elif facts.tariff_code is not None:
        for name in ("voltage", "on"):
            if getattr(facts, name) is None:
                yield missing(TemporarySupply, name)


def _half(facts: TemporarySupply) -> Iterator[Misfit]:
    """The older text's refund of half: all its facts, none of another claim, and a supply that ended under it."""
    for name in ("paid", "used_days", "ended_on"):
        if getattr(facts, name) is None:
            yield missing(TemporarySupply, name)
    if facts.loads:
        said = text(
            "按约定天数退还一半时不填用电设备；按实际用电结算时不填约定天数。",
            "Half is given back by the days agreed alone; to settle by the equipment leave the days agreed out.",
        )
        yield Misfit("loads", str(len(facts.loads)), said)
    rule = RULES["temporary.refund"]
    if facts.ended_on is not None and not rule.holds_on(facts.ended_on):
        said = text(
            f"{rule.document}的退还一半只适用于 {rule.until} 之前，之后按实际用电结算，请填写用电设备。",
            f"Half back by {rule.document} holds before {rule.until}; since then settle by the equipment.",
        )
        yield Misfit("ended_on", facts.ended_on.isoformat(), said)

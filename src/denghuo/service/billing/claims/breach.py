"""Breach of use and theft (违约用电、窃电)."""

from collections.abc import Iterator

from denghuo.kernel.problem import text
from denghuo.service.billing.api import Breach, Theft
from denghuo.service.billing.api.claim import CapacityInUse, OverQuota
from denghuo.service.billing.claims.facts import (
    above_zero,
    at_most,
    missing,
    not_before,
    priced,
    require,
    used_energies,
)
from denghuo.service.billing.lines import Claim
from denghuo.service.billing.misfits import Misfit
from denghuo.service.billing.rules import claims as rules
from denghuo.service.billing.rules.claims import PricedEnergy
from denghuo.service.billing.rules.claims.breach import (
    CAPACITY_TIMES,
    CATEGORY_TIMES,
    THEFT_TIMES,
    rated_power_w,
)
from denghuo.service.billing.rules.claims.making import claim
from denghuo.service.billing.rules.registry import RULES

FOUND = ("category", "capacity", "sealed", "supply", "metering", "quota")


def breach(facts: Breach) -> Claim:
    """The charges of a breach of use (违约用电) and its penalty. Raises NotTriable where the facts do not fit."""
    if all(getattr(facts, name) in (None, []) for name in FOUND):
        require([missing(Breach, *FOUND)])
    require(_misfits(facts))
    parts = list(_parts(facts))
    energies = [part.energy_wh for part in parts if part.energy_wh is not None]
    return claim([line for part in parts for line in part.lines], sum(energies) if energies else None)


def _parts(facts: Breach) -> Iterator[Claim]:
    if facts.category:
        yield rules.wrong_category(
            [priced(one) for one in facts.category],
            CATEGORY_TIMES if facts.category_times is None else facts.category_times,
            on=facts.found_on,
        )
    if facts.capacity is not None:
        used = facts.capacity
        yield rules.unauthorised_capacity(
            used.power.w,
            two_part_price=used.basic_price,
            first_day=used.first_day,
            last_day=used.last_day,
            times=CAPACITY_TIMES if used.times is None else used.times,
            on=facts.found_on or used.last_day,
        )
    if facts.sealed is not None:
        sealed = facts.sealed
        yield rules.sealed_equipment(
            sealed.power.w,
            two_part_price=sealed.basic_price,
            first_day=sealed.first_day,
            last_day=sealed.last_day,
            on=facts.found_on or sealed.last_day,
        )
    if facts.supply is not None:
        yield rules.unauthorised_supply(facts.supply.power.w, on=facts.found_on)
    if facts.metering is not None:
        yield rules.touched_metering(facts.metering.count, resident=facts.metering.resident, on=facts.found_on)
    if facts.quota is not None:
        beyond = PricedEnergy(facts.quota.energy.wh, facts.quota.price)
        yield rules.over_quota(facts.quota.peak_power.w, [beyond])


def _misfits(facts: Breach) -> Iterator[Misfit]:
    yield from used_energies("category", facts.category)
    yield from at_most("category_times", facts.category_times, CATEGORY_TIMES)
    if facts.capacity is not None:
        yield from _capacity("capacity", facts.capacity)
        yield from at_most("capacity.times", facts.capacity.times, CAPACITY_TIMES)
    if facts.sealed is not None:
        yield from _capacity("sealed", facts.sealed)
    if facts.supply is not None:
        yield from above_zero("supply.power", facts.supply.power)
    if facts.quota is not None:
        yield from _quota(facts.quota)


def _capacity(field: str, used: CapacityInUse) -> Iterator[Misfit]:
    yield from above_zero(f"{field}.power", used.power)
    if used.basic_price is None:
        return
    for name in ("first_day", "last_day"):
        if getattr(used, name) is None:
            yield missing(CapacityInUse, name, at=f"{field}.")
    if used.first_day is not None and used.last_day is not None:
        yield from not_before(f"{field}.last_day", used.last_day, used.first_day)


def _quota(quota: OverQuota) -> Iterator[Misfit]:
    yield from above_zero("quota.peak_power", quota.peak_power)
    yield from above_zero("quota.energy", quota.energy)
    rule = RULES["breach.quota"]
    if not rule.holds_on(quota.used_on):
        said = text(
            f"{rule.document}只适用于 {rule.until} 之前的用电，之后不再有该项。",
            f"{rule.document} holds for use before {rule.until}; there is no such charge since.",
        )
        yield Misfit("quota.used_on", quota.used_on.isoformat(), said)


def theft(facts: Theft) -> Claim:
    """The charges of stolen energy (窃电) and the penalty. Raises NotTriable where the facts do not fit."""
    if not (facts.energies or facts.loads or facts.meters or facts.shares):
        require([missing(Theft, "energies", "loads", "meters", "shares")])
    require(_theft_misfits(facts))
    pieces = [priced(one) for one in facts.energies]
    pieces += [
        rules.stolen_by_load(
            load.power.w, load.price, use=load.use, hours_a_day=load.hours_a_day, days=load.days, on=facts.found_on
        )
        for load in facts.loads
    ]
    pieces += [
        rules.stolen_by_load(
            rated_power_w(one.phase_volts, one.rated_amperes, one.phases, one.multiplier),
            one.price,
            use=one.use,
            hours_a_day=one.hours_a_day,
            days=one.days,
            on=facts.found_on,
        )
        for one in facts.meters
    ]
    pieces += [rules.stolen_by_share(one.registered.wh, one.share, one.price) for one in facts.shares]
    return rules.theft(pieces, THEFT_TIMES if facts.times is None else facts.times, on=facts.found_on)


def _theft_misfits(facts: Theft) -> Iterator[Misfit]:
    yield from at_most("times", facts.times, THEFT_TIMES)
    yield from used_energies("energies", facts.energies)
    for at, load in enumerate(facts.loads):
        yield from above_zero(f"loads.{at}.power", load.power)
    for at, one in enumerate(facts.shares):
        yield from above_zero(f"shares.{at}.registered", one.registered)
        yield from above_zero(f"shares.{at}.share", one.share)

"""The fields of `RatingSubject` that special terms give."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent, Price
from denghuo.service.billing.batch import Entry, Terms
from denghuo.service.billing.covered import months_from
from denghuo.service.billing.lines import (
    CannotRate,
    Generated,
    GreenEnergy,
    MarketMonth,
    Part,
    RetailPackage,
    TierClosing,
)
from denghuo.service.billing.rules.households import household_extra_wh, household_months
from denghuo.service.billing.special.days import Days, TierYear, of_days
from denghuo.service.billing.special.losses import line_loss, losses_of, transformer_days
from denghuo.service.billing.special.others import EntriesOf, supplies, taken
from denghuo.service.billing.special.said import special_of
from denghuo.service.billing.spot import ALL, MarketFacts, MarketOf, nothing_known
from denghuo.service.contract import api as contract
from denghuo.service.contract.api import SpecialTerms
from denghuo.service.tariff.api import TariffDocument


def filled(
    entry: Entry,
    tariff: TariffDocument,
    days: Days,
    tier_year: TierYear,
    entries_of: EntriesOf,
    market_of: MarketOf = nothing_known,
) -> dict[str, Any]:
    """The fields of `RatingSubject` that special terms give. market_of: gives points and prices of a market customer.

    Raises:
        CannotRate: another account that is counted with this one has no contract in the month; a curve or a spot price is missing.
    """
    terms = entry.terms[-1]
    if terms.special is None:
        return {}
    special = special_of(terms.special)
    found: dict[str, Any] = {
        "transformers": [transformer_days(one) for one in special.transformers],
        "losses": list(losses_of(special, days, tariff.rounding.quantity_places, entries_of)),
        "line_losses": [line_loss(one, days) for one in special.line_losses],
        "parts": [_part(one, days) for one in special.parts],
        "tier_extra_wh": _extra(special, tariff, tier_year),
        "free_months": _free_months(special, days),
        "free_as": special.free_as,
        "free_evidence": special.free_evidence or "",
        "agency_case": special.agency_case,
        "charging_station": special.charging_station,
        "standard_lowered": special.standard_lowered,
    }
    if terms.settlement_mode == "market":
        found["market"] = _market(special, days, market_of(entry, special, tariff, days.first, days.last))
    if special.pf_standard is not None:
        found["standard"] = special.pf_standard
    if special.counted_with and tariff.basic is not None and tariff.basic.discount is not None:
        found |= _counted(entry, special, days.month, tariff.rounding.quantity_places, entries_of)
    return found


def generated(entry: Entry, tariff: TariffDocument, subsidised: Callable[[str], int]) -> Generated | None:
    """The plant of a purchase contract for its subsidy; None where nothing is agreed of it, or nothing of it is subsidised.

    subsidised: gives the Wh that bills of earlier months subsidised of an account's plant.

    Raises:
        CannotRate: the subsidy is on all that is generated, and only what is exported is metered.
    """
    terms = entry.terms[-1]
    special = special_of(terms.special) if terms.special else SpecialTerms()
    if tariff.subsidy is None or special.connected_on is None:
        return None
    if tariff.subsidy.on == "generation" and terms.settlement_mode != "full_feed_in":
        raise CannotRate(
            text(
                "补贴按发电量计算，而余电上网户只有上网电量；请改用按上网电量补贴的电价，或办理全额上网。",
                "The subsidy is on all that is generated, and of a plant that feeds its surplus only the export is metered; choose"
                " a tariff with a subsidy on export, or full feed-in.",
            ),
            code="no_terms",
            value=terms.contract_no,
        )
    before = special.subsidised_before.wh if special.subsidised_before else 0
    return Generated(
        generated_wh=taken(entry, "active_rev", tariff.rounding.quantity_places),
        subsidised_before_wh=max(before + subsidised(entry.account_no), 0),
        capacity_w=terms.pv_w or 0,
        connected_on=special.connected_on,
    )


def _part(one: contract.Part, days: Days) -> Part:
    return Part(
        point_no=one.point_no,
        way=one.way,
        tariff_code=one.tariff_code,
        tariff_class=one.tariff_class,
        settlement=one.settlement,
        quantity_wh=of_days(one.quantity_kwh.wh if one.quantity_kwh else 0, days),
        ratio=one.ratio or Percent(0),
        take_from=one.take_from,
        other_account=one.account_no is not None,
        resale=one.resale,
    )


def _market(special: SpecialTerms, days: Days, facts: MarketFacts | None) -> MarketMonth | None:
    """The package of a market customer or its settlement by points, and its green energy; green energy agreed for a month counts by
    the days."""
    document, package = special.retail_document or special.market_document, None
    if document is None:
        return None
    if special.retail_title is not None:
        share = special.retail_spot_share or Percent(0)
        package = RetailPackage(
            title=TextPair(zh=special.retail_title, en=special.retail_title),
            document=document,
            fixed={one.band: one.price for one in special.retail_prices},
            fixed_share=Percent(ALL - share.number),
            fee=special.retail_fee or Price(0),
            floor=special.retail_floor,
            cap=special.retail_cap,
        )
    green = [
        GreenEnergy(quantity_wh=of_days(one.quantity_kwh.wh, days), price=one.price, document=one.document)
        for one in special.green
    ]
    found = MarketMonth(document=document, package=package, green=green)
    if facts is None:
        return found
    update = {
        "slots": facts.slots,
        "node": special.market_node,
        "contracts": facts.contracts,
        "balance_price": facts.balance_price,
    }
    return found.model_copy(update=update)


def _extra(special: SpecialTerms, tariff: TariffDocument, year: TierYear) -> int:
    """Additional room of the first tier in the tariff's tier period."""
    if special.persons is None or special.persons_since is None or tariff.tiers is None:
        return 0
    if tariff.tiers.period not in ("annual", "monthly"):
        return 0
    months = year.months if tariff.tiers.period == "annual" else year.read
    count = household_months(year.last, months, special.persons_since, special.persons_until)
    return household_extra_wh(tariff.tiers.households, special.persons, count)


def tier_closing(terms: Terms, tariff: TariffDocument, year: TierYear) -> TierClosing | None:
    """How the tier year is settled; None where it does not end early."""
    if year.billed is None or year.billed.months == year.months:
        return None
    extra = _extra(special_of(terms.special), tariff, year.billed) if terms.special else 0
    return TierClosing(billed_months=year.billed.months, billed_extra_wh=extra)


def _free_months(special: SpecialTerms, days: Days) -> int:
    """Months of free energy that end within the days; the last month of a bill is that of its last day."""
    if not special.free_energy:
        return 0
    months = months_from(Month.holding(days.first), days.month)
    return sum(
        (month < days.month or days.closing or days.last == month.next.first_day - timedelta(days=1))
        and (special.free_until is None or special.free_until >= month.first_day)
        for month in months
    )


def _counted(entry: Entry, special: SpecialTerms, month: Month, places: int, entries_of: EntriesOf) -> dict[str, Any]:
    """Energy and capacity of all accounts of a customer, this one included."""
    entries = [entry] + [one for number in special.counted_with for one in supplies(number, month, entries_of)]
    return {
        "customer_energy_wh": sum(taken(one, "active_fwd", places) for one in entries),
        "customer_capacity_va": sum(max((terms.capacity_va or 0 for terms in one.terms), default=0) for one in entries),
    }

"""Special terms of a contract (专用条款) as rating takes them over the days of a bill. Pure."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent, Price, round_half_up
from denghuo.service.billing.batch import SUB_METER, Entry, Piece, Terms
from denghuo.service.billing.covered import months_from
from denghuo.service.billing.lines import (
    CannotRate,
    Generated,
    GreenEnergy,
    LineLoss,
    LossBand,
    MarketMonth,
    Part,
    RatingSubject,
    RetailPackage,
    TierClosing,
    TransformerDays,
    TransformerLoss,
)
from denghuo.service.billing.rules import Stage
from denghuo.service.billing.rules.days import priced_month
from denghuo.service.billing.rules.households import household_extra_wh, household_months
from denghuo.service.billing.rules.quantities import whole
from denghuo.service.billing.spot import ALL, MarketFacts, MarketOf, nothing_known
from denghuo.service.contract import api as contract
from denghuo.service.contract.api import SpecialTerms
from denghuo.service.tariff.api import TariffDocument

EntriesOf = Callable[[str], Sequence[Entry]]
"""The month's entries of an account, for contracts that are rated together with others."""
MONTH_DAYS = 30
"""A part of a month counts its losses by thirtieths."""
_DATED = (
    "transformers",
    "persons",
    "persons_since",
    "persons_until",
    "free_energy",
    "free_until",
    "free_as",
    "free_evidence",
    "counted_with",
    "connected_on",
    "subsidised_before",
    "forward",
    "declared",
)
"""What has days of its own or holds for the month as a whole: a change of it makes no stage."""
_ENERGISED = frozenset({"running", "exchanged", "hot_standby"})


@dataclass(frozen=True)
class Days:
    """The days that are rated, both included, and whether the bill's last day is among them.

    month: in which they end; those of a reading of several months that is rated as one begin before it. begins, ends: the first
    month and the last day of the whole bill; None where these days are all of it.
    """

    month: Month
    first: date
    last: date
    closing: bool = True
    begins: Month | None = None
    ends: date | None = None

    @property
    def count(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def whole(self) -> bool:
        return self.count == self.month.day_count


@dataclass(frozen=True)
class TierYear:
    """What of a tier year counts for an account: the months before this one, the last that counts, and how many count.

    billed: as the bills before counted, where the year ends early with this bill. read: the months that this reading covers. since:
    the first day of a year by readings, where it is not the one that the length of this reading lets expect.
    """

    earlier: Sequence[Month]
    last: Month
    months: int = 12
    billed: "TierYear | None" = None
    read: int = 1
    since: date | None = None


@lru_cache(maxsize=4096)
def special_of(said: str) -> SpecialTerms:
    """The special terms of a row of `contract.terms`."""
    return SpecialTerms.model_validate_json(said)


@lru_cache(maxsize=4096)
def priced_part(said: str | None) -> str | None:
    """What of special terms makes a stage of its own where it changes within a month."""
    if said is None:
        return None
    special = special_of(said).model_copy(
        update={name: SpecialTerms.model_fields[name].get_default() for name in _DATED}
    )
    return None if special == SpecialTerms() else special.model_dump_json()


def part_codes(terms: Terms) -> list[str]:
    """Codes of the tariffs that parts of a contract are billed by."""
    parts = special_of(terms.special).parts if terms.special else []
    return sorted({part.tariff_code for part in parts if part.tariff_code is not None})


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
        "transformers": [_transformer(one) for one in special.transformers],
        "losses": list(_losses(special, days, tariff.rounding.quantity_places, entries_of)),
        "line_losses": [_line(one, days) for one in special.line_losses],
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


def exported(entries: Iterable[Entry]) -> int | None:
    """Wh that the plant of an account fed in during the month; None where it has no contract for one, or nothing was."""
    pieces = [piece for entry in entries if entry.kind == "purchase" for piece in entry.pieces]
    return (
        sum(piece.energy_wh or 0 for piece in pieces if (piece.quantity, piece.band) == ("active_rev", "total")) or None
    )


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
        generated_wh=_taken(entry, "active_rev", tariff.rounding.quantity_places),
        subsidised_before_wh=max(before + subsidised(entry.account_no), 0),
        capacity_w=terms.pv_w or 0,
        connected_on=special.connected_on,
    )


def every_sub_meter_is_agreed(entry: Entry) -> None:
    """A sub-meter of which nothing is agreed would be billed twice, at itself and at its main meter; a main meter that is named as
    its own sub-meter would be taken off itself.

    Raises:
        CannotRate: what a sub-meter shows has no price, or main and sub-meter are one.
    """
    terms = entry.terms[-1]
    parts = special_of(terms.special).parts if terms.special else []
    agreed, behind = {part.point_no for part in parts}, {part.point_no for part in parts if part.way == "meter"}
    for piece in entry.pieces:
        if piece.role == "sale" and piece.point_no in behind:
            raise CannotRate(
                text(
                    f"计量点 {piece.point_no} 是本户总表，不能作为分表从自身扣减（环路）；请在合同专用条款中改为分表的计量点，"
                    "或改按定量、定比、并列计量。",
                    f"Point {piece.point_no} is the account's main meter and cannot be taken off itself (a loop): name the point of"
                    " the sub-meter among the special terms, or agree on a quantity, a ratio or a parallel meter.",
                ),
                code="no_terms",
                point_no=piece.point_no,
                value=terms.contract_no,
            )
        if piece.role == SUB_METER and piece.point_no not in agreed:
            raise CannotRate(
                text(
                    f"分表 {piece.point_no} 没有分算约定，请在合同专用条款中约定其电价。",
                    f"Nothing is agreed about sub-meter {piece.point_no}; agree on its tariff among the special terms.",
                ),
                code="no_terms",
                point_no=piece.point_no,
                value=terms.contract_no,
            )


# --- losses and transformers -----------------------------------------------------------------------------------------------


def _transformer(one: contract.Transformer) -> TransformerDays:
    return TransformerDays(
        transformer_no=one.transformer_no,
        capacity_va=one.capacity_kva.va,
        # A transformer that stands in for another for a time is charged as it runs.
        state="running" if one.state == "exchanged" else one.state,
        first_day=one.first_day,
        last_day=one.last_day,
        interlock=one.interlock,
    )


def _losses(special: SpecialTerms, days: Days, places: int, entries_of: EntriesOf) -> Iterator[TransformerLoss]:
    """A transformer loses on the days on which it is energised, all where nothing is said of its state. places: decimals of kWh to
    which each register counts."""
    for one in special.losses:
        energised = _energised(special, one.transformer_no, days)
        if energised == 0:
            continue
        # The one that bears the remainder last, so that each of them finds the same shares.
        behind = sorted(
            (
                entry
                for other in special.behind
                if other.transformer_no == one.transformer_no
                for entry in _supplies(other.account_no, days.month, entries_of)
            ),
            key=lambda entry: _bears_remainder(entry, one.transformer_no),
        )
        energies = [_taken(entry, "active_fwd", places) for entry in behind]
        yield TransformerLoss(
            transformer_no=one.transformer_no,
            capacity_va=one.capacity_kva.va if one.capacity_kva else 0,
            no_load_w=one.no_load_kw.w if one.way == "nameplate" and one.no_load_kw else None,
            load_w=one.load_kw.w if one.load_kw else 0,
            no_load_current=one.no_load_current or Percent(0),
            impedance=one.impedance or Percent(0),
            copper_share=one.copper_share,
            table=[
                LossBand(
                    up_to_wh=row.up_to_kwh.wh if row.up_to_kwh else None,
                    active_wh=row.active_kwh.wh,
                    reactive_varh=row.reactive_kvarh.varh,
                )
                for row in special.loss_rows
                if one.way == "table" and row.transformer_no == one.transformer_no
            ],
            active_wh=one.active_kwh.wh if one.way == "agreed" and one.active_kwh else None,
            reactive_varh=one.reactive_kvarh.varh if one.reactive_kvarh else 0,
            days=None if energised == days.month.day_count else min(energised, MONTH_DAYS),
            behind_wh=sum(energies),
            behind_varh=sum(_taken(entry, "reactive_fwd", places) for entry in behind),
            behind_each=energies,
            bears_remainder=one.bears_remainder,
        )


def over_the_month(stages: Sequence[Stage]) -> list[Stage]:
    """The stages of a bill, in which a transformer that runs on all days of a month loses one month and not so many thirtieths."""
    running = Counter[tuple[Month, str]]()
    for stage in stages:
        month = priced_month(stage.subject)
        running.update({(month, one.transformer_no): one.days or 0 for one in stage.subject.losses})
    found: list[Stage] = []
    for stage in stages:
        month = priced_month(stage.subject)
        throughout = {number for (at, number), days in running.items() if at == month and days == month.day_count}
        found.append(stage._replace(subject=_by_days_of_month(stage.subject, throughout, month)))
    return found


def hangs_on_month(terms: Terms, tariff: TariffDocument) -> bool:
    """Whether what a contract is charged hangs on the month, so that each month of a reading is rated by itself: bands and their
    seasons, basic and other monthly charges, a power factor, and what is agreed for a month."""
    adjusted = tariff.power_factor is not None and (
        terms.pf_standard is not None or any(row.capacity_from.va == 0 for row in tariff.power_factor.standards)
    )
    by_month = tariff.time_of_use or tariff.basic is not None or tariff.charges or tariff.subsidy is not None
    return bool(by_month or adjusted or priced_part(terms.special) is not None)


def _by_days_of_month(subject: RatingSubject, throughout: Container[str], month: Month) -> RatingSubject:
    if not any(one.transformer_no in throughout for one in subject.losses):
        return subject
    losses = [
        one.model_copy(update={"month_days": month.day_count}) if one.transformer_no in throughout else one
        for one in subject.losses
    ]
    return subject.model_copy(update={"losses": losses})


def _bears_remainder(entry: Entry, transformer_no: str) -> bool:
    said = entry.terms[-1].special
    losses = special_of(said).losses if said else []
    return any(one.bears_remainder for one in losses if one.transformer_no == transformer_no)


def _energised(special: SpecialTerms, transformer_no: str, days: Days) -> int:
    states = [one for one in special.transformers if one.transformer_no == transformer_no]
    if not states:
        return days.count
    spans = [
        (max(one.first_day, days.first), min(one.last_day or date.max, days.last))
        for one in states
        if one.state in _ENERGISED
    ]
    return sum(max((last - first).days + 1, 0) for first, last in spans)


def _line(one: contract.LineLoss, days: Days) -> LineLoss:
    active = one.active_kwh.wh if one.active_kwh else 0
    return LineLoss(line_no=one.line_no, share=one.share, active_wh=_of_days(active, days), deduct=one.deduct)


def _part(one: contract.Part, days: Days) -> Part:
    return Part(
        point_no=one.point_no,
        way=one.way,
        tariff_code=one.tariff_code,
        tariff_class=one.tariff_class,
        settlement=one.settlement,
        quantity_wh=_of_days(one.quantity_kwh.wh if one.quantity_kwh else 0, days),
        ratio=one.ratio or Percent(0),
        take_from=one.take_from,
        resale=one.resale,
    )


def _of_days(month_wh: int, days: Days) -> int:
    """A quantity agreed for a month, for some of its days: what has run up by their end less what had before them, so that the
    stages of a month add up to it."""
    before = (days.first - days.month.first_day).days
    by_end = round_half_up(month_wh * (before + days.count), days.month.day_count)
    return by_end - round_half_up(month_wh * before, days.month.day_count)


# --- market ----------------------------------------------------------------------------------------------------------------


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
        GreenEnergy(quantity_wh=_of_days(one.quantity_kwh.wh, days), price=one.price, document=one.document)
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


# --- households ------------------------------------------------------------------------------------------------------------


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


# --- other accounts --------------------------------------------------------------------------------------------------------


def _counted(entry: Entry, special: SpecialTerms, month: Month, places: int, entries_of: EntriesOf) -> dict[str, Any]:
    """Energy and capacity of all accounts of a customer, this one included."""
    entries = [entry] + [one for number in special.counted_with for one in _supplies(number, month, entries_of)]
    return {
        "customer_energy_wh": sum(_taken(one, "active_fwd", places) for one in entries),
        "customer_capacity_va": sum(max((terms.capacity_va or 0 for terms in one.terms), default=0) for one in entries),
    }


def _supplies(account_no: str, month: Month, entries_of: EntriesOf) -> list[Entry]:
    found = [entry for entry in entries_of(account_no) if entry.kind == "supply"]
    if not found or any(piece.energy_wh is None for entry in found for piece in entry.pieces):
        raise CannotRate(
            text(
                f"合并计算的户号 {account_no} 在 {month} 没有合同，或其电量未确定；请先处理该户，或更正专用条款。",
                f"Account {account_no}, which is counted with this one, has no contract in {month} or no settled quantity;"
                " see to it first, or correct the special terms.",
            ),
            code="no_terms",
            value=account_no,
        )
    return found


def _taken(entry: Entry, quantity: str, places: int) -> int:
    """Wh or varh at the main and the parallel meters of an entry, each register rounded as it is billed."""
    inside: set[str] = set()
    for terms in entry.terms:
        parts = special_of(terms.special).parts if terms.special else []
        inside |= {part.point_no for part in parts if part.way == "meter"}
    return _energy([piece for piece in entry.pieces if piece.point_no not in inside], quantity, places)


def _energy(pieces: Iterable[Piece], quantity: str, places: int) -> int:
    """Wh or varh of meters: their total registers, or their bands where they have no total."""
    meters: dict[tuple[str, str, int], dict[str, int]] = {}
    for piece in pieces:
        if piece.quantity == quantity:
            bands: dict[str, int] = meters.setdefault((piece.point_no, piece.meter_no, piece.piece), {})
            bands[piece.band] = whole(piece.energy_wh or 0, places)
    return max(sum(_total(bands) for bands in meters.values()), 0)


def _total(bands: Mapping[str, int]) -> int:
    return bands["total"] if "total" in bands else sum(bands.values())

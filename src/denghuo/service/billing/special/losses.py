"""Transformers and lines of special terms: their states and losses over the days that are rated."""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import date

from denghuo.kernel.period import Month
from denghuo.kernel.values import Percent
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.lines import (
    LineLoss,
    LossBand,
    RatingSubject,
    TransformerDays,
    TransformerLoss,
)
from denghuo.service.billing.rules import Stage
from denghuo.service.billing.rules.days import priced_month
from denghuo.service.billing.special.days import Days, of_days
from denghuo.service.billing.special.others import EntriesOf, supplies, taken
from denghuo.service.billing.special.said import special_of
from denghuo.service.contract import api as contract
from denghuo.service.contract.api import SpecialTerms

MONTH_DAYS = 30
"""A part of a month counts its losses by thirtieths."""
_ENERGISED = frozenset({"running", "exchanged", "hot_standby"})


def transformer_days(one: contract.Transformer) -> TransformerDays:
    return TransformerDays(
        transformer_no=one.transformer_no,
        capacity_va=one.capacity_kva.va,
        # A transformer that stands in for another for a time is charged as it runs.
        state="running" if one.state == "exchanged" else one.state,
        first_day=one.first_day,
        last_day=one.last_day,
        interlock=one.interlock,
    )


def losses_of(special: SpecialTerms, days: Days, places: int, entries_of: EntriesOf) -> Iterator[TransformerLoss]:
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
                for entry in supplies(other.account_no, days.month, entries_of)
            ),
            key=lambda entry: _bears_remainder(entry, one.transformer_no),
        )
        energies = [taken(entry, "active_fwd", places) for entry in behind]
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
            behind_varh=sum(taken(entry, "reactive_fwd", places) for entry in behind),
            behind_each=energies,
            bears_remainder=one.bears_remainder,
        )


def line_loss(one: contract.LineLoss, days: Days) -> LineLoss:
    active = one.active_kwh.wh if one.active_kwh else 0
    return LineLoss(line_no=one.line_no, share=one.share, active_wh=of_days(active, days), deduct=one.deduct)


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

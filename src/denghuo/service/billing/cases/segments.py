"""The months of a case, each rated as it stands and as it should be, and what an adjustment bill is rated from. Pure.

Months follow each other: what an earlier month of the case changes of the tier year is counted in the later ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from denghuo.kernel.period import Month
from denghuo.kernel.values import Money
from denghuo.service.billing.cases.basis import Basis
from denghuo.service.billing.cases.correct import Corrected
from denghuo.service.billing.kept import TariffOf
from denghuo.service.billing.lines import BillLine, Rated, Step
from denghuo.service.billing.rules.difference import differences


@dataclass(frozen=True)
class Standing:
    """A month of an account as it stands: its bill, and what of it holds. after_case: the adjustment that holds, if there is one.

    used_wh: by how much the use of earlier months of the tier year is known to be another now than when it was rated, by month.
    """

    month: Month
    bill_no: str
    first_day: date
    basis: Basis
    after_case: str | None
    used_wh: Mapping[str, int]


@dataclass(frozen=True)
class Segment:
    """A month of a case, rated both ways."""

    standing: Standing
    now: Basis
    why: Sequence[Step]
    corrections: Sequence[dict[str, Any]]
    rated_was: Rated
    rated_now: Rated

    @property
    def energy_wh(self) -> int:
        return self.rated_now.energy_wh - self.rated_was.energy_wh

    def kept(self) -> dict[str, Any]:
        """As it is stored and hashed."""
        one = self.standing
        return {
            "month": str(one.month),
            "bill_no": one.bill_no,
            "first_day": one.first_day.isoformat(),
            "last_day": one.basis.to_on.isoformat(),
            "was": one.basis.kept(),
            "now": self.now.kept(),
            "corrections": list(self.corrections),
            "why": [step.model_dump(mode="json") for step in self.why],
        }


def segment(standing: Standing, right: Corrected, before: Sequence[Segment], tariff_of: TariffOf) -> Segment:
    """
    before: the months of the case before this one.

    Raises:
        CannotRate: the month cannot be rated as it should be.
    """
    first = right.basis.tier_year(standing.month, tariff_of)
    now = right.basis
    if first is not None:
        changed = [wh for month, wh in standing.used_wh.items() if first <= Month.of(month)]
        changed += [one.energy_wh for one in before if first <= one.standing.month]
        now = now.used_more(sum(changed))
    return Segment(standing, now, right.why, right.corrections, standing.basis.rated(tariff_of), now.rated(tariff_of))


def lines_of(segments: Sequence[Mapping[str, Any]], tariff_of: TariffOf) -> list[BillLine]:
    """The lines of an adjustment bill, from its months as they are kept."""
    return [line for kept in segments for line in _lines(kept, tariff_of)]


def energy_of(segments: Sequence[Mapping[str, Any]], tariff_of: TariffOf) -> int:
    """What a case changes in energy, in Wh: what is due now less what was billed, over all segments."""
    return sum(
        sign * Basis.of(kept[side], date.fromisoformat(kept["last_day"])).rated(tariff_of).energy_wh
        for kept in segments
        for side, sign in (("was", -1), ("now", 1))
    )


def _lines(kept: Mapping[str, Any], tariff_of: TariffOf) -> Iterator[BillLine]:
    first, last = date.fromisoformat(kept["first_day"]), date.fromisoformat(kept["last_day"])
    was, now = (Basis.of(kept[side], last).rated(tariff_of) for side in ("was", "now"))
    yield from differences(was, now, first, last, [Step.model_validate(one) for one in kept["why"]])


def tariffs_in(segments: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Code and version of all tariffs of the months, the one of the last month as it should be first."""
    found: dict[tuple[str, int], None] = {}
    for kept in reversed(segments):
        for side in ("now", "was"):
            for one in Basis.of(kept[side], date.fromisoformat(kept["last_day"])).tariffs():
                found.setdefault(one)
    return list(found)


def rated_again(rating: Mapping[str, Any], tariff_of: TariffOf) -> Rated:
    """An adjustment bill by the rules from what is kept with it: the months of its case, and the lines that it states.

    Raises:
        CannotRate: a month can no longer be rated.
    """
    segments = rating["segments"]
    lines = lines_of(segments, tariff_of) + [BillLine.model_validate(one) for one in rating.get("stated", [])]
    energy = energy_of(segments, tariff_of) + rating.get("stated_wh", 0)
    return Rated(
        tariff_code=rating["tariff_code"],
        tariff_version=rating["tariff_version"],
        energy_wh=energy,
        tiers_wh=[],
        lines=lines,
        total=Money(sum(line.amount.fen for line in lines)),
        estimated_days=0,
        illustrative=any(line.illustrative for line in lines),
        remarks=[],
    )


def rating_of(
    head: Mapping[str, Any], segments: Sequence[Mapping[str, Any]], stated: Sequence[BillLine], stated_wh: int
) -> dict[str, Any]:
    """What an adjustment bill is rated from, as it is stored beside its (no) registers. head: account, contract, kind, month, case,
    and the tariff under which the bill stands."""
    own = (head["tariff_code"], head["tariff_version"])
    further = [one for one in tariffs_in(segments) if one != own]
    return {
        **head,
        "segments": list(segments),
        **({"stated": [line.model_dump(mode="json") for line in stated], "stated_wh": stated_wh} if stated else {}),
        **({"tariffs": [{"code": code, "version": version} for code, version in further]} if further else {}),
    }

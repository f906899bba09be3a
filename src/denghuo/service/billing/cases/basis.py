"""What a month of an account was, or should be, rated from (计费依据): the form that is stored with bills and hashed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from denghuo.kernel.period import Month
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.kept import (
    TariffOf,
    part_tariffs,
    rating_head,
    rating_part,
    stages_of,
    stored,
    stored_subject,
)
from denghuo.service.billing.lines import Rated, RatingSubject
from denghuo.service.billing.pieces import piece_json, piece_of
from denghuo.service.billing.rules import Stage, rate_stages
from denghuo.service.billing.rules.tiers import tier_year_begins
from denghuo.service.tariff.api import TariffDocument


@dataclass(frozen=True)
class Basis:
    """Registers and terms of a month, and the tariff of its last days. to_on: the last day billed."""

    registers: Sequence[Mapping[str, Any]]
    rating: Mapping[str, Any]
    tariff_code: str
    tariff_version: int
    to_on: date

    @classmethod
    def of(cls, kept: Mapping[str, Any], to_on: date) -> "Basis":
        """From a bill's row, or from a side of a segment."""
        return cls(kept["registers"], kept["rating"], kept["tariff_code"], kept["tariff_version"], to_on)

    def kept(self) -> dict[str, Any]:
        return {
            "registers": list(self.registers),
            "rating": dict(self.rating),
            "tariff_code": self.tariff_code,
            "tariff_version": self.tariff_version,
        }

    def tariffs(self) -> list[tuple[str, int]]:
        """Code and version of all tariffs that it is rated by, its own first."""
        return [
            (self.tariff_code, self.tariff_version),
            *((one["code"], one["version"]) for one in self.rating.get("tariffs", [])),
        ]

    def pieces(self) -> list[Piece]:
        row = {"account_no": "", "area_no": None, "kind": self.rating.get("kind", "supply")}
        return [piece_of(row, piece) for piece in self.registers]

    def with_pieces(self, pieces: Sequence[Piece]) -> "Basis":
        return replace(self, registers=[piece_json(one) for one in pieces])

    def rated(self, tariff_of: TariffOf) -> Rated:
        """
        Raises:
            CannotRate: no bill follows from it.
        """
        own, pieces = tariff_of(self.tariff_code, self.tariff_version), self.pieces()
        stages = stages_of(self.rating, pieces, own, tariff_of)
        others = part_tariffs(self.rating, self.to_on, own, tariff_of)
        return rate_stages(stages or [Stage(stored_subject(self.rating, pieces), own, others)])

    def subject(self) -> RatingSubject:
        """The whole month, or its last stage."""
        return stored_subject(stored(self.rating)[-1], self.pieces())

    def under(self, subject: RatingSubject, tariff: TariffDocument) -> "Basis":
        """The same registers by other terms and another tariff."""
        rating = rating_part([Stage(subject, tariff)])
        return replace(self, rating=rating, tariff_code=tariff.code, tariff_version=tariff.version)

    def tier_year(self, month: Month, tariff_of: TariffOf) -> Month | None:
        """The first month of the tier year that counts for the month; None where its tariff has no tiers of a year."""
        tariff, last = tariff_of(self.tariff_code, self.tariff_version), stored(self.rating)[-1]
        if tariff.tiers is None or tariff.tiers.period != "annual":
            return None
        if last.get("tier_since"):
            return Month.holding(date.fromisoformat(last["tier_since"]))
        return tier_year_begins(tariff.tiers, month, last.get("reading_months", 1))

    def used_more(self, more_wh: int) -> "Basis":
        """With more energy (negative: less) used before in the tier year."""
        if not more_wh:
            return self
        stages = self.rating.get("stages")
        if not stages:
            return replace(self, rating=_used_more(self.rating, more_wh))
        return replace(self, rating=dict(self.rating) | {"stages": [_used_more(one, more_wh) for one in stages]})


def _used_more(rating: Mapping[str, Any], more_wh: int) -> dict[str, Any]:
    subject = stored_subject(rating, [])
    used = max(subject.used_before_wh + more_wh, 0)
    further = {name: value for name, value in rating.items() if name not in RatingSubject.model_fields}
    # The energies of its tiers are those of the bills before, which no longer hold: the tiers are counted from their sum.
    return rating_head(subject.model_copy(update={"used_before_wh": used, "used_tiers_wh": []})) | further

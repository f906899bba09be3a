"""What special terms say, read once, and what of them makes stages."""

from collections.abc import Iterable
from functools import lru_cache

from denghuo.kernel.problem import text
from denghuo.service.billing.batch import SUB_METER, Entry, Terms
from denghuo.service.billing.lines import (
    CannotRate,
)
from denghuo.service.contract.api import SpecialTerms
from denghuo.service.tariff.api import TariffDocument

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


def subs_of_others(terms: Iterable[Terms]) -> dict[str, str]:
    """The points of sub-meters that other accounts have, with the account of each."""
    parts = [part for one in terms if one.special for part in special_of(one.special).parts]
    return {part.point_no: part.account_no for part in parts if part.account_no is not None}


def hangs_on_month(terms: Terms, tariff: TariffDocument) -> bool:
    """Whether what a contract is charged hangs on the month, so that each month of a reading is rated by itself: bands and their
    seasons, basic and other monthly charges, a power factor, and what is agreed for a month."""
    adjusted = tariff.power_factor is not None and (
        terms.pf_standard is not None or any(row.capacity_from.va == 0 for row in tariff.power_factor.standards)
    )
    by_month = tariff.time_of_use or tariff.basic is not None or tariff.charges or tariff.subsidy is not None
    return bool(by_month or adjusted or priced_part(terms.special) is not None)


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

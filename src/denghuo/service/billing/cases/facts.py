"""What is wrong with the facts of a case: the field with its value, and what to do."""

from collections.abc import Iterator
from typing import Any

from denghuo.kernel.problem import text
from denghuo.service.billing.api.case import CASE_CAUSES, MONTHS_MAX, OpenCase
from denghuo.service.billing.api.claim import Breach, Refund, Theft
from denghuo.service.billing.cases.correct import months_of, quantity_facts
from denghuo.service.billing.claims.correction import cause_misfits
from denghuo.service.billing.claims.facts import label, missing, not_before, require
from denghuo.service.billing.misfits import Misfit

FOUND_ON = "found_on"
NEEDS: dict[str, tuple[str, ...]] = {
    "ratio": ("ratio",),
    "wiring": ("elements", "transformers", "lost", "three_wire", "drop", "billed_ratio"),
    "meter": ("meter",),
    "reading": ("right",),
    "tariff": ("tariff_class", "tariff_code", "voltage", "settlement"),
    "tier_year": (),
    "theft": tuple(name for name in Theft.model_fields if name != FOUND_ON),
    "breach": tuple(name for name in Breach.model_fields if name != FOUND_ON),
    "refund": tuple(Refund.model_fields),
}
"""The fields that each cause may have; at least one of them is needed where there are any."""
DATED = frozenset({"theft", "breach"})
"""The causes that may say when it was found."""
FACTS = (*dict.fromkeys(name for names in NEEDS.values() for name in names), FOUND_ON)


def require_facts(case: OpenCase) -> None:
    """
    Raises:
        NotTriable: with an error for each field that does not fit.
    """
    require(_misfits(case))


def facts_of(case: OpenCase) -> dict[str, Any]:
    """What a case states beside its head, as it is kept."""
    return case.model_dump(mode="json", include={"meter_no", *FACTS}, exclude_defaults=True)


def _misfits(case: OpenCase) -> Iterator[Misfit]:
    yield from not_before("to_on", case.to_on, case.from_on)
    if case.to_on >= case.from_on and len(list(months_of(case))) > MONTHS_MAX:
        said = text(
            f"一次最多退补 {MONTHS_MAX} 个月，请分次立案。", f"A case covers at most {MONTHS_MAX} months; open several."
        )
        yield Misfit("to_on", case.to_on.isoformat(), said)
    needed, cause = NEEDS[case.cause], CASE_CAUSES.entries[case.cause]
    if needed and not any(_given(case, name) for name in needed):
        yield missing(OpenCase, *needed)
    for name in FACTS:
        if name not in needed and _given(case, name) and not (name == FOUND_ON and case.cause in DATED):
            field = label(OpenCase, name)
            said = text(
                f"“{cause['zh']}”不需要“{field.zh}”，请删去或更改原因。",
                f"{cause['en']} takes no “{field.en}”; leave it out or choose another cause.",
            )
            yield Misfit(name, "", said)
    if case.cause in ("ratio", "wiring", "meter") and any(_given(case, name) for name in needed):
        yield from cause_misfits(quantity_facts(case))
    yield from _right(case)


def _given(case: OpenCase, name: str) -> bool:
    return getattr(case, name) not in (None, [])


def _right(case: OpenCase) -> Iterator[Misfit]:
    months = {str(month) for month in months_of(case)} if case.to_on >= case.from_on else set()
    seen = set()
    for at, one in enumerate(case.right):
        if one.month not in months:
            said = text(
                f"{one.month} 不在起止日之内，请更正。", f"{one.month} is not within the days of the case; correct it."
            )
            yield Misfit(f"right.{at}.month", one.month, said)
        key = (one.month, one.meter_no, one.quantity, one.band)
        if key in seen:
            said = text(
                f"表 {one.meter_no} 的该示数在 {one.month} 出现两次，请合并为一行。",
                f"This register of meter {one.meter_no} stands twice in {one.month}; put it into one row.",
            )
            yield Misfit(f"right.{at}.meter_no", one.meter_no, said)
        seen.add(key)
        if one.energy.wh < 0:
            said = text("电量不能为负，请更正。", "The energy may not be negative; correct it.")
            yield Misfit(f"right.{at}.energy", str(one.energy), said)

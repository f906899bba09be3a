"""The classes of the lake that reading fills, and how long each is kept (数据生命周期)."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from denghuo.data.analysis.lake import Lake
from denghuo.data.analysis.lake_day import LakeClass
from denghuo.kernel.period import SHANGHAI, Month
from denghuo.kernel.problem import Problem, text
from denghuo.service.reading.batch.checked import CHECKED
from denghuo.service.reading.batch.intake import CURVES, REGISTERS, SENT
from denghuo.service.reading.batch.marks import MARKS

KEPT_MONTHS_MIN = 13
"""Estimates look back a year and a week, bills of every other month two months."""
BESIDE: Mapping[str, Sequence[LakeClass]] = {
    REGISTERS.name: (REGISTERS, SENT),
    **{
        series: (kind, *(known[series] for known in (CHECKED, MARKS) if series in known))
        for series, kind in CURVES.items()
    },
}
"""By the name under which a class is kept: with it goes what stands beside its values (checks, marks)."""


class KeptRefused(Problem, noun="reading", status=422, zh="无法按此期限保存", en="It cannot be kept for so long"):
    """Fields: field, value."""


def kept_months_of(given: Mapping[str, int]) -> Mapping[str, int]:
    """How many months before the present one each class is kept, as the settings say it.

    Raises:
        KeptRefused: there is no such class, or fewer months than estimates and bills look back.
    """
    for name, months in given.items():
        if name not in BESIDE:
            known = ", ".join(difflib.get_close_matches(name, BESIDE, n=1) or BESIDE)
            raise _refused(name, months, f"没有此类数据，应为 {known}", f"there is no such class; known are {known}")
        if months < KEPT_MONTHS_MIN:
            least = f"{KEPT_MONTHS_MIN}"
            raise _refused(name, months, f"至少保存 {least} 个月", f"at least {least} months are kept")
    return given


def _refused(name: str, months: int, zh: str, en: str) -> KeptRefused:
    said = text(
        f"设置 lake_kept_months 的 {name}={months}：{zh}。", f"Setting lake_kept_months, {name}={months}: {en}."
    )
    return KeptRefused(said, field=name, value=str(months))


def forget(lake: Lake, kept_months: Mapping[str, int], now: datetime) -> int:
    """Takes what is kept no longer out of the lake, after the files of the round before are cleared away; gives how many files."""
    if not kept_months:
        return 0
    lake.sweep(now)
    return sum(
        lake.forget(kind.name, _first_day(now, months)) for name, months in kept_months.items() for kind in BESIDE[name]
    )


def _first_day(now: datetime, months: int) -> date:
    oldest = Month.of(f"{now.astimezone(SHANGHAI):%Y-%m}")
    for _ in range(months):
        oldest = oldest.previous
    return oldest.first_day

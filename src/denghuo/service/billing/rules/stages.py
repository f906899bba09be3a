"""A month in stages (分段计费): terms, metering or prices that change within a month make each side a bill of its own days.

Each stage is rated by its own tariff with its own pieces, days, capacity and power factor, as published cases of a change
within a month are; the lines follow each other in one bill. Tiers run on: what an earlier stage used in the tier period is
used; so do the lifetime hours of a plant's subsidy. The discount by kWh per kVA looks at the energy of the whole month. The
months of a reading that covers several are stages too, where what is charged hangs on the month.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing.lines import BillLine, CannotRate, Rated, RatingSubject
from denghuo.service.billing.rules.days import priced_month
from denghuo.service.billing.rules.rating import rate
from denghuo.service.billing.rules.subsidy import COMPONENT as SUBSIDY
from denghuo.service.billing.rules.words import sentence, step
from denghuo.service.tariff.api import TariffDocument


class Stage(NamedTuple):
    """What is rated in days of a month, and by what. others: the tariffs of its parts by code."""

    subject: RatingSubject
    tariff: TariffDocument
    others: Mapping[str, TariffDocument] = MappingProxyType({})


def rate_stages(stages: Sequence[Stage]) -> Rated:
    """Rates the stages of one contract's month, in the order of their days, as one bill under the tariff of the last.

    Raises:
        CannotRate: a stage cannot be rated, or the stages do not follow each other day by day.
    """
    _follow(stages)
    rated = _rate(stages, None)
    if any(one.tariff.basic is not None and one.tariff.basic.discount is not None for one in stages):
        energies = Counter[Month]()
        for stage, one in zip(stages, rated, strict=True):
            energies[priced_month(stage.subject)] += one.energy_wh
        rated = _rate(stages, energies)
    if len(rated) == 1:
        return rated[0]
    last = rated[-1]
    return Rated(
        tariff_code=last.tariff_code,
        tariff_version=last.tariff_version,
        energy_wh=sum(one.energy_wh for one in rated),
        tiers_wh=_added([one.tiers_wh for one in rated]),
        lines=[_of_days(line, stage.subject) for stage, one in zip(stages, rated, strict=True) for line in one.lines],
        total=Money(sum(one.total.fen for one in rated)),
        estimated_days=sum(one.estimated_days for one in rated),
        illustrative=any(one.illustrative for one in rated),
        remarks=[remark for one in rated for remark in one.remarks],
    )


def _rate(stages: Sequence[Stage], month_wh: Mapping[Month, int] | None) -> list[Rated]:
    """month_wh: the energy of each month, by which a discount is decided."""
    rated: list[Rated] = []
    for subject, tariff, others in stages:
        update: dict[str, object] = {}
        if month_wh is not None and subject.customer_energy_wh is None:
            update["customer_energy_wh"] = month_wh[priced_month(subject)]
        used = _added([one.tiers_wh for one in rated])
        if used and tariff.tiers is not None:
            update |= _used(subject, tariff, used)
        if subject.generation is not None:
            before = subject.generation.subsidised_before_wh + sum(map(_subsidised, rated))
            update["generation"] = subject.generation.model_copy(update={"subsidised_before_wh": before})
        rated.append(rate(subject.model_copy(update=update) if update else subject, tariff, others))
    return rated


def _subsidised(rated: Rated) -> int:
    """Wh of a plant that a stage subsidises."""
    return sum(line.quantity_milli or 0 for line in rated.lines if line.code == SUBSIDY)


def _of_days(line: BillLine, subject: RatingSubject) -> BillLine:
    """A line that says for which days of the month it stands."""
    first, last = f"{subject.first_day}", f"{subject.last_day}"
    said = step(
        "days", {"from": first, "to": last}, f"{first} 至 {last}：", f"From {first} to {last}: ", "price.change"
    )
    steps = [said, *line.steps]
    days = {"first_day": subject.first_day, "last_day": subject.last_day}
    return line.model_copy(update=days | {"steps": steps, "sentence": sentence(steps)})


def _used(subject: RatingSubject, tariff: TariffDocument, used: list[int]) -> dict[str, object]:
    """What earlier stages took of the tiers, in the way in which the subject states what was used before."""
    if tariff.tiers is not None and tariff.tiers.period == "annual" and not subject.used_tiers_wh:
        return {"used_before_wh": subject.used_before_wh + sum(used)}
    return {"used_tiers_wh": _added([subject.used_tiers_wh, used])}


def _added(rows: Sequence[Sequence[int]]) -> list[int]:
    """Tiers added up, the shorter ones filled with nothing."""
    length = max((len(row) for row in rows), default=0)
    return [sum(row[at] for row in rows if at < len(row)) for at in range(length)]


def _follow(stages: Sequence[Stage]) -> None:
    for one, two in zip((stage.subject for stage in stages), (stage.subject for stage in stages[1:]), strict=False):
        if (
            one.month != two.month
            or one.last_day is None
            or two.first_day is None
            or two.first_day - one.last_day != timedelta(days=1)
        ):
            raise CannotRate(
                text(
                    f"{one.month} 的分段不相接：{one.last_day} 与 {two.first_day}。",
                    f"The stages of {one.month} do not follow each other: {one.last_day} and {two.first_day}.",
                ),
                code="no_days",
                value=f"{one.last_day}..{two.first_day}",
            )
    if not stages:
        raise CannotRate(text("没有可计费的分段。", "There is no stage to rate."), code="no_days", value="")

"""The loss of an area between the two midnights of a plan for line loss (线损抄表)."""

from datetime import date

import pyarrow as pa

from denghuo.kernel.period import midnight
from denghuo.kernel.values import Energy
from denghuo.service.loss.api import PlanLoss, PlanMember
from denghuo.service.loss.batch import COLUMNS, Sums, sums
from denghuo.service.loss.rules import findings, side_of
from denghuo.service.point.api import Area
from denghuo.service.reading.api import SpecialEnergies, SpecialEnergy

_TYPES = {"multiplier": pa.int64(), "energy_wh": pa.int64()}
_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS])


def by_plan(found: SpecialEnergies, area: Area) -> PlanLoss:
    """The balance of the meters of a plan for line loss of an area."""
    since = found.plan.since
    assert since is not None  # a plan of an area has two days
    rows = [
        {
            "area_no": area.area_no,
            "feeder_no": area.feeder_no,
            "role": one.role,
            "quantity": one.quantity,
            "band": "total",
            "multiplier": one.multiplier.number,
            "energy_wh": None if one.energy is None else one.energy.wh,
            "status": "held" if one.energy is None else "valid",
        }
        for one in found.rows
    ]
    summed = sums(pa.Table.from_pylist(rows, schema=_SCHEMA), "area_no", "gateway").get(area.area_no, Sums())
    # What the transformer carries is said of a month; here it would be said of days.
    balance = summed.balance(area.no_load_loss_kw.w * _hours(since, found.plan.on))
    return PlanLoss(
        plan_no=found.plan.plan_no,
        area_no=area.area_no,
        name=area.name,
        org=area.org,
        since=since,
        on=found.plan.on,
        supply=None if balance.supply_wh is None else Energy(balance.supply_wh),
        generation=Energy(balance.generation_wh),
        sale=Energy(balance.sale_wh),
        loss=None if balance.loss_wh is None else Energy(balance.loss_wh),
        rate=balance.rate,
        limit=balance.limit,
        # A point at which the meter was changed has a row for each of them.
        sale_points=len({one.point_no for one in found.rows if one.role == "sale"}),
        held=sum(one.energy is None for one in found.rows),
        flags=findings(balance),
        members=[_member(place, one) for place, one in enumerate(found.rows) if one.role != "sub_meter"],
        as_of=found.as_of,
    )


def _member(place: int, one: SpecialEnergy) -> PlanMember:
    names = ("point_no", "account_no", "role", "meter_no", "start", "end", "multiplier", "energy", "remark")
    return PlanMember(
        **{name: getattr(one, name) for name in names},
        row_key=f"{one.point_no}.{one.quantity}.{place}",
        side=side_of(one.role, one.quantity),
    )


def _hours(first: date, last: date) -> int:
    return int((midnight(last) - midnight(first)).total_seconds()) // 3600

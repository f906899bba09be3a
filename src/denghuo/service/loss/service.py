"""Line loss: implementation of the contract."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from denghuo.data.processing.dataset import json_column
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Multiplier, Register
from denghuo.service.host.binding import Ask
from denghuo.service.loss.api import (
    AREA_MONTH,
    AreaDetail,
    AreaLoss,
    AreaMonth,
    AreaNotComputed,
    AreasFound,
    Computed,
    DueComputed,
    FeederLoss,
    FeedersFound,
    FindAreas,
    FindFeeders,
    LossApi,
    LossComputed,
    Member,
    MonthRef,
    NoLossPlan,
    NotRead,
    PlanLoss,
    PlanRef,
    Summary,
    WholeCompanyOnly,
)
from denghuo.service.loss.batch import COLUMNS, Sums, sums
from denghuo.service.loss.plan import by_plan
from denghuo.service.loss.rules import findings, ranks, rate, side_of
from denghuo.service.loss.store import LossStore, Turn, number
from denghuo.service.point.api import Network, NetworkRequest, PointApi
from denghuo.service.reading.api import NoSuchSpecialPlan, ReadingApi, SpecialPlanRef

MONTH_ENERGY = "reading.month_energy"
MONTH_FLOW = "reading.month_flow"
"""The month's own energy of points that are read every two months too, where there are such."""
MEMBERS_MAX = 2_000


class LossService(LossApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = LossStore(work)

    def compute(self, call: Call, request: MonthRef) -> Computed:
        _check_whole_company(call)
        network = self._network(call)
        return self._computed(call, request.month, network, self._store.begin(request.month))[0]

    def compute_due(self, call: Call, request: MonthRef) -> DueComputed:
        _check_whole_company(call)
        network = self._network(call)
        turn = self._store.begin(request.month)
        again = self._computed(call, request.month, network, turn)[1] if turn.due else False
        return DueComputed(month=request.month, computed=turn.due, again=again)

    def follow(self, call: Call, month: str) -> None:
        """What is known of a month has changed (the event handlers' work): where it was read, a job computes it."""
        if self._newest(month) and self._store.ask(month, call.now):
            self._work.enqueue("loss.compute_due", {"month": month})

    def areas(self, call: Call, request: FindAreas) -> AreasFound:
        rows, total, following = self._store.areas(request)
        as_of = self._store.computed_at(request.month) or call.now
        return AreasFound(rows=rows, total=total, next=following, as_of=as_of)

    def area(self, call: Call, request: AreaMonth) -> AreaDetail:
        row = self._store.area(request.month, request.area_no)
        if row is None:
            raise AreaNotComputed(
                text(
                    f"台区 {request.area_no} 在 {request.month} 没有线损结果，或不在您的管辖范围内。",
                    f"Area {request.area_no} has no loss in {request.month} or is outside your scope.",
                ),
                area_no=request.area_no,
                month=request.month,
            )
        return AreaDetail(
            **{name: getattr(row, name) for name in type(row).model_fields},
            members=self._members(call, request),
            as_of=self._store.computed_at(request.month) or call.now,
        )

    def plan_loss(self, call: Call, request: PlanRef) -> PlanLoss:
        peer = replace(Call.system(call.now, actor=call.actor), scope=call.scope)
        try:
            found = self._ask(ReadingApi).special_energies(peer, SpecialPlanRef(plan_no=request.plan_no))
        except NoSuchSpecialPlan as absent:
            raise _no_plan(request) from absent
        area = next((one for one in self._network(call).areas if one.area_no == found.plan.area_no), None)
        if area is None:
            raise _no_plan(request)
        return by_plan(found, area)

    def feeders(self, call: Call, request: FindFeeders) -> FeedersFound:
        as_of = self._store.computed_at(request.month) or call.now
        return FeedersFound(rows=self._store.feeders(request.month, request.org), as_of=as_of)

    def summary(self, call: Call, request: MonthRef) -> Summary:
        row = self._store.summary(request.month)
        supply, sale = row["supply_wh"], row["sale_wh"]
        return Summary(
            month=request.month,
            supply=Energy(supply),
            sale=Energy(sale),
            loss=Energy(supply - sale),
            rate=rate(supply, sale),
            areas=row["areas"],
            flagged=row["flagged"],
            computed_at=row["computed_at"],
            as_of=row["computed_at"] or call.now,
        )

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _network(self, call: Call) -> Network:
        # Who may compute loss need not hold a permit of the network.
        return self._ask(PointApi).network(Call.system(call.now, actor=call.actor), NetworkRequest())

    def _computed(self, call: Call, month: str, network: Network, turn: Turn) -> tuple[Computed, bool]:
        """Computes the month in its turn; and whether it was asked for again meanwhile."""
        energy = self._work.datasets.scan(self._energy(month), COLUMNS)
        areas = _areas(month, network, sums(energy, "area_no", "gateway"))
        feeders = _feeders(month, network, sums(energy, "feeder_no", "feeder_head"), areas)
        at = turn.at(call.now)
        self._store.replace(month, areas, feeders, at)
        ref = self._publish(month, areas, at)
        flagged = sum(bool(row.flags) for row in areas)
        self._work.emit(LossComputed(month=month, areas=len(areas), flagged=flagged, areas_month=ref))
        computed = Computed(
            month=month, areas=len(areas), feeders=len(feeders), flagged=flagged, areas_month=ref, as_of=at
        )
        return computed, self._store.answer(month, turn, at)

    def _newest(self, month: str) -> list[DatasetRef]:
        return self._work.datasets.newest(MONTH_FLOW, month) or self._work.datasets.newest(MONTH_ENERGY, month)

    def _energy(self, month: str) -> list[DatasetRef]:
        refs = self._newest(month)
        if not refs:
            raise NotRead(
                text(
                    f"{month} 的电量尚未形成，请先完成抄表。",
                    f"The energy of {month} is not there yet; read the month first.",
                ),
                month=month,
            )
        return refs

    def _members(self, call: Call, request: AreaMonth) -> list[Member]:
        table = self._work.datasets.scan(self._energy(request.month))
        rows = table.filter(pc.equal(table["area_no"], pa.scalar(request.area_no))).to_pylist()
        # A dataset knows no row security: the caller's scope is applied here.
        # What a sub-meter shows was sold at its main meter.
        counted = [row for row in rows if row["band"] == "total" and row["role"] != "sub_meter"]
        seen = [row for row in counted if call.covers(row["org"])]
        members = [_member(row) for row in seen if row["quantity"] in ("active_fwd", "active_rev")]
        members.sort(
            key=lambda one: (one.role != "gateway", one.energy is not None, -(number(one.energy) or 0), one.point_no)
        )
        return members[:MEMBERS_MAX]

    def _publish(self, month: str, areas: list[AreaLoss], at: datetime) -> DatasetRef:
        rows = [
            {
                "month": month,
                "area_no": row.area_no,
                "feeder_no": row.feeder_no,
                "org": row.org,
                "supply_wh": number(row.supply),
                "generation_wh": row.generation.wh,
                "sales_wh": row.sale.wh,
                "loss_wh": number(row.loss),
                "rate_e2": number(row.rate),
                "limit_e2": number(row.limit),
                "flags": json_column([flag.code for flag in row.flags]),
            }
            for row in areas
        ]
        return self._work.datasets.publish(AREA_MONTH, month, "all", rows, at)


def _check_whole_company(call: Call) -> None:
    if not call.whole_company:
        raise WholeCompanyOnly(
            text(
                "线损按公司整体计算；抄表、示数更正、发行后会自动重算。",
                "Loss is computed for the whole company; it follows by itself when bills are issued or a read is corrected.",
            ),
            scope=list(call.scope),
        )


def _no_plan(request: PlanRef) -> NoLossPlan:
    return NoLossPlan(
        text(
            f"没有编号为 {request.plan_no} 的线损抄表计划，或不在您的管辖范围内。",
            f"There is no plan for line loss {request.plan_no}, or it is outside your scope.",
        ),
        plan_no=request.plan_no,
    )


def _energy_or_none(wh: int | None) -> Energy | None:
    return None if wh is None else Energy(wh)


def _areas(month: str, network: Network, found: dict[str, Sums]) -> list[AreaLoss]:
    period = Month.of(month).period
    hours = int((period.end - period.start).total_seconds()) // 3600
    balances = []
    for area in network.areas:
        one = found.get(area.area_no, Sums())
        balance = one.balance(area.no_load_loss_kw.w * hours, area.transformer_kva.va * hours)
        balances.append((area, one, balance))
    places = ranks([balance.rate for _, _, balance in balances])
    rows = []
    for (area, one, balance), place in zip(balances, places, strict=True):
        flags = findings(balance)
        rows.append(
            AreaLoss(
                month=month,
                area_no=area.area_no,
                name=area.name,
                feeder_no=area.feeder_no,
                org=area.org,
                supply=_energy_or_none(balance.supply_wh),
                generation=Energy(balance.generation_wh),
                sale=Energy(balance.sale_wh),
                loss=_energy_or_none(balance.loss_wh),
                rate=balance.rate,
                limit=balance.limit,
                rank=place,
                sale_points=one.sale_points,
                held=balance.held + balance.held_generation,
                estimated=balance.estimated,
                finding=flags[0].code if flags else None,
                flags=flags,
            )
        )
    return rows


def _feeders(month: str, network: Network, found: dict[str, Sums], areas: list[AreaLoss]) -> list[FeederLoss]:
    balances = [(feeder, found.get(feeder.feeder_no, Sums()).balance()) for feeder in network.feeders]
    places = ranks([balance.rate for _, balance in balances])
    return [
        FeederLoss(
            month=month,
            feeder_no=feeder.feeder_no,
            name=feeder.name,
            org=feeder.org,
            supply=_energy_or_none(balance.supply_wh),
            generation=Energy(balance.generation_wh),
            sale=Energy(balance.sale_wh),
            loss=_energy_or_none(balance.loss_wh),
            **_parts(balance.loss_wh, [row.loss for row in areas if row.feeder_no == feeder.feeder_no]),
            rate=balance.rate,
            rank=place,
            areas=sum(row.feeder_no == feeder.feeder_no for row in areas),
            flagged=sum(row.feeder_no == feeder.feeder_no and bool(row.flags) for row in areas),
            held=balance.held + balance.held_generation,
        )
        for (feeder, balance), place in zip(balances, places, strict=True)
    ]


def _parts(loss_wh: int | None, below: list[Energy | None]) -> dict[str, Energy | None]:
    """A feeder's loss inside its areas and above their gateways; not told where a gateway is missing."""
    known = [one.wh for one in below if one is not None]
    inside = sum(known) if len(known) == len(below) else None
    above = None if inside is None or loss_wh is None else loss_wh - inside
    return {"area_loss": _energy_or_none(inside), "line_loss": _energy_or_none(above)}


def _member(row: dict[str, Any]) -> Member:
    return Member.model_validate(
        {
            "row_key": f"{row['point_no']}.{row['piece']}.{row['quantity']}",
            "point_no": row["point_no"],
            "account_no": row["account_no"],
            "role": row["role"],
            "side": side_of(row["role"], row["quantity"]),
            "meter_no": row["meter_no"],
            "piece": row["piece"],
            "start": None if row["start_e4"] is None else Register(row["start_e4"]),
            "end": None if row["end_e4"] is None else Register(row["end_e4"]),
            "multiplier": Multiplier(row["multiplier"]),
            "energy": _energy_or_none(row["energy_wh"]),
            "status": row["status"],
            "rule": row["rule"],
        }
    )

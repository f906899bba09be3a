"""Metering points: implementation of the contract."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import TypeVar

from denghuo.data.processing.bulk import write_possible
from denghuo.data.processing.work import Work
from denghuo.kernel.batch import BatchTaken, RefusedItem, hold_to_scope, taken_elsewhere
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import SHANGHAI, Month, midnight
from denghuo.kernel.problem import text
from denghuo.service.asset.api import AssetApi, Meter, MetersByNumber, Move, MoveMeters
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import (
    INSTALLATION,
    UNIT_INSTALLATION,
    AreaDetail,
    AreaName,
    AreaNames,
    AreaNotFound,
    AreaNumbers,
    AreaRef,
    Areas,
    ExchangeMeters,
    Exchanges,
    Feeders,
    FindAreas,
    FindExchanges,
    FindFeeders,
    FindPoints,
    HandedOver,
    HandOver,
    MeterExchanged,
    MetersFound,
    MetersIn,
    Network,
    NetworkRequest,
    NetworkTaken,
    NewPoint,
    NotHandedOver,
    OutsideScope,
    PointApi,
    PointLife,
    PointNotFound,
    PointRef,
    Points,
    PointsByNumber,
    PointsFound,
    PointsOf,
    PublishInstallations,
    PublishUnitInstallations,
    RegisterNetwork,
    RegisterPoints,
)
from denghuo.service.point.rules import (
    Hanging,
    Surroundings,
    Verdict,
    judge_exchanges,
    judge_parts,
    judge_points,
)
from denghuo.service.point.store.network import NetworkStore
from denghuo.service.point.store.points import PointStore

Item = TypeVar("Item")


class PointService(PointApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._network = NetworkStore(work)
        self._points = PointStore(work)

    # -- network ---------------------------------------------------------------------------------------------------------

    def register_network(self, call: Call, request: RegisterNetwork) -> NetworkTaken:
        hold_to_scope(call, [item.org for item in request.feeders] + [item.org for item in request.areas], OutsideScope)
        store, at = self._network, call.now
        feeders = {item.feeder_no: item for item in store.feeders()}
        verdicts_f = judge_parts(request.feeders, "feeder_no", feeders, {})
        store.add_feeders(_new(request.feeders, verdicts_f), at)
        known_feeders = set(feeders) | {item.feeder_no for item in request.feeders}

        nodes = {item.node_no: item for item in store.nodes()}
        verdicts_n = judge_parts(request.nodes, "node_no", nodes, {"feeder_no": known_feeders})
        new_nodes = _new(request.nodes, verdicts_n)
        store.add_nodes(new_nodes, at)
        known_nodes = set(nodes) | {item.node_no for item in new_nodes}

        lines = {item.line_no: item for item in store.lines()}
        verdicts_l = judge_parts(
            request.lines,
            "line_no",
            lines,
            {"feeder_no": known_feeders, "from_node_no": known_nodes, "to_node_no": known_nodes},
        )
        store.add_lines(_new(request.lines, verdicts_l), at)

        areas = {item.area_no: item for item in store.areas()}
        verdicts_a = judge_parts(request.areas, "area_no", areas, {"feeder_no": known_feeders, "node_no": known_nodes})
        store.add_areas(_new(request.areas, verdicts_a), at)
        return NetworkTaken(
            feeders=_reply(verdicts_f), nodes=_reply(verdicts_n), lines=_reply(verdicts_l), areas=_reply(verdicts_a)
        )

    def network(self, call: Call, request: NetworkRequest) -> Network:
        return Network(
            nodes=self._network.nodes(request.feeder_no),
            lines=self._network.lines(request.feeder_no),
            feeders=self._network.feeders(request.feeder_no),
            areas=self._network.areas(request.feeder_no),
            as_of=call.now,
        )

    def feeders(self, call: Call, request: FindFeeders) -> Feeders:
        return Feeders(rows=self._network.feeder_rows(request.org), as_of=call.now)

    def areas(self, call: Call, request: FindAreas) -> Areas:
        rows, total = self._network.area_rows(request)
        following = rows[-1].area_no if len(rows) == request.limit else None
        return Areas(rows=rows, total=total, next=following, as_of=call.now)

    def area_names(self, call: Call, request: AreaNumbers) -> AreaNames:
        found = self._network.areas_of(request.area_nos)
        return AreaNames(rows=[AreaName(area_no=no, name=found[no].name) for no in sorted(found)])

    def area(self, call: Call, request: AreaRef) -> AreaDetail:
        row = self._network.area_row(request.area_no)
        if row is None:
            raise AreaNotFound(
                text(
                    f"台区 {request.area_no} 不存在，或不在您的管辖范围内。",
                    f"Area {request.area_no} does not exist or is outside your scope.",
                ),
                area_no=request.area_no,
            )
        return AreaDetail(
            **{name: getattr(row, name) for name in type(row).model_fields},
            roles=self._network.roles(request.area_no),
            gateway_point_no=self._network.gateway_point(request.area_no),
            as_of=call.now,
        )

    # -- points ----------------------------------------------------------------------------------------------------------

    def register_points(self, call: Call, request: RegisterPoints) -> BatchTaken:
        items = request.points
        hold_to_scope(call, [item.org for item in items], OutsideScope)
        accounts = sorted({item.account_no for item in items if item.account_no is not None})
        # The platform asks for the accounts, but within the caller's own scope: one of another unit is an unknown one.
        peer = replace(Call.system(call.now, actor=call.actor), scope=call.scope)
        known = self._ask(CustomerApi).accounts(peer, AccountNumbers(numbers=accounts)).rows if accounts else []
        meters = self._meters(call, sorted({item.meter_no for item in items}))
        occupied = self._points.open_installations(sorted(meters))
        verdicts = judge_points(
            items,
            self._points.registered([item.point_no for item in items]),
            {(piece.meter_no, piece.direction): piece.point_no for each in occupied.values() for piece in each},
            Surroundings(
                accounts={row.account_no for row in known},
                areas=self._network.areas_of(sorted({item.area_no for item in items if item.area_no is not None})),
                feeders=self._network.feeders_of(sorted({i.feeder_no for i in items if i.feeder_no is not None})),
                meters=meters,
            ),
        )
        new = _new(items, verdicts)

        def write(some: Sequence[NewPoint]) -> None:
            self._points.add(some, meters, call.now)

        for item in write_possible(self._work, new, write):
            place = items.index(item)
            verdicts[place] = taken_elsewhere(place, item.point_no, "point_no")
        moves = [
            Move(
                meter_no=item.meter_no,
                point_no=item.point_no,
                org=item.org,
                kind="placed",
                at=midnight(meters[item.meter_no].installed_on),
            )
            for item in _new(items, verdicts)
        ]
        self._move(call, moves)
        return _reply(verdicts)

    def exchange_meters(self, call: Call, request: ExchangeMeters) -> BatchTaken:
        # One form of an instant, so that a repeat is known whatever offset it is written with.
        items = [
            item.model_copy(update={"exchanged_at": item.exchanged_at.astimezone(UTC)}) for item in request.exchanges
        ]
        points = sorted({item.point_no for item in items})
        meters = self._meters(call, sorted({item.new_meter_no for item in items}))
        numbers = sorted({number for item in items for number in (item.old_meter_no, item.new_meter_no)})
        hanging = self._points.open_installations(numbers)
        verdicts = judge_exchanges(
            items,
            Hanging(
                installed=hanging,
                points=set(self._points.registered(points)),
                exchanges=self._points.exchanges(points),
                meters=meters,
            ),
            call.now,
        )
        moves: list[Move] = []
        for item in _new(items, verdicts):
            pieces = hanging[item.old_meter_no]
            self._points.exchange(item, pieces, meters[item.new_meter_no], call.now)
            for piece in pieces:
                common = {"point_no": piece.point_no, "org": piece.org, "at": item.exchanged_at}
                moves.append(Move.model_validate({**common, "meter_no": item.old_meter_no, "kind": "removed"}))
                moves.append(Move.model_validate({**common, "meter_no": item.new_meter_no, "kind": "placed"}))
            own = next(piece for piece in pieces if piece.point_no == item.point_no)
            self._work.emit(
                MeterExchanged(
                    point_no=item.point_no,
                    account_no=own.account_no,
                    old_meter_no=item.old_meter_no,
                    new_meter_no=item.new_meter_no,
                    exchanged_on=item.exchanged_at.astimezone(SHANGHAI).date(),
                )
            )
        self._move(call, moves)
        return _reply(verdicts)

    def hand_over(self, call: Call, request: HandOver) -> HandedOver:
        numbers = [request.account_no, request.successor_no]
        peer = replace(Call.system(call.now, actor=call.actor), scope=call.scope)
        known = {row.account_no for row in self._ask(CustomerApi).accounts(peer, AccountNumbers(numbers=numbers)).rows}
        unknown = next((number for number in numbers if number not in known), None)
        if unknown is not None:
            raise _not_handed_over(
                request, "account_no", unknown, "户号不存在，或不在您的管辖范围内", "is not known or outside your scope"
            )
        if request.since > call.today:
            raise _not_handed_over(request, "since", str(request.since), "过户日期晚于今天", "lies in the future")
        begins = midnight(request.since)
        for one in self._points.of_account(request.account_no):
            if any(piece.installed_at <= begins for piece in self._points.installations(one.point_no)):
                continue
            raise _not_handed_over(
                request, "since", str(request.since), "过户日期早于装表时间", "lies before the meter was installed"
            )
        self._points.hand_over(request.account_no, request.successor_no, begins, call.now)
        return HandedOver(points=[one.point_no for one in self._points.of_account(request.successor_no)])

    def find_points(self, call: Call, request: FindPoints) -> PointsFound:
        rows, total = self._points.find(request)
        following = rows[-1].point_no if len(rows) == request.limit else None
        return PointsFound(rows=rows, total=total, next=following, as_of=call.now)

    def points(self, call: Call, request: PointsByNumber) -> Points:
        return Points(rows=self._points.points(request.numbers), as_of=call.now)

    def points_of(self, call: Call, request: PointsOf) -> Points:
        return Points(rows=self._points.of_account(request.account_no), as_of=call.now)

    def point(self, call: Call, request: PointRef) -> PointLife:
        found = self._points.points([request.point_no])
        if not found:
            raise PointNotFound(
                text(
                    f"计量点 {request.point_no} 不存在，或不在您的管辖范围内。",
                    f"Point {request.point_no} does not exist or is outside your scope.",
                ),
                point_no=request.point_no,
            )
        return PointLife(point=found[0], installations=self._points.installations(request.point_no), as_of=call.now)

    def find_exchanges(self, call: Call, request: FindExchanges) -> Exchanges:
        rows, total, following = self._points.find_exchanges(request)
        return Exchanges(rows=rows, total=total, next=following, as_of=call.now)

    def meters_in(self, call: Call, request: MetersIn) -> MetersFound:
        return MetersFound(rows=self._points.meters_in(request), as_of=request.known_at or call.now)

    def publish_installations(self, call: Call, request: PublishInstallations) -> DatasetRef:
        if "" not in call.scope:
            # The dataset is that of the whole company, whoever asks for it.
            return self._ask(PointApi).publish_installations(Call.system(call.now, actor=call.actor), request)
        table = self._points.published(Month.of(request.month))
        return self._work.datasets.publish(INSTALLATION, request.month, "all", table, call.now)

    def publish_unit_installations(self, call: Call, request: PublishUnitInstallations) -> DatasetRef:
        hold_to_scope(call, [request.org], OutsideScope)
        table = self._points.published(Month.of(request.month), request.org)
        return self._work.datasets.publish(UNIT_INSTALLATION, request.month, request.org, table, call.now)

    # -- peers -----------------------------------------------------------------------------------------------------------

    def _meters(self, call: Call, numbers: list[str]) -> dict[str, Meter]:
        """Meters by number. They may lie in the company's store, so the platform asks over the whole company."""
        rows = self._ask(AssetApi).meters(Call.system(call.now, actor=call.actor), MetersByNumber(numbers=numbers)).rows
        return {row.meter_no: row for row in rows}

    def _move(self, call: Call, moves: list[Move]) -> None:
        """Lets the asset archive follow. It is asked last, but its record alone is idempotent: should this command fail at its
        commit, its repeat finds the moves unchanged."""
        for start in range(0, len(moves), 1_000):
            whole = Call.system(call.now, actor=call.actor)
            self._ask(AssetApi).move_meters(whole, MoveMeters(moves=moves[start : start + 1_000]))


def _not_handed_over(request: HandOver, field: str, value: str, zh: str, en: str) -> NotHandedOver:
    return NotHandedOver(
        text(f"{value}：{zh}，请核对后再办理。", f"{value} {en}; check it and ask again."),
        account_no=request.account_no,
        successor_no=request.successor_no,
        field=field,
        value=value,
    )


def _new(items: Sequence[Item], verdicts: Sequence[Verdict]) -> list[Item]:
    return [item for item, verdict in zip(items, verdicts, strict=True) if verdict == "new"]


def _reply(verdicts: Sequence[Verdict]) -> BatchTaken:
    return BatchTaken(
        taken=sum(verdict == "new" for verdict in verdicts),
        unchanged=sum(verdict == "unchanged" for verdict in verdicts),
        refused=[verdict for verdict in verdicts if isinstance(verdict, RefusedItem)],
    )

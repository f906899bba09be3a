"""Analysis: implementation of the contract over the warehouse."""

from collections.abc import Mapping, Sequence

from denghuo.data.analysis.metrics import BY_CODE, METRICS, PLAIN, Metric, Parts, total
from denghuo.data.analysis.warehouse import Status
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.fields import TARIFF_CLASSES, TextPair
from denghuo.kernel.problem import Unavailable, text
from denghuo.kernel.values import Energy, Money, Percent, Value
from denghuo.service.analytics.api import (
    AnalyticsApi,
    AskScreen,
    AskTrend,
    AskValues,
    ClassRow,
    Fact,
    Figures,
    Freshness,
    HeldRow,
    LoadDay,
    MethodRow,
    Metrics,
    MetricShown,
    MetricUnknown,
    Place,
    PlaceArea,
    PlaceFeeder,
    PlaceLine,
    PlaceNode,
    PlaceStation,
    Screen,
    ScreenArea,
    ScreenRun,
    Station,
    Trend,
    TrendRow,
    Values,
)
from denghuo.service.analytics.store import AnalyticsStore
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import NetworkRequest, PointApi


class AnalyticsService(AnalyticsApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask

    def metrics(self, call: Call, request: Nothing) -> Metrics:
        return Metrics(rows=[_shown(metric) for metric in METRICS])

    def values(self, call: Call, request: AskValues) -> Values:
        store = self._store(call, request.org)
        return self._values(store, request.month or _newest(store))

    def trend(self, call: Call, request: AskTrend) -> Trend:
        metric = BY_CODE.get(request.code)
        if metric is None or metric.key:
            raise MetricUnknown(
                text(
                    f"没有名为 {request.code} 的指标，请从指标目录中选取。",
                    f"There is no metric {request.code}; choose one from the catalogue.",
                ),
                code=request.code,
            )
        store = self._store(call)
        rows = [
            TrendRow(month=month, value=_text(total(metric, store.parts(metric, month)))) for month in store.months()
        ]
        return Trend(
            code=metric.code,
            name=TextPair(**metric.name),
            unit=metric.unit,
            rows=[row for row in rows if row.value is not None],
            as_of=store.status().as_of,
        )

    def warehouse(self, call: Call, request: Nothing) -> Freshness:
        return _freshness(self._store(call).status())

    def screen(self, call: Call, request: AskScreen) -> Screen:
        store = self._store(call)
        month = request.month or _newest(store)
        # The same figures for everybody who asks until the warehouse changes; freshness is of this moment.
        moving = store.remembered(("moving", month), lambda: self._moving(store, month))
        status = store.status()
        return Screen(
            values=self._values(store, month),
            areas=moving[0],
            run=moving[1],
            facts=moving[2],
            load=moving[3],
            freshness=_freshness(status),
        )

    def place(self, call: Call, request: Nothing) -> Place:
        # Who may see the wall may see the network on it, within the caller's own scope.
        looking = call.only("point.read")
        network = self._ask(PointApi).network(looking, NetworkRequest())
        units = self._store(call).organisations()
        return Place(
            nodes=[PlaceNode(node_no=n.node_no, kind=n.kind, x_m=n.x_m, y_m=n.y_m) for n in network.nodes],
            lines=[
                PlaceLine(
                    from_node_no=line.from_node_no,
                    to_node_no=line.to_node_no,
                    feeder_no=line.feeder_no,
                    normally_open=line.normally_open,
                )
                for line in network.lines
            ],
            feeders=[PlaceFeeder(feeder_no=f.feeder_no, name=f.name, org=f.org) for f in network.feeders],
            areas=[
                PlaceArea(area_no=a.area_no, name=a.name, org=a.org, feeder_no=a.feeder_no, x_m=a.x_m, y_m=a.y_m)
                for a in network.areas
                if a.x_m is not None and a.y_m is not None
            ],
            stations=[
                PlaceStation(org=unit["code"], name=TextPair(zh=unit["name"], en=unit["name_en"]), kind=unit["kind"])
                for unit in units
            ],
        )

    # -- putting together ----------------------------------------------------------------------------------------------------

    def _store(self, call: Call, org: str | None = None) -> AnalyticsStore:
        """The warehouse within the caller's units. A customer's own session has no units here."""
        warehouse = self._work.warehouse
        if warehouse is None:
            raise Unavailable(
                text(
                    "分析仓库没有在此进程运行，暂时没有指标可看。请由 denghuo up 启动的进程提供。",
                    "The warehouse does not run in this process; start it with denghuo up.",
                ),
                part="warehouse",
                retry_after_s=10,
            )
        return AnalyticsStore(warehouse, _narrowed(call, org))

    def _values(self, store: AnalyticsStore, month: str | None) -> Values:
        def compute() -> Values:
            parts = {metric.code: store.parts(metric, month or "") for metric in METRICS}
            units = _units(store)
            orgs = sorted({part.org for rows in parts.values() for part in rows})
            return Values(
                month=month,
                figures=_figures(parts, None),
                stations=[
                    Station(org=org, name=units.get(org, TextPair(zh=org, en=org)), **dict(_figures(parts, org)))
                    for org in orgs
                ],
                classes=_classes(parts),
                methods=[
                    MethodRow(method=key, amount=Money(amount))
                    for key, amount in _by_key(parts["receipts_by_method"]).items()
                ],
                held=sorted(
                    (HeldRow(code=key, count=count) for key, count in _by_key(parts["held_by_code"]).items()),
                    key=lambda row: (-row.count, row.code),
                ),
                as_of=None,
            )

        made = store.remembered(("values", month), compute)
        return made.model_copy(update={"as_of": store.status().as_of})

    def _moving(
        self, store: AnalyticsStore, month: str | None
    ) -> tuple[list[ScreenArea], ScreenRun | None, list[Fact], list[LoadDay]]:
        units = _units(store)
        roots = [row["code"] for row in store.organisations() if row["parent"] is None]
        facts = store.facts(units, whole_company="" in store.scope or bool(roots))
        if month is None:
            return [], None, facts, []
        load = {part.key: part.value for part in store.parts_by_code("area_load", month)}
        loss = {
            part.key: Percent.of_parts(part.value or 0, part.whole or 0)
            for part in store.parts_by_code("area_loss", month)
        }
        areas = [
            ScreenArea(area_no=area, load=_energy(load.get(area)), loss=loss.get(area))
            for area in sorted({*load, *loss})
        ]
        return areas, store.run(month), facts, store.load(month)


def _narrowed(call: Call, org: str | None) -> tuple[str, ...]:
    """The prefixes that are both within the caller's scope and within `org`."""
    if call.accounts:
        return ()
    if org is None:
        return call.scope
    if call.covers(org):
        return (org,)
    return tuple(unit for unit in call.scope if unit.startswith(f"{org}."))


def _newest(store: AnalyticsStore) -> str | None:
    months = store.remembered("months", store.months)
    return months[-1] if months else None


def _units(store: AnalyticsStore) -> dict[str, TextPair]:
    return {row["code"]: TextPair(zh=row["name"], en=row["name_en"]) for row in store.organisations()}


def _figures(parts: Mapping[str, Sequence[Parts]], org: str | None) -> Figures:
    """The plain metrics over all parts, or over those of one unit."""
    return Figures.model_validate(
        {
            metric.code: total(metric, [part for part in parts[metric.code] if org is None or part.org == org])
            for metric in PLAIN
        }
    )


def _classes(parts: Mapping[str, Sequence[Parts]]) -> list[ClassRow]:
    accounts, energy = _by_key(parts["accounts_by_class"]), _by_key(parts["energy_by_class"])
    return [
        ClassRow.model_validate(
            {"tariff_class": name, "accounts": accounts.get(name), "energy": _energy(energy.get(name))}
        )
        for name in TARIFF_CLASSES.entries
        if name in accounts or name in energy
    ]


def _by_key(parts: Sequence[Parts]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in parts:
        found[part.key] = found.get(part.key, 0) + (part.value or 0)
    return found


def _energy(value: int | None) -> Energy | None:
    return Energy(value) if value is not None else None


def _text(value: Value | int | None) -> str | None:
    return None if value is None else str(value)


def _shown(metric: Metric) -> MetricShown:
    return MetricShown(
        code=metric.code,
        name=TextPair(**metric.name),
        meaning=TextPair(**metric.meaning),
        unit=metric.unit,
        by=metric.key,
        owner=metric.owner,
        sources=list(metric.sources),
        formula=metric.formula,
    )


def _freshness(status: Status) -> Freshness:
    return Freshness(
        state=status.state,
        said=TextPair(**status.said),
        as_of=status.as_of,
        lag_ms=status.lag_ms,
        lag_bytes=status.lag_bytes,
        p50_ms=status.p50_ms,
        p95_ms=status.p95_ms,
        transactions=status.transactions,
    )

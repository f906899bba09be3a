"""Queries on feeders, nodes, lines and areas."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.values import ApparentPower, Multiplier, Power
from denghuo.service.point.api import Area, AreaRow, Feeder, FeederRow, FindAreas, Line, Node, RoleCount

_FEEDER: LiteralString = "f.feeder_no, f.name, f.org, f.voltage_kv, f.head_meter_no, f.head_multiplier"
_NODE: LiteralString = "node_no, kind, feeder_no, x_m, y_m"
_LINE: LiteralString = "line_no, feeder_no, from_node_no, to_node_no, length_m, normally_open"
_AREA: LiteralString = (
    "a.area_no, a.name, a.org, a.feeder_no, a.transformer_va, a.no_load_loss_w, a.gateway_meter_no, a.gateway_multiplier,"
    " a.node_no, a.x_m, a.y_m"
)


def _multiplier(number: int | None) -> Multiplier | None:
    return None if number is None else Multiplier(number)


def _feeder(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "head_multiplier": _multiplier(row["head_multiplier"])}


def _area(row: Mapping[str, Any]) -> dict[str, Any]:
    body = dict(row)
    return body | {
        "transformer_kva": ApparentPower(body.pop("transformer_va")),
        "no_load_loss_kw": Power(body.pop("no_load_loss_w")),
        "gateway_multiplier": _multiplier(body.pop("gateway_multiplier")),
    }


def _number(value: Multiplier | None) -> int | None:
    return None if value is None else value.number


class NetworkStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def feeders(self, feeder_no: str | None = None) -> list[Feeder]:
        rows = self._work.rows(
            "SELECT " + _FEEDER + " FROM feeder f WHERE %(no)s::text IS NULL OR feeder_no = %(no)s ORDER BY feeder_no",
            {"no": feeder_no},
        )
        return [Feeder(**_feeder(row)) for row in rows]

    def nodes(self, feeder_no: str | None = None) -> list[Node]:
        return self._work.rows(
            "SELECT "
            + _NODE
            + " FROM node WHERE %(no)s::text IS NULL OR feeder_no = %(no)s OR feeder_no IS NULL ORDER BY node_no",
            {"no": feeder_no},
            Node,
        )

    def lines(self, feeder_no: str | None = None) -> list[Line]:
        return self._work.rows(
            "SELECT " + _LINE + " FROM line WHERE %(no)s::text IS NULL OR feeder_no = %(no)s ORDER BY line_no",
            {"no": feeder_no},
            Line,
        )

    def areas(self, feeder_no: str | None = None) -> list[Area]:
        rows = self._work.rows(
            "SELECT " + _AREA + " FROM area a WHERE %(no)s::text IS NULL OR feeder_no = %(no)s ORDER BY area_no",
            {"no": feeder_no},
        )
        return [Area(**_area(row)) for row in rows]

    def areas_of(self, numbers: Sequence[str]) -> dict[str, Area]:
        rows = self._work.rows("SELECT " + _AREA + " FROM area a WHERE area_no = ANY (%s)", (list(numbers),))
        return {row["area_no"]: Area(**_area(row)) for row in rows}

    def feeders_of(self, numbers: Sequence[str]) -> set[str]:
        return set(self._work.values("SELECT feeder_no FROM feeder WHERE feeder_no = ANY (%s)", (list(numbers),)))

    # -- writing ---------------------------------------------------------------------------------------------------------

    def add_feeders(self, items: Sequence[Feeder], at: datetime) -> None:
        self._work.copy_in(
            "feeder",
            ("feeder_no", "name", "org", "voltage_kv", "head_meter_no", "head_multiplier", "recorded_at"),
            (
                (
                    item.feeder_no,
                    item.name,
                    item.org,
                    item.voltage_kv,
                    item.head_meter_no,
                    _number(item.head_multiplier),
                    at,
                )
                for item in items
            ),
        )

    def add_nodes(self, items: Sequence[Node], at: datetime) -> None:
        self._work.copy_in(
            "node",
            ("node_no", "kind", "feeder_no", "x_m", "y_m", "recorded_at"),
            ((item.node_no, item.kind, item.feeder_no, item.x_m, item.y_m, at) for item in items),
        )

    def add_lines(self, items: Sequence[Line], at: datetime) -> None:
        self._work.copy_in(
            "line",
            ("line_no", "feeder_no", "from_node_no", "to_node_no", "length_m", "normally_open", "recorded_at"),
            (
                (
                    item.line_no,
                    item.feeder_no,
                    item.from_node_no,
                    item.to_node_no,
                    item.length_m,
                    item.normally_open,
                    at,
                )
                for item in items
            ),
        )

    def add_areas(self, items: Sequence[Area], at: datetime) -> None:
        self._work.copy_in(
            "area",
            (
                "area_no",
                "name",
                "org",
                "feeder_no",
                "transformer_va",
                "no_load_loss_w",
                "gateway_meter_no",
                "gateway_multiplier",
                "node_no",
                "x_m",
                "y_m",
                "recorded_at",
            ),
            (
                (
                    item.area_no,
                    item.name,
                    item.org,
                    item.feeder_no,
                    item.transformer_kva.number,
                    item.no_load_loss_kw.number,
                    item.gateway_meter_no,
                    _number(item.gateway_multiplier),
                    item.node_no,
                    item.x_m,
                    item.y_m,
                    at,
                )
                for item in items
            ),
        )

    # -- pages -----------------------------------------------------------------------------------------------------------

    def feeder_rows(self, org: str | None) -> list[FeederRow]:
        rows = self._work.rows(
            "SELECT " + _FEEDER + ", (SELECT count(*) FROM area a WHERE a.feeder_no = f.feeder_no) AS area_count,"
            " (SELECT count(*) FROM point p WHERE p.feeder_no = f.feeder_no) AS point_count"
            " FROM feeder f WHERE denghuo.of_unit(f.org, %(org)s) ORDER BY f.feeder_no",
            {"org": org},
        )
        return [FeederRow(**_feeder(row)) for row in rows]

    def area_rows(self, request: FindAreas) -> tuple[list[AreaRow], int]:
        params = {
            "keyword": request.keyword.strip().upper(),
            "feeder_no": request.feeder_no,
            "org": request.org,
            "after": request.after,
            "limit": request.limit,
        }
        matching: LiteralString = (
            " FROM area a WHERE (position(%(keyword)s in upper(a.area_no)) > 0 OR position(%(keyword)s in upper(a.name)) > 0)"
            " AND (%(feeder_no)s::text IS NULL OR a.feeder_no = %(feeder_no)s)"
            " AND denghuo.of_unit(a.org, %(org)s)"
        )
        rows = self._work.rows(
            "SELECT "
            + _AREA
            + ", "
            + _COUNTS
            + matching
            + " AND (%(after)s::text IS NULL OR a.area_no > %(after)s) ORDER BY a.area_no LIMIT %(limit)s",
            params,
        )
        total = self._work.value("SELECT count(*)" + matching, params)
        return [AreaRow(**_area(row)) for row in rows], int(total or 0)

    def area_row(self, area_no: str) -> AreaRow | None:
        row = self._work.row("SELECT " + _AREA + ", " + _COUNTS + " FROM area a WHERE a.area_no = %s", (area_no,))
        return None if row is None else AreaRow(**_area(row))

    def roles(self, area_no: str) -> list[RoleCount]:
        rows = self._work.rows(
            "SELECT role, count(*) AS count, coalesce(sum(pv_w), 0)::bigint AS pv_w FROM point WHERE area_no = %s"
            " GROUP BY role ORDER BY role",
            (area_no,),
        )
        return [RoleCount(role=row["role"], count=row["count"], generation_kw=Power(row["pv_w"])) for row in rows]

    def gateway_point(self, area_no: str) -> str | None:
        found = self._work.value(
            "SELECT point_no FROM point WHERE area_no = %s AND role = 'gateway' ORDER BY point_no LIMIT 1", (area_no,)
        )
        return None if found is None else str(found)


_COUNTS: LiteralString = (
    "coalesce((SELECT name FROM feeder f WHERE f.feeder_no = a.feeder_no), '') AS feeder_name,"
    " (SELECT count(DISTINCT account_no) FROM point p WHERE p.area_no = a.area_no) AS account_count,"
    " (SELECT count(*) FROM point p WHERE p.area_no = a.area_no) AS point_count"
)

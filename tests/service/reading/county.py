"""The shipped demo company as installations and intakes, and a small county of a few meters for single cases."""

import csv
import pathlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from denghuo.data.processing.dataset import arrow_schema
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Multiplier, Register
from denghuo.service.contract.api import TERMS, ContractApi, PublishTerms, TermsFound, TermsIn
from denghuo.service.customer.api import Account, AccountNumbers, Accounts, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import (
    Organisation,
    Organisations,
    OrganisationTree,
    PermissionApi,
    Person,
    PersonRef,
    StaffNotFound,
)
from denghuo.service.point.api import (
    INSTALLATION,
    FindPoints,
    Line,
    MeterInMonth,
    MetersFound,
    MetersIn,
    Network,
    NetworkRequest,
    Node,
    Point,
    PointApi,
    Points,
    PointsByNumber,
    PointsFound,
    PublishInstallations,
    PublishUnitInstallations,
)
from denghuo.service.reading.api import CURVE_INTAKE, REGISTER_INTAKE
from tests.service.records import area

pc: Any = pyarrow.compute
DATA = pathlib.Path(__file__).parents[3] / "examples" / "gaoping" / "data"
MONTH = "2026-04"
PERIOD = Month.of(MONTH).period
Row = dict[str, Any]


def points_of(rows: Sequence[Row]) -> type[PointApi]:
    """A point service that knows these installations, clipped to the month that is asked for."""

    class KnownPoints(PointApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            self._work = work

        def publish_installations(self, call: Call, request: PublishInstallations) -> DatasetRef:
            return self._work.datasets.publish(
                INSTALLATION, request.month, "all", clipped(rows, request.month), call.now
            )

        def publish_unit_installations(self, call: Call, request: PublishUnitInstallations) -> DatasetRef:
            mine = [row for row in clipped(rows, request.month) if row["org"] == request.org]
            return self._work.datasets.publish(INSTALLATION, request.month, request.org, mine, call.now)

        def meters_in(self, call: Call, request: MetersIn) -> MetersFound:
            found = [
                row
                for row in clipped(rows, request.month)
                if row["meter_no"] in request.meter_nos
                or row["point_no"] in request.point_nos
                or row["account_no"] in request.account_nos
                or (row["role"] == "gateway" and row["area_no"] in request.gateway_area_nos)
            ]
            return MetersFound(rows=[shown(row) for row in found], as_of=call.now)

        def network(self, call: Call, request: NetworkRequest) -> Network:
            """The areas of the installations, a kilometre apart from west to east; a line leads to the first."""
            numbers = sorted({row["area_no"] for row in rows if row["area_no"] is not None})
            areas = [area(number, "F1", 1, x_m=1_000 * at, y_m=50) for at, number in enumerate(numbers)]
            areas = [one for one in areas if call.covers(one.org)]
            nodes = [
                Node(node_no="ND1", kind="substation", x_m=0, y_m=900),
                Node(node_no="ND2", kind="area", x_m=0, y_m=50),
            ]
            line = Line(line_no="LN1", from_node_no="ND1", to_node_no="ND2", length_m=850)
            return Network(nodes=nodes, lines=[line], feeders=[], areas=areas, as_of=call.now)

        def points(self, call: Call, request: PointsByNumber) -> Points:
            return Points(rows=[_as_point(row) for row in rows if row["point_no"] in request.numbers], as_of=call.now)

        def find_points(self, call: Call, request: FindPoints) -> PointsFound:
            found = [_as_point(row) for row in rows if row["area_no"] == request.area_no]
            return PointsFound(rows=found, total=len(found), next=None, as_of=call.now)

    return KnownPoints


def _as_point(row: Row) -> Point:
    more = {"direction": row["register"], "multiplier": Multiplier(row["multiplier"]), "installed_at": row["from_at"]}
    return Point.model_validate({name: row[name] for name in Point.model_fields if name in row} | more)


def contracts_of(rows: Sequence[Row] = ()) -> type[ContractApi]:
    """A contract service with these terms: account_no, tariff_class, capacity_va and contract_w, in force for good."""

    class Contracts(ContractApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            self._work = work

        def publish_terms(self, call: Call, request: PublishTerms) -> DatasetRef:
            begins = {"effective_from": date(2020, 1, 1)}
            absent = dict.fromkeys(TERMS.columns)
            table = pa.Table.from_pylist([absent | begins | row for row in rows], schema=arrow_schema(TERMS))
            return self._work.datasets.publish(TERMS, request.month, "all", table, call.now)

        def terms_in(self, call: Call, request: TermsIn) -> TermsFound:
            return TermsFound(rows=[], as_of=call.now)

    return Contracts


def staff_of(permits: Mapping[str, Sequence[str]]) -> type[PermissionApi]:
    """A permission service that knows these users with their permits."""

    class Staff(PermissionApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            pass

        def person(self, call: Call, request: PersonRef) -> Person:
            name = request.user_name
            if name not in permits:
                raise StaffNotFound(text("无此人员", "no such person"), user_name=name)
            unit = {"org": "1405810", "org_name": TextPair(zh="高平", en="Gaoping"), "scope": ["1405810"]}
            return Person(user_name=name, name=name, posts=[], permits=list(permits[name]), **unit)

        def organisations(self, call: Call, request: Organisations) -> OrganisationTree:
            units = ["1405810", "1405810.01", "1405810.02"]
            rows = [
                Organisation(
                    code=code,
                    name=code,
                    name_en=code,
                    kind="station" if "." in code else "company",
                    parent=code.rpartition(".")[0] or None,
                    address="",
                    phone="",
                    from_day=date(2020, 1, 1),
                    to_day=None,
                )
                for code in units
                if call.covers(code) and (request.codes is None or code in request.codes)
            ]
            return OrganisationTree(rows=rows, total=len(rows), as_of=call.now)

    return Staff


def address_of(account_no: str) -> str:
    return f"米山镇米西村 {account_no[-3:]} 号"


def customers_of(account_nos: Collection[str]) -> type[CustomerApi]:
    """A customer service that knows these accounts."""

    class Customers(CustomerApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            pass

        def accounts(self, call: Call, request: AccountNumbers) -> Accounts:
            assert call.may("customer.read")
            rows = [
                Account(
                    account_no=number,
                    name="林庆娟",
                    kind="resident",
                    tariff_class="resident",
                    phone=None,
                    industry_code=None,
                    status="active",
                    address=address_of(number),
                    org="1405810.01",
                    opened_on=date(2020, 8, 5),
                )
                for number in request.numbers
                if number in account_nos
            ]
            return Accounts(rows=rows)

    return Customers


def clipped(rows: Sequence[Row], month: str) -> list[Row]:
    period = Month.of(month).period
    return [
        row | {"from_at": max(row["from_at"], period.start), "to_at": min(row["to_at"], period.end)}
        for row in rows
        if row["from_at"] < period.end and row["to_at"] > period.start
    ]


def shown(row: Row) -> MeterInMonth:
    registers = {
        name: None if row[f"{name}_e4"] is None else Register(row[f"{name}_e4"])
        for name in ("start", "final", "start_rev", "final_rev")
    }
    more = {"direction": row["register"], "multiplier": Multiplier(row["multiplier"]), "pv_kw": None}
    return MeterInMonth.model_validate(
        {name: row[name] for name in MeterInMonth.model_fields if name in row} | registers | more
    )


def installation(point_no: str, meter_no: str, **other: Any) -> Row:
    """A meter that hangs at a point from before the month until after it."""
    return {
        "point_no": point_no,
        "account_no": "5810100000019",
        "area_no": "TG001",
        "feeder_no": "F1",
        "org": "1405810.01",
        "role": "sale",
        "register": "fwd",
        "meter_no": meter_no,
        "multiplier": 1,
        "integer_digits": 6,
        "decimal_digits": 2,
        "voltage_kv": "0.22",
        "pv_w": None,
        "from_at": datetime(2020, 1, 1, tzinfo=UTC),
        "to_at": datetime(2099, 1, 1, tzinfo=UTC),
        "start_e4": None,
        "final_e4": None,
        "start_rev_e4": None,
        "final_rev_e4": None,
        "piece": 1,
    } | other


def registers(
    *rows: tuple[str, datetime | date, int | None] | tuple[str, datetime | date, int | None, str],
) -> pa.Table:
    """An intake of (meter, day or instant, value, quantity = active_fwd)."""
    return pa.Table.from_pylist(
        [
            {
                "meter_no": row[0],
                "read_at": row[1] if isinstance(row[1], datetime) else midnight(row[1]),
                "quantity": row[3] if len(row) > 3 else "active_fwd",
                "band": "total",
                "value_e4": row[2],
            }
            for row in rows
        ],
        schema=arrow_schema(REGISTER_INTAKE),
    )


def month_of(
    meter_no: str, values: Mapping[int, int] | Sequence[int], quantity: str = "active_fwd", month: str = MONTH
) -> pa.Table:
    """Registers at the midnights of a month: by the day of the month from 1, or the first ones in order."""
    first = Month.of(month).first_day
    pairs = values.items() if isinstance(values, Mapping) else enumerate(values, start=1)
    return registers(*((meter_no, first + timedelta(days=day - 1), value, quantity) for day, value in pairs))


def steady(start: int = 1_000_000, a_day: int = 50_000, days: int = 31) -> list[int]:
    return [start + day * a_day for day in range(days)]


# --- the demo company -----------------------------------------------------------------------------------------------------


def _csv(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _e4(text: str) -> int | None:
    return int(Decimal(text) * 10_000) if text else None


def demo_installations() -> list[Row]:
    meters = {row["meter_no"]: row for row in _csv("meters")}
    exchanges = {row["point_no"]: row for row in _csv("meter_exchanges")}
    rows: list[Row] = []
    for point in _csv("points"):
        meter = meters[point["meter_no"]]
        row = installation(
            point["point_no"],
            point["meter_no"],
            **{
                name: point[name] or None
                for name in ("account_no", "area_no", "feeder_no", "role", "register", "voltage_kv")
            },
            org=point["org_code"],
            multiplier=int(point["multiplier"]),
            integer_digits=int(meter["integer_digits"]),
            decimal_digits=int(meter["decimal_digits"]),
            pv_w=int(Decimal(point["pv_kw"]) * 1000) if point["pv_kw"] else None,
            from_at=midnight(date.fromisoformat(meter["installed_on"])),
        )
        exchange = exchanges.get(point["point_no"])
        if exchange is None:
            rows.append(row)
            continue
        at = datetime.fromisoformat(exchange["exchanged_at"])
        rows.append(row | {"to_at": at, "final_e4": _e4(exchange["old_final_fwd_kwh"])})
        rows.append(
            row
            | {
                "piece": 2,
                "meter_no": exchange["new_meter_no"],
                "multiplier": int(exchange["new_multiplier"]),
                "from_at": at,
                "start_e4": _e4(exchange["new_start_fwd_kwh"]),
            }
        )
    return rows


def _integers(column: Any, places: int) -> Any:
    scaled = pc.multiply(column.cast(pa.decimal128(20, places)), pa.scalar(Decimal(10**places), pa.decimal128(7, 0)))
    return scaled.cast(pa.int64())


def demo_registers() -> pa.Table:
    table = pq.read_table(DATA / "register_reads.parquet")
    return pa.concat_tables(
        pa.table(
            {
                "meter_no": table["meter_no"],
                "read_at": table["read_at"],
                "quantity": pa.repeat(quantity, len(table)),
                "band": pa.repeat("total", len(table)),
                "value_e4": _integers(table[column], 4),
            }
        ).cast(arrow_schema(REGISTER_INTAKE))
        for quantity, column in (("active_fwd", "fwd_kwh"), ("active_rev", "rev_kwh"))
    )


def demo_curves() -> pa.Table:
    gateways, voltages = pq.read_table(DATA / "gateway_15min.parquet"), pq.read_table(DATA / "voltages.parquet")
    parts = [
        (gateways, "gateway_power_w", "area_no", "p_kw", 3),
        (gateways, "gateway_reactive_var", "area_no", "q_kvar", 3),
        (gateways, "gateway_voltage_e4", "area_no", "v_pu", 4),
        (voltages, "voltage_dv", "meter_no", "voltage_v", 1),
    ]
    return pa.concat_tables(
        pa.table(
            {
                "series": pa.repeat(series, len(table)),
                "subject": table[subject],
                "at": table["at"],
                "value": _integers(table[column], places),
            }
        ).cast(arrow_schema(CURVE_INTAKE))
        for table, series, subject, column, places in parts
    )


def curve_rows(*rows: tuple[str, str, datetime, int | None]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(("series", "subject", "at", "value"), row, strict=True)) for row in rows],
        schema=arrow_schema(CURVE_INTAKE),
    )


def energy_day(meter_no: str, day: date, values: Sequence[int | None], series: str = "active_fwd_wh") -> pa.Table:
    start = midnight(day)
    return curve_rows(
        *((series, meter_no, start + slot * timedelta(minutes=15), value) for slot, value in enumerate(values))
    )

"""Records for tests of the services that stand on customers, meters and points: one small county (two stations)."""

import pathlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Api, Call
from denghuo.kernel.values import ApparentPower, Multiplier, Power
from denghuo.service.asset.api import NewMeter
from denghuo.service.contract.api import NewContract
from denghuo.service.customer.api import NewAccount
from denghuo.service.customer.rules import check_digit
from denghuo.service.host.binding import Ask, Implementation
from denghuo.service.point.api import Area, Feeder, Line, NewPoint, Node, RegisterNetwork
from tests.service.bindings import NOW, local, remote, web

OPERATOR = Call.system(NOW)
COMPANY = "1405810"
CLERK = Call(
    actor="clerk",
    now=NOW,
    permits=frozenset({"customer.read", "asset.read", "contract.read", "point.read", "loss.read"}),
    scope=("1405810.01",),
    channel="peer",
)


def held(binding: str, dsn: str, folder: pathlib.Path, services: Mapping[type[Api], Implementation]) -> Iterator[Ask]:
    """The given services behind one of the two bindings ("local", "remote"), each held by its contract."""
    with Database(dsn) as database:
        directory = local(database, folder, services)
        if binding == "local":
            yield directory
        else:
            with web(directory) as client:

                def ask(contract: type[Any]) -> Any:
                    return remote(contract, client)

                yield ask


def number(serial: int, station: int = 1) -> str:
    digits = f"581{station:02d}{serial:07d}"
    return digits + check_digit(digits)


def account(serial: int, station: int = 1, **changes: Any) -> NewAccount:
    return NewAccount(
        account_no=number(serial, station),
        name="罗秀英",
        kind="resident",
        tariff_class="resident",
        address="山西省高平市米山镇米西村",
        phone="10088153044",
        org=f"1405810.{station:02d}",
        opened_on=date(2024, 8, 5),
    ).model_copy(update=changes)


def meter(serial: int, **changes: Any) -> NewMeter:
    return NewMeter(
        meter_no=f"M{serial:05d}",
        kind="direct",
        multiplier=Multiplier(1),
        integer_digits=6,
        decimal_digits=2,
        installed_on=date(2024, 8, 5),
        org=COMPANY,
    ).model_copy(update=changes)


def contract(serial: int, station: int = 1, **changes: Any) -> NewContract:
    return NewContract(
        contract_no=f"GY{number(serial, station)}",
        account_no=number(serial, station),
        kind="supply",
        tariff_class="resident",
        voltage_kv="0.22",
        contract_kw=Power(4_700),
        settlement_mode="agency",
        effective_from=date(2024, 8, 5),
    ).model_copy(update=changes)


def network() -> RegisterNetwork:
    """A substation, two feeders of two stations, an area on each."""
    return RegisterNetwork(
        feeders=[
            Feeder(feeder_no="F1", name="一线", org="1405810.01", voltage_kv="20"),
            Feeder(feeder_no="F2", name="二线", org="1405810.02", voltage_kv="20"),
        ],
        nodes=[
            Node(node_no="ND1", kind="substation", x_m=0, y_m=0),
            Node(node_no="ND2", kind="area", feeder_no="F1", x_m=145, y_m=600),
            Node(node_no="ND3", kind="area", feeder_no="F2", x_m=-304, y_m=-334),
        ],
        lines=[
            Line(line_no="LN1", feeder_no="F1", from_node_no="ND1", to_node_no="ND2", length_m=620),
            Line(line_no="LN2", feeder_no="F2", from_node_no="ND1", to_node_no="ND3", length_m=450),
        ],
        areas=[area("TG1", "F1", 1), area("TG2", "F2", 2)],
    )


def area(area_no: str, feeder_no: str, station: int, **changes: Any) -> Area:
    return Area(
        area_no=area_no,
        name=f"{area_no}公变台区",
        org=f"1405810.{station:02d}",
        feeder_no=feeder_no,
        transformer_kva=ApparentPower(250_000),
        no_load_loss_kw=Power(880),
        node_no="ND2" if station == 1 else "ND3",
        x_m=145,
        y_m=600,
    ).model_copy(update=changes)


def point(serial: int, station: int = 1, **changes: Any) -> NewPoint:
    """The sale point of `account(serial, station)` with `meter(serial)`."""
    return NewPoint(
        point_no=f"{number(serial, station)}01",
        role="sale",
        direction="fwd",
        account_no=number(serial, station),
        area_no=f"TG{station}",
        feeder_no=f"F{station}",
        org=f"1405810.{station:02d}",
        meter_no=f"M{serial:05d}",
        multiplier=Multiplier(1),
        voltage_kv="0.22",
    ).model_copy(update=changes)


def at(day: int, hour: int = 0, month: int = 4) -> datetime:
    """An instant of 2026 by Shanghai clock time."""
    from denghuo.kernel.period import SHANGHAI

    return datetime(2026, month, day, hour, tzinfo=SHANGHAI).astimezone(UTC)

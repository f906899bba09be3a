"""The loss of an area between the midnights of a plan for line loss, through both bindings."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from tests.service.reading.county import MONTH, month_of, steady
from tests.service.records import CLERK, OPERATOR, account, held, meter, network, number, point

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Multiplier, Power, Register
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.asset.service import AssetService
from denghuo.service.contract.api import ContractApi
from denghuo.service.contract.service import ContractService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.loss.api import LossApi, NoLossPlan, PlanLoss, PlanRef
from denghuo.service.loss.service import LossService
from denghuo.service.point.api import Exchange, ExchangeMeters, PointApi, RegisterPoints
from denghuo.service.point.service import PointService
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, MakeSpecialPlan, ReadingApi, SpecialPlanRef
from denghuo.service.reading.service import ReadingService

SERVICES = {
    CustomerApi: CustomerService,
    AssetApi: AssetService,
    PointApi: PointService,
    ContractApi: ContractService,
    ReadingApi: ReadingService,
    LossApi: LossService,
}
SINCE, DAY = date(2026, 4, 5), date(2026, 4, 15)
MANAGER = replace(CLERK, actor="manager", permits=frozenset({"reading.review", "reading.read", "loss.read"}))


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    """Two homes of 5 kWh a day, one of them with a plant that gives 1 kWh, behind a gateway (ratio 3) of 5 kWh a day."""
    for made in held(request.param, database_dsn, tmp_path, SERVICES):
        made(PointApi).register_network(OPERATOR, network())
        made(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1), account(2)]))
        made(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(one) for one in (1, 2, 3)]))
        gateway = point(3, point_no="G1", role="gateway", account_no=None, multiplier=Multiplier(3))
        plant = point(1, point_no="P2", role="export", direction="rev", pv_kw=Power(19_000))
        points = RegisterPoints(points=[point(1), plant, point(2), gateway])
        assert made(PointApi).register_points(OPERATOR, points).taken == 4
        receive(made, database_dsn, tmp_path, *(month_of(f"M0000{one}", steady()) for one in (1, 3)))
        receive(made, database_dsn, tmp_path, month_of("M00001", steady(0, 10_000), "active_rev"))
        receive(made, database_dsn, tmp_path, month_of("M00002", steady()[:10]))
        yield made


def receive(ask: Ask, dsn: str, folder: pathlib.Path, *tables: pa.Table) -> None:
    with Database(dsn) as database:
        rows = Datasets(database, folder).publish(REGISTER_INTAKE, MONTH, "all", pa.concat_tables(tables), OPERATOR.now)
    ask(ReadingApi).receive_registers(OPERATOR, Intake(rows=rows))


def loss(ask: Ask, plan_no: int) -> PlanLoss:
    return ask(LossApi).plan_loss(MANAGER, PlanRef(plan_no=plan_no))


def test_an_area_that_is_read_at_two_midnights_has_a_loss(ask: Ask, database_dsn: str, tmp_path: pathlib.Path) -> None:
    asked = MakeSpecialPlan(kind="loss", area_no="TG1", since=SINCE, on=DAY, reason="台区线损核查")
    plan = ask(ReadingApi).make_special_plan(MANAGER, asked)
    found = loss(ask, plan.plan_no)
    # 150 kWh through the gateway and 10 from the plant; of the home that is not read yet nothing is made up.
    assert [str(one) for one in (found.supply, found.generation, found.sale, found.rate)] == [
        "160",
        "10",
        "50",
        "68.75",
    ]
    assert (found.held, [one.code for one in found.flags]) == (1, ["held_members"])
    receive(ask, database_dsn, tmp_path, month_of("M00002", {15: 1_700_000}))
    ask(ReadingApi).gather_special_plan(MANAGER, SpecialPlanRef(plan_no=plan.plan_no))
    found = loss(ask, plan.plan_no)
    assert [str(one) for one in (found.sale, found.loss, found.rate)] == ["100", "60", "37.50"]
    # 880 W of the transformer for ten days are more than all that came in, so nothing is high.
    assert (found.since, found.on, str(found.limit), found.flags) == (SINCE, DAY, "135.00", [])
    assert sorted((one.point_no, one.side, str(one.energy)) for one in found.members) == [
        (f"{number(1)}01", "sale", "50"),
        (f"{number(2)}01", "sale", "50"),
        ("G1", "supply", "150"),
        ("P2", "generation", "10"),
    ]
    # A meter that was changed meanwhile counts by the registers of its exchange, as one point in two rows.
    ask(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(4)]))
    exchange = Exchange(
        point_no=f"{number(2)}01",
        old_meter_no="M00002",
        new_meter_no="M00004",
        exchanged_at=midnight(DAY) - timedelta(days=2),
        old_final_fwd=Register.of("160"),
        new_start_fwd=Register.of("0"),
        new_multiplier=Multiplier(1),
    )
    assert ask(PointApi).exchange_meters(OPERATOR, ExchangeMeters(exchanges=[exchange])).taken == 1
    again = ask(ReadingApi).make_special_plan(MANAGER, asked)
    receive(ask, database_dsn, tmp_path, month_of("M00004", {15: 90_000}))
    ask(ReadingApi).gather_special_plan(MANAGER, SpecialPlanRef(plan_no=again.plan_no))
    changed = loss(ask, again.plan_no)
    assert (str(changed.sale), changed.sale_points, changed.held) == ("99", 2, 0)
    assert [(one.meter_no, str(one.energy)) for one in changed.members if one.point_no == exchange.point_no] == [
        ("M00002", "40"),
        ("M00004", "9"),
    ]
    with pytest.raises(NoLossPlan):
        ask(LossApi).plan_loss(replace(MANAGER, scope=("1405810.02",)), PlanRef(plan_no=plan.plan_no))
    temporary = MakeSpecialPlan(kind="temporary", point_nos=["G1"], on=DAY, reason="关口校表")
    with pytest.raises(NoLossPlan):
        loss(ask, ask(ReadingApi).make_special_plan(MANAGER, temporary).plan_no)

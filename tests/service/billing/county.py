"""A county of a few accounts for tests of billing: real services below it, registers and prices typed here."""

import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, Protocol

import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict
from tests.databases import database as copied
from tests.service.bindings import NOW, clock, local, remote, settle, web
from tests.service.records import account, contract, meter, network, number, point

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.kernel.contract import Api, Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import midnight
from denghuo.kernel.values import ApparentPower, Energy, Power, Price
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.asset.service import AssetService
from denghuo.service.billing.api import BillingApi
from denghuo.service.billing.service import BillingService
from denghuo.service.contract.api import ContractApi, SignContracts
from denghuo.service.contract.service import ContractService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask, Directory, Implementation
from denghuo.service.notice.api import NoticeApi
from denghuo.service.notice.service import NoticeService
from denghuo.service.permission.api import NewOrganisation, PermissionApi, RegisterOrganisations
from denghuo.service.permission.service import PermissionService
from denghuo.service.point.api import PointApi, RegisterPoints
from denghuo.service.point.service import PointService
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, ReadingApi
from denghuo.service.reading.service import ReadingService
from denghuo.service.tariff.api import (
    Component,
    DraftTariff,
    PriceAt,
    Source,
    TariffApi,
    TariffDocument,
    TariffVersion,
    Tiers,
    TierTable,
)
from denghuo.service.tariff.service import TariffService
from denghuo.service.workflow.api import WorkflowApi
from denghuo.service.workflow.service import WorkflowService

MONTH = "2026-04"
DOCUMENT = "测价〔2026〕1号"
SERVICES: dict[type[Api], Implementation] = {
    PermissionApi: PermissionService,
    WorkflowApi: WorkflowService,
    NoticeApi: NoticeService,
    CustomerApi: CustomerService,
    AssetApi: AssetService,
    ContractApi: ContractService,
    PointApi: PointService,
    TariffApi: TariffService,
    ReadingApi: ReadingService,
    BillingApi: BillingService,
}
OPERATOR = Call.system(NOW)
OTHER_PERSON = Call.system(NOW, actor="approver")
ACCOUNTANT = Call(
    actor="accountant",
    now=NOW,
    permits=frozenset({"billing.*"}),
    scope=("1405810",),
    channel="peer",
)
CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"billing.*"}), scope=("1405810.01",), channel="peer")


def holder(*numbers: str) -> Call:
    return Call(
        actor="holder", now=NOW, permits=frozenset({"billing.own"}), scope=("",), accounts=numbers, channel="peer"
    )


@dataclass
class County:
    """Services of one test: `ask` holds them as the test's binding does, `settle` runs jobs and events to the end."""

    directory: Directory
    ask: Ask
    datasets: Datasets

    @property
    def billing(self) -> BillingApi:
        return self.ask(BillingApi)

    @property
    def dsn(self) -> str:
        return self.datasets._database.dsn

    def settle(self) -> None:
        settle(self.directory)


@contextmanager
def county(
    binding: str, dsn: str, folder: pathlib.Path, changes: Mapping[type[Api], Implementation] | None = None
) -> Iterator[County]:
    services = SERVICES | dict(changes or {})
    with Database(dsn) as database:
        directory = local(database, folder, services)
        datasets = Datasets(database, folder)
        if binding == "local":
            yield County(directory, directory, datasets)
            return
        with web(directory) as client:

            def ask(contract: type[Any]) -> Any:
                return remote(contract, client)

            yield County(directory, ask, datasets)


@dataclass(frozen=True)
class Prepared:
    """A county that was made once, with its database and its folder; each test works on a copy of both."""

    server: str
    database: str
    folder: pathlib.Path
    changes: Mapping[type[Api], Implementation]

    @contextmanager
    def copy(self, binding: str, folder: pathlib.Path) -> Iterator[County]:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        with copied(self.server, self.database) as dsn, county(binding, dsn, folder, self.changes) as made:
            yield made


class Prepare(Protocol):
    """The fixture `prepare`: `prepared` for the file of the test."""

    def __call__(
        self,
        make: Callable[[County], None],
        changes: Mapping[type[Api], Implementation] | None = None,
        of: Prepared | None = None,
    ) -> Prepared: ...


@contextmanager
def prepared(
    server: str,
    template: str,
    folder: pathlib.Path,
    make: Callable[[County], None],
    changes: Mapping[type[Api], Implementation] | None = None,
    of: Prepared | None = None,
) -> Iterator[Prepared]:
    """What `make` makes of an empty county, or of a copy of another, for the tests of a file: making it anew for each takes longer
    than most of them."""
    if of is not None:
        template, changes = of.database, changes or of.changes
        shutil.copytree(of.folder, folder, dirs_exist_ok=True)
    with copied(server, template) as dsn:
        with county("local", dsn, folder, changes) as made:
            make(made)
        yield Prepared(server, str(conninfo_to_dict(dsn)["dbname"]), folder, dict(changes or {}))


# --- what the county is made of -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Supply:
    """An account with one meter: registers by the day of April (31 = the midnight that ends it), in kWh."""

    serial: int
    station: int = 1
    registers: Mapping[int, int] | None = None
    tariff_class: str = "resident"
    contract_kw: int = 5
    surplus: Mapping[int, int] | None = None
    voltage_kv: Literal["0.22", "0.38"] = "0.22"
    capacity_kva: int | None = None

    @property
    def account_no(self) -> str:
        return number(self.serial, self.station)


def daily(a_day: int, start: int = 1_000) -> dict[int, int]:
    """Registers at every midnight of the month, rising by `a_day` kWh."""
    return {day: start + a_day * (day - 1) for day in range(1, 32)}


def settle_county(found: County, supplies: Sequence[Supply], tariffs: Sequence[TariffDocument] | None = None) -> None:
    """Registers organisations, accounts, meters, contracts, points, registers and prices."""
    ask = found.directory
    ask(PermissionApi).register_organisations(
        OPERATOR,
        RegisterOrganisations(
            organisations=[
                NewOrganisation(code="1405810", name="高平市供电公司", name_en="Gaoping Company", kind="company"),
                NewOrganisation(
                    code="1405810.01", name="米山供电所", name_en="Mishan Station", kind="station", parent="1405810"
                ),
                NewOrganisation(
                    code="1405810.02", name="三甲供电所", name_en="Sanjia Station", kind="station", parent="1405810"
                ),
            ]
        ),
    )
    ask(PointApi).register_network(OPERATOR, network())
    ask(CustomerApi).open_accounts(
        OPERATOR,
        OpenAccounts(
            accounts=[account(one.serial, one.station, tariff_class=one.tariff_class) for one in supplies],
        ),
    )
    meters = ask(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(one.serial) for one in supplies]))
    assert not meters.refused
    contracts = [
        contract(
            one.serial,
            one.station,
            tariff_class=one.tariff_class,
            voltage_kv=one.voltage_kv,
            contract_kw=Power(one.contract_kw * 1000),
            capacity_kva=None if one.capacity_kva is None else ApparentPower(one.capacity_kva * 1000),
        )
        for one in supplies
    ] + [
        contract(
            one.serial,
            one.station,
            contract_no=f"GS{one.account_no}",
            kind="purchase",
            tariff_class="generation",
            contract_kw=None,
            pv_kw=Power(3_600),
            settlement_mode="surplus_feed_in",
        )
        for one in supplies
        if one.surplus
    ]
    assert not ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=contracts)).refused
    points = [point(one.serial, one.station) for one in supplies] + [
        point(
            one.serial,
            one.station,
            point_no=f"{one.account_no}02",
            role="export",
            direction="rev",
            pv_kw=Power(3_600),
            pv_mode="surplus",
        )
        for one in supplies
        if one.surplus
    ]
    assert not ask(PointApi).register_points(OPERATOR, RegisterPoints(points=points)).refused
    for document in prices() if tariffs is None else tariffs:
        drafted = ask(TariffApi).draft(OPERATOR, DraftTariff(document=document))
        assert drafted.publishable, drafted.findings
        ask(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    take_registers(found, supplies)


def take_registers(found: County, supplies: Sequence[Supply], call: Call = OPERATOR) -> None:
    rows = []
    for one in supplies:
        for quantity, registers in (("active_fwd", one.registers), ("active_rev", one.surplus)):
            for day, kwh in (registers or {}).items():
                rows.append(
                    {
                        "meter_no": f"M{one.serial:05d}",
                        "read_at": midnight(date(2026, 4, 1) + timedelta(days=day - 1)),
                        "quantity": quantity,
                        "band": "total",
                        "value_e4": kwh * 10_000,
                    }
                )
    table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
    reference = found.datasets.publish(REGISTER_INTAKE, MONTH, f"test-{len(rows)}", table, clock())
    found.directory(ReadingApi).receive_registers(call, Intake(rows=reference))


# --- prices -----------------------------------------------------------------------------------------------------------------


def tariff(code: str, component: str, price: str, **changes: Any) -> TariffDocument:
    """A tariff of one component, in force from 2024."""
    return TariffDocument(
        code=code,
        title=TextPair(zh=f"测试电价 {code}", en=f"Test tariff {code}"),
        area="310000",
        area_title=TextPair(zh="测试区", en="Test area"),
        classes=["resident"],
        voltages=["0.22", "0.38"],
        default=True,
        effective_from=date(2024, 1, 1),
        sources=[Source(number=DOCUMENT)],
        components=[
            Component(
                code=component,
                title=TextPair(zh="电度电费", en="Energy"),
                group="purchase" if component == "purchase_energy" else "energy",
                prices=[PriceAt(price=Price.of(price))],
                document=DOCUMENT,
            )
        ],
    ).model_copy(update=changes)


def prices() -> list[TariffDocument]:
    """Residents in three annual tiers (3,120 and 4,800 kWh: 0.617, 0.667, 0.917), business at one price, solar at another."""
    tiered = tariff("test.resident", "energy", "0.617")
    in_tiers = Component(
        code="energy",
        title=TextPair(zh="电度电费", en="Energy"),
        prices=[
            PriceAt(price=Price.of(price), tier=tier) for tier, price in ((1, "0.617"), (2, "0.667"), (3, "0.917"))
        ],
        document=DOCUMENT,
    )
    tiers = Tiers(period="annual", tables=[TierTable(up_to=[Energy.of("3120"), Energy.of("4800")])])
    return [
        tiered.model_copy(update={"components": [in_tiers], "tiers": tiers}),
        tariff("test.business", "energy", "0.7853", classes=["general_single_part"]),
        tariff(
            "test.solar",
            "purchase_energy",
            "0.4155",
            kind="purchase",
            classes=["generation"],
            settlements=["surplus_feed_in", "full_feed_in"],
        ),
    ]

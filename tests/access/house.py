"""A small company behind the edge: organisations, staff with posts and passwords, a customer with two accounts, and a browser."""

import contextlib
import functools
import pathlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import uvicorn

from denghuo.access.api import AccessApi, Enrol, EnrolCustomer
from denghuo.access.authentication import password
from denghuo.access.edge.limits import EdgeRules
from denghuo.access.module import Access
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call
from denghuo.service.customer.api import CustomerApi, NewAccount, OpenAccounts
from denghuo.service.customer.rules import check_digit
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Directory, Local, Store
from denghuo.service.host.http import application
from denghuo.service.host.token import Signer
from denghuo.service.permission.api import (
    Appoint,
    Engage,
    NewOrganisation,
    PermissionApi,
    RegisterOrganisations,
)
from denghuo.service.permission.service import PermissionService

KEY = b"a key for tests, thirty-two bytes!"[:32]
COMPANY, MISHAN, SANJIA = "1405810", "1405810.01", "1405810.02"
PASSWORD = "lamp-light-26"
STAFF = {
    "boss": (COMPANY, "manager"),
    "keeper": (COMPANY, "administrator"),
    "watcher": (COMPANY, "auditor"),
    "mishan": (MISHAN, "cashier"),
    "sanjia": (SANJIA, "cashier"),
    "mishankeeper": (MISHAN, "administrator"),
}


def number(serial: int, station: int = 1) -> str:
    digits = f"581{station:02d}{serial:07d}"
    return digits + check_digit(digits)


@dataclass
class Clock:
    """The time of the platform under test; it moves only when told."""

    now: datetime = field(default_factory=lambda: datetime(2026, 5, 4, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class House:
    """The platform under test."""

    directory: Directory
    store: Store
    clock: Clock
    app: Any
    signer: Signer

    @property
    def access(self) -> AccessApi:
        return self.directory(AccessApi)

    def kept(self, table: str) -> str:
        """All that a table of the access schema holds, as text."""
        with self.store.database.connection() as connection:
            return str(connection.execute(f"SELECT kept::text FROM access.{table} AS kept").fetchall())  # type: ignore[arg-type]

    def system(self) -> Call:
        return Call.system(self.clock())

    def secured(self, rules: EdgeRules) -> Any:
        """The same platform behind another edge."""
        access = Access(self.store, self.directory, self.signer, self.clock, rules)
        return access.edge.secured(application(self.directory.bound.values(), access.edge.caller))

    @contextlib.contextmanager
    def browser(self, app: Any = None) -> Iterator["Browser"]:
        """A browser of its own, and a server that it talks to."""
        with served(app or self.app) as address, httpx.Client(base_url=address, timeout=60) as client:
            yield Browser(client)


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """A web server on a loopback port for the time of a test."""
    # The edge itself decides which proxies it believes.
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", proxy_headers=False))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@dataclass
class Browser:
    """What a page does: JSON posts with the cookie jar and the page token."""

    client: httpx.Client
    csrf: str = ""

    def post(self, operation: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        noun, _, name = operation.partition(".")
        sent = {"X-CSRF-Token": self.csrf} if self.csrf else {}
        return self.client.post(f"/api/{noun}/{name}", json=body or {}, headers=sent | headers)

    @property
    def secret(self) -> str | None:
        return self.client.cookies.get("denghuo")

    def carry(self, secret: str) -> None:
        """Puts another secret into the cookie."""
        self.client.cookies.clear()
        self.client.cookies.set("denghuo", secret, domain="127.0.0.1")

    def sign_in(self, user: str, password: str = PASSWORD, code: str | None = None) -> Any:
        body = {"user": user, "password": password} | ({"code": code} if code else {})
        answer = self.post("access.sign_in", body)
        if answer.status_code == 200:
            self.csrf = self.post("access.session").json()["csrf"]
        return answer


@contextlib.contextmanager
def furnished(database_dsn: str, folder: pathlib.Path) -> Iterator[House]:
    clock = Clock()
    with Database(database_dsn) as database:
        store = Store(database, Datasets(database, folder), KEY)
        directory = Directory()
        directory.bind(PermissionApi, Local(store, PermissionService, directory))
        directory.bind(CustomerApi, Local(store, CustomerService, directory))
        signer = Signer(KEY)
        access = Access(store, directory, signer, clock)
        app = access.edge.secured(application(directory.bound.values(), access.edge.caller))
        house = House(directory, store, clock, app, signer)
        _settle_in(house)
        yield house


# Everyone has the same password here, so its hash is computed once for all tests.
_hash_once = functools.cache(password.hashed)


def _settle_in(house: House) -> None:
    before, password.hashed = password.hashed, _hash_once
    try:
        _people(house)
    finally:
        password.hashed = before


def _people(house: House) -> None:
    permission, call = house.directory(PermissionApi), house.system()
    permission.register_organisations(
        call,
        RegisterOrganisations(
            organisations=[
                NewOrganisation(code=COMPANY, name="高平市供电公司", name_en="Gaoping", kind="company"),
                NewOrganisation(code=MISHAN, name="米山供电所", kind="station", parent=COMPANY),
                NewOrganisation(code=SANJIA, name="三甲供电所", kind="station", parent=COMPANY),
            ]
        ),
    )
    for user_name, (org, role) in STAFF.items():
        permission.engage(call, Engage(user_name=user_name, name=f"职员{user_name}", org=org))
        permission.appoint(call, Appoint(user_name=user_name, role=role, org=org))
        house.access.enrol(call, Enrol(user_name=user_name, password=PASSWORD, must_change=False))
    house.directory(CustomerApi).open_accounts(call, OpenAccounts(accounts=[_account(1), _account(2), _account(3, 2)]))
    house.access.enrol_customer(
        call, EnrolCustomer(user_name="home", password=PASSWORD, accounts=[number(1), number(2)])
    )


def _account(serial: int, station: int = 1) -> NewAccount:
    return NewAccount(
        account_no=number(serial, station),
        name="罗秀英",
        kind="resident",
        tariff_class="resident",
        address="山西省高平市米山镇米西村",
        phone="10088153044",
        org=f"1405810.{station:02d}",
        opened_on=date(2024, 8, 5),
    )

"""Composition: which services exist, and how a process binds those that it runs and those that run elsewhere."""

import contextlib
import functools
import importlib
import importlib.util
import os
import pathlib
import pkgutil
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

import denghuo.service
from denghuo.access.api import AccessApi
from denghuo.access.edge.limits import EdgeRules
from denghuo.access.module import Access
from denghuo.application.api import ApplicationApi
from denghuo.application.menus.catalogue import Catalogue
from denghuo.application.service import applications
from denghuo.data.analysis.sources import EXTERNALS, SOURCES
from denghuo.data.analysis.warehouse import Warehouse
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.embedded import EmbeddedServer, FolderInUse, folder_unusable
from denghuo.data.processing.housekeeping import Housekeeping
from denghuo.data.processing.migration import migrate
from denghuo.data.processing.parts import Processes
from denghuo.kernel.contract import Api, Call
from denghuo.service.acquisition.api import AcquisitionApi
from denghuo.service.acquisition.front.broker import broker_of
from denghuo.service.acquisition.front.cipher import cipher_of
from denghuo.service.acquisition.front.front import Front
from denghuo.service.acquisition.front.keys import safe_of
from denghuo.service.acquisition.front.limits import limits_of
from denghuo.service.billing.rules import example_faults
from denghuo.service.host.binding import Directory, Implementation, Local, Store
from denghuo.service.host.jobs import QueuedJobs, install_queue
from denghuo.service.host.relay import Relay
from denghuo.service.host.remote import Remote
from denghuo.service.host.token import Signer
from denghuo.service.payment.api import PaymentApi
from denghuo.service.payment.service import PaymentService
from denghuo.service.reading.batch.classes import forget, kept_months_of
from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service import TariffService
from denghuo.settings import Loaded

KEY_BYTES = 32
PEER_TIMEOUT_S = 60.0
PRELOADED = ("denghuo.service.reading.batch.atoms",)
"""What workers have loaded before they are asked for anything."""


def _services() -> dict[type[Api], Implementation]:
    """Every service package by its contract: the package `x` states `XApi` in api.py and implements it as `XService` in
    service.py. A service is added by adding its package."""
    found: dict[type[Api], Implementation] = {}
    for module in pkgutil.iter_modules(denghuo.service.__path__):
        package, name = f"denghuo.service.{module.name}", module.name.capitalize()
        if importlib.util.find_spec(f"{package}.service") is not None:
            contract = getattr(importlib.import_module(f"{package}.api"), f"{name}Api")
            found[contract] = getattr(importlib.import_module(f"{package}.service"), f"{name}Service")
    return found


SERVICES = _services()
# The checker of tariffs rates a tariff's own examples, which the tier above knows how to do.
SERVICES[TariffApi] = functools.partial(TariffService, examine=example_faults)
MODULES: tuple[type[Api], ...] = (AccessApi, ApplicationApi)
"""Modules above the services that offer operations of the same form."""


@dataclass(frozen=True)
class Platform:
    """What this process runs: the bound Apis, the store behind the hosted ones, the signer of call tokens."""

    directory: Directory
    signer: Signer
    store: Store
    catalogue: Catalogue | None
    access: Access | None
    relay: Relay = field(repr=False)
    jobs: QueuedJobs = field(repr=False)
    housekeeping: Housekeeping = field(repr=False)
    front: Front | None = field(repr=False, default=None)
    """Where terminals connect to, in a process that stays and hosts acquisition."""

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Delivers events, runs jobs, keeps house and lets terminals in while the block runs."""
        self.housekeeping.start()
        self.relay.start()
        self.jobs.start(self.directory, now)
        try:
            if self.front is not None:
                self.front.start()
            yield
        finally:
            if self.front is not None:
                self.front.stop()
            self.jobs.stop()
            self.relay.stop()
            self.housekeeping.stop()


@contextlib.contextmanager
def platform(
    loaded: Loaded, hosted: Collection[str] | None = None, alone: bool = False, serving: bool = False
) -> Iterator[Platform]:
    """Starts or joins the store, brings its schemas up to date and binds the services.

    hosted: the nouns that run in this process; the others are reached at `settings.peers`. None: all that no peer runs.
    alone: refuse a data folder that another process works in, instead of joining its database.
    serving: this process stays: where it hosts them, it shows the pages and owns the warehouse, which follows the store.
    """
    settings = loaded.settings
    folder = _data_folder(settings.data)
    key = _deployment_key(loaded, folder)
    with contextlib.ExitStack() as stack:
        dsn = settings.dsn.get_secret_value() or _embedded(folder / "postgres", stack, alone)
        migrate(dsn, [AccessApi.noun, *(contract.noun for contract in SERVICES)])
        install_queue(dsn)
        database = stack.enter_context(Database(dsn))
        warehouse = None
        if serving and (hosted is None or "analytics" in hosted):
            warehouse = stack.enter_context(
                Warehouse(dsn, folder / "warehouse.duckdb", folder / "datasets", SOURCES, EXTERNALS)
            )
        workers = stack.enter_context(Processes(settings.workers, PRELOADED)) if settings.workers else None
        store = Store(database, Datasets(database, folder / "datasets"), key, warehouse, workers)
        signer = Signer(key)
        directory = Directory()
        paying = functools.partial(PaymentService, sandbox=settings.sandbox_payment)
        for contract, implementation in (SERVICES | {PaymentApi: paying}).items():
            address = settings.peers.get(contract.noun)
            runs_here = contract.noun in hosted if hosted is not None else address is None
            if runs_here:
                directory.bind(contract, Local(store, implementation, directory))
            elif address is not None:
                client = stack.enter_context(httpx.Client(base_url=address, timeout=PEER_TIMEOUT_S))
                directory.bind(contract, Remote(client, signer, now))
        catalogue = None
        if serving and (hosted is None or ApplicationApi.noun in hosted):
            catalogue = Catalogue([*SERVICES, *MODULES])
            directory.bind(ApplicationApi, Local(store, applications(catalogue), directory))
        access = None
        if hosted is None or AccessApi.noun in hosted:
            rules = EdgeRules(https=settings.https, sign_in_rate=settings.sign_in_rate)
            access = Access(store, directory, signer, now, rules)
        jobs = QueuedJobs(dsn)
        kept = {"acquisition.event": settings.events_kept_months} if settings.events_kept_months else {}
        relay = Relay(directory, store, jobs, now)
        lifecycle = kept_months_of(settings.lake_kept_months)
        forgotten = functools.partial(forget, store.lake, lifecycle)
        housekeeping = Housekeeping(database, directory.journaled(), now, kept, forgotten)
        front = None
        if serving and AcquisitionApi.noun in directory.hosted:
            passwords = {no: secret.get_secret_value() for no, secret in settings.meter_passwords.items()}
            cipher = cipher_of(settings.cipher_machine)
            safe = safe_of(settings.key_safe, key_file(loaded), settings.master_key.get_secret_value())
            secret = settings.mqtt_password.get_secret_value()
            broker = broker_of(settings.mqtt_broker, settings.mqtt_user, secret, settings.mqtt_client, settings.mqtt_ca)
            front = Front(
                store,
                directory,
                now,
                settings.terminal_host,
                settings.terminal_port,
                limits_of(settings.terminal_limits),
                passwords=passwords,
                cipher=cipher,
                safe=safe,
                broker=broker,
            )
        yield Platform(directory, signer, store, catalogue, access, relay, jobs, housekeeping, front)


def key_file(loaded: Loaded) -> pathlib.Path:
    """Where the sealed keys of meters lie."""
    given = loaded.settings.key_file
    return pathlib.Path(given or pathlib.Path(loaded.settings.data) / "meter.keys").expanduser().absolute()


def _data_folder(given: str) -> pathlib.Path:
    folder = pathlib.Path(given).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise folder_unusable(folder, error) from error
    return folder


def _embedded(folder: pathlib.Path, stack: contextlib.ExitStack, alone: bool) -> str:
    server = EmbeddedServer(folder)
    stack.callback(server.stop)
    try:
        return server.start()
    except FolderInUse:
        dsn = None if alone else server.join()
        if dsn is None:
            raise
        return dsn


def _deployment_key(loaded: Loaded, folder: pathlib.Path) -> bytes:
    """The key that signs call tokens and wraps the keys of persons: from the settings, else made at the first start and
    readable by its owner alone."""
    given = loaded.settings.key.get_secret_value()
    if given:
        return bytes.fromhex(given)
    path = folder / "deployment.key"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
    return path.read_bytes()


def now() -> datetime:
    return datetime.now(UTC)


def operator() -> Call:
    """The person at the command line: whoever may read the deployment's key may do everything."""
    return Call.system(now(), actor=f"cli:{os.getuid()}")

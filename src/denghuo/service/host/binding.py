"""Bindings: how a caller holds an Api. Local runs the service in this process, Remote (remote.py) calls another one."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from denghuo.data.analysis.lake import Lake
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.journal import Journal, digest_of
from denghuo.data.processing.parts import Workers
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import PUBLIC, Api, Call, Event, Message, Nothing, Operation
from denghuo.kernel.problem import NotPermitted, text

if TYPE_CHECKING:
    from denghuo.data.analysis.warehouse import Warehouse

AnApi = TypeVar("AnApi", bound=Api)
Invoke = Callable[[Operation, Call, Message], Message]
Handler = Callable[[Any, Call, Any], None]
"""A function of a service's `listen.py`, marked with `@on(Event)`."""


class Ask(Protocol):
    """How a service holds its peers: `ask(TariffApi).in_force(call, request)`."""

    def __call__(self, contract: type[AnApi]) -> AnApi: ...


class Implementation(Protocol):
    """The constructor of a service: one instance per operation, living as long as its Work."""

    def __call__(self, work: Work, ask: Ask) -> Api: ...


@dataclass(frozen=True)
class Store:
    """Where a process keeps its state: the database, the dataset folder and the key that wraps the keys of persons."""

    database: Database
    datasets: Datasets
    master_key: bytes
    warehouse: "Warehouse | None" = None
    workers: Workers | None = None

    @property
    def lake(self) -> Lake:
        """The day lake lies within the dataset folder."""
        return Lake(self.database, self.datasets.folder / "lake")

    def work(self, schema: str, call: Call, read_only: bool = False) -> Work:
        return Work(self.database, schema, call, self.datasets, self.lake, read_only, self.warehouse, self.workers)


@dataclass
class Directory:
    """The Apis that this process can call, each bound once, locally or remotely. An instance is an `Ask`."""

    bound: dict[str, Api] = field(default_factory=dict)
    hosted: "dict[str, Local]" = field(default_factory=dict)
    """Those that run in this process, by noun."""

    def __call__(self, contract: type[AnApi]) -> AnApi:
        return cast(AnApi, self.bound[contract.noun])

    def bind(self, contract: type[Api], invoke: Invoke) -> None:
        self.bound[contract.noun] = bound(contract, invoke)
        if isinstance(invoke, Local):
            self.hosted[contract.noun] = invoke

    def journaled(self) -> list[str]:
        """The hosted nouns that keep a journal: those with commands. A contract of queries alone has no schema."""
        return [
            noun
            for noun in self.hosted
            if any(operation.kind == "command" for operation in type(self.bound[noun]).operations().values())
        ]

    def run(self, operation_name: str, call: Call, body: Mapping[str, Any]) -> Message:
        """Calls an operation by its full name ("billing.advance_cycle") with the JSON form of its request."""
        noun, _, name = operation_name.partition(".")
        api = self.bound[noun]
        operation = type(api).operations()[name]
        return cast(Message, getattr(api, name)(call, operation.request.model_validate(body)))


def bound(contract: type[AnApi], invoke: Invoke) -> AnApi:
    """An instance of the contract whose every operation goes through `invoke`."""

    def method(operation: Operation) -> Callable[[Api, Call, Message], Message]:
        def call_through(self: Api, call: Call, request: Message) -> Message:
            return invoke(operation, call, request)

        return call_through

    methods: dict[str, Any] = {name: method(operation) for name, operation in contract.operations().items()}
    return cast(AnApi, type(f"Bound{contract.__name__}", (contract,), methods)())


def permitted(operation: Operation, call: Call) -> None:
    """Raises NotPermitted unless the caller holds the operation's permit."""
    if not call.may(operation.permit):
        raise NotPermitted(
            text(
                f"您的岗位没有“{operation.permit}”权限，请联系本单位权限管理员。",
                f"Your post lacks the permit {operation.permit}; ask the permission administrator of your unit.",
            ),
            permit=operation.permit,
        )


class Local:
    """Runs a service in this process: checks the permit, opens the Work, journals commands, answers repeats from the journal."""

    def __init__(self, store: Store, implementation: Implementation, ask: Ask) -> None:
        self.store = store
        self.implementation = implementation
        self._ask = ask

    def __call__(self, operation: Operation, call: Call, request: Message) -> Message:
        permitted(operation, call)
        if operation.kind == "query":
            with self.store.work(operation.noun, call, read_only=True) as work:
                return cast(Message, getattr(self.implementation(work, self._ask), operation.name)(call, request))
        return self._command(operation, call, request)

    def handle(self, noun: str, handler: Handler, call: Call, event: Event, event_id: str) -> None:
        """Lets the service take an event in a transaction of its own; what it has taken already is passed over."""
        operation = Operation(
            noun=noun,
            name=f"on {event.event_type()}",
            version=1,
            kind="command",
            permit=PUBLIC,
            request=type(event),
            reply=Nothing,
            problems=(),
            emits=(),
            reveals=False,
            documentation="",
        )

        def take(service: Api) -> Message:
            handler(service, call, event)
            return Nothing()

        self._once(operation, call.keyed(f"{event_id} {handler.__name__}"), event, take)

    def _command(self, operation: Operation, call: Call, request: Message) -> Message:
        return self._once(operation, call, request, lambda service: getattr(service, operation.name)(call, request))

    def _once(self, operation: Operation, call: Call, request: Message, run: Callable[[Api], Message]) -> Message:
        key, digest = call.key or uuid.uuid4().hex, digest_of(request)
        if call.key is not None:
            # A transaction of its own: a repeat is answered before the operation asks any peer.
            with self.store.work(operation.noun, call) as work:
                known = Journal(work, self.store.master_key).find(operation, key, digest)
            if known is not None and not operation.reveals:
                return operation.reply.model_validate(known.reply)
        with self.store.work(operation.noun, call) as work:
            reply = run(self.implementation(work, self._ask))
            journal = Journal(work, self.store.master_key)
            journal.lock(operation, key)
            known = journal.find(operation, key, digest)
            if known is None:
                journal.record(operation, call, key, digest, request, reply)
                return reply
            if operation.reveals:
                return reply
            # The same command was committed by another thread meanwhile: its reply stands, this work is undone.
            work.connection.rollback()
        return operation.reply.model_validate(known.reply)

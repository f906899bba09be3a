"""The plan of an import: which operation takes the rows of which table, and what a row becomes as its request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from denghuo.data.processing.import_tables import customers, metering, network
from denghuo.data.processing.importing import Row, Shape
from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Call, Message
from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AssignMeters,
    FindTerminals,
    NewTerminal,
    NewTerminalMeter,
    RegisterTerminals,
)
from denghuo.service.asset.api import AssetApi, AssetSummaryRequest, NewMeter, RegisterMeters
from denghuo.service.contract.api import ContractApi, FindContracts, NewContract, SignContracts
from denghuo.service.customer.api import AccountNumbers, CustomerApi, NewAccount, OpenAccounts, SummaryRequest
from denghuo.service.host.binding import Ask
from denghuo.service.payment.api import Agreement, FindAgreements, PaymentApi, RegisterAgreements
from denghuo.service.permission.api import NewOrganisation, Organisations, PermissionApi, RegisterOrganisations
from denghuo.service.point.api import (
    Area,
    Exchange,
    ExchangeMeters,
    Feeder,
    FindAreas,
    FindExchanges,
    FindFeeders,
    FindPoints,
    Line,
    NetworkRequest,
    NewPoint,
    Node,
    PointApi,
    RegisterNetwork,
    RegisterPoints,
)
from denghuo.service.reading.api import (
    BooksOn,
    FindRoutes,
    NewBookPoint,
    NewRouteCycle,
    ReadingApi,
    StateBooks,
    StateCycles,
)
from denghuo.service.tariff.api import AskUnitAreas, AssignAreas, TariffApi, UnitArea


@dataclass(frozen=True)
class Fault:
    """Why a service did not take an item of a batch; `item` is its place in the batch."""

    item: int
    field: str
    value: str
    what: Text
    remedy: Text


@dataclass(frozen=True)
class Taken:
    taken: int
    unchanged: int
    refused: list[Fault] = field(default_factory=list)


class Around:
    """What rows need to know beside themselves."""

    def __init__(self, ask: Ask, call: Call) -> None:
        self._ask, self._call = ask, call
        self._company: str | None = None
        self._orgs: dict[str, str] = {}

    @property
    def company(self) -> str:
        """The unit in whose store meters lie until they hang somewhere."""
        if self._company is None:
            rows = self._ask(PermissionApi).organisations(self._call, Organisations()).rows
            self._company = next((row.code for row in rows if row.parent is None), "0")
        return self._company

    def meet(self, accounts: Sequence[str]) -> None:
        """Learns the units of these accounts."""
        rows = self._ask(CustomerApi).accounts(self._call, AccountNumbers(numbers=list(accounts))).rows
        self._orgs = {row.account_no: row.org for row in rows}

    def org_of(self, account_no: str) -> str | None:
        return self._orgs.get(account_no)


@dataclass(frozen=True)
class Step:
    """How one table is taken over. `columns` names the file's column for a field of the request that is called otherwise."""

    shape: Shape
    make: Callable[[Row, Around], Message]
    send: Callable[[Ask, Call, list[Any]], Taken]
    stored: Callable[[Ask, Call], int]
    columns: Mapping[str, str] = field(default_factory=lambda: {"org": "org_code"})
    meets_accounts: bool = False


def _wire(row: Row, **names: str) -> dict[str, Any]:
    """The row in wire form: decimals and multipliers as text; `names` are the request's fields that the file calls otherwise."""
    body = {name: value for name, value in row.items() if name not in ("source_id", *names.values())}
    body |= {name: row[column] for name, column in names.items()}
    return {
        name: format(value, "f")
        if isinstance(value, Decimal)
        else str(value)
        if name in _TEXTS and value is not None
        else value
        for name, value in body.items()
    }


IMPORTED = "1"
"""The number of a line or a transformer of which the file tells the loss alone."""
_TEXTS = frozenset({"multiplier", "head_multiplier", "gateway_multiplier", "new_multiplier"})


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _batch(reply: BatchTaken) -> Taken:
    return Taken(
        reply.taken,
        reply.unchanged,
        [
            Fault(
                item.item,
                item.field,
                item.value,
                text(item.what.zh, item.what.en),
                text(item.remedy.zh, item.remedy.en),
            )
            for item in reply.refused
        ],
    )


# --- contracts -----------------------------------------------------------------------------------------------------------

_SPECIAL = {
    "pf_use": "pf_use",
    "on_load_changer": "on_load_changer",
    "pf_standard": "pf_standard",
    "persons": "household_persons",
    "persons_since": "household_since",
    "free_energy": "free_energy",
    "free_until": "free_until",
    "line_losses.0.share": "line_loss_percent",
    "losses.0.active_kwh": "transformer_loss_kwh",
    "losses.0.reactive_kvarh": "transformer_loss_kvarh",
}
"""Where the columns of special terms stand in `SpecialTerms`."""


def _contract(row: Row, around: Around) -> Message:
    given = {column: value for column, value in _wire(row).items() if column in _SPECIAL.values() and value is not None}
    body = {column: value for column, value in _wire(row).items() if column not in _SPECIAL.values()}
    special: dict[str, Any] = {
        name: given[column] for name, column in _SPECIAL.items() if column in given and "." not in name
    }
    if "pf_standard" in special:
        special["pf_standard"] = int(special["pf_standard"])
    if "line_loss_percent" in given:
        special["line_losses"] = [{"line_no": IMPORTED, "share": given["line_loss_percent"]}]
    if "transformer_loss_kwh" in given or "transformer_loss_kvarh" in given:
        loss = {"active_kwh": given.get("transformer_loss_kwh"), "reactive_kvarh": given.get("transformer_loss_kvarh")}
        special["losses"] = [{"transformer_no": IMPORTED, "way": "agreed", **loss}]
    return NewContract.model_validate(body | ({"special": special} if special else {}))


# --- organisations and customers -----------------------------------------------------------------------------------------


def _organisation(row: Row, around: Around) -> Message:
    return NewOrganisation.model_validate(_given(_wire(row, code="org_code", parent="parent_code")))


def _send_organisations(ask: Ask, call: Call, items: list[Any]) -> Taken:
    reply = ask(PermissionApi).register_organisations(call, RegisterOrganisations(organisations=items))
    place = {item.code: number for number, item in enumerate(items)}
    faults = [
        Fault(place[each.code], "org_code", each.code, text(each.zh, each.en), _COMPARE) for each in reply.refused
    ]
    return Taken(reply.registered + reply.changed, reply.unchanged, faults)


def _account(row: Row, around: Around) -> Message:
    body = _wire(row, org="org_code")
    return NewAccount.model_validate({name: value for name, value in body.items() if value is not None})


def _send_accounts(ask: Ask, call: Call, items: list[Any]) -> Taken:
    reply = ask(CustomerApi).open_accounts(call, OpenAccounts(accounts=items))
    place = {item.account_no: number for number, item in enumerate(items)}
    faults = [
        Fault(place[each.account_no], "account_no", each.account_no, text(each.zh, each.en), _COMPARE)
        for each in reply.refused
    ]
    return Taken(reply.opened, reply.unchanged, faults)


_COMPARE = text("请与原系统核对", "compare it with the system it came from")


# --- network, meters, contracts, points ----------------------------------------------------------------------------------


def _send_network(part: str) -> Callable[[Ask, Call, list[Any]], Taken]:
    def send(ask: Ask, call: Call, items: list[Any]) -> Taken:
        reply = ask(PointApi).register_network(call, RegisterNetwork.model_validate({part: items}))
        return _batch(getattr(reply, part))

    return send


def _meter(row: Row, around: Around) -> Message:
    return NewMeter.model_validate(_wire(row) | {"org": around.company})


def _point(row: Row, around: Around) -> Message:
    return NewPoint.model_validate(_wire(row, org="org_code", direction="register"))


_EXCHANGE = {
    "old_final_fwd": "old_final_fwd_kwh",
    "new_start_fwd": "new_start_fwd_kwh",
}


def _agreement(row: Row, around: Around) -> Message:
    org = around.org_of(row["account_no"])
    if org is None:
        raise Unknown(
            "account_no",
            row["account_no"],
            text("户号不存在", "there is no such account"),
            text("请先导入用户", "import the customers first"),
        )
    return Agreement.model_validate(_wire(row, effective_from="signed_on") | {"org": org})


class Unknown(Exception):
    """A row that names something that does not exist."""

    def __init__(self, field: str, value: str, what: Text, remedy: Text) -> None:
        super().__init__(what["en"])
        self.field, self.value, self.what, self.remedy = field, value, what, remedy


def _send_agreements(ask: Ask, call: Call, items: list[Any]) -> Taken:
    reply = ask(PaymentApi).register_agreements(call, RegisterAgreements(agreements=items))
    return Taken(reply.registered + reply.changed, reply.unchanged)


STEPS: tuple[Step, ...] = (
    Step(
        network.ORGANISATIONS,
        _organisation,
        _send_organisations,
        lambda ask, call: ask(PermissionApi).organisations(call, Organisations()).total,
        {"code": "org_code", "parent": "parent_code"},
    ),
    Step(
        network.PRICE_AREAS,
        lambda row, around: UnitArea.model_validate(_wire(row, org="org_code")),
        lambda ask, call, items: _batch(ask(TariffApi).assign_areas(call, AssignAreas(units=items))),
        lambda ask, call: len(ask(TariffApi).unit_areas(call, AskUnitAreas()).assigned),
    ),
    Step(
        network.FEEDERS,
        lambda row, around: Feeder.model_validate(_wire(row, org="org_code")),
        _send_network("feeders"),
        lambda ask, call: len(ask(PointApi).feeders(call, FindFeeders()).rows),
    ),
    Step(
        network.NETWORK_NODES,
        lambda row, around: Node.model_validate(_wire(row)),
        _send_network("nodes"),
        lambda ask, call: len(ask(PointApi).network(call, NetworkRequest()).nodes),
    ),
    Step(
        network.NETWORK_LINES,
        lambda row, around: Line.model_validate(_wire(row)),
        _send_network("lines"),
        lambda ask, call: len(ask(PointApi).network(call, NetworkRequest()).lines),
    ),
    Step(
        network.AREAS,
        lambda row, around: Area.model_validate(_wire(row, org="org_code")),
        _send_network("areas"),
        lambda ask, call: ask(PointApi).areas(call, FindAreas(limit=1)).total,
    ),
    Step(
        customers.CUSTOMERS,
        _account,
        _send_accounts,
        lambda ask, call: ask(CustomerApi).summary(call, SummaryRequest()).total,
    ),
    Step(
        metering.METERS,
        _meter,
        lambda ask, call, items: _batch(ask(AssetApi).register_meters(call, RegisterMeters(meters=items))),
        lambda ask, call: ask(AssetApi).summary(call, AssetSummaryRequest()).total,
    ),
    Step(
        customers.CONTRACTS,
        _contract,
        lambda ask, call, items: _batch(ask(ContractApi).sign_contracts(call, SignContracts(contracts=items))),
        lambda ask, call: ask(ContractApi).find_contracts(call, FindContracts(limit=1)).total,
        {f"special.{name}": column for name, column in _SPECIAL.items()},
    ),
    Step(
        metering.POINTS,
        _point,
        lambda ask, call, items: _batch(ask(PointApi).register_points(call, RegisterPoints(points=items))),
        lambda ask, call: ask(PointApi).find_points(call, FindPoints(limit=1)).total,
        {"org": "org_code", "direction": "register"},
    ),
    Step(
        metering.METER_EXCHANGES,
        lambda row, around: Exchange.model_validate(_wire(row, **_EXCHANGE)),
        lambda ask, call, items: _batch(ask(PointApi).exchange_meters(call, ExchangeMeters(exchanges=items))),
        lambda ask, call: ask(PointApi).find_exchanges(call, FindExchanges(limit=1)).total,
        _EXCHANGE,
    ),
    Step(
        metering.READING_ROUTES,
        lambda row, around: NewRouteCycle.model_validate(_wire(row) | {"reason": row["reason"] or "数据接入"}),
        lambda ask, call, items: _batch(ask(ReadingApi).state_cycles(call, StateCycles(routes=items))),
        lambda ask, call: ask(ReadingApi).routes(call, FindRoutes(limit=1)).stated,
    ),
    Step(
        metering.READING_BOOKS,
        lambda row, around: NewBookPoint.model_validate(_wire(row) | {"place": int(row["place"])}),
        lambda ask, call, items: _batch(ask(ReadingApi).state_books(call, StateBooks(points=items))),
        lambda ask, call: ask(ReadingApi).books(call, BooksOn(limit=1)).stated,
    ),
    Step(
        customers.DEBIT_AGREEMENTS,
        _agreement,
        _send_agreements,
        lambda ask, call: ask(PaymentApi).agreements(call, FindAgreements(limit=1)).total,
        {"effective_from": "signed_on"},
        meets_accounts=True,
    ),
    Step(
        metering.TERMINALS,
        lambda row, around: NewTerminal.model_validate(
            _wire(row, org="org_code") | {"count_wh": row["count_wh"] and int(row["count_wh"])}
        ),
        lambda ask, call, items: _batch(
            ask(AcquisitionApi).register_terminals(call, RegisterTerminals(terminals=items))
        ),
        lambda ask, call: ask(AcquisitionApi).find_terminals(call, FindTerminals(limit=1)).total,
    ),
    Step(
        metering.TERMINAL_METERS,
        lambda row, around: NewTerminalMeter.model_validate(_wire(row) | {"number": int(row["number"])}),
        lambda ask, call, items: _batch(ask(AcquisitionApi).assign_meters(call, AssignMeters(meters=items))),
        lambda ask, call: ask(AcquisitionApi).find_terminals(call, FindTerminals(limit=1)).meters,
    ),
)

"""Menus, pages and search as a caller gets them, over real services and through both bindings."""

import pathlib
from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pytest
from tests.service.bindings import NOW, local, remote, web

from denghuo.application.api import ApplicationApi, MenusWanted, NoSuchPage, PageWanted, SearchWanted
from denghuo.application.menus.catalogue import Catalogue
from denghuo.application.published import dictionaries, named_dictionaries
from denghuo.application.service import applications
from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Call
from denghuo.main import MODULES, SERVICES
from denghuo.service.customer.api import CustomerApi, NewAccount, OpenAccounts
from denghuo.service.customer.rules import check_digit
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.golden import published
from denghuo.service.reading.api import ReadingApi
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.service import ReadingService

MISHAN, SANJIA = "1405810.01", "1405810.02"


def account(serial: int, name: str, org: str) -> NewAccount:
    digits = f"58101{serial:07d}"
    return NewAccount(
        account_no=digits + check_digit(digits),
        name=name,
        kind="resident",
        tariff_class="resident",
        address="山西省晋城市高平市米山镇米西村2组117号",
        phone="10047848512",
        org=org,
        opened_on=date(2020, 8, 5),
    )


def clerk(*permits: str, scope: tuple[str, ...] = (MISHAN,), post: str = "") -> Call:
    return Call(actor="clerk", now=NOW, permits=frozenset(permits), scope=scope, post=post, channel="pc")


@pytest.fixture(params=["local", "remote"])
def application(
    request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path, catalogue: Catalogue
) -> Iterator[ApplicationApi]:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {CustomerApi: CustomerService, ApplicationApi: applications(catalogue)})
        accounts = [account(1, "林庆娟", MISHAN), account(2, "曹建成", MISHAN), account(3, "林三甲", SANJIA)]
        directory(CustomerApi).open_accounts(Call.system(NOW), OpenAccounts(accounts=accounts))
        if request.param == "local":
            yield directory(ApplicationApi)
        else:
            with web(directory) as client:
                yield remote(ApplicationApi, client)  # type: ignore[misc]  # bound to the contract it is asked for


@pytest.fixture
def received(database_dsn: str, tmp_path: pathlib.Path, catalogue: Catalogue) -> Iterator[ApplicationApi]:
    """Over a reading service that received a register of the last midnight of February."""
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {ReadingApi: ReadingService, ApplicationApi: applications(catalogue)})
        registers = pa.Table.from_pylist(
            [{name: {"value_e4": 1, "read_at": NOW}.get(name, "x") for name in REGISTERS.schema.names}],
            REGISTERS.schema,
        )
        directory.hosted["reading"].store.lake.append(REGISTERS, {date(2026, 3, 1): registers}, NOW, "test")
        yield directory(ApplicationApi)


def test_pages_begin_with_the_newest_month_with_registers_where_no_billing_is_open(received: ApplicationApi) -> None:
    assert received.menus(clerk("reading.read"), MenusWanted()).month == "2026-02"
    # Nothing is known to somebody who may ask nothing: the last month that is over on 1 May.
    assert received.menus(clerk(), MenusWanted()).month == "2026-04"


def pages_of(application: ApplicationApi, call: Call) -> set[str]:
    return {item.page for group in application.menus(call, MenusWanted()).groups for item in group.items}


def test_menus_hold_only_what_is_left_for_the_caller(application: ApplicationApi) -> None:
    assert "customer.accounts" in pages_of(application, clerk("customer.read"))
    assert "customer.accounts" not in pages_of(application, clerk("tariff.read"))
    assert "payment.counter" not in pages_of(application, clerk("customer.read"))
    assert "payment.counter" in pages_of(application, clerk("customer.read", "payment.take"))


def test_a_page_is_pruned_to_the_caller(application: ApplicationApi) -> None:
    wanted = PageWanted(app="customer", page="account")
    reader = application.page(clerk("customer.read"), wanted)
    revealer = application.page(clerk("customer.read", "customer.reveal"), wanted)
    assert "customer.reveal" not in reader.operations
    assert "customer.reveal" in revealer.operations


def test_a_button_does_not_lead_to_a_form_that_the_reader_could_not_send(application: ApplicationApi) -> None:
    wanted = PageWanted(app="customer", page="account")
    looker = application.page(clerk("customer.read", "ledger.read"), wanted)
    cashier = application.page(clerk("customer.read", "ledger.read", "payment.take"), wanted)
    assert looker.page.get("actions", []) == []
    assert [action["open"]["page"] for action in cashier.page["actions"]] == ["payment.take"]


def test_a_page_brings_the_dictionaries_it_uses_and_no_others(application: ApplicationApi) -> None:
    shown = application.page(clerk("customer.read"), PageWanted(app="customer", page="accounts"))
    assert shown.dictionaries["tariff_class"]["resident"].zh == "居民生活"
    assert shown.dictionaries["customer.status"]["active"].tone == "good"
    assert "point.role" not in shown.dictionaries


def test_every_dictionary_that_a_contract_names_is_there_for_its_pages() -> None:
    contracts = [*SERVICES, *MODULES]
    known = dictionaries(contracts).keys() | {"organisation", "staff", "application.operation"}
    named = {name: contract.noun for contract in contracts for name in named_dictionaries(published(contract))}
    assert {name: noun for name, noun in named.items() if name not in known} == {}


def test_registers_behind_an_exception_are_told_in_the_words_of_the_reading_service(
    application: ApplicationApi,
) -> None:
    shown = application.page(clerk("billing.read"), PageWanted(app="billing", page="exception"))
    assert (
        shown.dictionaries["reading.status"]["held"].zh
        and shown.dictionaries["reading.rule"]["zero_run"].zh == "连续零电量"
    )
    piece = shown.operations["billing.exception"].reply["$defs"]["HeldPiece"]["properties"]
    assert [piece[name].get("x-dictionary") for name in ("status", "rule")] == ["reading.status", "reading.rule"]


def test_a_form_that_derives_a_value_of_its_answer_knows_what_it_is_called(application: ApplicationApi) -> None:
    shown = application.page(
        clerk("customer.read", "payment.take", "ledger.read"), PageWanted(app="payment", page="take")
    )
    assert shown.operations["payment.take_payment"].reply["properties"]["change"]["x-label"]["zh"] == "找零"


@pytest.mark.parametrize("page", ["accounts", "nothing_such"])
def test_a_page_without_rights_and_one_that_is_not_there_look_alike(application: ApplicationApi, page: str) -> None:
    with pytest.raises(NoSuchPage):
        application.page(clerk(), PageWanted(app="customer", page=page))


def test_a_page_is_for_its_channels_only(application: ApplicationApi) -> None:
    with pytest.raises(NoSuchPage):
        application.page(clerk("customer.read"), PageWanted(app="customer", page="accounts", channel="screen"))


def test_search_finds_by_name_pinyin_and_number_within_the_scope(application: ApplicationApi) -> None:
    call = clerk("customer.read")
    for keyword in ("林庆娟", "linqingjuan", "lqj", "58101000000"):
        titles = [
            found.parameters["account_no"] for found in application.search(call, SearchWanted(keyword=keyword)).rows
        ]
        assert account(1, "林庆娟", MISHAN).account_no in titles, keyword
        assert account(3, "林三甲", SANJIA).account_no not in titles, keyword


def test_search_gives_nothing_without_the_permit(application: ApplicationApi) -> None:
    assert application.search(clerk("tariff.read"), SearchWanted(keyword="林庆娟")).rows == []


def test_search_takes_hostile_words_as_words(application: ApplicationApi) -> None:
    for keyword in ("%%", "' OR 1=1 --", "<script>alert(1)</script>", "\\", "🔥🔥", "__"):
        assert application.search(clerk("customer.read"), SearchWanted(keyword=keyword)).rows == []


def test_names_found_are_masked_towards_browsers(application: ApplicationApi) -> None:
    from denghuo.kernel.contract import masked, replace_personal

    reply = application.search(clerk("customer.read"), SearchWanted(keyword="林庆娟"))
    body = replace_personal(type(reply), reply.model_dump(mode="json"), masked)
    assert body["rows"][0]["name"] == "林**"

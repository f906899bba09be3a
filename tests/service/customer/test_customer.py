"""Customer records through both bindings: batches, search, organisation scope, personal data."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import KEY, NOW, clock, local, remote, web

from denghuo.data.processing.database import Database
from denghuo.data.processing.journal import Journal
from denghuo.data.processing.migration import migrate
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Invalid, KeyReused, NotPermitted, NotSignedIn, Unavailable
from denghuo.service.customer.api import (
    AccountClosed,
    AccountNotFound,
    AccountNumbers,
    AccountRef,
    CustomerApi,
    FindAccounts,
    NewAccount,
    OpenAccounts,
    OutsideScope,
    Reveal,
    SucceedAccount,
    SummaryRequest,
)
from denghuo.service.customer.rules import check_digit, has_valid_check_digit
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.token import Signer

MANAGER = Call(actor="manager", now=NOW, permits=frozenset({"customer.*"}), scope=("1405810",))
CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"customer.read"}), scope=("1405810.01",))


def number(serial: int, station: int = 1) -> str:
    digits = f"581{station:02d}{serial:07d}"
    return digits + check_digit(digits)


def account(serial: int, station: int = 1, name: str = "罗秀英") -> NewAccount:
    return NewAccount(
        account_no=number(serial, station),
        name=name,
        kind="resident",
        tariff_class="resident",
        address="山西省高平市米山镇米西村",
        phone="10088153044",
        org=f"1405810.{station:02d}",
        opened_on=date(2024, 8, 5),
    )


@pytest.fixture(params=["local", "remote"])
def customer(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[CustomerApi]:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {CustomerApi: CustomerService})
        if request.param == "local":
            yield directory(CustomerApi)
        else:
            with web(directory) as client:
                # A peer's calls are not masked; what a browser sees is tested below.
                api = remote(CustomerApi, client)
                assert isinstance(api, CustomerApi)
                yield api


def test_batch_takes_the_good_and_names_the_bad(customer: CustomerApi) -> None:
    wrong = account(3).model_copy(update={"account_no": "5810100000030"})
    assert not has_valid_check_digit(wrong.account_no)
    reply = customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1), account(2), account(1), wrong]))
    assert (reply.opened, reply.unchanged, [item.account_no for item in reply.refused]) == (2, 1, [wrong.account_no])
    again = customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1, name="另一人"), account(2)]))
    assert (again.opened, again.unchanged, len(again.refused)) == (0, 1, 1)


def test_key_makes_a_command_repeatable(customer: CustomerApi) -> None:
    request = OpenAccounts(accounts=[account(1)])
    first = customer.open_accounts(MANAGER.keyed("batch-1"), request)
    assert customer.open_accounts(MANAGER.keyed("batch-1"), request) == first
    with pytest.raises(KeyReused):
        customer.open_accounts(MANAGER.keyed("batch-1"), OpenAccounts(accounts=[account(2)]))


def test_another_customer_has_the_next_number_at_the_same_address(customer: CustomerApi) -> None:
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1), account(2), account(3, 2)]))
    asked = SucceedAccount(account_no=number(1), since=date(2026, 4, 16), name="张伟")
    made = customer.succeed_account(MANAGER, asked)
    assert made.successor_no == number(3)
    assert customer.succeed_account(MANAGER, asked) == made
    closed, opened = customer.accounts(MANAGER, AccountNumbers(numbers=[number(1), number(3)])).rows
    assert (closed.status, closed.closed_on, closed.successor_no) == ("closed", date(2026, 4, 16), number(3))
    assert (opened.name, opened.phone, opened.address, opened.succeeds) == ("张伟", None, closed.address, number(1))
    assert (
        opened.opened_on == date(2026, 4, 16)
        and customer.find_accounts(MANAGER, FindAccounts(keyword="张伟")).total == 1
    )
    with pytest.raises(AccountClosed):
        customer.succeed_account(MANAGER, asked.model_copy(update={"since": date(2026, 4, 17)}))
    with pytest.raises(AccountNotFound):
        customer.succeed_account(
            replace(MANAGER, scope=("1405810.01",)), asked.model_copy(update={"account_no": number(3, 2)})
        )
    # What was taken over before and has changed since is not taken over again.
    assert len(customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1)])).refused) == 1


def test_station_clerk_sees_only_own_station(customer: CustomerApi) -> None:
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1, 1), account(2, 2)]))
    assert customer.find_accounts(MANAGER, FindAccounts()).total == 2
    seen = customer.find_accounts(CLERK, FindAccounts())
    assert [row.org for row in seen.rows] == ["1405810.01"] and seen.total == 1
    assert customer.find_accounts(CLERK, FindAccounts(org="1405810.02")).total == 0
    with pytest.raises(AccountNotFound) as raised:
        customer.account(CLERK, AccountRef(account_no=number(2, 2)))
    assert raised.value.account_no == number(2, 2)
    nobody = replace(CLERK, scope=())
    assert customer.find_accounts(nobody, FindAccounts()).total == 0
    with pytest.raises(OutsideScope):
        customer.open_accounts(replace(MANAGER, scope=("1405810.01",)), OpenAccounts(accounts=[account(9, 2)]))


def test_lists_and_counts_stay_within_scope(customer: CustomerApi) -> None:
    farm = account(3).model_copy(update={"kind": "farm", "tariff_class": "agricultural"})
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1, 1), account(2, 2), farm]))
    asked = AccountNumbers(numbers=[number(2, 2), number(1), number(9)])
    assert [row.account_no for row in customer.accounts(MANAGER, asked).rows] == [number(1), number(2, 2)]
    assert [row.account_no for row in customer.accounts(CLERK, asked).rows] == [number(1)]
    whole = customer.summary(MANAGER, SummaryRequest())
    assert {(row.tariff_class, row.kind): row.count for row in whole.rows} == {
        ("agricultural", "farm"): 1,
        ("resident", "resident"): 2,
    }
    assert customer.summary(CLERK, SummaryRequest()).total == 2
    assert customer.summary(CLERK, SummaryRequest(org="1405810.02")).total == 0


def test_holder_sees_only_own_account(customer: CustomerApi) -> None:
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1), account(2)]))
    holder = Call(
        actor="holder",
        now=NOW,
        permits=frozenset({"customer.read"}),
        scope=("",),
        accounts=(number(2),),
        channel="peer",
    )
    assert [row.account_no for row in customer.find_accounts(holder, FindAccounts()).rows] == [number(2)]


def test_permit_is_needed(customer: CustomerApi) -> None:
    with pytest.raises(NotPermitted) as raised:
        customer.open_accounts(CLERK, OpenAccounts(accounts=[account(1)]))
    assert raised.value.permit == "customer.open"


@pytest.mark.parametrize("keyword", ["罗秀", "luoxiuying", "lxy", "米西村", "10088153044", number(1)])
def test_search_finds_by(customer: CustomerApi, keyword: str) -> None:
    customer.open_accounts(
        MANAGER,
        OpenAccounts(
            accounts=[
                account(1),
                account(2, name="王强").model_copy(update={"address": "北诗镇", "phone": "10000000000"}),
            ]
        ),
    )
    assert [row.account_no for row in customer.find_accounts(MANAGER, FindAccounts(keyword=keyword)).rows] == [
        number(1)
    ]


def test_search_takes_wildcards_and_hostile_text_literally(customer: CustomerApi) -> None:
    hostile = "<script>alert(1)</script>'; DROP TABLE account;--🔥"
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1, name=hostile)]))
    for keyword in ("%", "_", "\\", "'; DROP"):
        found = customer.find_accounts(MANAGER, FindAccounts(keyword=keyword))
        assert found.total == (1 if keyword in hostile.lower() or keyword == "'; DROP" else 0)
    assert customer.account(replace(MANAGER, channel="peer"), AccountRef(account_no=number(1))).name == hostile


def test_nul_in_text_is_refused_with_a_remedy(customer: CustomerApi) -> None:
    for ask in (FindAccounts(keyword="罗\x00"), FindAccounts(after="a\x00b")):
        with pytest.raises(Invalid, match="NUL"):
            customer.find_accounts(MANAGER, ask)
    with pytest.raises(Invalid, match="NUL"):
        customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1, name="罗\x00")]))
    assert customer.find_accounts(MANAGER, FindAccounts()).total == 0


def test_pages_cover_everything_once(customer: CustomerApi) -> None:
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(serial) for serial in range(1, 8)]))
    seen: list[str] = []
    after: str | None = None
    while True:
        page = customer.find_accounts(MANAGER, FindAccounts(after=after, limit=3))
        seen += [row.account_no for row in page.rows]
        if page.next is None:
            break
        after = page.next
    assert seen == sorted({number(serial) for serial in range(1, 8)})


def test_a_clerk_who_gives_a_reason_sees_personal_data(customer: CustomerApi) -> None:
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[account(1), account(2, station=2)]))
    revealed = customer.reveal(MANAGER, Reveal(account_no=number(1), reason="客户来电核对"))
    assert (revealed.name, revealed.phone) == ("罗秀英", "10088153044")
    for call, account_no, refusal in (
        (CLERK, number(1), NotPermitted),
        (replace(MANAGER, scope=CLERK.scope), number(2, 2), AccountNotFound),
    ):
        with pytest.raises(refusal):
            customer.reveal(call, Reveal(account_no=account_no, reason="客户来电核对"))


@pytest.mark.scope("A1-05")
def test_browser_sees_masked_data_and_the_journal_holds_sealed_data(database_dsn: str, tmp_path: pathlib.Path) -> None:
    # Once more: a schema that is up to date stays as it is.
    migrate(database_dsn, ["customer"])
    with Database(database_dsn) as database, web(local(database, tmp_path, {CustomerApi: CustomerService})) as client:
        customer = remote(CustomerApi, client)
        assert isinstance(customer, CustomerApi)
        clerk = replace(MANAGER, channel="pc")
        customer.open_accounts(clerk, OpenAccounts(accounts=[account(1)]))
        token = Signer(KEY).sign(clerk, clock())
        shown = client.post(
            "/api/customer/account", json={"account_no": number(1)}, headers={"Authorization": f"Bearer {token}"}
        ).json()
        assert (shown["name"], shown["phone"]) == ("罗**", "100****3044")
        assert "米西村" not in shown["address"]
        revealed = customer.reveal(clerk, Reveal(account_no=number(1), reason="客户来电核对"))
        assert revealed.name == "罗秀英"
        with database.connection() as connection:
            rows = connection.execute(
                "SELECT actor, operation, request::text, reply::text FROM customer.journal"
            ).fetchall()
        assert [(row[0], row[1]) for row in rows] == [
            ("manager", "customer.open_accounts"),
            ("manager", "customer.reveal"),
        ]
        assert "客户来电核对" in rows[1][2]
        assert "罗秀英" not in str(rows) and "10088153044" not in str(rows)


def test_what_was_sealed_for_somebody_who_was_erased_is_opened_by_nobody(
    database_dsn: str, tmp_path: pathlib.Path
) -> None:
    with Database(database_dsn) as database:
        store = local(database, tmp_path, {CustomerApi: CustomerService}).hosted["customer"].store
        said = SucceedAccount(account_no=number(1), since=date(2026, 4, 16), name="张伟")
        operation = replace(CustomerApi.operations()["succeed_account"], reply=SucceedAccount)
        with store.work("customer", MANAGER) as work:
            journal = Journal(work, store.master_key)
            journal.record(operation, MANAGER, "key", b"", said, said)
            kept = journal.find(operation, "key", b"")
            assert kept is not None and kept.reply["name"] == "张伟"
            journal.erase(number(1), NOW)
            left = journal.find(operation, "key", b"")
            assert left is not None and (left.reply["account_no"], left.reply["name"]) == (number(1), "—")
            # What is said of this person from now on is not kept either.
            journal.record(operation, MANAGER, "later", b"", said, said)
            later = journal.find(operation, "later", b"")
            assert later is not None and later.reply["name"] == "—"


def test_edge_refuses_forged_expired_and_misfit(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with Database(database_dsn) as database, web(local(database, tmp_path, {CustomerApi: CustomerService})) as client:
        forged = Signer(b"x" * 32).sign(MANAGER, clock())
        expired = Signer(KEY).sign(MANAGER, clock() - timedelta(minutes=10))
        for token in ("nonsense", forged, expired):
            response = client.post("/api/customer/find_accounts", json={}, headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == 401
            assert response.headers["Content-Type"] == "application/problem+json"
        good = {"Authorization": f"Bearer {Signer(KEY).sign(MANAGER, clock())}"}
        misfit = client.post("/api/customer/find_accounts", json={"limit": 0, "colour": "red"}, headers=good)
        assert misfit.status_code == 422
        assert {error["field"] for error in misfit.json()["errors"]} == {"limit", "colour"}
        long_name = account(1).model_dump(mode="json") | {"name": "长" * 10_000}
        refused = client.post("/api/customer/open_accounts", json={"accounts": [long_name]}, headers=good)
        assert refused.status_code == 422 and len(refused.json()["errors"][0]["value"]) <= 100
        assert "/api/customer/find_accounts" in client.get("/openapi.json").json()["paths"]


def test_out_of_reach_is_unavailable() -> None:
    with httpx.Client(base_url="http://127.0.0.1:9", timeout=60) as client:
        customer = remote(CustomerApi, client)
        assert isinstance(customer, CustomerApi)
        with pytest.raises(Unavailable) as raised:
            customer.find_accounts(MANAGER, FindAccounts())
    assert raised.value.part == "customer"


@given(digits=st.from_regex(r"[0-9]{12}", fullmatch=True), place=st.integers(0, 11), other=st.integers(1, 9))
def test_check_digit_catches_every_single_error(digits: str, place: int, other: int) -> None:
    number_with_error = digits[:place] + str((int(digits[place]) + other) % 10) + digits[place + 1 :]
    assert has_valid_check_digit(digits + check_digit(digits))
    assert not has_valid_check_digit(number_with_error + check_digit(digits))


def test_token_carries_the_call_unchanged() -> None:
    call = replace(MANAGER, key="k", accounts=("1",), now=datetime(2026, 4, 1, tzinfo=UTC), trace="t")
    signer = Signer(KEY)
    assert signer.read(signer.sign(call, clock()), clock()) == call
    with pytest.raises(NotSignedIn):
        signer.read(signer.sign(call, clock())[:-3] + "abc", clock())


def test_a_unit_is_not_above_one_whose_code_only_begins_alike(customer: CustomerApi) -> None:
    ten = account(10, station=10).model_copy(update={"org": "1405810.10"})
    customer.open_accounts(MANAGER, OpenAccounts(accounts=[ten]))
    assert customer.find_accounts(MANAGER, FindAccounts(org="1405810.1")).total == 0
    assert customer.find_accounts(MANAGER, FindAccounts(org="1405810.10")).total == 1
    assert customer.find_accounts(MANAGER, FindAccounts(org="1405810")).total == 1
    one = replace(CLERK, scope=("1405810.1",))
    assert customer.find_accounts(one, FindAccounts()).total == 0
    with pytest.raises(AccountNotFound):
        customer.account(one, AccountRef(account_no=ten.account_no))
    with pytest.raises(OutsideScope):
        customer.open_accounts(
            replace(one, permits=frozenset({"customer.*"})), OpenAccounts(accounts=[account(11, station=10)])
        )


def test_a_closed_account_is_taken_over_as_closed(customer: CustomerApi) -> None:
    closed = account(12).model_copy(update={"status": "closed"})
    assert customer.open_accounts(MANAGER, OpenAccounts(accounts=[closed])).opened == 1
    assert customer.account(MANAGER, AccountRef(account_no=closed.account_no)).status == "closed"
    assert customer.open_accounts(MANAGER, OpenAccounts(accounts=[closed])).unchanged == 1

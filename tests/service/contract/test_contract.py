"""Contracts through both bindings: batches, overlap in time, changes, the month's dataset, scope."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.records import CLERK, OPERATOR, account, contract, held, number

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.values import ApparentPower, Energy, Percent, Power, Price
from denghuo.service.contract.api import (
    AgreeSpecial,
    ChangeTerms,
    ContractApi,
    ContractNotFound,
    ContractRef,
    ContractsOf,
    EndContract,
    FindContracts,
    LineLoss,
    LossRow,
    Part,
    PublishTerms,
    RetailPrice,
    SignContracts,
    SpecialRefused,
    SpecialTerms,
    TermsConflict,
    Transformer,
    TransformerLoss,
)
from denghuo.service.contract.rules import Span
from denghuo.service.contract.service import ContractService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service import TariffService

SERVICES = {CustomerApi: CustomerService, TariffApi: TariffService, ContractApi: ContractService}


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    yield from held(request.param, database_dsn, tmp_path, SERVICES)


@pytest.fixture
def contracts(ask: Ask) -> ContractApi:
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1, 1), account(2, 1), account(3, 2)]))
    return ask(ContractApi)


def purchase(serial: int) -> object:
    return contract(
        serial,
        contract_no=f"GS{number(serial)}",
        kind="purchase",
        tariff_class="generation",
        settlement_mode="surplus_feed_in",
        contract_kw=None,
        pv_kw=Power(19_000),
    )


def test_batch_takes_the_good_and_names_the_bad(contracts: ContractApi) -> None:
    overlapping = contract(1, contract_no="GY-2", effective_from=date(2025, 1, 1))
    batch = [
        contract(1),
        purchase(1),
        overlapping,
        contract(99),
        contract(2, tariff_class="two_part_capacity"),
        contract(2, settlement_mode="full_feed_in"),
        contract(2, effective_to=date(2024, 8, 5)),
        contract(2, contract_kw=None),
        contract(1, contract_kw=Power(5_000)),
    ]
    reply = contracts.sign_contracts(OPERATOR, SignContracts.model_validate({"contracts": batch}))
    assert (reply.taken, reply.unchanged) == (2, 0)
    assert [(item.item, item.field) for item in reply.refused] == [
        (2, "effective_from"),
        (3, "account_no"),
        (4, "capacity_kva"),
        (5, "settlement_mode"),
        (6, "effective_to"),
        (7, "contract_kw"),
        (8, "contract_kw"),
    ]
    again = contracts.sign_contracts(OPERATOR, SignContracts.model_validate({"contracts": batch[:2]}))
    assert (again.taken, again.unchanged, again.refused) == (0, 2, [])


def test_one_contract_may_follow_another(contracts: ContractApi) -> None:
    first = contract(1, effective_to=date(2025, 1, 1))
    second = contract(1, contract_no="GY-2", effective_from=date(2025, 1, 1))
    assert contracts.sign_contracts(OPERATOR, SignContracts(contracts=[first, second])).taken == 2


def test_the_database_itself_holds_against_overlap(contracts: ContractApi, database_dsn: str) -> None:
    contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(1)]))
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "INSERT INTO contract.contract SELECT 'X', account_no, org, kind, signed, recorded_at FROM contract.contract"
        )
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute(
                "INSERT INTO contract.terms (contract_no, account_no, org, kind, valid, tariff_class, voltage_kv,"
                " settlement_mode, recorded_at) SELECT 'X', account_no, org, kind, daterange('2026-01-01', '2026-02-01'),"
                " tariff_class, voltage_kv, settlement_mode, recorded_at FROM contract.terms"
            )


def test_a_change_keeps_the_days_before_and_the_month_has_both(
    contracts: ContractApi, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(1), contract(2), contract(3, 2)]))
    number_1 = contract(1).contract_no
    change = ChangeTerms(
        contract_no=number_1, effective_from=date(2026, 4, 16), tariff_code="resident.tou", reason="用户申请峰谷电价"
    )
    changed = contracts.change_terms(OPERATOR, change)
    assert [(row.effective_from, row.effective_to, row.tariff_code) for row in changed.history] == [
        (date(2026, 4, 16), None, "resident.tou"),
        (date(2024, 8, 5), date(2026, 4, 16), None),
    ]
    assert changed.contract.contract_kw == Power(4_700), "what the change left out stays"
    assert contracts.terms_of(CLERK, ContractRef(contract_no=number_1)) == changed
    with pytest.raises(TermsConflict):
        contracts.change_terms(OPERATOR, change)
    # What was imported once is known, whatever changed since.
    assert contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(1)])).unchanged == 1

    contracts.end_contract(
        OPERATOR, EndContract(contract_no=contract(2).contract_no, effective_to=date(2026, 4, 1), reason="用户销户")
    )
    ref = contracts.publish_terms(OPERATOR, PublishTerms(month="2026-04"))
    with Database(database_dsn) as database:
        rows = Datasets(database, tmp_path).scan(ref).to_pylist()
    assert [(row["contract_no"], row["effective_from"], row["tariff_code"]) for row in rows] == [
        (number_1, date(2024, 8, 5), None),
        (number_1, date(2026, 4, 16), "resident.tou"),
        (contract(3, 2).contract_no, date(2024, 8, 5), None),
    ]
    assert rows[0]["contract_w"] == 4_700 and rows[0]["org"] == "1405810.01"
    assert contracts.publish_terms(OPERATOR, PublishTerms(month="2026-04")) == ref
    narrow = replace(OPERATOR, scope=("1405810.01",))
    assert contracts.publish_terms(narrow, PublishTerms(month="2026-04")) == ref
    with pytest.raises(TermsConflict):
        contracts.change_terms(
            OPERATOR,
            ChangeTerms(contract_no=contract(2).contract_no, effective_from=date(2026, 5, 1), reason="已终止的合同"),
        )


def test_special_terms_hold_from_a_day_and_are_published_with_the_month(
    contracts: ContractApi, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    household = SpecialTerms(persons=6, persons_since=date(2026, 1, 10))
    contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(1, special=household), contract(2)]))
    number_1 = contract(1).contract_no
    agreement = AgreeSpecial(
        contract_no=number_1,
        effective_from=date(2026, 4, 16),
        losses=[TransformerLoss(transformer_no="T1", way="agreed", active_kwh=Energy.of("120"))],
        line_losses=[LineLoss(line_no="L1", share=Percent.of("1.5"))],
        reason="高供低计，补签损耗协议",
    )
    contracts.agree_special(OPERATOR, agreement)
    # What a later change leaves out stays; what it ends is gone; on the same day the agreement is put right.
    contracts.change_terms(
        OPERATOR,
        ChangeTerms(contract_no=number_1, effective_from=date(2026, 6, 1), voltage_kv="0.38", reason="电压变更"),
    )
    right = AgreeSpecial(
        contract_no=number_1, effective_from=date(2026, 6, 1), ended=["losses"], free_energy=True, reason="更正协议内容"
    )
    history = contracts.agree_special(OPERATOR, right).history
    assert [(row.effective_from, row.special) for row in history] == [
        (
            date(2026, 6, 1),
            household.model_copy(update={"line_losses": agreement.line_losses, "free_energy": True}),
        ),
        (
            date(2026, 4, 16),
            household.model_copy(update={"losses": agreement.losses, "line_losses": agreement.line_losses}),
        ),
        (date(2024, 8, 5), household),
    ]
    assert contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(1, special=household)])).unchanged == 1
    ref = contracts.publish_terms(OPERATOR, PublishTerms(month="2026-04"))
    with Database(database_dsn) as database:
        rows = Datasets(database, tmp_path).scan(ref).to_pylist()
    said = [None if row["special"] is None else SpecialTerms.model_validate_json(row["special"]) for row in rows]
    assert said == [household, history[1].special, None]
    with pytest.raises(TermsConflict):
        contracts.agree_special(OPERATOR, right.model_copy(update={"effective_from": date(2026, 5, 31)}))


def test_special_terms_that_no_bill_follows_from_are_refused_field_by_field(contracts: ContractApi) -> None:
    contracts.sign_contracts(
        OPERATOR, SignContracts.model_validate({"contracts": [contract(1), purchase(1), contract(2)]})
    )
    asked = AgreeSpecial(contract_no=contract(1).contract_no, effective_from=date(2026, 4, 1), reason="登记专用条款")
    day = date(2026, 4, 1)
    running = Transformer(transformer_no="T1", capacity_kva=ApparentPower.of("315"), first_day=day)
    retail = [RetailPrice(band="total", price=Price.of("0.42"))]
    cases: list[tuple[dict[str, object], list[str]]] = [
        (
            {"losses": [TransformerLoss(transformer_no="T1", way="nameplate")]},
            ["capacity_kva", "no_load_kw", "load_kw"],
        ),
        ({"losses": [TransformerLoss(transformer_no="T1", way="table")]}, ["way"]),
        ({"loss_rows": [LossRow(transformer_no="T9", active_kwh=Energy(1))]}, ["transformer_no"]),
        ({"line_losses": [LineLoss(line_no="L1")]}, ["share"]),
        ({"line_losses": [LineLoss(line_no="L1", share=Percent.of("100"))]}, ["share"]),
        ({"parts": [Part(point_no="P2", way="quantity")]}, ["quantity_kwh"]),
        ({"parts": [Part(point_no="P2", way="ratio", ratio=Percent.of("120"))]}, ["ratio"]),
        ({"parts": [Part(point_no="P2", way="parallel", tariff_code="no.such")]}, ["tariff_code"]),
        ({"parts": [Part(point_no="P2", way="parallel", resale="one_shift")]}, ["resale"]),
        ({"transformers": [running, running]}, ["first_day"]),
        ({"transformers": [running.model_copy(update={"last_day": date(2026, 3, 1)})]}, ["last_day"]),
        ({"persons": 6}, ["persons_since"]),
        ({"counted_with": [number(1)]}, ["0"]),
        ({"retail_title": "固定价", "retail_document": "LS-1", "retail_prices": retail}, ["retail_title"]),
    ]
    for given_, fields in cases:
        with pytest.raises(SpecialRefused) as caught:
            contracts.agree_special(OPERATOR, asked.model_copy(update=given_))
        errors = caught.value.fields["errors"]
        assert [str(one["field"]).rpartition(".")[2] for one in errors] == fields, given_
        assert all(one["zh"] and one["en"] for one in errors)
    assert contracts.terms_of(OPERATOR, ContractRef(contract_no=asked.contract_no)).contract.special is None
    bought = {"contract_no": f"GS{number(1)}", "charging_station": True}
    with pytest.raises(SpecialRefused):
        contracts.agree_special(OPERATOR, asked.model_copy(update=bought))
    # The same is said of a batch, with the value that was given.
    late = SpecialTerms(parts=[Part(point_no="P2", way="ratio", ratio=Percent.of("120"))])
    (refused,) = contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(3, 2, special=late)])).refused
    assert (refused.field, refused.value) == ("special.parts.0.ratio", "120.00")


def test_station_clerk_sees_only_own_station(contracts: ContractApi) -> None:
    contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(1), contract(3, 2)]))
    theirs = contract(3, 2).contract_no
    assert [row.account_no for row in contracts.find_contracts(CLERK, FindContracts()).rows] == [number(1)]
    assert contracts.find_contracts(CLERK, FindContracts(keyword=theirs)).total == 0
    assert contracts.contracts_of(CLERK, ContractsOf(account_no=number(3, 2))).rows == []
    with pytest.raises(ContractNotFound):
        contracts.terms_of(CLERK, ContractRef(contract_no=theirs))
    clerk = replace(CLERK, permits=frozenset({"contract.*"}))
    with pytest.raises(ContractNotFound):
        contracts.end_contract(clerk, EndContract(contract_no=theirs, effective_to=date(2026, 5, 1), reason="越权尝试"))
    mine = [contract(3, 2, contract_no="GY-9"), contract(2, contract_no=theirs), purchase(2)]
    reply = contracts.sign_contracts(clerk, SignContracts.model_validate({"contracts": mine}))
    assert [item.field for item in reply.refused] == ["account_no", "contract_no"] and reply.taken == 1
    holder = replace(CLERK, scope=("",), accounts=(number(3, 2),))
    assert [row.contract_no for row in contracts.find_contracts(holder, FindContracts()).rows] == [theirs]


def test_search_and_pages(contracts: ContractApi) -> None:
    batch = [contract(1), purchase(1), contract(2), contract(3, 2)]
    contracts.sign_contracts(OPERATOR, SignContracts.model_validate({"contracts": batch}))
    assert contracts.find_contracts(OPERATOR, FindContracts(keyword=number(1))).total == 2
    assert contracts.find_contracts(OPERATOR, FindContracts(kind="purchase")).total == 1
    assert contracts.find_contracts(OPERATOR, FindContracts(keyword="%")).total == 0
    first = contracts.find_contracts(OPERATOR, FindContracts(limit=3))
    rest = contracts.find_contracts(OPERATOR, FindContracts(limit=3, after=first.next))
    assert (first.total, rest.total, len(first.rows) + len(rest.rows)) == (4, 4, 4)
    assert [row.kind for row in contracts.contracts_of(OPERATOR, ContractsOf(account_no=number(1))).rows] == [
        "supply",
        "purchase",
    ]


DAYS = st.integers(0, 40).map(lambda days: date.fromordinal(date(2026, 1, 1).toordinal() + days))


@given(a=DAYS, b=st.none() | DAYS, c=DAYS, d=st.none() | DAYS)
def test_spans_overlap_where_a_day_is_in_both(a: date, b: date | None, c: date, d: date | None) -> None:
    def days(start: date, end: date | None) -> set[int]:
        return set(range(start.toordinal(), end.toordinal() if end else date(2026, 6, 1).toordinal()))

    assert bool(days(a, b) & days(c, d)) == (Span("x", a, b).overlaps(c, d) and bool(days(a, b)) and bool(days(c, d)))

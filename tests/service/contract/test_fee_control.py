"""Fee control of contracts through both bindings: from a day on, put right, ended, published for a day."""

import pathlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from tests.service.records import CLERK, OPERATOR, account, contract, held, number

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.service.contract.api import (
    AgreeFeeControl,
    ContractApi,
    ContractNotFound,
    ContractRef,
    EndContract,
    FeeControlRefused,
    FindContracts,
    PublishFeeControl,
    SignContracts,
)
from denghuo.service.contract.service import ContractService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service import TariffService

SERVICES = {CustomerApi: CustomerService, TariffApi: TariffService, ContractApi: ContractService}
ONE, TWO = contract(1).contract_no, contract(2).contract_no
APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    yield from held(request.param, database_dsn, tmp_path, SERVICES)


@pytest.fixture
def contracts(ask: Ask) -> ContractApi:
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1), account(2), account(3, 2)]))
    signing = [contract(1, fee_control="prepaid", protected=True), contract(2), contract(3, 2)]
    assert not ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=signing)).refused
    return ask(ContractApi)


def agree(contracts: ContractApi, contract_no: str, on: date, **given: Any) -> list[tuple[Any, ...]]:
    asked = AgreeFeeControl(contract_no=contract_no, effective_from=on, reason="客户申请", **given)
    found = contracts.agree_fee_control(OPERATOR, asked).fee_controls
    return [(one.effective_from, one.effective_to, one.way, one.protected) for one in found]


def test_fee_control_holds_from_a_day_and_is_put_right_on_that_day(contracts: ContractApi) -> None:
    assert agree(contracts, TWO, APRIL, way="remote") == [(APRIL, None, "remote", False)]
    assert agree(contracts, TWO, APRIL, way="remote", protected=True) == [(APRIL, None, "remote", True)]
    assert agree(contracts, TWO, MAY, way="prepaid") == [(MAY, None, "prepaid", False), (APRIL, MAY, "remote", True)]
    assert agree(contracts, TWO, JUNE) == [(MAY, JUNE, "prepaid", False), (APRIL, MAY, "remote", True)]
    told = contracts.terms_of(OPERATOR, ContractRef(contract_no=TWO))
    assert len(told.history) == 1, "terms are not cut into stages"
    found = contracts.find_contracts(OPERATOR, FindContracts(fee_control="prepaid")).rows
    assert [(row.contract_no, row.fee_control, row.protected) for row in found] == [
        (ONE, "prepaid", True),
        (TWO, "prepaid", False),
    ]


def test_signed_again_is_no_change_and_the_end_of_a_contract_ends_it(contracts: ContractApi) -> None:
    again = SignContracts(contracts=[contract(1, fee_control="prepaid", protected=True)])
    assert contracts.sign_contracts(OPERATOR, again).unchanged == 1
    ended = contracts.end_contract(OPERATOR, EndContract(contract_no=ONE, effective_to=MAY, reason="客户销户"))
    assert [one.effective_to for one in ended.fee_controls] == [MAY]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"contract_no": TWO, "effective_from": date(2020, 1, 1), "way": "remote"}, "effective_from"),
        ({"contract_no": TWO, "effective_from": MAY}, "way"),
        ({"contract_no": ONE, "effective_from": date(2024, 8, 4), "way": "remote"}, "effective_from"),
    ],
)
def test_what_does_not_fit_is_told(contracts: ContractApi, given: dict[str, Any], field: str) -> None:
    with pytest.raises(FeeControlRefused) as told:
        contracts.agree_fee_control(OPERATOR, AgreeFeeControl(reason="客户申请", **given))
    assert told.value.fields["field"] == field


def test_before_the_newest_agreement_none_can_begin(contracts: ContractApi) -> None:
    agree(contracts, TWO, MAY, way="remote")
    with pytest.raises(FeeControlRefused):
        agree(contracts, TWO, APRIL, way="remote")


def test_a_purchase_contract_has_none(contracts: ContractApi) -> None:
    purchase = contract(
        2, contract_no="GS2", kind="purchase", tariff_class="generation", settlement_mode="full_feed_in", pv_kw="3.6"
    )
    signing = purchase.model_copy(update={"fee_control": "remote"})
    refused = contracts.sign_contracts(OPERATOR, SignContracts(contracts=[signing])).refused
    assert [one.field for one in refused] == ["fee_control"]
    unmarked = SignContracts(contracts=[contract(2, contract_no="GY2", protected=True)])
    assert [one.field for one in contracts.sign_contracts(OPERATOR, unmarked).refused] == ["protected"]


def test_another_units_contract_is_none(contracts: ContractApi) -> None:
    asked = AgreeFeeControl(contract_no=contract(3, 2).contract_no, effective_from=MAY, way="remote", reason="越权尝试")
    clerk = CLERK.only("contract.change")
    with pytest.raises(ContractNotFound):
        contracts.agree_fee_control(clerk, asked)


def test_the_accounts_of_a_day_are_published(contracts: ContractApi, database_dsn: str, tmp_path: pathlib.Path) -> None:
    agree(contracts, TWO, MAY, way="remote")
    before = contracts.publish_fee_control(OPERATOR, PublishFeeControl(on=APRIL))
    after = contracts.publish_fee_control(OPERATOR, PublishFeeControl(on=MAY))
    with Database(dsn=database_dsn) as database:
        datasets = Datasets(database, tmp_path)
        assert datasets.scan(before, ["account_no"]).to_pylist() == [{"account_no": number(1)}]
        assert datasets.scan(after).to_pylist() == [
            {
                "account_no": number(serial),
                "org": "1405810.01",
                "tariff_class": "resident",
                "way": way,
                "protected": protected,
                "effective_from": since,
            }
            for serial, way, protected, since in (
                (1, "prepaid", True, contract(1).effective_from),
                (2, "remote", False, MAY),
            )
        ]

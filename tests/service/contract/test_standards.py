"""The power factor standard by use, voltage, capacity and on-load tap changer; contracts have it from the day of their terms."""

import pathlib
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.records import OPERATOR, account, contract, held

from denghuo.kernel.values import ApparentPower
from denghuo.service.contract.api import (
    AgreeSpecial,
    ChangeTerms,
    ContractApi,
    ContractRef,
    SignContracts,
    SpecialTerms,
    Use,
)
from denghuo.service.contract.service import ContractService
from denghuo.service.contract.standards import STANDARDS_IN_FORCE, standard_of
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service import TariffService

SERVICES = {CustomerApi: CustomerService, TariffApi: TariffService, ContractApi: ContractService}
ON = date(2026, 4, 1)


def standard(
    tariff_class: str, voltage: str, kva: str, use: Use | None = None, changer: bool = False, on: date = ON
) -> int | None:
    va = ApparentPower.of(kva).number
    special = SpecialTerms(pf_use=use, on_load_changer=changer)
    found = standard_of("supply", tariff_class, voltage, va, None, special, on)
    assert found == standard_of("supply", tariff_class, voltage, None, va, special, on), "power stands for capacity"
    return found


@pytest.mark.scope("B05-08")
@pytest.mark.parametrize(
    ("tariff_class", "voltage", "kva", "use", "expected"),
    [
        # 160千伏安以上的高压供电工业用户
        ("two_part_capacity", "10", "315", None, 90),
        ("two_part_capacity", "10", "160", None, 90),
        ("two_part_capacity", "10", "159.999", None, 85),
        ("two_part_capacity", "0.38", "315", None, 85),
        ("general_single_part", "10", "315", None, 85),
        ("general_single_part", "10", "315", "industry", 90),
        # 3200千伏安及以上的高压供电电力排灌站
        ("agricultural", "10", "3200", "pumping", 90),
        ("agricultural", "10", "3199.999", "pumping", 85),
        ("agricultural", "0.38", "3200", "pumping", 85),
        # 100千伏安(千瓦)及以上
        ("general_single_part", "0.38", "100", None, 85),
        ("general_single_part", "0.38", "99.999", None, None),
        ("agricultural", "10", "315", None, 80),
        ("agricultural", "10", "99", None, None),
        ("general_single_part", "10", "5000", "wholesale", 80),
        ("general_single_part", "10", "5000", "wholesale_industry", 85),
        ("resident", "0.38", "315", None, None),
    ],
)
def test_standards_of_the_document(
    tariff_class: str, voltage: str, kva: str, use: Use | None, expected: int | None
) -> None:
    assert standard(tariff_class, voltage, kva, use) == expected
    assert standard(tariff_class, voltage, kva, use, on=date(1983, 12, 31)) is None, "in force from 1984 on"
    assert standard_of("purchase", "generation", voltage, 315_000, None, None, ON) is None


@given(
    st.sampled_from(["general_single_part", "agricultural", "two_part_demand"]),
    st.sampled_from(["0.38", "10", "35"]),
    st.integers(0, 10_000),
    st.sampled_from([None, "industry", "non_industrial", "pumping", "agriculture"]),
)
def test_an_on_load_changer_at_high_voltage_gives_090_and_more_capacity_never_a_lower_standard(
    tariff_class: str, voltage: str, kva: int, use: Use | None
) -> None:
    plain = standard(tariff_class, voltage, str(kva), use)
    assert standard(tariff_class, voltage, str(kva), use, changer=True) == (90 if voltage != "0.38" else plain)
    assert (standard(tariff_class, voltage, str(kva + 1), use) or 0) >= (plain or 0)


def test_every_row_of_the_table_names_its_document() -> None:
    assert {row.standard for row in STANDARDS_IN_FORCE} == {90, 85, 80}
    assert all("215" in row.document and row.since == date(1984, 1, 1) for row in STANDARDS_IN_FORCE)


@pytest.fixture(params=["local", "remote"])
def contracts(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[ContractApi]:
    for ask in held(request.param, database_dsn, tmp_path, SERVICES):
        ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1, 1), account(2, 1)]))
        yield ask(ContractApi)


@pytest.mark.scope("B05-08")
def test_a_contract_has_the_standard_of_what_is_agreed_from_that_day_on(contracts: ContractApi) -> None:
    """Signed with an on-load tap changer; changed to a larger capacity; agreed to be a pumping station; put right."""
    plant = {"tariff_class": "general_single_part", "voltage_kv": "10", "capacity_kva": ApparentPower.of("125")}
    changer = contract(2, **plant, special=SpecialTerms(on_load_changer=True))
    contracts.sign_contracts(OPERATOR, SignContracts(contracts=[contract(1, **plant), changer]))
    assert contracts.terms_of(OPERATOR, ContractRef(contract_no=changer.contract_no)).contract.pf_standard == 90
    number_1 = contract(1).contract_no
    use = AgreeSpecial(
        contract_no=number_1, effective_from=date(2026, 2, 1), pf_use="industry", reason="现场核实为工业用电"
    )
    contracts.agree_special(OPERATOR, use)
    contracts.change_terms(
        OPERATOR,
        ChangeTerms(
            contract_no=number_1,
            effective_from=date(2026, 4, 1),
            capacity_kva=ApparentPower.of("3200"),
            reason="用户申请增容",
        ),
    )
    right = AgreeSpecial(
        contract_no=number_1, effective_from=date(2026, 4, 1), pf_use="non_industrial", reason="更正用电性质"
    )
    history = contracts.agree_special(OPERATOR, right).history
    assert [(row.effective_from, row.pf_standard) for row in history] == [
        (date(2026, 4, 1), 85),
        (date(2026, 2, 1), 85),
        (date(2024, 8, 5), 85),
    ]
    pumping = right.model_copy(update={"pf_use": "pumping", "reason": "更正为排灌站"})
    assert contracts.agree_special(OPERATOR, pumping).history[0].pf_standard == 90

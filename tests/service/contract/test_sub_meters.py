"""Main and sub-meters: what is no sub-meter of the account is refused where it is agreed on, its own main meter as a loop."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from tests.service.records import CLERK, OPERATOR, account, contract, held, meter, network, number, point

from denghuo.kernel.values import Percent
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.asset.service import AssetService
from denghuo.service.contract.api import (
    AgreeSpecial,
    ContractApi,
    ContractHistory,
    MainsOf,
    Part,
    SignContracts,
    SpecialRefused,
    SpecialTerms,
)
from denghuo.service.contract.service import ContractService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import PointApi, RegisterPoints
from denghuo.service.point.service import PointService

SERVICES = {
    CustomerApi: CustomerService,
    AssetApi: AssetService,
    PointApi: PointService,
    ContractApi: ContractService,
}
DAY = date(2026, 4, 1)


def main(serial: int) -> str:
    return f"{number(serial)}01"


WRONG = (main(1), main(2), "NONE")
"""The main meter of the account itself, that of another account, and nobody's."""


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    """Two accounts with a main meter each, of which the first has a sub-meter too."""
    for made in held(request.param, database_dsn, tmp_path, SERVICES):
        made(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(one) for one in (1, 2)]))
        made(PointApi).register_network(OPERATOR, network())
        made(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(one) for one in (1, 2, 5)]))
        sub = point(1, point_no="SUB1", role="sub_meter", meter_no="M00005")
        points = RegisterPoints(points=[*(point(one) for one in (1, 2)), sub])
        assert made(PointApi).register_points(OPERATOR, points).taken == 3
        yield made


def agree(ask: Ask, serial: int, parts: list[Part]) -> ContractHistory:
    asked = AgreeSpecial(contract_no=f"GY{number(serial)}", effective_from=DAY, parts=parts, reason="约定分算")
    return ask(ContractApi).agree_special(OPERATOR, asked)


def test_only_a_sub_meter_of_the_account_is_taken_off_its_main_meter(ask: Ask) -> None:
    signed = ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=[contract(one) for one in (1, 2)]))
    assert signed.refused == []
    with pytest.raises(SpecialRefused) as refused:
        agree(ask, 1, [Part(point_no="SUB1", way="meter"), *(Part(point_no=one, way="meter") for one in WRONG)])
    errors = refused.value.fields["errors"]
    assert [(one["field"], one["value"]) for one in errors] == [
        (f"parts.{place}.point_no", point_no) for place, point_no in enumerate(WRONG, start=1)
    ]
    loop, other, unknown = errors
    assert f"总分表成环：计量点 {main(1)}（表号 M00001）是本户总表" in loop["zh"] and "form a loop" in loop["en"]
    assert f"（表号 M00002）属于户号 {number(2)}" in other["zh"] and "register the point of a sub-meter" in other["en"]
    assert "未登记" in unknown["zh"]
    agree(ask, 1, [Part(point_no="SUB1", way="meter"), Part(point_no="Q", way="ratio", ratio=Percent.of("10"))])


def test_a_sub_meter_of_another_account_is_agreed_on_and_no_ring_of_them(ask: Ask) -> None:
    ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=[contract(one) for one in (1, 2)]))

    def behind(serial: int, account: int | None = None, **more: object) -> Part:
        values = {"point_no": main(serial), "way": "meter", "account_no": number(account or serial)} | more
        return Part.model_validate(values)

    for wrong, said in (
        (behind(2, 1), f"属于户号 {number(2)}"),
        (behind(1), "本户的分表不填户号"),
        (behind(2, way="quantity", quantity_kwh="5"), "只有分表可以属于其他户"),
    ):
        with pytest.raises(SpecialRefused) as refused:
            agree(ask, 1, [wrong])
        assert said in str(refused.value.fields["errors"]), wrong
    agree(ask, 1, [behind(2)])
    (row,) = ask(ContractApi).mains_of(OPERATOR, MainsOf(account_nos=[number(2)], first_day=DAY)).rows
    assert (row.main_account_no, row.point_no, row.effective_from, row.effective_to) == (number(1), main(2), DAY, None)
    assert ask(ContractApi).mains_of(OPERATOR, MainsOf(account_nos=[number(1)], first_day=DAY)).rows == []
    with pytest.raises(SpecialRefused) as ring:
        agree(ask, 2, [behind(1)])
    assert f"总分表成环：{number(1)} → {number(2)} → {number(1)}" in ring.value.detail["zh"]


def test_rings_through_others_and_within_a_batch_are_refused(ask: Ask) -> None:
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(3)]))
    ask(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(3)]))
    ask(PointApi).register_points(OPERATOR, RegisterPoints(points=[point(3)]))
    ring = [
        contract(one, special=SpecialTerms(parts=[Part(point_no=main(two), way="meter", account_no=number(two))]))
        for one, two in ((3, 2), (1, 2), (1, 3), (2, 1))
    ]
    reply = ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=ring))
    twice, chain = f"已从户号 {number(3)} 的总表扣减", " → ".join(map(number, (1, 3, 2, 1)))
    assert reply.taken == 2
    assert [(one.item, said in one.what.zh) for one, said in zip(reply.refused, (twice, chain), strict=True)] == [
        (1, True),
        (3, True),
    ]
    (again,) = ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=ring[3:])).refused
    assert chain in again.what.zh
    with pytest.raises(SpecialRefused) as refused:
        agree(ask, 1, [Part(point_no=main(one), way="meter", account_no=number(one)) for one in (3, 2)])
    assert twice in refused.value.detail["zh"], "the energy would come off twice"


@pytest.mark.parametrize("place", range(len(WRONG)))
def test_contracts_that_are_signed_are_judged_alike(ask: Ask, place: int) -> None:
    parts = [Part(point_no="SUB1", way="meter"), Part(point_no=WRONG[place], way="meter")]
    special = SpecialTerms(parts=parts)
    batch = SignContracts(contracts=[contract(1, special=special), contract(2)])
    reply = ask(ContractApi).sign_contracts(OPERATOR, batch)
    assert reply.taken == 1
    (refused,) = reply.refused
    assert (refused.item, refused.field, refused.value) == (0, "special.parts.1.point_no", WRONG[place])


def test_who_may_not_see_a_point_does_not_learn_that_it_exists(ask: Ask) -> None:
    elsewhere = replace(CLERK, permits=frozenset({"contract.sign"}), scope=("1405810.02",))
    other = contract(9, 2, special=SpecialTerms(parts=[Part(point_no=main(2), way="meter")]))
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(9, 2)]))
    (refused,) = ask(ContractApi).sign_contracts(elsewhere, SignContracts(contracts=[other])).refused
    assert "未登记，或不在您的管辖范围内" in refused.what.zh

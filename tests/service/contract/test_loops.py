"""Main and sub-meters: a meter behind itself is refused where it is agreed on, at once or over several contracts."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.records import CLERK, NOW, OPERATOR, account, contract, held, meter, network, number, point

from denghuo.kernel.values import Percent
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.asset.service import AssetService
from denghuo.service.contract.api import (
    AgreeSpecial,
    ContractApi,
    ContractHistory,
    Part,
    SignContracts,
    SpecialRefused,
    SpecialTerms,
)
from denghuo.service.contract.loops import Behind, Meters
from denghuo.service.contract.service import ContractService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import Point, PointApi, RegisterPoints
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


def behind(*serials: int) -> list[Part]:
    return [Part(point_no=main(serial), way="meter") for serial in serials]


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    """Four accounts with a main meter each, of which the first has a sub-meter too."""
    for made in held(request.param, database_dsn, tmp_path, SERVICES):
        made(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(one) for one in range(1, 5)]))
        made(PointApi).register_network(OPERATOR, network())
        made(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(one) for one in range(1, 6)]))
        sub = point(1, point_no="SUB1", role="sub_meter", meter_no="M00005")
        points = RegisterPoints(points=[*(point(one) for one in range(1, 5)), sub])
        assert made(PointApi).register_points(OPERATOR, points).taken == 5
        yield made


def agree(ask: Ask, serial: int, parts: list[Part], day: date = DAY) -> ContractHistory:
    asked = AgreeSpecial(contract_no=f"GY{number(serial)}", effective_from=day, parts=parts, reason="约定分算")
    return ask(ContractApi).agree_special(OPERATOR, asked)


def test_a_loop_is_refused_with_its_meters_whether_it_closes_by_one_contract_or_by_several(ask: Ask) -> None:
    signed = ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=[contract(one) for one in (1, 2, 3)]))
    assert signed.refused == []
    agree(ask, 1, [Part(point_no="SUB1", way="meter"), *behind(2)])
    with pytest.raises(SpecialRefused) as direct:
        agree(ask, 3, [Part(point_no="Q", way="ratio", ratio=Percent.of("10")), *behind(3)])
    (one,) = direct.value.fields["errors"]
    assert (one["field"], one["value"]) == ("parts.1.point_no", main(3))
    assert one["en"].startswith(
        f"Main and sub-meters form a loop: point {main(3)} (meter M00003) → point {main(3)} (meter M00003);"
    )
    assert "请填写总表之后的分表计量点" in one["zh"]
    with pytest.raises(SpecialRefused) as unknown:
        agree(ask, 3, [Part(point_no="NONE", way="meter")])
    assert "未登记" in unknown.value.fields["errors"][0]["zh"]
    agree(ask, 2, behind(3))
    with pytest.raises(SpecialRefused) as loop:
        agree(ask, 3, behind(1))
    said = loop.value.detail["zh"]
    assert " → ".join(f"计量点 {main(at)}（表号 M{at:05d}）" for at in (3, 1, 2, 3)) in said
    # A sub-meter has nothing behind it, and a meter beside the main one neither; once a contract of the loop lets go, it is none.
    agree(ask, 3, [Part(point_no="SUB1", way="meter")])
    agree(ask, 3, [Part(point_no=main(1), way="parallel")])
    agree(ask, 2, [], date(2026, 5, 1))
    with pytest.raises(SpecialRefused):
        agree(ask, 3, behind(1))
    agree(ask, 3, behind(1), date(2026, 5, 1))


def test_a_batch_is_judged_with_what_it_has_already(ask: Ask) -> None:
    def with_parts(serial: int, *serials: int) -> object:
        return contract(serial, special=SpecialTerms(parts=behind(*serials)))

    batch = SignContracts.model_validate({"contracts": [with_parts(1, 2), with_parts(2, 3), with_parts(3, 1)]})
    reply = ask(ContractApi).sign_contracts(OPERATOR, batch)
    assert reply.taken == 2
    (refused,) = reply.refused
    assert (refused.item, refused.field, refused.value) == (2, "special.parts.0.point_no", main(1))
    assert "M00003" in refused.what.zh and "a loop" in refused.what.en
    # Who may not see a point does not learn that it exists.
    elsewhere = replace(CLERK, permits=frozenset({"contract.sign"}), scope=("1405810.02",))
    other = contract(9, 2, special=SpecialTerms(parts=behind(4)))
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(9, 2)]))
    (refused,) = ask(ContractApi).sign_contracts(elsewhere, SignContracts(contracts=[other])).refused
    assert "未登记，或不在您的管辖范围内" in refused.what.zh


SERIALS = range(1, 6)


@given(
    st.dictionaries(st.sampled_from(SERIALS), st.sets(st.sampled_from(SERIALS), max_size=3)), st.sampled_from(SERIALS)
)
def test_terms_are_refused_exactly_where_they_lead_back_to_their_own_account(
    edges: dict[int, set[int]], asked: int
) -> None:
    points = {
        main(one): Point(**point(one).model_dump(mode="json"), integer_digits=6, decimal_digits=2, installed_at=NOW)
        for one in SERIALS
    }
    meters = Meters(points, {number(one): [Behind(DAY, None, behind(*sorted(to)))] for one, to in edges.items()})
    own = sorted(edges.get(asked, set()))
    found = {one["value"] for one in meters.faults(number(asked), Behind(DAY, None, behind(*own)))}

    def reached(serial: int) -> set[int]:
        seen, ahead = set[int](), [serial]
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                # What lies behind the asked account itself is where the way ends.
                ahead += [] if one == asked else sorted(edges.get(one, set()))
        return seen

    assert found == {main(one) for one in own if asked in reached(one)}


def test_terms_of_other_days_close_no_loop() -> None:
    points = {
        main(one): Point(**point(one).model_dump(mode="json"), integer_digits=6, decimal_digits=2, installed_at=NOW)
        for one in (1, 2)
    }
    meters = Meters(points, {number(2): [Behind(date(2026, 1, 1), DAY, behind(1))]})
    assert list(meters.faults(number(1), Behind(DAY, None, behind(2)))) == []
    assert len(list(meters.faults(number(1), Behind(date(2026, 3, 31), None, behind(2))))) == 1

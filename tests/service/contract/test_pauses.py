"""Pauses of transformers with notice, and how long pauses and temporary exchanges may last."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.records import OPERATOR, account, contract, held

from denghuo.kernel.values import ApparentPower
from denghuo.service.contract.api import (
    AgreeSpecial,
    ChangeLimited,
    ContractApi,
    SignContracts,
    SpecialRefused,
    SpecialTerms,
    Transformer,
)
from denghuo.service.contract.pauses import (
    EXCHANGES,
    PAUSES,
    exchange_ends_by,
    exchange_faults,
    pause_faults,
    unannounced,
)
from denghuo.service.contract.service import ContractService
from denghuo.service.contract.workdays import WEEKDAYS
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.tariff.api import NATION, DayTableRef, DraftDays, TariffApi
from denghuo.service.tariff.service import TariffService

SERVICES = {CustomerApi: CustomerService, TariffApi: TariffService, ContractApi: ContractService}
CLASS = "two_part_capacity"


def unit(
    state: Literal["running", "paused", "exchanged"], first: date, last: date | None = None, number: str = "T1"
) -> Transformer:
    kva = ApparentPower.of("315")
    return Transformer(transformer_no=number, capacity_kva=kva, state=state, first_day=first, last_day=last)


def terms(*units: Transformer) -> SpecialTerms:
    return SpecialTerms(transformers=list(units))


def test_the_tables_name_their_documents() -> None:
    (pause,) = PAUSES
    assert (pause.notice_working_days, pause.least_days, pause.most_days_a_year) == (5, 15, 184)
    assert [(one.up_to_kv, one.months) for one in EXCHANGES] == [(10, 2), (None, 3)]
    assert all(one.document for one in (*PAUSES, *EXCHANGES))


@given(st.dates(date(2016, 7, 1), date(2030, 12, 31)), st.integers(0, 20))
def test_a_pause_is_taken_on_the_earliest_day_named_and_on_no_day_before(applied: date, after: int) -> None:
    first = applied + timedelta(days=after)
    found = unannounced(CLASS, None, terms(unit("paused", first, first + timedelta(days=20))), applied)
    assert (found is None) == (WEEKDAYS.between(applied, first) >= 5)
    if found is not None:
        paused = terms(unit("paused", found.earliest, found.earliest + timedelta(days=20)))
        assert first < found.earliest and unannounced(CLASS, None, paused, applied) is None


def test_the_return_needs_notice_and_what_was_known_does_not() -> None:
    known = terms(unit("paused", date(2026, 3, 2), date(2026, 5, 31)))
    assert unannounced(CLASS, known, known, date(2026, 5, 30)) is None
    back = terms(unit("paused", date(2026, 3, 2), date(2026, 4, 30)))
    late = unannounced(CLASS, known, back, date(2026, 4, 28))
    assert late is not None and "暂停恢复" in late.said["zh"] and late.earliest == date(2026, 5, 5)
    assert unannounced(CLASS, known, back, date(2026, 4, 24)) is None
    assert unannounced("general_single_part", known, back, date(2026, 4, 28)) is None


@pytest.mark.parametrize(
    ("units", "fields"),
    [
        ([unit("paused", date(2026, 4, 1), date(2026, 4, 15))], []),
        ([unit("paused", date(2026, 4, 1), date(2026, 4, 14))], ["transformers.0.last_day"]),
        ([unit("paused", date(2026, 4, 1))], ["transformers.0.last_day"]),
        # Six months of a calendar year, over two pauses; those of the next year and of another transformer are apart.
        ([unit("paused", date(2026, 7, 1), date(2026, 12, 31))], []),
        ([unit("paused", date(2026, 6, 30), date(2026, 12, 31))], ["transformers.0.last_day"]),
        ([unit("paused", date(2026, 9, 1), date(2027, 5, 31))], []),
        ([unit("paused", date(2026, 2, 1), date(2026, 4, 30)), unit("paused", date(2026, 6, 1), date(2026, 9, 30))],
         ["transformers.0.last_day", "transformers.1.last_day"]),
        ([unit("paused", date(2026, 2, 1), date(2026, 6, 30)),
          unit("paused", date(2026, 6, 1), date(2026, 9, 30), "T2")], []),
    ],
)  # fmt: skip
def test_pauses_are_neither_too_short_nor_too_long(units: list[Transformer], fields: list[str]) -> None:
    found = list(pause_faults(CLASS, None, terms(*units)))
    assert [one["field"] for one in found] == fields and all("1583" in one["zh"] for one in found)
    assert list(pause_faults(CLASS, terms(*units), terms(*units))) == [], "what is known is not judged again"


def test_a_temporary_exchange_ends_after_two_or_three_months() -> None:
    assert exchange_ends_by(date(2025, 12, 31), 2) == date(2026, 2, 28)
    for voltage, latest in (("10", date(2026, 7, 17)), ("35", date(2026, 8, 17))):
        assert list(exchange_faults(voltage, terms(unit("exchanged", date(2026, 5, 18), latest)))) == []
        for last in (latest + timedelta(days=1), None):
            (fault,) = exchange_faults(voltage, terms(unit("exchanged", date(2026, 5, 18), last)))
            assert fault["field"] == "transformers.0.last_day" and str(latest) in fault["en"]


@pytest.fixture(params=["local", "remote"])
def peers(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Any]:
    for ask in held(request.param, database_dsn, tmp_path, SERVICES):
        ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1, 1)]))
        yield ask


@pytest.mark.scope("B05-07")
def test_a_customer_pauses_a_transformer_and_comes_back_early(peers: Any) -> None:
    contracts = peers(ContractApi)
    plant = contract(1, tariff_class=CLASS, voltage_kv="10", capacity_kva=ApparentPower.of("630"))
    contracts.sign_contracts(OPERATOR, SignContracts(contracts=[plant]))

    def agree(first: date, applied: date, *units: Transformer) -> Any:
        request = AgreeSpecial(
            contract_no=plant.contract_no,
            effective_from=first,
            transformers=list(units),
            applied_on=applied,
            reason="用户申请暂停",
        )
        return contracts.agree_special(OPERATOR, request).history[0].special

    # Without published holidays, Mondays to Fridays count; with them not the sixth of April, the end of Qingming.
    for published, earliest in ((False, "2026-04-09"), (True, "2026-04-10")):
        if published:
            key: dict[str, Any] = {"kind": "holidays", "area": NATION, "period": "2026"}
            peers(TariffApi).draft_days(OPERATOR, DraftDays(**key, document_no="国办发明电〔2025〕7号"))
            peers(TariffApi).publish_days(replace(OPERATOR, actor="approver"), DayTableRef(**key))
        with pytest.raises(ChangeLimited) as caught:
            agree(date(2026, 4, 8), date(2026, 4, 2), unit("paused", date(2026, 4, 8), date(2026, 5, 31)))
        assert str(caught.value.fields["earliest"]) == earliest
        assert ("工作日按国办发明电" if published else "2026 年节假日尚未发布，按周一至周五计") in caught.value.detail[
            "zh"
        ]
    first, last = date(2026, 4, 13), date(2026, 5, 31)
    running = unit("running", date(2024, 8, 5), date(2026, 4, 12))
    pause = unit("paused", first, last)
    with pytest.raises(ChangeLimited) as caught:
        agree(first, date(2026, 4, 8), running, pause)
    said = caught.value.fields
    assert (said["field"], str(said["earliest"]), said["document"]) == (
        "applied_on",
        "2026-04-15",
        "发改办价格〔2016〕1583号",
    )
    with pytest.raises(SpecialRefused) as refused:
        agree(first, date(2026, 4, 3), running, unit("paused", first, date(2026, 4, 20)))
    assert [one["field"] for one in refused.value.fields["errors"]] == ["transformers.1.last_day"]
    assert agree(first, date(2026, 4, 3), running, pause).transformers == [running, pause]
    # Back after ten days: taken as it was, for the bill charges what is too short in full.
    short = unit("paused", first, date(2026, 4, 22))
    back = unit("running", date(2026, 4, 23))
    with pytest.raises(ChangeLimited):
        agree(first, date(2026, 4, 20), running, short, back)
    assert agree(first, date(2026, 4, 16), running, short, back).transformers == [running, short, back]

"""A multiple of the agency price (代理购电 1.5 倍), from the month's table and the contract to the verified bill."""

import base64
import json
import pathlib
from collections.abc import Iterator
from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Supply,
    county,
    daily,
    settle_county,
)

from denghuo.service.billing.api import BillRef, FindExceptions, ReplayMonth, StartCycle
from denghuo.service.contract.api import AgreeSpecial, ContractApi, ContractsOf
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import DraftPriceTable, PriceTableRef, TariffApi
from denghuo_verify.check import verify

PLAIN = Supply(1, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
RAISED = Supply(2, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
RULES = "发改办价格〔2021〕809号"


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, [PLAIN, RAISED], [])
        yield made


def without_printed(text: str) -> str:
    """The table with average and deviation apart, and without the prices by band that would contradict another month."""
    lines = [line.split(",") for line in text.splitlines()]
    kept = [at for at, name in enumerate(lines[0]) if name not in ("non_tou", "sharp", "peak", "valley")]
    rows = [",".join(line[at] for at in kept) for line in lines]
    table = "\n".join(rows).replace(",agent,", ",average,deviation,").replace(",0.38447,", ",0.38809,-0.00362,")
    # The items of system operation are illustrative; they add up to what the table prints.
    table = table.replace(",sysop,", ",pumped_storage,line_loss_balance,cross_subsidy_balance,arose_in,")
    return table.replace(",0.082273,", ",0.06,-0.001727,0.024,2026-02,")


@pytest.mark.scope("B05-12")
def test_the_multiple_stands_on_the_bill_with_its_document(found: County) -> None:
    """1,200 kWh at the table's prices, each gain and loss a line by its month: 1.5 times average and deviation of
    earlier months, everything else as for all."""
    table = without_printed(shipped.price_table("420000", "2026-01") or "")
    request = DraftPriceTable(area="420000", month=MONTH, document_no="测试月度价格表", text=table)
    found.ask(TariffApi).draft_price_table(OPERATOR, request)
    found.ask(TariffApi).publish_price_table(OTHER_PERSON, PriceTableRef(area="420000", month=MONTH))
    contracts = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=RAISED.account_no)).rows
    agreed = AgreeSpecial(
        contract_no=contracts[0].contract_no,
        effective_from=date(2026, 4, 1),
        agency_case="returned",
        reason="无正当理由退出市场化交易",
    )
    found.ask(ContractApi).agree_special(OPERATOR, agreed)
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    assert found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH)).rows == []
    told = []
    for supply in (PLAIN, RAISED):
        reference = BillRef(bill_no=f"202604{supply.account_no}101")
        told.append(found.billing.bill(ACCOUNTANT, reference))
        file = json.loads(base64.b64decode(found.billing.bill_file(ACCOUNTANT, reference).content))
        assert verify(file).verdict == "verified"
    plain, raised = ({line.code: line for line in one.lines} for one in told)
    assert [(code, str(plain[code].amount)) for code in ("agency_energy", "history_deviation")] == [
        ("agency_energy", "465.71"),
        ("history_deviation", "-4.34"),
    ]
    # 0.38809 and -0.00362 at 150 % are 0.582135 and -0.00543.
    assert [(code, str(raised[code].amount)) for code in ("agency_energy", "history_deviation")] == [
        ("agency_energy", "698.56"),
        ("history_deviation", "-6.52"),
    ]
    # 1,200 kWh at -0.001727 and 0.024: what February gained and lost, each a line with its month and document.
    shared = {code: plain[code] for code in ("line_loss_balance", "cross_subsidy_balance", "pumped_storage")}
    assert [str(line.amount) for line in shared.values()] == ["-2.07", "28.80", "72.00"]
    assert "system_operation" not in plain
    for code, line in shared.items():
        assert line.document_no == "测试月度价格表" and line.document_no in line.sentence.zh
        assert ("2026-02" in line.name.zh) == code.endswith("_balance")
    assert "2026-02" in plain["history_deviation"].sentence.en
    others = plain.keys() - {"agency_energy", "history_deviation"}
    assert others and all(raised[code].amount == plain[code].amount for code in others)
    assert RULES in raised["agency_energy"].sentence.zh and "150" in raised["agency_energy"].sentence.en
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert (page.checked, page.identical) == (2, 2)

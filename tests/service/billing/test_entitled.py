"""Free energy of listed households in bills: in the months of the entitlement and not after, verified and replayed exactly."""

import base64
import json
import pathlib
from typing import Any

import pytest
from tests.service.billing.county import ACCOUNTANT, DOCUMENT, OPERATOR, Supply, county, prices, settle_county
from tests.service.billing.months import bill_months, bill_no

from denghuo.kernel.values import Energy
from denghuo.service.billing.api import BillRef, ReplayMonth
from denghuo.service.contract.api import AgreeSpecial, ContractApi, ContractsOf, ImportEntitled
from denghuo.service.tariff.document import FreeEnergy
from denghuo_verify.check import verify

LISTED, BOTH, PLAIN = Supply(1, 1), Supply(2, 2), Supply(3, 1)


@pytest.mark.scope("B05-23")
def test_free_energy_is_billed_in_the_months_of_the_entitlement(database_dsn: str, tmp_path: pathlib.Path) -> None:
    resident = prices()[0].model_copy(update={"free_energy": FreeEnergy(per_month=Energy.of("15"), document=DOCUMENT)})
    with county("local", database_dsn, tmp_path) as found:
        supplies = [LISTED, BOTH, PLAIN]
        settle_county(found, supplies, [resident, *prices()[1:]])
        contracts = found.ask(ContractApi)
        text = "account_no,kind,evidence_no,from_month,until_month\n" + "".join(
            f"{one.account_no},low_income,DB1000{one.serial},2026-02,2026-04\n" for one in (LISTED, BOTH)
        )
        assert contracts.import_entitled(OPERATOR, ImportEntitled(text=text)).taken == 2
        (known,) = contracts.contracts_of(OPERATOR, ContractsOf(account_no=BOTH.account_no)).rows
        contracts.agree_special(
            OPERATOR,
            AgreeSpecial(
                contract_no=known.contract_no,
                effective_from=known.effective_from,
                free_energy=True,
                reason="低保免费电量",
            ),
        )
        months = ("2026-01", "2026-02", "2026-03", "2026-04")
        bill_months(found, {supply: {month: {"total": 100} for month in months} for supply in supplies})

        def free(supply: Supply, month: str) -> list[tuple[str, str]]:
            number = bill_no(supply, month)
            file = found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number))
            body: dict[str, Any] = json.loads(base64.b64decode(file.content))
            report = verify(body)
            assert report.verdict == "verified", report
            lines = found.billing.bill(ACCOUNTANT, BillRef(bill_no=number)).lines
            return [(str(line.quantity), str(line.amount)) for line in lines if line.code == "free_energy"]

        (line,) = [
            one
            for one in found.billing.bill(ACCOUNTANT, BillRef(bill_no=bill_no(LISTED, "2026-02"))).lines
            if one.code == "free_energy"
        ]
        assert "低保户（证件编号尾号 0001）：免费电量每月 15 千瓦时" in line.sentence.zh
        assert "Low-income household (evidence no. ending in 0001)" in line.sentence.en and "DB10001" not in str(line)
        given = [("15", "-9.26")]
        assert [free(LISTED, month) for month in months] == [[], given, given, []]
        assert [free(BOTH, month) for month in months] == [given] * 4, "the special term and the list give it once"
        assert [free(PLAIN, month) for month in months] == [[]] * 4
        for month in months:
            again = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=month))
            assert (again.checked, again.identical) == (3, 3)

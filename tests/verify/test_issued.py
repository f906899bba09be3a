"""Bills that the product itself issued of a month in stages: their files are computed again to the fen, and are what was sealed."""

import base64
import json
import pathlib
from datetime import date

from denghuo.kernel.values import Price
from denghuo.service.billing.api import BillRef, FindBills, StartCycle
from denghuo_verify.check import verify
from tests.service.billing.county import ACCOUNTANT, MONTH, county, prices, settle_county
from tests.service.billing.test_terms import ALL, CHANGED, UNREAD, change, publish


def test_issued_bills_of_a_month_in_stages_are_verified(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with county("local", database_dsn, tmp_path) as found:
        settle_county(found, ALL)
        component = prices()[1].components[0]
        dearer = [one.model_copy(update={"price": Price.of("0.80")}) for one in component.prices]
        publish(found, components=[component.model_copy(update={"prices": dearer})], effective_from=date(2026, 4, 21))
        change(found, CHANGED, 11, tariff_class="resident")
        change(found, UNREAD, 11, tariff_class="general_single_part")
        found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        found.settle()
        stages = []
        for row in found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).rows:
            file = json.loads(
                base64.b64decode(found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=row.bill_no)).content)
            )
            report = verify(file)
            assert report.verdict == "verified" and report.total == str(row.amount), report
            stages.append(len(file["bill"]["rating"].get("stages", [])))
        assert sorted(stages) == [2, 2, 3]

"""Bills that the product itself issued, in stages and by special terms: their files are computed again to the fen."""

import base64
import json
import pathlib
from datetime import date
from typing import Any

from denghuo.kernel.values import Energy, Percent, Price
from denghuo.service.billing.api import BillRef, FindBills, StartCycle
from denghuo.service.contract.api import LineLoss, Part, TransformerLoss
from denghuo_verify.check import verify
from tests.service.billing.county import ACCOUNTANT, MONTH, County, county, prices, settle_county
from tests.service.billing.test_terms import (
    ALL,
    CHANGED,
    FAMILY,
    LOSSES,
    PARTS,
    SPECIAL,
    UNREAD,
    agree,
    change,
    households,
    publish,
)


def verified(found: County) -> list[dict[str, Any]]:
    """What the month's issued bills were rated from, after their files were verified."""
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    ratings = []
    for row in found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).rows:
        file = json.loads(base64.b64decode(found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=row.bill_no)).content))
        report = verify(file)
        assert report.verdict == "verified" and report.total == str(row.amount), report
        ratings.append(file["bill"]["rating"])
    return ratings


def test_issued_bills_of_a_month_in_stages_are_verified(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with county("local", database_dsn, tmp_path) as found:
        settle_county(found, ALL)
        component = prices()[1].components[0]
        dearer = [one.model_copy(update={"price": Price.of("0.80")}) for one in component.prices]
        publish(found, components=[component.model_copy(update={"prices": dearer})], effective_from=date(2026, 4, 21))
        change(found, CHANGED, 11, tariff_class="resident")
        change(found, UNREAD, 11, tariff_class="general_single_part")
        assert sorted(len(rating.get("stages", [])) for rating in verified(found)) == [2, 2, 3]


def test_issued_bills_by_special_terms_are_verified(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with county("local", database_dsn, tmp_path) as found:
        settle_county(found, SPECIAL, households())
        loss = TransformerLoss(transformer_no="T1", way="agreed", active_kwh=Energy.of("120"))
        line = LineLoss(line_no="L1", share=Percent.of("2"))
        agree(found, LOSSES, 16, losses=[loss], line_losses=[line])
        ratio = Part(point_no="D1", way="ratio", ratio=Percent.of("30"), tariff_code="test.farm")
        agree(found, PARTS, 1, parts=[ratio])
        agree(found, FAMILY, 1, persons=6, persons_since=date(2026, 1, 10), free_energy=True)
        ratings = verified(found)
        assert len(ratings) == len(SPECIAL)
        assert sum("parts" in rating for rating in ratings) == sum("free_months" in rating for rating in ratings) == 1
        assert any("losses" in stage for rating in ratings for stage in rating.get("stages", []))

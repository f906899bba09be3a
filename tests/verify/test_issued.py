"""Bills that the product itself issued, in stages and by special terms: their files are computed again to the fen."""

import base64
import json
import pathlib
import socket
from datetime import date
from typing import Any

import pytest

from denghuo.kernel.values import Energy, Percent, Price
from denghuo.service.billing.api import BillRef, FindBills, FindExceptions, StartCycle
from denghuo.service.contract.api import LineLoss, Part, TransformerLoss
from denghuo.service.tariff.api import DraftTariff, TariffApi, TariffVersion
from denghuo_verify.check import verify
from denghuo_verify.main import main
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Supply,
    county,
    daily,
    prices,
    settle_county,
)
from tests.service.billing.test_curves import TWO_PART, by_time, take_curves, uneven
from tests.service.billing.test_market_terms import agree as agree_package
from tests.service.billing.test_market_terms import at, market_tariff, to_market
from tests.service.billing.test_stage_curves import hours, shifting
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


CURVE = Supply(31, 1, daily(24), tariff_class="two_part_demand", contract_kw=1)
HOURS = Supply(32, 1, daily(24), tariff_class="agricultural")
"""One price until the 10th, by the hour from then on, by other hours from the 21st on."""
SOLAR = Supply(33, 1, daily(8), surplus={day: 200 + 5 * day for day in range(1, 32)})
MARKET = Supply(34, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
TIERS = Supply(35, 1, daily(170), contract_kw=20)
STAGED = Supply(36, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
MORE = [CURVE, HOURS, SOLAR, MARKET, TIERS, STAGED]


def of_every_kind(found: County) -> None:
    """A county with a bill of every kind: registers, tiers, curve with demand, stages, stages by curve, losses, parts, households,
    market, feed-in."""
    demand = by_time(classes=["two_part_demand"], basic=TWO_PART)
    hourly = by_time(code="test.hours", classes=["agricultural"], default=False)
    settle_county(found, [*SPECIAL, *MORE], [*households(), market_tariff(), demand, hourly])
    loss = TransformerLoss(transformer_no="T1", way="agreed", active_kwh=Energy.of("120"))
    line = LineLoss(line_no="L1", share=Percent.of("2"))
    agree(found, LOSSES, 16, losses=[loss], line_losses=[line])
    ratio = Part(point_no="D1", way="ratio", ratio=Percent.of("30"), tariff_code="test.farm")
    agree(found, PARTS, 1, parts=[ratio])
    agree(found, FAMILY, 1, persons=6, persons_since=date(2026, 1, 10), free_energy=True)
    to_market(found, MARKET)
    agree_package(found, MARKET, retail_prices=at("0.42"), retail_fee=Price.of("0.01"))
    change(found, STAGED, 11, tariff_class="resident")
    change(found, HOURS, 11, tariff_code="test.hours")
    later = hourly.model_copy(
        update={"effective_from": date(2026, 4, 21), "seasons": hours(("10:00", "12:00"), ("17:00", "21:00"))}
    )
    drafted = found.directory(TariffApi).draft(OPERATOR, DraftTariff(document=later))
    assert drafted.publishable, drafted.findings
    found.directory(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    take_curves(found, {"M00031": uneven, "M00032": shifting})


@pytest.mark.scope("X-03")
def test_every_issued_bill_of_every_kind_is_computed_again_offline_to_the_fen(
    database_dsn: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    with county("local", database_dsn, tmp_path) as found:
        of_every_kind(found)
        found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        found.settle()
        issued = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).rows
        assert not found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH)).rows
        for row in issued:
            ref = BillRef(bill_no=row.bill_no)
            for name, got in (
                ("bill", found.billing.bill_file(ACCOUNTANT, ref)),
                ("readings", found.billing.readings_file(ACCOUNTANT, ref)),
            ):
                (folder / f"{name}-{row.bill_no}.json").write_bytes(base64.b64decode(got.content))
    # Nothing but the files of the bill from here on: no service, no database, no network.
    monkeypatch.setattr(socket, "socket", lambda *given, **named: pytest.fail("the verifier opens a connection"))
    ratings = []
    for row in issued:
        file, readings = (folder / f"{name}-{row.bill_no}.json" for name in ("bill", "readings"))
        code = main([str(file), "--readings", str(readings), "--json"])
        report = json.loads(capsys.readouterr().out)
        assert (code, report["verdict"], report["total"]) == (0, "verified", str(row.amount)), report
        assert not [one for one in report["notes"] if "--readings" in one["zh"]], report["notes"]
        ratings.append(json.loads(file.read_text("utf-8"))["bill"]["rating"])
    assert len(issued) == len(SPECIAL) + len(MORE) + 1
    assert sum("parts" in rating for rating in ratings) == sum("free_months" in rating for rating in ratings) == 1
    assert (
        sum("market" in rating for rating in ratings)
        == sum(rating.get("kind") == "purchase" for rating in ratings)
        == 1
    )
    assert sorted(len(rating["stages"]) for rating in ratings if "stages" in rating) == [2, 2, 3]
    assert any("losses" in stage for rating in ratings for stage in rating.get("stages", []))

"""Bill files: anyone verifies an issued bill offline, with the console script, and what was changed is named."""

import base64
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources
from typing import Any

import psycopg
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    holder,
    prices,
    settle_county,
)
from tests.service.bindings import NOW, clock
from tests.verify.make import told_of

from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.fields import Document
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Price
from denghuo.service.billing import proving
from denghuo.service.billing.api import (
    Advance,
    BillNotFound,
    BillRef,
    DayRef,
    FindBills,
    FindExceptions,
    NotIssued,
    Release,
    StartCycle,
)
from denghuo.service.tariff.api import DraftTariff, TariffApi, TariffRef, TariffVersion

RESIDENT = Supply(1, 1, daily(8))
HEAVY = Supply(2, 1, daily(120), contract_kw=9)
BUSINESS = Supply(3, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
SOLAR = Supply(4, 2, daily(3), surplus=daily(9))
EMPTY = Supply(5, 1, daily(0))
ALL = [RESIDENT, HEAVY, BUSINESS, SOLAR, EMPTY]
ISSUED = date(2026, 5, 1)
ANYONE = Call(actor="", now=NOW, permits=frozenset(), scope=())
SCRIPT = pathlib.Path(sys.executable).with_name("denghuo-verify")


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    """Its month is billed, and the jobs that follow the issue are done."""

    def make(made: County) -> None:
        settle_county(made, ALL)
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()

    return prepare(make)


@pytest.fixture(scope="module")
def just_issued(prepare: Prepare) -> Prepared:
    """The month up to its issue; the jobs that follow the issue still wait."""

    def make(made: County) -> None:
        settle_county(made, ALL)
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        while made.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1)).again:
            pass

    return prepare(make)


@pytest.fixture(params=["local", "remote"])
def issued(request: pytest.FixtureRequest, just_issued: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with just_issued.copy(request.param, tmp_path) as made:
        yield made


def number(supply: Supply, kind: str = "1") -> str:
    return f"202604{supply.account_no}{kind}01"


def body(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(document.content))
    return found


def written(folder: pathlib.Path, document: dict[str, Any]) -> pathlib.Path:
    file = folder / "bill.json"
    file.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return file


def told(folder: pathlib.Path, document: dict[str, Any], *more: str) -> tuple[int, dict[str, Any]]:
    """What the verifier says of a file: its exit code and its report."""
    return told_of(written(folder, document), *more)


def script(folder: pathlib.Path, document: dict[str, Any], *more: str) -> tuple[int, dict[str, Any]]:
    """The same from the console script, which takes a start each time."""
    file = written(folder, document)
    done = subprocess.run([SCRIPT, file, "--json", *more], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, json.loads(done.stdout)


# --- what is given ----------------------------------------------------------------------------------------------------------


def test_every_issued_bill_is_verified_by_the_console_script(found: County, tmp_path: pathlib.Path) -> None:
    rows = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).rows
    assert len(rows) == 5
    asked = DayRef(issued_on=rows[0].issued_on or ISSUED, month=MONTH, run_no=1)
    root = found.billing.day_root(ANYONE, asked).run_root
    assert root is not None
    for row in rows:
        document = found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=row.bill_no))
        assert (document.file_name, document.media_type) == (f"bill-{row.bill_no}.json", "application/json")
        code, report = script(tmp_path, body(document), "--root", root)
        assert (code, report["verdict"], report["total"]) == (0, "verified", str(row.amount)), report


def test_a_holder_has_the_file_of_own_issued_bills_only(found: County) -> None:
    own = BillRef(bill_no=number(HEAVY))
    customer = holder(HEAVY.account_no, EMPTY.account_no)
    mine = found.billing.my_bill_file(customer, own)
    assert body(mine) == body(found.billing.bill_file(ACCOUNTANT, own))
    with pytest.raises(BillNotFound):
        found.billing.my_bill_file(customer, BillRef(bill_no=number(RESIDENT)))
    with pytest.raises(NotIssued):
        found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(EMPTY)))
    with pytest.raises(BillNotFound):
        found.billing.my_bill_file(customer, BillRef(bill_no=number(EMPTY)))


def test_a_file_names_no_person(quick: County) -> None:
    text = json.dumps(body(quick.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(HEAVY)))), ensure_ascii=False)
    bill = quick.billing.bill(OPERATOR, BillRef(bill_no=number(HEAVY)))
    assert bill.name and bill.address
    assert bill.name not in text and bill.address not in text
    proof = body(quick.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(HEAVY))))["proof"]
    assert len(json.dumps(proof)) <= 2048


def test_what_was_rated_with_is_in_the_file_not_what_was_published_later(quick: County, tmp_path: pathlib.Path) -> None:
    dearer = prices()[1]
    more = [dearer.components[0].prices[0].model_copy(update={"price": Price.of("0.9")})]
    changed = dearer.model_copy(
        update={
            "effective_from": date(2026, 5, 1),
            "components": [dearer.components[0].model_copy(update={"prices": more})],
        }
    )
    tariffs = quick.ask(TariffApi)
    drafted = tariffs.draft(OPERATOR, DraftTariff(document=changed))
    tariffs.publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    document = body(quick.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(BUSINESS))))
    assert document["bill"]["tariff_version"] == 1
    assert document["tariff"]["components"][0]["prices"] == [{"price": "0.7853"}]
    assert told(tmp_path, document)[0] == 0
    # The published file of that version stands for the part of the bundle, and it alone.
    for version, exits in ((1, 0), (2, 1)):
        given = tariffs.tariff_file(OPERATOR, TariffRef(code=drafted.code, version=version))
        (tmp_path / "tariff.yaml").write_bytes(base64.b64decode(given.content))
        assert told(tmp_path, document, "--tariff", str(tmp_path / "tariff.yaml"))[0] == exits


def test_parts_may_be_given_apart(quick: County, tmp_path: pathlib.Path) -> None:
    document = body(quick.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(SOLAR, "2"))))
    for part in ("tariff", "readings"):
        (tmp_path / f"{part}.json").write_text(json.dumps({part: document[part]}), "utf-8")
    alone = {name: value for name, value in document.items() if name not in ("tariff", "readings")}
    assert told(tmp_path, alone)[0] == 2
    more = [f"--{part}={tmp_path / part}.json" for part in ("tariff", "readings")]
    assert told(tmp_path, alone, *more)[0] == 0


# --- what was changed is named ----------------------------------------------------------------------------------------------


def _amount(document: dict[str, Any]) -> None:
    document["bill"]["lines"][1]["amount"] = "320.17"


def _register(document: dict[str, Any]) -> None:
    document["readings"][0]["end"] = "4599.00"


def _price(document: dict[str, Any]) -> None:
    document["tariff"]["components"][0]["prices"][1]["price"] = "0.6600"


def _path(document: dict[str, Any]) -> None:
    first = document["proof"]["path"][0]
    document["proof"]["path"][0] = ("1" if first[0] == "0" else "0") + first[1:]


def _salt(document: dict[str, Any]) -> None:
    document["proof"]["salt"] = "00" * 16


def _other_bill(document: dict[str, Any]) -> None:
    document["proof"]["index"] += 1


def _root(document: dict[str, Any]) -> None:
    document["proof"]["run"]["root"] = "00" * 32


CHANGES: list[tuple[Callable[[dict[str, Any]], None], set[str]]] = [
    (_amount, {"line 2 (energy 2).amount", "bill.amount", "proof.run"}),
    (_register, {"register M00002 active_fwd total", "proof.run"}),
    (_price, {"line 2 (energy 2).price", "line 2 (energy 2).amount", "bill.amount", "proof.run"}),
    (_path, {"proof.run"}),
    (_salt, {"proof.run"}),
    (_other_bill, {"proof.run"}),
    (_root, {"proof.run"}),
]


def test_what_was_changed_is_named(quick: County, tmp_path: pathlib.Path) -> None:
    document = quick.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(HEAVY)))
    for change, named in CHANGES:
        changed = body(document)
        change(changed)
        code, report = told(tmp_path, changed)
        assert (code, report["verdict"]) == (1, "differs"), change
        assert named <= {one["where"] for one in report["differs"]} <= named, change


def test_another_root_than_the_published_one_is_said(quick: County, tmp_path: pathlib.Path) -> None:
    over = replace(ACCOUNTANT, now=clock() + timedelta(days=2))
    document = body(quick.billing.bill_file(over, BillRef(bill_no=number(HEAVY))))
    code, report = told(tmp_path, document, "--root", "00" * 32)
    assert code == 1 and [one["where"] for one in report["differs"]] == ["proof.root"]


# --- trees over time ----------------------------------------------------------------------------------------------------------


def test_a_file_before_its_tree_says_so_and_is_not_verified(
    issued: County, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "AT_ONCE", 2)
    reference = BillRef(bill_no=number(HEAVY))
    early = body(issued.billing.bill_file(ACCOUNTANT, reference))
    assert early["proof"] is None
    assert told(tmp_path, early)[0] == 2
    assert told(tmp_path, early, "--without-proof")[0] == 0
    today = DayRef(issued_on=date.fromisoformat(early["bill"]["issued_on"]))
    waiting = issued.billing.day_root(ANYONE, today)
    assert (waiting.runs, waiting.root, waiting.final) == (1, None, False)
    later = replace(ANYONE, now=clock() + timedelta(days=3))
    assert not issued.billing.day_root(later, today).final
    made = issued.billing.seal_runs(OPERATOR, Nothing())
    assert (made.month, made.run_no, made.bills, made.again) == (MONTH, 1, 5, False)
    assert issued.billing.seal_runs(OPERATOR, Nothing()).run_no is None
    assert told(tmp_path, body(issued.billing.bill_file(ACCOUNTANT, reference)))[0] == 0
    root = issued.billing.day_root(later, today)
    assert root.final and root.root is not None
    # The job of the issue, which comes after the hand that made the tree, changes nothing.
    issued.settle()
    assert issued.billing.day_root(later, today) == root


@pytest.mark.scope("X-04")
def test_a_later_run_of_the_day_extends_the_day_and_leaves_proofs_of_runs_alone(
    quick: County, tmp_path: pathlib.Path
) -> None:
    before = body(quick.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(HEAVY))))
    (empty,) = quick.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, code="zero_use")).rows
    quick.billing.release(replace(ACCOUNTANT, now=clock()), Release(exception_no=empty.exception_no, reason="房屋空置"))
    quick.settle()
    today = DayRef(issued_on=date.fromisoformat(before["bill"]["issued_on"]))
    over = replace(ACCOUNTANT, now=midnight(today.issued_on + timedelta(days=1)) + proving.GRACE)
    root = quick.billing.day_root(over, today)
    assert (root.runs, root.final) == (2, True)
    early = quick.billing.day_root(replace(over, now=over.now - timedelta(seconds=1)), today)
    assert (early.root, early.final) == (None, False)
    for supply, size in ((HEAVY, 5), (EMPTY, 1)):
        document = body(quick.billing.bill_file(over, BillRef(bill_no=number(supply))))
        assert document["proof"]["run"]["bills"] == size and document["proof"]["day"]["runs"] == 2
        assert told(tmp_path, document, "--root", str(root.root))[0] == 0
        if supply is HEAVY:
            assert before["proof"]["day"] is None
            assert {**document["proof"], "day": None} == before["proof"]


def test_a_day_without_issue_has_no_root(quick: County) -> None:
    empty = quick.billing.day_root(ANYONE, DayRef(issued_on=date(2020, 1, 1)))
    assert (empty.runs, empty.root, empty.final) == (0, None, True)


def test_bills_older_than_the_trees_get_proofs_but_say_that_their_terms_were_not_kept(
    just_issued: Prepared, tmp_path: pathlib.Path
) -> None:
    with just_issued.copy("local", tmp_path) as found:
        migration = (resources.files("denghuo.service.billing") / "migrations" / "0002_proof.sql").read_text("utf-8")
        with psycopg.connect(found.dsn, autocommit=True) as connection:
            connection.execute("SET search_path TO billing")
            connection.execute("UPDATE bill_basis SET rating = NULL")
            connection.execute("DELETE FROM rated_tariff")
            connection.execute("DELETE FROM issue_run")
            connection.execute(migration[migration.index("INSERT INTO issue_run") :])  # type: ignore[arg-type]
        found.settle()
        document = body(found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number(HEAVY))))
        assert document["proof"] is not None and document["tariff"]["components"][0]["prices"][0]["price"] == "0.6170"
        code, report = told(tmp_path, document)
        assert code == 2 and [one["where"] for one in report["unknown"]] == ["bill.rating"]

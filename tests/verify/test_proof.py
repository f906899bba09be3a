"""Trees and proofs: any number of leaves, any byte that is changed, and what is not known is never called verified."""

import copy
import functools
import hashlib
import json
import operator
import pathlib
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denghuo.service.billing import tree
from denghuo.service.billing.cycle import ISSUE_SLICE
from denghuo.service.billing.file import leaf_value, run_part, run_value
from denghuo.service.billing.rules import rate
from denghuo_verify.check import verify
from denghuo_verify.files import Unreadable, bundle
from denghuo_verify.main import main
from denghuo_verify.merkle import canonical, root_of
from tests.service.billing.rules.make import component, piece, seasons, subject, tariff, tiers
from tests.verify.make import BILL_NO, bill_file

RUNS_A_DAY = 128


def by_the_book(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash as RFC 6962, 2.1 defines it: split at the largest power of two below the number."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + by_the_book(leaves[:split]) + by_the_book(leaves[split:])).digest()


def leaves_of(size: int) -> list[bytes]:
    return [hashlib.sha256(str(at).encode()).digest() for at in range(size)]


# --- trees ---------------------------------------------------------------------------------------------------------------------


@given(size=st.integers(1, 300), at=st.integers(0, 299))
def test_a_path_leads_from_every_leaf_to_the_root_of_the_standard(size: int, at: int) -> None:
    leaves, at = leaves_of(size), at % size
    made = tree.nodes(b"".join(leaves))
    assert tree.root(made) == by_the_book(leaves)
    path = tree.path(made, size, at)
    assert root_of(leaves[at], at, size, path) == tree.root(made)
    assert len(path) <= (size - 1).bit_length()


@given(size=st.integers(2, 300), at=st.integers(0, 299), data=st.data())
def test_no_other_leaf_place_size_or_path_leads_there(size: int, at: int, data: st.DataObject) -> None:
    leaves, at = leaves_of(size), at % size
    made = tree.nodes(b"".join(leaves))
    path, root = tree.path(made, size, at), tree.root(made)
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != at))
    assert root_of(leaves[other], at, size, path) != root
    assert root_of(leaves[at], other, size, path) != root
    step = data.draw(st.integers(0, len(path) - 1))
    changed = [*path[:step], bytes(32), *path[step + 1 :]]
    assert root_of(leaves[at], at, size, changed) != root
    assert root_of(leaves[at], at, size, path[:-1]) != root
    assert root_of(leaves[at], at, size, [*path, bytes(32)]) is None


def test_known_roots() -> None:
    # The empty leaf and the node over two of them, as certificate transparency logs have them.
    empty = hashlib.sha256(b"\x00").digest()
    assert empty.hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    two = tree.nodes(empty + empty)
    assert tree.root(two) == hashlib.sha256(b"\x01" + empty + empty).digest()
    with pytest.raises(ValueError, match="no leaves"):
        tree.nodes(b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcz_", max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON)
def test_both_sides_write_the_same_canonical_form(value: Any) -> None:
    assert canonical(value) == tree.canonical(value)
    assert canonical(json.loads(canonical(value))) == canonical(value)


# --- files ---------------------------------------------------------------------------------------------------------------------


def proven(index: int = 3, bills: int = 7) -> dict[str, Any]:
    """A bill file of tiers, bands and funds with a proof among other bills and runs."""
    document = tariff(
        component("energy", [{"price": "0.617", "tier": 1}, {"price": "0.667", "tier": 2}], floats=True),
        component("government_funds", "0.03", group="fund"),
        tiers=tiers("annual", "120"),
        seasons=seasons(peak="150", flat=None, valley="50"),
    )
    contract = subject(
        piece("100", band="peak"), piece("80", band="valley"), piece("20", band="flat"), used_before_wh=30_000
    )
    found = bill_file(contract, document, rate(contract, document))
    salt = tree.salt(b"s" * 32, BILL_NO)
    mine = tree.leaf(leaf_value(found["bill"], found["readings"], tree.digest(found["tariff"]), salt))
    leaves = leaves_of(bills)
    leaves[index] = mine
    made = tree.nodes(b"".join(leaves))
    run = {"month": "2026-04", "run_no": 1, "issued_on": date(2026, 5, 1), "bills": bills, "root": tree.root(made)}
    runs = [tree.leaf(run_value(run)), *leaves_of(RUNS_A_DAY - 1)]
    day = tree.nodes(b"".join(runs))
    found["proof"] = {
        "salt": salt,
        "index": index,
        "path": [one.hex() for one in tree.path(made, bills, index)],
        "run": run_part(run),
        "day": {
            "issued_on": "2026-05-01",
            "index": 0,
            "runs": RUNS_A_DAY,
            "path": [one.hex() for one in tree.path(day, RUNS_A_DAY, 0)],
            "root": tree.root(day).hex(),
        },
    }
    return found


PROVEN = proven()
ROOT = PROVEN["proof"]["day"]["root"]
TEXT = json.dumps(PROVEN, ensure_ascii=False, indent=1).encode()


def said(text: bytes, folder: pathlib.Path) -> int:
    file = folder / "bill.json"
    file.write_bytes(text)
    return main([str(file), "--root", ROOT, "--json"])


def test_the_file_is_verified_and_its_proof_is_small(tmp_path: pathlib.Path) -> None:
    assert said(TEXT, tmp_path) == 0
    largest = proven(ISSUE_SLICE // 2, ISSUE_SLICE)
    assert verify(largest).verdict == "verified"
    assert len(json.dumps(largest["proof"])) <= 2048


@given(at=st.integers(0, len(TEXT) - 1), byte=st.integers(0, 255))
@settings(max_examples=500, deadline=None)
def test_one_changed_byte_anywhere_is_detected(at: int, byte: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    changed = TEXT[:at] + bytes([byte]) + TEXT[at + 1 :]
    try:
        same = json.loads(changed) == PROVEN
    except ValueError:
        same = False
    # Blanks between the parts say nothing.
    assert (said(changed, tmp_path_factory.mktemp("file")) == 0) is same


OTHERS = (None, True, False, 0, 1, 7, -1, "", "0", "1.00", "x", [], {})


def places(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Where a file holds a figure, a word or an empty part."""
    if isinstance(value, dict | list) and value:
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], *path, key)
    else:
        yield path


@pytest.mark.parametrize("part", ["bill", "readings", "tariff"])
def test_any_other_value_of_a_bill_is_detected(part: str) -> None:
    for path in places(PROVEN[part], part):
        changed = copy.deepcopy(PROVEN)
        holder = functools.reduce(operator.getitem, path[:-1], changed)
        old = holder[path[-1]]
        for other in OTHERS:
            if json.dumps(other) != json.dumps(old):
                holder[path[-1]] = other
                assert verify(changed, ROOT).verdict != "verified", (path, other)
        del holder[path[-1]]
        assert verify(changed, ROOT).verdict != "verified", path


def test_tables_of_different_tiers_cannot_be_added_over_the_months_between_readings() -> None:
    changed = copy.deepcopy(PROVEN)
    changed["tariff"]["tiers"] = {
        "period": "monthly",
        "tables": [{"months": [4], "up_to": ["120"]}, {"up_to": ["100", "200"]}],
    }
    changed["bill"]["rating"]["reading_months"] = 2
    report = verify(changed, ROOT)
    assert "different tiers" in next(one.en for one in report.differs if one.where == "bill")


def test_the_root_of_the_run_is_enough_until_the_day_is_over() -> None:
    early = copy.deepcopy(PROVEN)
    early["proof"]["day"] = None
    assert verify(early).verdict == "verified"
    assert verify(early, early["proof"]["run"]["root"]).verdict == "verified"
    report = verify(early, ROOT)
    assert report.verdict == "unknown" and [one.where for one in report.unknown] == ["proof.day"]
    assert verify(PROVEN, "00" * 32).verdict == "differs"


# --- what is not known ------------------------------------------------------------------------------------------------------------


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        holder: Any = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_set("tariff", "partial", to=True), "tariff.partial"),
        (_set("tariff", "tiers", "period", to="weekly"), "tariff.tiers.period"),
        (_set("tariff", "components", 0, "escalator", to="1"), "tariff.components[0].escalator"),
        (_set("bill", "rating", "losses", to=[{"transformer_no": "T"}]), "bill.rating.losses"),
        (_set("bill", "lines", 0, "unit", to="kvarh"), "bill.lines[0].unit"),
        (_set("bill", "reverses", to=BILL_NO), "bill.reverses"),
        (_set("bill", "rating", to=None), "bill.rating"),
        (_set("readings", 0, "status", to="held"), "readings[0].status"),
    ],
)
def test_a_rule_that_is_not_known_is_said_plainly(change: Callable[[dict[str, Any]], None], where: str) -> None:
    document = copy.deepcopy(PROVEN)
    change(document)
    report = verify(document)
    assert report.verdict == "unknown"
    assert where in [one.where for one in report.unknown]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        TEXT.replace(b'"version": 1', b'"version": 2', 1),
        TEXT.replace(b'"schema": "denghuo.bill-file"', b'"schema": "other"'),
        TEXT.replace(b'"index": 3', b'"index": 3.0'),
        TEXT.replace(b'"index": 3', b'"index": NaN'),
        TEXT.replace(b'"index": 3', b'"index": 3, "index": 3'),
        TEXT.replace(b'"proof": {', b'"notes": {}, "proof": {'),
        b"[" * 100_000,
    ],
)
def test_what_is_no_bill_file_is_refused(text: bytes, tmp_path: pathlib.Path) -> None:
    assert said(text, tmp_path) == 2
    with pytest.raises(Unreadable):
        bundle(tmp_path / "bill.json")


@pytest.mark.parametrize(("lang", "words"), [("zh", ("核验一致", "当日根")), ("en", ("Verified", "Root of the day"))])
def test_the_report_is_read_in_both_languages(
    lang: str, words: tuple[str, ...], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bill.json").write_bytes(TEXT)
    assert main([str(tmp_path / "bill.json"), "--lang", lang]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in words) and PROVEN["bill"]["amount"] in shown
    (tmp_path / "bill.json").write_bytes(TEXT.replace(b'"price": "0.617', b'"price": "0.618'))
    assert main([str(tmp_path / "bill.json"), "--lang", lang]) == 1
    shown = capsys.readouterr().out
    assert ("单价不符" if lang == "zh" else "the price differs") in shown
    wrong = {one.split()[1] for one in shown.splitlines() if one.startswith("  ✗")}
    assert wrong == {"1", "2", "3"}

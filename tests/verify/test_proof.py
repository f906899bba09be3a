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
from denghuo.service.billing.lines import RatingSubject
from denghuo.service.billing.rules import Stage, rate, rate_stages
from denghuo.service.tariff.api import TariffDocument
from denghuo_verify.check import verify
from denghuo_verify.files import Unreadable, bundle
from denghuo_verify.main import main
from denghuo_verify.merkle import canonical, root_of
from tests.service.billing.rules.make import DOCUMENT, component, piece, seasons, span, subject, tariff, tiers
from tests.verify.make import BILL_NO, bill_file, checked, reversing, staged_file

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


def with_proof(found: dict[str, Any], index: int = 3, bills: int = 7) -> dict[str, Any]:
    """A bill file with a proof among other bills and runs."""
    salt = tree.salt(b"s" * 32, BILL_NO)
    further = [tree.digest(one) for one in found.get("tariffs", [])]
    mine = tree.leaf(leaf_value(found["bill"], found["readings"], tree.digest(found["tariff"]), salt, further))
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


def proven(index: int = 3, bills: int = 7) -> dict[str, Any]:
    """A bill file of tiers, bands and funds."""
    document = tariff(
        component("energy", [{"price": "0.617", "tier": 1}, {"price": "0.667", "tier": 2}], floats=True),
        component("government_funds", "0.03", group="fund"),
        tiers=tiers("annual", "120"),
        seasons=seasons(peak="150", flat=None, valley="50"),
    )
    contract = subject(
        piece("100", band="peak"), piece("80", band="valley"), piece("20", band="flat"), used_before_wh=30_000
    )
    return with_proof(bill_file(contract, document, rate(contract, document)), index, bills)


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
@settings(max_examples=200, deadline=None)
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


def two_part() -> tuple[RatingSubject, TariffDocument, dict[str, TariffDocument]]:
    """A two-part contract by demand with transformers, losses, parts of every way and a power factor."""
    document = tariff(
        component("agency_energy", "0.38447", floats=True),
        component("transmission", "0.1263"),
        component("government_funds", "0.0452", group="fund"),
        classes=["two_part_demand"],
        seasons=seasons(sharp="200", peak="150", flat=None, valley="50"),
        basic={
            "by": "demand",
            "prices": [{"price": "26.3"}],
            "document": DOCUMENT,
            "demand": {"floor_share": "40"},
            "discount": {"energy_per_kva": "26", "price_share": "90", "document": DOCUMENT},
        },
        power_factor={"document": DOCUMENT, "standards": [{"standard": 90, "capacity_from": "100"}]},
        agency_multiple={"cases": ["returned"], "document": DOCUMENT},
    )
    single = tariff(component("energy", "0.55"), component("fund", "0.03", group="fund"), code="single")
    contract = subject(
        *(
            piece(kwh, band=band)
            for kwh, band in (("900", "sharp"), ("9000", "peak"), ("5000", "flat"), ("7000", "valley"))
        ),
        piece("8000", "reactive_fwd"),
        piece("311", "demand"),
        piece("1200", point_no="S1", meter_no="M2", start="10", end="1210"),
        piece("300", point_no="S2", meter_no="M3"),
        tariff_class="two_part_demand",
        voltage="10",
        agency_case="returned",
        spans=[span("2026-04-01", "2026-04-30", kw="250")],
        transformers=[
            {"transformer_no": "T1", "capacity_va": 400_000, "first_day": "2020-01-01", "interlock": "A"},
            {
                "transformer_no": "T2",
                "capacity_va": 315_000,
                "state": "paused",
                "first_day": "2026-04-05",
                "last_day": "2026-04-25",
            },
        ],
        losses=[
            {"transformer_no": "T1", "table": [{"up_to_wh": None, "active_wh": 210_000, "reactive_varh": 1_300_000}]},
            {
                "transformer_no": "T2",
                "capacity_va": 315_000,
                "no_load_w": 670,
                "load_w": 3_650,
                "no_load_current": "1.1",
                "impedance": "4",
                "days": 11,
                "behind_wh": 4_000_000,
            },
        ],
        line_losses=[{"line_no": "L1", "share": "1.5", "deduct": True}],
        parts=[
            {"point_no": "S1", "way": "meter", "tariff_code": "single"},
            {"point_no": "S2", "way": "parallel", "tariff_code": "single"},
            {"point_no": "Q1", "way": "quantity", "quantity_wh": 250_000},
            {"point_no": "R1", "way": "ratio", "ratio": "3.5", "tariff_code": "single", "take_from": "each"},
        ],
    )
    return contract, document, {"single": single}


def staged_market() -> list[Stage]:
    """A month in two stages by two versions of a tariff: settlement points, then a package with green energy."""
    one = tariff(component("market_energy", "0.4"), component("transmission", "0.1263"), settlements=["market"])
    two = one.model_copy(update={"version": 2, "days": "thirty"})
    slots = {"contract_wh": [100_000, 50_000], "day_ahead_wh": [90_000, 70_000], "actual_wh": [110_000, 60_000]}
    slots |= {"contract_price_e8": [38_000_000, 39_000_000], "day_ahead_price_e8": [41_000_000, 20_000_000]}
    market = {"document": DOCUMENT, "slots": slots | {"real_time_price_e8": [45_000_000, -1_000_000]}}
    package = {
        "title": {"zh": "套餐", "en": "package"},
        "document": DOCUMENT,
        "fixed": {"total": "0.45"},
        "fixed_share": "60",
        "fee": "0.005",
        "cap": "0.4",
    }
    green = [{"quantity_wh": 30_000, "price": "0.02", "document": DOCUMENT}]
    before = subject(
        piece("171.5"),
        settlement="market",
        market=market | {"balance_price": "0.41"},
        first_day="2026-04-01",
        last_day="2026-04-10",
    )
    after = subject(
        piece("200", piece=2),
        settlement="market",
        market=market | {"package": package, "green": green},
        first_day="2026-04-11",
        last_day="2026-04-30",
    )
    return [Stage(before, one), Stage(after, two)]


RICH = {
    "two_part": with_proof(bill_file(two_part()[0], two_part()[1], rate(*two_part()), two_part()[2])),
    "stages": with_proof(staged_file(staged_market(), rate_stages(staged_market()))),
}


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


LARGE = ("-5", "99999999999999999999999.99", 10**18, 10**40, "1e3", "2026-04-16", "0001-01-01", "9999-12")


@pytest.mark.parametrize(
    ("what", "part"), [(one, part) for one in RICH for part in ("bill", "readings", "tariff", "tariffs")]
)
def test_any_other_value_of_a_bill_with_everything_is_detected(what: str, part: str) -> None:
    """Or said to be unknown; and whatever stands there, the program ends with a report."""
    file = RICH[what]
    assert verify(file).verdict == "verified", verify(file)
    for at, path in enumerate(places(file.get(part, []), part)):
        changed = copy.deepcopy(file)
        holder = functools.reduce(operator.getitem, path[:-1], changed)
        old = holder[path[-1]]
        # One place takes some of the odd values and the next the others: every kind of value meets every kind of place.
        for other in (*OTHERS, *LARGE)[at % 3 :: 3]:
            if json.dumps(other) != json.dumps(old):
                holder[path[-1]] = other
                assert verify(changed).verdict != "verified", (path, other)


def within(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Every part of a file, whole ones too."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from within(value[key], *path, key)


@given(what=st.sampled_from(sorted(RICH)), data=st.data())
@settings(max_examples=150, deadline=None)
def test_parts_that_are_exchanged_or_left_out_end_with_a_report(what: str, data: st.DataObject) -> None:
    changed = copy.deepcopy(RICH[what])
    every = [path for path in within(changed) if path[0] in ("bill", "readings", "tariff", "tariffs") and len(path) > 1]
    path, other = data.draw(st.sampled_from(every)), data.draw(st.sampled_from([None, *every]))
    holder = functools.reduce(operator.getitem, path[:-1], changed)
    if other is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(functools.reduce(operator.getitem, other, RICH[what]))
    changed = json.loads(json.dumps(changed))
    assert (verify(changed).verdict == "verified") is (canonical(changed) == canonical(RICH[what]))


def test_a_reversal_is_known_by_its_signs() -> None:
    reversal = reversing(RICH["two_part"])
    assert checked(reversal).verdict == "differs"  # the proof is that of the bill that it reverses
    reversal["proof"] = None
    assert checked(reversal).verdict == "verified"
    reversal["bill"]["reverses"] = None
    assert checked(reversal).verdict == "differs"


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
        (_set("bill", "rating", "losses", to=[{"transformer": "T"}]), "bill.rating.losses[0].transformer"),
        (_set("bill", "rating", "tariffs", to=[{"code": "single", "version": 1}]), "version"),
        (_set("version", to=2), "version"),
        (_set("bill", "lines", 0, "unit", to="kvarh"), "bill.lines[0].unit"),
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
        TEXT.replace(b'"version": 1', b'"version": 4', 1),
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

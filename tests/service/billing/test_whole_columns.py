"""Whole bills by columns against the rules: every stored value is the same, or the contract is left to the rules."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.billing.rules.make import component, tariff

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import Month
from denghuo.service.billing.batch import Piece, Terms, inputs_of
from denghuo.service.billing.columns import MonthColumns
from denghuo.service.billing.explained import Unexplained, explained
from denghuo.service.billing.rating import Draft, Rating
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.store.rows import BASIS_COLUMNS, BILL_COLUMNS, basis_row, bill_row, line_row
from denghuo.service.billing.whole import USE, ColumnBills, bills_by_columns
from denghuo.service.contract.api import TERMS
from denghuo.service.reading.api import MONTH_ENERGY
from denghuo.service.tariff.shipped import published

MONTH = Month.of("2026-04")
AT = datetime(2026, 5, 1, tzinfo=UTC)
TARIFFS = Tariffs(
    [
        *(published("310000") or []),
        tariff(component("energy", "0.5"), code="test.any", classes=["resident", "two_part_capacity"], default=False),
    ]
)
CHOICES = (
    ("resident", "sh.resident.tiered"),
    ("resident", "sh.resident.tiered.tou"),
    ("general_single_part", "sh.business.single"),
    ("agricultural", "sh.agricultural"),
    ("resident", "test.any"),
)
ODD_CHOICES = (
    ("resident", None),
    ("agricultural", "sh.business.single"),
    ("two_part_capacity", "test.any"),
    ("resident", "nowhere"),
)
EARLIER = datetime(2026, 2, 28, 16, tzinfo=UTC)
"""Where the reading covers March too."""
BEGUN, ENDED = datetime(2026, 3, 31, 16, tzinfo=UTC), datetime(2026, 4, 30, 16, tzinfo=UTC)
WH = st.one_of(st.integers(0, 900).map(lambda kwh: kwh * 1000), st.integers(0, 10**7))
JSON = {"tariff_title", "remarks", "registers", "rating"}


def rare(common: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([common] * 30 + list(others))


@st.composite
def pieces(draw: st.DrawFn, account_no: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    begun = draw(st.sampled_from([BEGUN, EARLIER]))
    for meter in range(draw(rare(1, 0, 2))):
        bands = draw(st.sampled_from([("total",), ("total", "peak", "valley"), ("peak", "valley"), ("total", "flat")]))
        odd = draw(rare((), ("active_rev", "total"), ("reactive_fwd", "total"), ("demand", "total"), ("heat", "total")))
        for quantity, band in [*(("active_fwd", band) for band in bands), *([odd] if odd else [])]:
            energy = draw(WH) if draw(rare(True, False)) else draw(st.sampled_from([10**15, -1, None]))
            start = draw(st.one_of(st.none(), st.integers(0, 10**9)))
            rows.append(
                {
                    "point_no": f"P{account_no}", "account_no": account_no, "area_no": draw(rare("TQ1", None)),
                    "role": draw(rare("sale", "export", "sub_meter", "gateway")), "meter_no": draw(rare(f"M{meter}", 'M"')),
                    "piece": draw(rare(1, 2)), "quantity": quantity, "band": band,
                    "from_at": draw(rare(begun, BEGUN, datetime(2026, 1, 31, 16, tzinfo=UTC))),
                    "to_at": draw(rare(ENDED, datetime(2026, 4, 9, 16, 0, 0, 5, tzinfo=UTC))), "start_e4": start,
                    "end_e4": None if start is None else start + draw(st.integers(-5, 10**8)),
                    "multiplier": draw(rare(1, 40, 0)), "energy_wh": energy, "status": draw(rare("valid", "estimated", "held")),
                    "rule": draw(rare("ok", 'o"k')), "method": draw(rare("actual", "interpolated")), 
                    "days_estimated": draw(rare(0, 3)),
                }
            )  # fmt: skip
    return rows


@st.composite
def months(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, dict[str, int]]]:
    """Terms, registers and energies of earlier months of some accounts."""
    terms: list[dict[str, Any]] = []
    energy: list[dict[str, Any]] = []
    use: dict[str, dict[str, int]] = {}
    for serial in range(draw(st.integers(1, 6))):
        account_no = f"58{serial:011d}"
        kind = draw(rare("supply", "purchase"))
        tariff_class, tariff_code = draw(st.sampled_from(CHOICES * 4 + ODD_CHOICES))
        row = {
            "contract_no": f"C{account_no}", "account_no": account_no, "org": "1405810.01", "kind": kind,
            "tariff_class": tariff_class, "tariff_code": tariff_code,
            "voltage_kv": draw(rare("0.22", "10")), "contract_w": draw(rare(5000, None)), "capacity_va": None, "pv_w": None,
            "settlement_mode": draw(rare("agency", "market")), "pf_standard": draw(rare(None, 90)),
            "special": draw(rare(None, '{"free_energy": true}')),
            "effective_from": draw(rare(date(2024, 1, 1), date(2026, 2, 1), date(2026, 4, 9))), "effective_to": None,
        }  # fmt: skip
        terms.append(row)
        if draw(rare(False, True)):
            terms.append(row | {"contract_no": f"S{account_no}", "kind": "purchase" if kind == "supply" else "supply"})
        energy += draw(pieces(account_no))
        use[account_no] = draw(
            st.dictionaries(st.sampled_from(["2025-11", "2026-01", "2026-02", "2026-03"]), st.integers(-10, 3_000_000))
        )
    return draw(st.permutations(terms)), draw(st.permutations(energy)), use


def tables(terms: Sequence[Mapping[str, Any]], energy: Sequence[Mapping[str, Any]]) -> tuple[pa.Table, pa.Table]:
    return (
        pa.Table.from_pylist(list(terms), schema=arrow_schema(TERMS)).select(list(Terms.__slots__)),
        pa.Table.from_pylist(list(energy), schema=arrow_schema(MONTH_ENERGY)).select(list(Piece.__slots__)),
    )


def use_table(use: Mapping[str, Mapping[str, int]]) -> pa.Table:
    rows = []
    for account_no, months_ in use.items():
        year = {month: wh for month, wh in months_.items() if month >= "2026-01"}
        bits = sum(1 << int(month[5:]) for month in year)
        rows.append([account_no, sum(year.values()), bits, sum(months_.values()), len(months_)])
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), USE.types, strict=True)], schema=USE
    )


def by_columns(
    terms: Sequence[Mapping[str, Any]], energy: Sequence[Mapping[str, Any]], use: Mapping[str, Mapping[str, int]]
) -> tuple[MonthColumns, ColumnBills]:
    month = MonthColumns(*tables(terms, energy))
    return month, bills_by_columns(month.part(0, len(month)), MONTH, use_table(use), TARIFFS)


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json.loads(value) if name in JSON else value for name, value in row.items()}


def by_rules(
    terms: Sequence[Mapping[str, Any]], energy: Sequence[Mapping[str, Any]], use: Mapping[str, Mapping[str, int]]
) -> list[Draft | None]:
    inputs = inputs_of(*tables(terms, energy))
    rating = Rating(MONTH, TARIFFS, lambda terms: terms.effective_from, inputs.of)
    outcomes = [rating.outcome(entry, use.get(entry.account_no, {})) for entry in inputs.entries]
    return [one if isinstance(one, Draft) else None for one in outcomes]


@given(months())
@settings(max_examples=60)
def test_bills_by_columns_are_those_of_the_rules(
    drawn: tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, dict[str, int]]],
) -> None:
    month, made = by_columns(*drawn)
    drafts = by_rules(*drawn)
    assert len(drafts) == len(month)
    assert sorted([*made.places.tolist(), *made.left.tolist()]) == list(range(len(month)))
    bills, basis = made.bills.to_pylist(), made.basis.to_pylist()
    lines = made.lines.to_pylist()
    for at, place in enumerate(made.places.tolist()):
        draft = drafts[place]
        assert draft is not None
        wanted = dict(zip(BILL_COLUMNS, bill_row(str(MONTH), draft, AT), strict=True))
        assert plain(bills[at] | {"state": "rated", "rated_at": AT}) == plain(wanted)
        assert basis[at] == dict(zip(BASIS_COLUMNS, basis_row(draft), strict=True))
        mine = [line for line in lines if line["bill_no"] == draft.bill_no]
        assert [list(line.values())[:11] for line in mine] == [
            list(line_row(draft.bill_no, number, draft.terms.org, draft.entry.account_no, line)[:11])
            for number, line in enumerate(draft.rated.lines, 1)
        ]
        for stored, line in zip(mine, draft.rated.lines, strict=True):
            source = made.sources[stored["source"]]
            assert (source.document_no, source.illustrative, line.unit) == (line.document_no, line.illustrative, "kWh")


def plain_month(count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, dict[str, int]]]:
    """Residents with a register each, as most contracts are."""
    numbers = [f"58{serial:011d}" for serial in range(count)]
    terms = [
        {
            "contract_no": f"C{number}", "account_no": number, "org": "1405810.01", "kind": "supply",
            "tariff_class": "resident", "tariff_code": "sh.resident.tiered", "voltage_kv": "0.22", "contract_w": 5000,
            "settlement_mode": "agency", "effective_from": date(2024, 1, 1),
        }
        for number in numbers
    ]  # fmt: skip
    energy = [
        {
            "point_no": number, "account_no": number, "area_no": "TQ1", "role": "sale", "meter_no": number, "piece": 1,
            "quantity": "active_fwd", "band": "total", "from_at": BEGUN, "to_at": ENDED, "start_e4": 10_000_000,
            "end_e4": 12_400_000, "multiplier": 1, "energy_wh": 240_000, "status": "valid", "rule": "ok",
            "method": "actual", "days_estimated": 0,
        }
        for number in numbers
    ]  # fmt: skip
    return terms, energy, {number: {"2026-01": 240_000, "2026-03": 240_000} for number in numbers}


def test_what_most_contracts_are_is_never_left() -> None:
    terms, energy, use = plain_month(300)
    _, made = by_columns(terms, energy, use)
    assert len(made.bills) == 300 and not len(made.left)
    assert json.loads(made.bills["remarks"][0].as_py())[0]["code"] == "no_earlier_months"


def test_what_is_read_every_two_months_is_not_left_either() -> None:
    terms, energy, use = plain_month(40)
    two = {row["account_no"] for row in energy[::2]}
    long = [row | {"from_at": EARLIER} if row["account_no"] in two else row for row in energy]
    earlier = {number: {"2026-01": 240_000, "2026-02": 240_000} for number in use}
    month, made = by_columns(terms, long, earlier)
    assert len(made.bills) == 40 and not len(made.left)
    days = {row["account_no"]: (row["from_on"], row["to_on"]) for row in made.bills.to_pylist()}
    assert {number for number, (begins, _) in days.items() if begins == date(2026, 3, 1)} == two
    # The months before March are known; who is read every month lacks March.
    said = {row["account_no"]: json.loads(row["remarks"]) for row in made.bills.to_pylist()}
    assert {number for number, remarks in said.items() if not remarks} == two
    assert len(month) == 40


def test_a_part_is_cut_without_a_search_and_skips_what_it_is_told() -> None:
    terms, energy, use = plain_month(30)
    month = MonthColumns(*tables(terms, energy))
    part = month.part(10, 20)
    made = bills_by_columns(part, MONTH, use_table(use), TARIFFS, [(terms[12]["account_no"], "supply")])
    assert made.left.tolist() == [2] and len(made.bills) == 9
    assert part.accounts == (terms[10]["account_no"], terms[19]["account_no"])
    (entry,) = part.entries(np.asarray([2]))
    assert entry == month.of(terms[12]["account_no"])[0] == inputs_of(*tables(terms, energy)).entries[12]
    assert (
        month.of("0") == [] and MonthColumns(*tables([], [])).part(0, 5).entries(np.asarray([], dtype=np.int64)) == []
    )
    kept = made.without([0])
    assert len(kept.bills) == 8 and len(kept.lines) == len(made.lines) * 8 // 9


def test_lines_are_explained_by_the_rules_or_not_at_all() -> None:
    drawn = plain_month(1)
    _, made = by_columns(*drawn)
    bill, basis = made.bills.to_pylist()[0], made.basis.to_pylist()[0]
    row = plain(bill) | plain(basis) | {"reverses": None}
    lines = [line | {"detail": None} for line in made.lines.to_pylist()]
    by_code = {document.code: document for document in TARIFFS}
    told = explained(row, lines, lambda code, version: by_code[code])
    draft = by_rules(*drawn)[0]
    assert draft is not None and told == draft.rated.lines
    stored = [line | {"detail": one.model_dump(mode="json")} for line, one in zip(lines, told, strict=True)]
    assert explained(row, stored, lambda code, version: by_code["nowhere"]) == told
    wrong = [lines[0] | {"amount_fen": lines[0]["amount_fen"] + 1}, *lines[1:]]
    with pytest.raises(Unexplained) as refused:
        explained(row, wrong, lambda code, version: by_code[code])
    assert refused.value.fields["line"] == 1

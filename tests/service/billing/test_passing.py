"""The review by columns: whatever the rules would hold is told apart, and most of what they let pass is let pass."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.rules.make import component, tariff
from tests.service.billing.test_whole_columns import rare

from denghuo.service.billing.cycle import findings_of
from denghuo.service.billing.passing import MAY_HOLD, Before, passing
from denghuo.service.billing.review import RULES_BY_CODE
from denghuo.service.billing.store import ToReview
from denghuo.service.billing.whole import USE, ColumnBills

MONTH, FIRST, LAST = "2026-04", date(2026, 4, 1), date(2026, 4, 30)
PLAIN = tariff(component("energy", "0.5"), code="test.plain")
AGENCY = tariff(component("agency_energy", "0.5"), code="test.agency", effective_from="2026-03-01")
NEW = tariff(component("agency_energy", "0.5"), code="test.new", effective_from="2026-04-01")
TARIFFS = (PLAIN, AGENCY, NEW)
WH = st.one_of(st.integers(-5_000, 10**6), st.integers(0, 10**8), st.just(10**16))
TEXTS: Any = [("account_no", pa.string()), ("kind", pa.string()), ("tariff_code", pa.string())]
KEYS = pa.schema([*TEXTS, ("amount_fen", pa.int64()), ("months", pa.int64())])


@st.composite
def bills(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        {
            "account_no": f"58{serial:011d}", "kind": draw(rare("supply", "purchase")),
            "tariff_class": draw(rare("resident", "agricultural")), "tariff_code": draw(rare(*(one.code for one in TARIFFS))),
            "energy_wh": draw(WH), "amount_fen": draw(WH), "estimated_days": draw(rare(0, 9, 30)),
            "contract_w": draw(rare(5_000, None, 0)), "pv_w": draw(rare(None, 3_000)), "to_on": LAST,
            "from_on": draw(st.sampled_from([FIRST, date(2026, 3, 1)])), "months": draw(st.integers(1, 2)),
            "before": draw(rare("test.plain", None, "test.other")), "amount_before": draw(WH),
            "earlier": draw(st.lists(WH, max_size=3)),
        }
        for serial in range(draw(st.integers(1, 8)))
    ]  # fmt: skip


LIMITS = st.dictionaries(
    st.tuples(
        st.sampled_from(sorted(MAY_HOLD)), st.sampled_from(["supply", "purchase"]), st.sampled_from(["", "resident"])
    ),
    st.integers(0, 500),
)


def before(rows: list[dict[str, Any]], others: bool) -> Before:
    use = [[one["account_no"], 0, 0, sum(one["earlier"]), len(one["earlier"])] for one in rows if one["earlier"]]
    columns = list(zip(*use, strict=True)) or [()] * 5
    known = [
        [one["account_no"], one["kind"], one["before"], one["amount_before"], one["months"]]
        for one in rows
        if one["before"] is not None
    ]
    last = list(zip(*known, strict=True)) or [()] * 5
    return Before(
        pa.table([pa.array(column, kind) for column, kind in zip(columns, USE.types, strict=True)], schema=USE),
        pa.table([pa.array(column, kind) for column, kind in zip(last, KEYS.types, strict=True)], schema=KEYS),
        others,
    )


def made(rows: list[dict[str, Any]]) -> ColumnBills:
    kept = [{name: value for name, value in one.items() if name not in ("before", "earlier", "months")} for one in rows]
    table = pa.Table.from_pylist(kept)
    for name in ("contract_w", "pv_w"):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.int64()))
    none = np.zeros(0, dtype=np.int64)
    return ColumnBills(table, pa.table({}), pa.table({}), [], none, none, TARIFFS)


def reviewed(one: dict[str, Any], others: bool) -> ToReview:
    price = next(tariff for tariff in TARIFFS if tariff.code == one["tariff_code"])
    return ToReview(
        bill_no="", account_no=one["account_no"], org="", kind=one["kind"], tariff_class=one["tariff_class"],
        energy_wh=one["energy_wh"], amount_fen=one["amount_fen"], from_on=one["from_on"], to_on=LAST,
        estimated_days=one["estimated_days"], contract_w=one["contract_w"], pv_w=one["pv_w"], remarks=[],
        tariff_code=one["tariff_code"], tariff_before=one["before"],
        amount_before_fen=None if one["before"] is None else one["amount_before"], months_before=one["months"],
        monthly_from=price.effective_from if price.components[0].code == "agency_energy" else None, others_before=others,
    )  # fmt: skip


@given(rows=bills(), limits=LIMITS, others=st.booleans())
def test_what_passes_has_no_finding(rows: list[dict[str, Any]], limits: dict[Any, int], others: bool) -> None:
    passed = passing(made(rows), limits, before(rows, others), FIRST)
    for one, passes in zip(rows, passed.tolist(), strict=True):
        found = findings_of(MONTH, reviewed(one, others), limits, tuple(one["earlier"]))
        assert not (passes and found)
        huge = max(abs(one["energy_wh"]), abs(one["amount_fen"]), one["amount_before"]) > 10**14
        if not found and not huge and one["kind"] == "supply":
            assert passes


def test_every_rule_of_the_review_is_told_by_columns() -> None:
    assert list(MAY_HOLD) == list(RULES_BY_CODE)

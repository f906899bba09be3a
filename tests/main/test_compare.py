"""`denghuo compare`: an old system's file beside a billed month, by its own column names; the gate is the exit code."""

import pathlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.service.billing.county import ACCOUNTANT, MONTH, County, Supply, county, daily, settle_county

from denghuo.importer.old_bills import NotAMapping, mapping_in
from denghuo.main.compare import run_compare
from denghuo.service.billing.api import BillingApi, FindParallelRuns, StartCycle

# Residents of 300 kWh at 0.617 are 185.10 yuan, business of 300 kWh at 0.7853 is 235.59.
HOME = Supply(1, 1, daily(10))
SHOP = Supply(2, 2, daily(10), tariff_class="general_single_part")
SOLAR = Supply(3, 1, daily(10), surplus=daily(2))
MAPPING = """
columns: {account_no: 户号, kind: 类别, month: 月份, energy: 电量, amount: 电费, tariff_class: 用电性质}
lines: {account_no: 户号, component: 项目, quantity: 数量, price: 单价, amount: 金额}
values:
  kind: {售电: supply, 购电: purchase}
  tariff_class: {居民: resident, 商业: general_single_part, 光伏: generation}
  component: {电度电费: energy}
"""
HEAD = "户号,户名,类别,月份,电量,电费,用电性质\n"
GOOD = [
    f"{HOME.account_no},张三,售电,2026-04,300,185.10,居民\n",
    f"{SHOP.account_no},李四,售电,202604,300,235.59,商业\n",
    f"{SOLAR.account_no},王五,售电,2026-04,300,185.10,居民\n",
    f"{SOLAR.account_no},王五,购电,2026-04,60,24.93,光伏\n",
]


@pytest.fixture
def found(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county("local", database_dsn, tmp_path / "data") as made:
        settle_county(made, [HOME, SHOP, SOLAR])
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()
        yield made


def compare(found: County, path: pathlib.Path, lines: pathlib.Path | None = None, **more: Any) -> int:
    running: Any = SimpleNamespace(directory=found.directory)
    asked: dict[str, Any] = {"again": False, "out": None, "encoding": "utf-8"} | more
    mapped = asked.pop("mapped", mapping_in(MAPPING, {}))
    return run_compare(running, path, lines, MONTH, mapped, **asked)


def written(path: pathlib.Path, *rows: str, encoding: str = "utf-8") -> pathlib.Path:
    path.write_text(HEAD + "".join(rows), encoding)
    return path


@pytest.mark.scope("X-19")
def test_all_old_bills_are_compared_and_the_gate_opens_at_none_unexplained(
    found: County, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [GOOD[0].replace("185.10", "199.99"), GOOD[1], GOOD[2].replace("300,", "250,").replace("185.10", "154.25")]
    path = written(tmp_path / "old.csv", *wrong, GOOD[3])
    out = tmp_path / "differences.csv"
    with out.open("w") as stream:
        assert compare(found, path, out=stream) == 1
    said = capsys.readouterr().out
    assert "一致 Equal: 2" in said and "电量不同 Quantity: 1" in said and "未能解释 Unexplained: 1" in said
    assert "Go-live gate: shut, 1 unexplained" in said
    told = out.read_text("utf-8").splitlines()
    assert len(told) == 3 and any(f"{HOME.account_no},supply" in one and "unexplained" in one for one in told)
    # The old system's bill was mended: its new file is another run, and nothing is unexplained.
    assert compare(found, written(tmp_path / "mended.csv", *GOOD)) == 0
    assert "Go-live gate: open, 0 unexplained" in capsys.readouterr().out
    runs = found.billing.parallel_runs(ACCOUNTANT, FindParallelRuns()).rows
    assert [(one.gate, one.old_bills, one.equal) for one in runs] == [("open", 4, 4), ("shut", 4, 2)]


def test_the_same_file_again_is_the_same_run_and_may_be_compared_anew(found: County, tmp_path: pathlib.Path) -> None:
    path = written(tmp_path / "old.csv", *GOOD, encoding="gb18030")
    assert compare(found, path, encoding="gb18030") == 0
    assert compare(found, path, encoding="gb18030") == 0
    assert compare(found, path, encoding="gb18030", again=True) == 0
    assert found.directory(BillingApi).parallel_runs(ACCOUNTANT, FindParallelRuns()).total == 1


def test_lines_of_old_bills_tell_a_price(
    found: County, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "old.csv", *GOOD[:1], GOOD[1].replace("235.59", "240.00"), *GOOD[2:])
    lines = tmp_path / "lines.csv"
    lines.write_text(f"户号,项目,数量,单价,金额\n{SHOP.account_no},电度电费,300,0.8,240.00\n", "utf-8")
    assert compare(found, path, lines) == 0
    assert "单价不同 Price: 1" in capsys.readouterr().out


def test_rows_that_are_no_bills_are_told_and_shut_the_gate(
    found: County, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [
        GOOD[0],
        GOOD[0],
        GOOD[1].replace("235.59", "12.345"),
        GOOD[2].replace("2026-04", "2026-03"),
        GOOD[3].replace("光伏", "风电"),
        "123,赵六,售电,2026-04,1,1,居民\n",
    ]
    assert compare(found, written(tmp_path / "old.csv", *bad)) == 1
    told = capsys.readouterr().err.splitlines()
    assert [one.split(" ")[0] for one in told] == [f"old.csv:{line}" for line in (3, 4, 5, 6, 7)]
    assert "户号, 类别" in told[0] and "电费 “12.345”" in told[1] and "月份" in told[2] and "用电性质 “风电”" in told[3]


def test_parquet_is_read_as_well_and_a_column_may_be_named_on_the_command_line(
    found: County, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "old.parquet"
    columns = {
        "acct": [HOME.account_no, SHOP.account_no, SOLAR.account_no, SOLAR.account_no],
        "kind": ["supply", "supply", "supply", "purchase"],
        "energy": ["300", "300", "300", "60"],
        "amount": ["185.10", "235.59", "185.10", "24.93"],
        "remark": [1.5, None, None, None],
    }
    pyarrow.parquet.write_table(pa.table(columns), path)
    assert compare(found, path, mapped=mapping_in("", {"account_no": "acct"})) == 0


@pytest.mark.parametrize(
    "words", ["columns: [a]", "{", "columns: {money: 金额}", "values: {money: {a: b}}", "other: {}"]
)
def test_a_faulty_mapping_is_refused(words: str) -> None:
    with pytest.raises(NotAMapping):
        mapping_in(words, {})

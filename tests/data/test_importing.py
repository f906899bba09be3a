"""The public import's reader: what it takes, what it refuses and how, and that nothing makes it fall over."""

import csv
import io
import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from denghuo.data.processing.import_columns import Code, Day, Instant, Number, Truth, Words, Wrong
from denghuo.data.processing.import_files import FileRefused
from denghuo.data.processing.import_keys import SeenKeys
from denghuo.data.processing.import_tables import TABLES
from denghuo.data.processing.import_tables.customers import CONTRACTS, CUSTOMERS
from denghuo.data.processing.import_tables.metering import METERS, POINTS
from denghuo.data.processing.import_tables.reads import CONTROL_TOTALS, REGISTER_READS
from denghuo.data.processing.importing import Column, Refusal, Row, Shape, Table, differences, open_table
from denghuo.kernel.problem import text

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "gaoping" / "data"


def col(name: str, kind: Any, required: bool = True) -> Column:
    return Column(name, kind, text(f"列{name}", name), required)


SHAPE = Shape(
    "readings",
    text("示数", "readings"),
    (
        col("meter_no", Words(longest=12, pattern=r"[0-9A-Z]+")),
        col("note", Words(longest=200), required=False),
        col("kwh", Number(places=3, least=Decimal(0), most=Decimal(10**9), unit="kWh", summed=True)),
        col("on", Day()),
        col("kind", Code({"sale": text("售电", "sale"), "export": text("上网", "export")})),
    ),
    unique=(("meter_no", "on"),),
)
GOOD = "meter_no,note,kwh,on,kind\nM1,,1.5,2026-04-01,sale\nM2,高平,2.25,2026-04-01,export\n"
Writer = Callable[[str | bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Writer:
    def write(content: str | bytes, name: str = "readings.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def drain(table: Table) -> tuple[list[Row], list[Refusal]]:
    rows: list[Row] = []
    refused: list[Refusal] = []
    for batch in table.batches():
        assert len(batch.rows) == len(batch.lines)
        rows += batch.rows
        refused += batch.refused
    assert table.read_count == table.accepted_count + table.refused_count
    assert table.accepted_count == len(rows)
    return rows, refused


def fault_slugs(path: Path, shape: Shape = SHAPE, **options: Any) -> list[str]:
    with pytest.raises(FileRefused) as caught:
        drain(open_table(path, shape, **options))
    problem = caught.value
    assert problem.status == 422
    for fault in problem.faults:
        assert fault["what"]["zh"] and fault["what"]["en"] and fault["remedy"]["zh"] and fault["remedy"]["en"]
    return [fault["slug"] for fault in problem.faults]


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_rows_are_typed_and_totals_exact(written: Writer) -> None:
    table = open_table(written(GOOD), SHAPE)
    rows, refused = drain(table)
    assert refused == []
    assert rows == [
        {"meter_no": "M1", "note": None, "kwh": Decimal("1.5"), "on": date(2026, 4, 1), "kind": "sale"},
        {"meter_no": "M2", "note": "高平", "kwh": Decimal("2.25"), "on": date(2026, 4, 1), "kind": "export"},
    ]
    assert table.totals == {"kwh": Decimal("3.75")}


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.rstrip("\n").encode(),
        ("\n\n" + GOOD + "\n,,,,\n\n").encode(),
        GOOD.replace("M1,", " M1 ,").encode(),
    ],
    ids=["plain", "byte order mark", "CRLF", "CR", "no last newline", "blank lines", "spaces"],
)
def test_habits_of_spreadsheets_make_no_difference(written: Writer, content: bytes) -> None:
    assert drain(open_table(written(content), SHAPE)) == drain(open_table(written(GOOD), SHAPE))


def test_gbk_is_named_and_read_when_stated(written: Writer) -> None:
    path = written(GOOD.encode("gbk"))
    with pytest.raises(FileRefused) as caught:
        drain(open_table(path, SHAPE))
    (fault,) = caught.value.faults
    assert fault["slug"] == "wrong-encoding"
    assert "looks like GBK" in fault["remedy"]["en"] and "gb18030" in fault["remedy"]["zh"]
    rows, _ = drain(open_table(path, SHAPE, encoding="gb18030"))
    assert rows[1]["note"] == "高平"


def test_lines_are_counted_through_quoted_line_breaks(
    written: Writer,
) -> None:
    content = (
        'meter_no,note,kwh,on,kind\nM1,"a, ""b""",1,2026-04-01,sale\n'
        'M2,"two\nlines",1,2026-04-01,sale\nM3,,x,2026-04-01,sale\n'
    )
    rows, refused = drain(open_table(written(content), SHAPE))
    assert [row["note"] for row in rows] == ['a, "b"']
    assert [(refusal.line, refusal.field) for refusal in refused] == [(3, "note"), (5, "kwh")]


def test_a_dropped_optional_column_is_empty(written: Writer) -> None:
    rows, _ = drain(open_table(written("meter_no,kwh,on,kind\nM1,1,2026-04-01,sale\n"), SHAPE))
    assert rows[0]["note"] is None


def test_number_makes_the_kernel_value_from_whole_units() -> None:
    kind = Number(places=3, of=lambda units: ("energy_wh", units))
    assert kind.typed(kind.read("123.45")) == ("energy_wh", 123450)


# --- refused rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("-1", "outside"),
        ("1e18", "not a plain number"),
        ("1000000000000000000", "outside"),
        ("9" * 10_000, "not a plain number"),
        ("NaN", "not a plain number"),
        ("Infinity", "not a plain number"),
        ("-inf", "not a plain number"),
        ("1,5", "not a plain number"),
        ("0x10", "not a plain number"),
        ("1_000", "not a plain number"),
        ("١٢", "not a plain number"),
        (".5", "not a plain number"),
        ("1.2345", "more than 3 decimals"),
        ("", "missing"),
        ("=1+1", "not a plain number"),
    ],
)
def test_hostile_numbers_are_refused_with_field_value_and_remedy(written: Writer, cell: str, what: str) -> None:
    path = written(f'meter_no,kwh,on,kind\nM1,"{cell}",2026-04-01,sale\nM2,1,2026-04-01,sale\n')
    rows, refused = drain(open_table(path, SHAPE))
    assert [row["meter_no"] for row in rows] == ["M2"]
    (refusal,) = refused
    assert (refusal.file, refusal.line, refusal.field) == ("readings.csv", 2, "kwh")
    assert what in refusal.what["en"] and refusal.what["zh"] and refusal.remedy["zh"] and refusal.remedy["en"]
    assert len(refusal.value) <= 83


@pytest.mark.parametrize(
    "note",
    ["Robert'); DROP TABLE account;--", "<img src=x onerror=alert(1)>", "灯火🔥", "=HYPERLINK(1)", "{{7*7}}", "%s%n"],
)
def test_hostile_text_is_only_text(written: Writer, note: str) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerow(["M1", note, "1", "2026-04-01", "sale"])
    rows, refused = drain(open_table(written("meter_no,note,kwh,on,kind\n" + stream.getvalue()), SHAPE))
    assert (rows[0]["note"], refused) == (note, [])


@pytest.mark.parametrize("note", ["x" * 10_000, "a\x00b", "a\x1b[31m", "a\u202eb"])
def test_text_that_would_break_a_reader_is_refused_and_shown_safely(written: Writer, note: str) -> None:
    rows, (refusal,) = drain(open_table(written(f"meter_no,note,kwh,on,kind\nM1,{note},1,2026-04-01,sale\n"), SHAPE))
    assert rows == [] and refusal.field == "note"
    assert refusal.value.isprintable() and len(refusal.value) <= 83


def test_a_number_that_a_spreadsheet_rewrote_is_recognised(written: Writer) -> None:
    shape = Shape(
        "a", text("甲", "a"), (col("account_no", Words(longest=13, pattern=r"[0-9]{13}", example="5810100000019")),)
    )
    _, (refusal,) = drain(open_table(written("account_no\n5.81010E+12\n"), shape))
    assert "exponent" in refusal.what["en"] and "format it as text" in refusal.remedy["en"]


def test_a_code_is_guessed_from_its_neighbour_or_its_chinese_name() -> None:
    kind = Code({"surplus": text("余电上网", "surplus"), "full": text("全额上网", "full")})
    for cell, guess in (("surpluss", "surplus"), ("全额上网", "full")):
        with pytest.raises(Wrong) as caught:
            kind.read(cell)
        assert caught.value.remedy["en"] == f"did you mean {guess}?"


@pytest.mark.parametrize(
    "cell", ["2026-02-30", "2026-4-1", "20260401", "0001-01-01", "9999-12-31", "01/04/2026", "2026-04-01T00:00"]
)
def test_dates_are_calendar_days_of_this_age(cell: str) -> None:
    with pytest.raises(Wrong):
        Day().read(cell)


def test_instants_need_an_offset() -> None:
    assert Instant().read("2026-04-01T00:00:00+08:00") == datetime(2026, 3, 31, 16, tzinfo=UTC)
    for cell in ("2026-04-01T00:00:00", "2026-04-01", "noon", "0001-01-01T00:00:00+14:00", "2026-04-01T25:00:00Z"):
        with pytest.raises(Wrong):
            Instant().read(cell)


def test_truth_is_spelt_out() -> None:
    assert Truth().read("true") is True and Truth().read(False) is False
    with pytest.raises(Wrong):
        Truth().read("yes")


def test_repeated_keys_name_the_first_line(written: Writer) -> None:
    row = "M1,,1,2026-04-01,sale\n"
    rows, (refusal,) = drain(
        open_table(written("meter_no,note,kwh,on,kind\n" + row + "M2,,1,2026-04-01,sale\n" + row), SHAPE)
    )
    assert len(rows) == 2
    assert (refusal.line, refusal.field, refusal.value) == (4, "meter_no, on", "M1, 2026-04-01")
    assert refusal.what == {"zh": "与第2行重复", "en": "the same as in line 2"}


def test_a_row_of_another_width_is_refused_alone(written: Writer) -> None:
    rows, refused = drain(open_table(written(GOOD + "M3,a,b,1,2026-04-01,sale\nM4\n"), SHAPE))
    assert len(rows) == 2 and [refusal.line for refusal in refused] == [4, 5]


def test_every_wrong_field_of_a_row_is_reported_and_the_row_counts_once(written: Writer) -> None:
    table = open_table(written("meter_no,kwh,on,kind\nm1,x,y,z\n"), SHAPE)
    _, refused = drain(table)
    assert [refusal.field for refusal in refused] == ["meter_no", "kwh", "on", "kind"]
    assert table.refused_count == 1


def test_keys_are_remembered_past_the_memory_limit() -> None:
    with SeenKeys(most_in_memory=10) as seen:
        assert all(seen.first_line(0, [number], number) is None for number in range(95))
        assert [seen.first_line(0, [number], 1000) for number in range(95)] == list(range(95))
        assert seen.first_line(1, [5], 7) is None
        assert seen.first_line(0, ["a", "b,c"], 1) is None and seen.first_line(0, ["a,b", "c"], 2) is None


# --- refused files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "slugs"),
    [
        (b"", ["empty-file"]),
        (b"\n\n  \n", ["empty-file"]),
        (b"\xef\xbb\xbf", ["empty-file"]),
        (b"meter_no,khw,on,kind\n", ["unknown-column", "missing-column"]),
        (b"meter_no,kwh,kwh,on,kind\n", ["repeated-column"]),
        (b"meter_no;kwh;on;kind\nM1;1;2026-04-01;sale\n", ["malformed-csv"]),
        (b'meter_no,kwh,on,kind\nM1,"1,2026-04-01,sale\n', ["malformed-csv"]),
        (b"meter_no,kwh,on,kind\nM\xff1,1,2026-04-01,sale\n", ["wrong-encoding"]),
        ("meter_no,kwh,on,kind\n".encode("utf-16"), ["unsupported-format"]),
        (b"PAR1 and so on", ["unsupported-format"]),
        (b"PK\x03\x04 and so on", ["unsupported-format"]),
    ],
)
def test_files_that_cannot_be_read_say_why(written: Writer, content: bytes, slugs: list[str]) -> None:
    assert fault_slugs(written(content)) == slugs


def test_an_unknown_column_names_its_nearest(written: Writer) -> None:
    with pytest.raises(FileRefused) as caught:
        drain(open_table(written(GOOD.replace("kwh", "kwhs")), SHAPE))
    unknown, missing = caught.value.faults
    assert (unknown["column"], unknown["remedy"]["en"]) == ("kwhs", "did you mean kwh?")
    assert (missing["slug"], missing["column"]) == ("missing-column", "kwh")
    assert "readings.csv" in caught.value.detail["zh"]


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    assert fault_slugs(tmp_path / "none.csv") == ["missing-file"]
    assert fault_slugs(tmp_path) == ["missing-file"]
    (tmp_path / "a.xlsx").write_bytes(b"x")
    assert fault_slugs(tmp_path / "a.xlsx") == ["unsupported-format"]


# --- Parquet ---------------------------------------------------------------------------------------------------------


def parquet(path: Path, **columns: Any) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=50)
    return path


def reads(count: int) -> dict[str, Any]:
    start = datetime(2026, 3, 31, 16, tzinfo=UTC).timestamp()
    return {
        "meter_no": pyarrow.array([f"M{number:05d}" for number in range(count)]).dictionary_encode(),
        "read_at": pyarrow.array(
            [int(start) + number for number in range(count)], pyarrow.timestamp("s", "Asia/Shanghai")
        ),
        "fwd_kwh": pyarrow.array([Decimal(number) / 10_000 for number in range(count)], pyarrow.decimal128(12, 4)),
        "rev_kwh": pyarrow.array(range(count), pyarrow.int32()),
    }


def test_parquet_gives_the_same_rows_as_csv(tmp_path: Path) -> None:
    columns = reads(120)
    table = open_table(parquet(tmp_path / "reads.parquet", **columns), REGISTER_READS)
    rows, refused = drain(table)
    with (tmp_path / "reads.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for values in zip(*(column.to_pylist() for column in columns.values()), strict=True):
            writer.writerow([value.isoformat() if isinstance(value, datetime) else value for value in values])
    same = open_table(tmp_path / "reads.csv", REGISTER_READS)
    assert (rows, refused) == drain(same)
    assert table.totals == same.totals == {"fwd_kwh": Decimal("0.7140"), "rev_kwh": Decimal(7140)}
    assert rows[0]["read_at"] == datetime(2026, 3, 31, 16, tzinfo=UTC)


def test_parquet_of_another_type_is_refused_as_a_file(tmp_path: Path) -> None:
    columns = reads(3)
    floats = columns | {"fwd_kwh": pyarrow.array([1.0, 2.0, 3.0])}
    naive = columns | {"read_at": columns["read_at"].cast(pyarrow.timestamp("s"))}
    nested = columns | {"meter_no": pyarrow.array([["M1"], ["M2"], ["M3"]])}
    for changed in (floats, naive, nested):
        assert fault_slugs(parquet(tmp_path / "a.parquet", **changed), REGISTER_READS) == ["wrong-type"]


def test_a_time_zone_that_nobody_knows_is_no_matter(tmp_path: Path) -> None:
    columns = reads(3)
    columns["read_at"] = columns["read_at"].cast("int64").cast(pyarrow.timestamp("s", "Mars/Olympus"))
    rows, _ = drain(open_table(parquet(tmp_path / "a.parquet", **columns), REGISTER_READS))
    assert rows[0]["read_at"] == datetime(2026, 3, 31, 16, tzinfo=UTC)


def test_parquet_rows_are_refused_by_their_number(tmp_path: Path) -> None:
    columns = reads(120)
    columns["fwd_kwh"] = pyarrow.array([None if number == 60 else number for number in range(120)], pyarrow.int64())
    columns["rev_kwh"] = pyarrow.array([-1 if number == 70 else 0 for number in range(120)], pyarrow.int64())
    far = [
        None if number == 80 else moment for number, moment in enumerate(columns["read_at"].cast("int64").to_pylist())
    ]
    columns["read_at"] = pyarrow.array(
        [9 * 10**12 if moment is None else moment for moment in far], pyarrow.timestamp("s", "UTC")
    )
    _, refused = drain(open_table(parquet(tmp_path / "a.parquet", **columns), REGISTER_READS))
    assert [(refusal.line, refusal.field) for refusal in refused] == [(61, "fwd_kwh"), (71, "rev_kwh"), (81, "read_at")]


def test_parquet_cut_off_at_any_point_is_refused(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "whole.parquet", **reads(200)).read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 40)):
        (tmp_path / "cut.parquet").write_bytes(whole[:length])
        assert fault_slugs(tmp_path / "cut.parquet", REGISTER_READS) == ["damaged-parquet"]


# --- any content at all ----------------------------------------------------------------------------------------------


def survives(path: Path, shape: Shape) -> None:
    """A file either gives rows and refusals that add up or is refused by the one typed problem."""
    try:
        drain(open_table(path, shape))
    except FileRefused as refused:
        assert refused.faults


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400) | st.text(max_size=400).map(lambda s: s.encode("utf-8", "surrogatepass")))
def test_random_csv_never_raises_anything_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fuzz.csv"
    for body in (content, b"meter_no,note,kwh,on,kind\n" + content):
        path.write_bytes(body)
        survives(path, SHAPE)


def test_random_damage_to_parquet_never_raises_anything_else(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "whole.parquet", **reads(120)).read_bytes()
    dice = random.Random(20260401)
    path = tmp_path / "fuzz.parquet"
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            # Half of the damage goes to the footer, where the schema is.
            first = dice.choice([0, len(damaged) - 1500])
            damaged[dice.randrange(first, len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged)
        survives(path, REGISTER_READS)
    for size in (1, 8, 12, 100):
        path.write_bytes(b"PAR1" + dice.randbytes(size) + b"PAR1")
        survives(path, REGISTER_READS)


cells = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn")), min_size=1, max_size=20
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            cells | st.none(),
            st.decimals(0, 10**9, places=3, allow_nan=False),
            st.dates(date(1950, 1, 1), date(2199, 12, 31)),
            st.sampled_from(["sale", "export"]),
        ),
        max_size=60,
    )
)
def test_what_is_written_comes_back(tmp_path: Path, given_rows: list[tuple[Any, ...]]) -> None:
    path = tmp_path / "round.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["kind", "on", "kwh", "note", "meter_no"])
        for number, (note, kwh, on, kind) in enumerate(given_rows):
            writer.writerow([kind, on, kwh, note, f"M{number}"])
    table = open_table(path, SHAPE, batch_rows=7)
    rows, refused = drain(table)
    assert refused == []
    assert [(row["note"], row["kwh"], row["on"], row["kind"]) for row in rows] == given_rows
    assert table.totals["kwh"] == sum((row[1] for row in given_rows), Decimal(0))


# --- batches ---------------------------------------------------------------------------------------------------------


def test_batches_and_their_keys_follow_from_the_file_alone(written: Writer) -> None:
    lines = [f"M{number},,{'x' if number % 9 == 0 else 1},2026-04-01,sale" for number in range(2500)]
    path = written("meter_no,note,kwh,on,kind\n" + "\n".join(lines) + "\n")
    table = open_table(path, SHAPE)
    first = [(table.batch_key(batch), batch.lines, len(batch.refused)) for batch in table.batches()]
    again = open_table(path, SHAPE)
    assert first == [(again.batch_key(batch), batch.lines, len(batch.refused)) for batch in again.batches()]
    assert [len(taken) + refused for _, taken, refused in first] == [1000, 1000, 500]
    assert len({key for key, _, _ in first}) == 3
    path.write_text(path.read_text().replace("M2499", "M9999"))
    assert {key for key, _, _ in first}.isdisjoint(table.batch_key(batch) for batch in table.batches())


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    filler = "x" * 190
    shape = Shape("large", text("大", "large"), (col("meter_no", Words(longest=12)), col("note", Words(longest=200))))
    with path.open("w", encoding="utf-8") as stream:
        stream.write("meter_no,note\n")
        stream.writelines(f"M{number},{filler}\n" for number in range(100_000))
    tracemalloc.start()
    count = sum(len(batch.rows) for batch in open_table(path, shape).batches())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert peak_bytes < path.stat().st_size / 3


def test_totals_that_differ_are_named() -> None:
    assert differences({"a": Decimal(1), "b": Decimal(2)}, {"a": Decimal("1.000"), "c": Decimal(3)}) == {
        "b": (Decimal(2), Decimal(0)),
        "c": (Decimal(0), Decimal(3)),
    }


# --- the public tables -----------------------------------------------------------------------------------------------

SUPPLY = {
    "contract_no": "GY1", "account_no": "1", "kind": "supply", "tariff_class": "two_part_capacity",
    "contract_kw": "500", "capacity_kva": "", "pv_kw": "", "voltage_kv": "20", "settlement_mode": "agency",
    "effective_from": "2020-01-01",
}  # fmt: skip


def of_row(written: Writer, row: dict[str, str], shape: Shape) -> list[str]:
    path = written(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    return [refusal.field for refusal in drain(open_table(path, shape))[1]]


def test_contracts_and_points_agree_across_their_columns(written: Writer) -> None:
    assert of_row(written, SUPPLY, CONTRACTS) == ["capacity_kva"]
    assert of_row(written, SUPPLY | {"capacity_kva": "630"}, CONTRACTS) == []
    assert of_row(written, SUPPLY | {"kind": "purchase"}, CONTRACTS) == ["pv_kw"]
    point = {
        "point_no": "1", "role": "export", "register": "rev", "account_no": "1", "area_no": "",
        "org_code": "1405810.01", "meter_no": "M1", "multiplier": "1", "voltage_kv": "0.22", "pv_kw": "",
    }  # fmt: skip
    assert of_row(written, point, POINTS) == ["pv_kw"]
    assert of_row(written, point | {"role": "gateway"}, POINTS) == ["area_no"]
    assert of_row(written, point | {"role": "sale", "multiplier": "-20"}, POINTS) == ["multiplier"]
    assert of_row(written, point | {"role": "sale", "account_no": ""}, POINTS) == ["account_no"]


def test_a_meter_that_occurs_twice_is_refused(written: Writer) -> None:
    row = "M1,direct,1,6,2,2020-01-01\n"
    path = written("meter_no,kind,multiplier,integer_digits,decimal_digits,installed_on\n" + row + row)
    assert [refusal.what["en"] for refusal in drain(open_table(path, METERS))[1]] == ["the same as in line 2"]


def test_the_reference_page_names_every_table_and_column() -> None:
    page = (ROOT / "docs" / "reference" / "import.md").read_text(encoding="utf-8")
    for shape in (*TABLES, CONTROL_TOTALS):
        section = page.partition(f"\n### {shape.name}\n")[2].partition("\n### ")[0]
        for column in shape.columns:
            assert f"| `{column.name}` |" in section, f"{shape.name}.{column.name}"


def test_account_numbers_of_the_demo_carry_a_check_digit() -> None:
    numbers = [row["account_no"] for row in drain(open_table(DEMO / "customers.csv", CUSTOMERS))[0]]
    assert len(set(numbers)) == 7061 and all(len(number) == 13 for number in numbers)
    for number in numbers:
        product = 10
        for digit in number[:-1]:
            product = ((product + int(digit)) % 10 or 10) * 2 % 11
        assert (product + int(number[-1])) % 10 == 1

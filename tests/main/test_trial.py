"""`denghuo trial`: one bill from words, many from a file; what cannot be rated is named and the rest goes on."""

import csv
import io
import pathlib
import tracemalloc
from decimal import Decimal

import pytest
from click.testing import CliRunner, Result
from tests.service.billing.county import tariff
from tests.service.billing.rules import make

from denghuo.data.processing.import_files import FileRefused
from denghuo.data.processing.importing import Refusal
from denghuo.main import main
from denghuo.main.trial import Tried, try_file, typed
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.rules import file_text
from denghuo.service.tariff.shipped import published

FLAT = tariff("test.flat", "energy", "0.5", voltages=["0.22"])
SHANGHAI = {one.code: one for one in published("shanghai") or []}


@pytest.fixture
def flat(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "flat.yaml"
    path.write_text(file_text(FLAT), "utf-8")
    return str(path)


def run(folder: pathlib.Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(folder / "data"), "trial", *words])


def attempt(folder: pathlib.Path, rows: str, *, month: str = "2026-04", code: str = "", lines: bool = False) -> tuple[
    Tried, list[dict[str, str]], list[Refusal]
]:  # fmt: skip
    path = folder / "trials.csv"
    path.write_text(rows, "utf-8")
    out, refused = io.StringIO(), []
    document = SHANGHAI[code] if code else FLAT
    done = try_file(path, lambda month: document, out, refused.append, defaults=typed([f"month={month}"]), lines=lines)
    return done, list(csv.DictReader(io.StringIO(out.getvalue()))), refused


def test_one_bill_from_words_is_explained_in_both_languages(tmp_path: pathlib.Path, flat: str) -> None:
    shown = run(tmp_path, flat, "month=2026-04", "start=100", "end=130.5", "multiplier=4")
    assert shown.exit_code == 0, shown.output
    assert "表 1 正向有功：(130.50 - 100.00) × 4 = 122 千瓦时" in shown.output
    assert "Amount: 122 kWh × 0.5000 = 61.00 yuan." in shown.output
    assert shown.output.endswith("合计 total  61.00\n")
    assert not (tmp_path / "data" / "postgres").exists(), "a tariff in a file needs no store"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["total_kwh=240"], "month=2026-04"),
        (["month=2026-04"], "Give registers or energies"),
        (["month=2026-04", "total_kwh=1e3"], "plain number"),
        (["month=2026-04", "kwh=1"], "columns are trial_no, month"),
        (["month=2026-04", "total_kwh=1", "voltage=10"], "it is for 0.22"),
        (["month=2023-04", "total_kwh=1"], "2024-01-01"),
    ],
)
def test_words_that_do_not_make_a_bill_are_refused_with_what_to_do(
    tmp_path: pathlib.Path, flat: str, words: list[str], said: str
) -> None:
    refused = run(tmp_path, flat, *words)
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_a_tariff_file_with_faults_is_refused_and_each_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(file_text(FLAT).replace("'0.5000'", "'-0.5'").replace("code: energy", "code: enrgy"), "utf-8")
    refused = run(tmp_path, str(path), "month=2026-04", "total_kwh=1")
    assert refused.exit_code == 2
    assert "price -0.5000 is negative" in refused.output and "unknown component enrgy" in refused.output


def test_bad_rows_are_named_by_line_field_value_and_remedy_and_the_rest_goes_on(tmp_path: pathlib.Path) -> None:
    rows = "trial_no,month,total_kwh,start,end\na,,100,,\nb,2026-13,1,,\nc,,1.2345,,\nd,,,9,8\ne,2023-01,1,,\nf,,,,\ng,,,8,9.5\n"
    done, out, refused = attempt(tmp_path, rows)
    assert [(row["line"], row["trial_no"], row["energy_kwh"], row["amount"]) for row in out] == [
        ("2", "a", "100", "50.00"),
        ("8", "g", "2", "1.00"),
    ]
    assert [(one.line, one.field, one.value) for one in refused] == [
        (3, "month", "2026-13"),
        (4, "total_kwh", "1.2345"),
        (5, "end", "8"),
        (6, "month", "2023-01"),
        (7, "total_kwh", ""),
    ]
    assert all(one.what["zh"] and one.what["en"] and one.remedy["zh"] and one.remedy["en"] for one in refused)
    assert (done.rated, done.refused, str(done.amount), done.exit_code) == (2, 5, "51.00", 1)


def test_amounts_by_group_add_up_and_lines_are_those_of_the_bill(tmp_path: pathlib.Path) -> None:
    rows = (
        "month,voltage,peak_kwh,flat_kwh,valley_kwh,reactive_kvarh,capacity_kva,standard\n"
        "2026-04,10,1000,2000,3000,2500,315,90\n"
    )
    _, [bill], refused = attempt(tmp_path, rows, code="sh.two_part.capacity")
    assert refused == []
    groups = [Decimal(value) for name, value in bill.items() if name.endswith("_amount")]
    assert sum(groups) == Decimal(bill["amount"]) and Decimal(bill["basic_amount"]) > 0
    _, lines, _ = attempt(tmp_path, rows, code="sh.two_part.capacity", lines=True)
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(bill["amount"])
    assert {"peak", "flat", "valley"} <= {line["band"] for line in lines}


def test_a_market_customer_is_tried_by_the_averages_of_the_month(tmp_path: pathlib.Path) -> None:
    market = tariff("test.market", "market_energy", "0.5", voltages=["0.22"], settlements=["market"])
    path, out, refused = tmp_path / "trials.csv", io.StringIO(), list[Refusal]()
    path.write_text(
        "total_kwh,contract_kwh,contract_price,day_ahead_kwh,day_ahead_price,real_time_price,retail_total_price,retail_spot_share\n"
        "720,600,0.38,720,0.4,0.45,,\n"
        "700,600,0.38,720,0.4,0.45,,\n"
        "720,,,,,0.5,0.4,40\n"
        "720,600,,,,0.45,,\n",
        "utf-8",
    )
    try_file(path, lambda month: market, out, refused.append, defaults=typed(["month=2026-04"]))
    amounts = [row["amount"] for row in csv.DictReader(io.StringIO(out.getvalue()))]
    # 600 x 0.38 + 120 x 0.40; less 20 x 0.45; 720 x (60 % of 0.40 + 40 % of 0.50).
    assert amounts == ["276.00", "267.00", "316.80"]
    assert [(one.line, one.field) for one in refused] == [(5, "contract_price")]


def test_what_few_contracts_have_stands_in_columns_too(tmp_path: pathlib.Path) -> None:
    two_part = make.tariff(
        make.component("agency_energy", "0.4"),
        classes=["two_part_demand"],
        voltages=["10"],
        basic={
            "by": "demand",
            "prices": [{"price": "38"}],
            "document": make.DOCUMENT,
            "discount": {"energy_per_kva": "260", "price_share": "90", "document": make.DOCUMENT},
        },
        agency_multiple={"cases": ["returned"], "document": make.DOCUMENT},
    )
    solar = make.tariff(
        make.component("purchase_energy", "0.4", group="purchase"),
        make.component("generation_subsidy", "0.42", group="purchase"),
        kind="purchase",
        classes=["generation"],
        voltages=["10"],
        settlements=["surplus_feed_in"],
        subsidy={"on": "export", "years": 20, "document": make.DOCUMENT},
    )

    def tried(document: TariffDocument, rows: str) -> tuple[list[str], list[tuple[int, str]]]:
        path, out, refused = tmp_path / "trials.csv", io.StringIO(), list[Refusal]()
        path.write_text(rows, "utf-8")
        try_file(path, lambda month: document, out, refused.append, defaults=typed(["month=2026-04"]))
        amounts = [row["amount"] for row in csv.DictReader(io.StringIO(out.getvalue()))]
        return amounts, [(one.line, one.field) for one in refused]

    amounts, refused = tried(
        two_part,
        "total_kwh,demand_kw,capacity_kva,customer_kwh,customer_kva,agency_case,line_loss_percent,transformer_loss_kwh\n"
        "1000,100,400,,,returned,,\n"
        "1000,100,400,104000,400,,,\n"
        "1000,100,400,,,,3.5,25\n"
        "1000,100,400,104000,,,,\n",
    )
    # 1000 x 0.6 + 3800; 400 + 3800 less 10 %; (1000 + 25 + 3.5 % of 1025, 36) x 0.4 + 3800.
    assert amounts == ["4400.00", "3820.00", "4224.40"]
    assert refused == [(5, "customer_kva")]
    amounts, refused = tried(
        solar,
        "total_kwh,plant_kw,connected_on\n1000,10,2020-05-01\n900,10,2006-04-11\n900,10,\n",
    )
    # 1000 x 0.82; twenty years end after ten of thirty days: 900 x 0.4 + 300 x 0.42.
    assert amounts == ["820.00", "486.00"] and refused == [(4, "connected_on")]


def test_memory_does_not_grow_with_the_rows(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "many.csv"

    class Nowhere(io.StringIO):
        def write(self, words: str) -> int:
            return len(words)

    def peak(count: int) -> int:
        path.write_text("total_kwh\n" + "".join(f"{number}\n" for number in range(count)), "utf-8")
        tracemalloc.start()
        done = try_file(path, lambda month: FLAT, Nowhere(), lambda one: None, defaults=typed(["month=2026-04"]))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert done.rated == count
        return found

    peak(10)  # what is made once
    assert peak(6_000) < 1.2 * peak(2_000)


def test_a_file_as_a_whole_may_be_unusable(tmp_path: pathlib.Path, flat: str) -> None:
    with pytest.raises(FileRefused):
        attempt(tmp_path, "kwh\n1\n")
    refused = run(tmp_path, flat, "--file", str(tmp_path / "nowhere.csv"))
    assert refused.exit_code == 2 and "nowhere.csv" in refused.output


def test_a_stored_tariff_is_taken_by_its_code(tmp_path: pathlib.Path, data_folder: pathlib.Path) -> None:
    folder = ["--data", str(data_folder)]
    loaded = CliRunner().invoke(main, [*folder, "call", "tariff.load_published", '{"area": "310000"}'])
    assert loaded.exit_code == 0, loaded.output
    words = ["sh.resident.tiered", "month=2026-04", "voltage=0.22", "total_kwh=240", "used_before_kwh=3000"]
    shown = run(tmp_path, *words)
    assert shown.exit_code == 0 and "sh.resident.tiered v1" in shown.output and shown.output.endswith("154.08\n")
    rows = tmp_path / "rows.csv"
    rows.write_text("month,total_kwh\n2019-01,1\n2026-05,100\n", "utf-8")
    streamed = run(tmp_path, words[0], "voltage=0.22", "--file", str(rows))
    assert streamed.exit_code == 1
    assert (
        "rows.csv:2 month “2019-01”" in streamed.stderr and "2026-05,sh.resident.tiered,1,100,61.70" in streamed.stdout
    )

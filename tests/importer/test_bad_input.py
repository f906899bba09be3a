"""Small folders with what goes wrong: every refusal names file, line, field, value, what and remedy; the rest is taken."""

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.service.bindings import local
from tests.service.records import number

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.import_bulk import _by_rows, _whole, read_columns
from denghuo.data.processing.import_tables.reads import REGISTER_READS
from denghuo.data.processing.importing import open_table
from denghuo.importer import NothingToImport, Report, take_over
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.values import Energy, Percent
from denghuo.main.composition import SERVICES
from denghuo.service.contract.api import ContractApi, ContractsOf, LineLoss, SpecialTerms, TransformerLoss
from denghuo.service.customer.api import AccountRef, CustomerApi
from denghuo.service.host.binding import Directory
from denghuo.service.reading.api import BooksOn, CurveDay, FindRoutes, MonthRef, ReadingApi, WalkOf

NOW = datetime(2026, 5, 2, 1, tzinfo=UTC)
CALL = Call.system(NOW)
NOUNS = {"permission", "customer", "asset", "contract", "point", "acquisition", "reading", "payment"}
A, B = number(1), number(2)
GOOD = {
    "organisations": "org_code,name,kind,parent_code\n1405810,高平市供电公司,company,\n1405810.01,米山供电所,station,1405810\n",
    "feeders": "feeder_no,name,org_code,voltage_kv\nF1,一线,1405810.01,20\n",
    "areas": "area_no,name,org_code,feeder_no,transformer_kva,no_load_loss_kw\nTG1,一号台区,1405810.01,F1,250,0.88\n",
    "customers": "account_no,name,kind,tariff_class,address,org_code,status,opened_on\n"
    f"{A},林庆娟,resident,resident,米西村1号,1405810.01,active,2020-08-05\n"
    f"{B},常晓明,resident,resident,米西村2号,1405810.01,active,2020-08-05\n",
    "meters": "meter_no,kind,multiplier,integer_digits,decimal_digits,installed_on\n"
    "M1,direct,1,6,2,2020-08-05\nM2,direct,1,6,2,2026-04-20\nM3,direct,1,6,2,2020-08-05\n",
    "contracts": "contract_no,account_no,kind,tariff_class,contract_kw,voltage_kv,settlement_mode,effective_from\n"
    f"GY{A},{A},supply,resident,4.7,0.22,agency,2020-08-05\n",
    "points": "point_no,role,register,account_no,area_no,feeder_no,org_code,meter_no,multiplier,voltage_kv\n"
    f"{A}01,sale,fwd,{A},TG1,F1,1405810.01,M1,1,0.22\n{B}01,sale,fwd,{B},TG1,F1,1405810.01,M2,1,0.22\n",
    "reading_routes": "route,cycle,effective_from,reason\nTG1,even,2026-03-01,居民双月抄表\nF1,odd,2026-06-01,\n",
    "reading_books": "point_no,book,place,effective_from\n" + f"{B}01,B1,1,2026-05-01\n{A}01,B1,2,2026-05-01\n",
    "debit_agreements": "account_no,bank_code,bank_account,holder,signed_on\n"
    f"{A},ICBC,9999000011112222,林庆娟,2024-01-05\n",
    "terminals": "terminal_no,protocol,name,vendor,channel,org_code,area_no,endpoint,count_wh\n"
    "140500001,gdw3761,一号集中器,甲厂,cellular,1405810.01,TG1,,\n"
    "140581000001,mqtt,一号融合终端,甲厂,cellular,1405810.01,TG1,,\n"
    "140581000002,dlt645,一号串口服务器,甲厂,fibre,1405810.01,TG1,10.8.0.15:4001,\n"
    "140581000003,iec104,一号厂站,甲厂,fibre,1405810.01,,10.8.0.16:2404,1000\n",
    "terminal_meters": "terminal_no,number,meter_no,address\n140500001,1,M1,000000000001\n",
    "register_reads": "meter_no,read_at,fwd_kwh,rev_kwh\n"
    "M1,2026-04-01T00:00:00+08:00,100.5,0\nM1,2026-05-01T00:00:00+08:00,180.25,0\n",
}


@dataclass
class Place:
    """A folder to import from and the platform to import into."""

    folder: pathlib.Path
    directory: Directory
    datasets: Datasets

    def take(self, **changes: str | None) -> Report:
        for name, content in (GOOD | changes).items():
            path = self.folder / f"{name}.csv"
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_text(content, "utf-8")
        return self.again()

    def again(self) -> Report:
        return take_over(self.folder, self.directory, CALL, datasets=self.datasets, say=lambda line: None)

    def dry(self) -> Report:
        return take_over(self.folder, None, CALL, dry_run=True, say=lambda line: None)


@pytest.fixture
def place(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Place]:
    services = {contract: made for contract, made in SERVICES.items() if contract.noun in NOUNS}
    folder = tmp_path / "folder"
    folder.mkdir()
    with Database(database_dsn) as database:
        datasets = Datasets(database, tmp_path / "datasets")
        yield Place(folder, local(database, tmp_path / "datasets", services), datasets)


def named(report: Report) -> list[tuple[str, int, str]]:
    for refusal in report.refusals:
        assert all((refusal.what["zh"], refusal.what["en"], refusal.remedy["zh"], refusal.remedy["en"]))
    return [(refusal.file, refusal.line, refusal.field) for refusal in report.refusals]


def plus(table: str, *rows: str) -> str:
    return GOOD[table] + "".join(f"{row}\n" for row in rows)


def test_the_good_folder_is_taken_and_its_repeat_changes_nothing(place: Place) -> None:
    first = place.take()
    assert (first.exit_code, named(first)) == (0, [])
    again = place.again()
    assert (again.exit_code, sum(table.taken for table in again.tables)) == (0, 0)
    assert [table.unchanged for table in again.tables] == [table.handed for table in again.tables]
    assert place.dry().exit_code == 0


def test_what_names_the_unknown_is_refused_and_the_rest_taken(place: Place) -> None:
    c = number(99)
    report = place.take(
        contracts=plus("contracts", f"GY{c},{c},supply,resident,4.7,0.22,agency,2020-08-05"),
        points=plus(
            "points",
            f"{c}01,sale,fwd,{c},TG1,F1,1405810.01,M3,1,0.22",
            f"{A}09,sale,rev,{A},TG9,F1,1405810.01,M3,1,0.22",
            f"{A}08,sale,fwd,{A},TG1,F1,1405810.01,M9,1,0.22",
        ),
        debit_agreements=plus("debit_agreements", f"{c},ICBC,9999000011112222,无此人,2024-01-05"),
        terminals=plus(
            "terminals",
            "140581000004,dlt645,二号串口服务器,甲厂,fibre,1405810.01,,,",
            "140581000005,dlt645,三号串口服务器,甲厂,fibre,1405810.01,,10.8.0.15:4001,",
            "140581000006,iec104,二号厂站,甲厂,fibre,1405810.01,,10.8.0.17:2404,",
            "140581000007,lonworks,采集器,甲厂,fibre,1405810.01,,,",
        ),
        terminal_meters=plus("terminal_meters", "140500002,1,M3,000000000003", "140500001,1,M2,000000000002"),
        register_reads=plus("register_reads", "M9,2026-04-01T00:00:00+08:00,1,0"),
    )
    assert report.exit_code == 1
    assert set(named(report)) == {
        ("contracts.csv", 3, "account_no"),
        ("points.csv", 4, "account_no"),
        ("points.csv", 5, "area_no"),
        ("points.csv", 6, "meter_no"),
        ("debit_agreements.csv", 3, "account_no"),
        ("terminals.csv", 6, "endpoint"),
        ("terminals.csv", 7, "endpoint"),
        ("terminals.csv", 8, "count_wh"),
        ("terminals.csv", 9, "protocol"),
        ("terminal_meters.csv", 3, "terminal_no"),
        ("terminal_meters.csv", 4, "terminal_no, number"),
        ("register_reads.csv", 4, "meter_no"),
    }
    assert set(named(place.dry())) == set(named(report)), "a dry run sees the same without a database"
    # Once the fault is corrected the same folder is imported again, and only what was refused is new.
    fixed = place.take()
    assert (fixed.exit_code, sum(table.taken for table in fixed.tables)) == (0, 0)


def test_points_come_with_their_places_in_the_walks_of_readers(place: Place) -> None:
    again = plus("reading_books", f"{A}02,B1,3,2026-05-01", f"{A}01,B2,1,2026-05-01", f"{A}03,B1,0,2026-05-01")
    report = place.take(reading_books=again)
    assert set(named(report)) == {
        ("reading_books.csv", 4, "point_no"),
        ("reading_books.csv", 5, "point_no"),
        ("reading_books.csv", 6, "place"),
    }
    reading = place.directory(ReadingApi)
    assert reading.books(CALL, BooksOn()).stated == 2
    # TG1 is read in even months.
    reading.plan_month(CALL, MonthRef(month="2026-04"))
    assert [row.point_no for row in reading.walk(CALL, WalkOf(book="B1")).rows] == [f"{B}01", f"{A}01"]


def test_routes_come_with_the_months_in_which_they_are_read(place: Place) -> None:
    report = place.take(
        reading_routes=plus("reading_routes", "TG9,odd,2026-06-01,", "TG1,odd,2026-06-15,", "TG1,weekly,2026-06-01,")
    )
    assert set(named(report)) == {
        ("reading_routes.csv", 4, "route"),
        ("reading_routes.csv", 5, "effective_from"),
        ("reading_routes.csv", 6, "cycle"),
    }
    rows = {row.route: row for row in place.directory(ReadingApi).routes(CALL, FindRoutes()).rows}
    assert (rows["TG1"].cycle, rows["TG1"].next_month) == ("even", "2026-06")
    assert (rows["F1"].cycle, rows["F1"].next_month) == ("monthly", "2026-05")


def test_special_terms_come_with_their_contracts(place: Place) -> None:
    head = (
        "contract_no,account_no,kind,tariff_class,contract_kw,voltage_kv,settlement_mode,effective_from,pf_standard,"
        "household_persons,household_since,free_energy,free_until,line_loss_percent,transformer_loss_kwh,pf_use,on_load_changer\n"
    )
    good = f"GY{A},{A},supply,resident,4.7,0.22,agency,2020-08-05,,6,2026-01-10,true,2026-12-31,1.5,120,,\n"
    report = place.take(
        contracts=head
        + good
        + f"GY{B},{B},supply,general_single_part,4.7,0.22,agency,2020-08-05,,6,2026-01-10,,,,,,\n"
        + f"GY-3,{B},supply,resident,4.7,0.22,agency,2020-08-05,,6,,,,,,,\n"
        + f"GY-4,{B},supply,resident,4.7,0.22,agency,2020-08-05,95,,,,,,,,\n"
        + f"GY-5,{B},supply,resident,4.7,0.22,agency,2020-08-05,,,,,,100,,,\n"
        + f"GY-6,{B},supply,general_single_part,200,10,agency,2020-08-05,,,,,,,,industry,true\n"
        + f"GY-7,{B},supply,general_single_part,200,10,agency,2020-08-05,,,,,,,,mill,\n"
    )
    refused = [
        ("contracts.csv", 3, "household_persons"),
        ("contracts.csv", 4, "household_since"),
        ("contracts.csv", 5, "pf_standard"),
        ("contracts.csv", 6, "line_loss_percent"),
        ("contracts.csv", 8, "pf_use"),
    ]
    assert sorted(named(report)) == refused
    assert sorted(named(place.dry())) == refused
    (found,) = place.directory(ContractApi).contracts_of(CALL, ContractsOf(account_no=A)).rows
    assert found.special == SpecialTerms(
        persons=6,
        persons_since=date(2026, 1, 10),
        free_energy=True,
        free_until=date(2026, 12, 31),
        line_losses=[LineLoss(line_no="1", share=Percent.of("1.5"))],
        losses=[TransformerLoss(transformer_no="1", way="agreed", active_kwh=Energy.of("120"))],
    )
    (large,) = place.directory(ContractApi).contracts_of(CALL, ContractsOf(account_no=B)).rows
    assert (large.special, large.pf_standard) == (SpecialTerms(pf_use="industry", on_load_changer=True), 90)


def test_time_that_cannot_be(place: Place) -> None:
    report = place.take(
        meters=plus("meters", "M7,direct,1,6,2,2026-05-03"),
        meter_exchanges="point_no,old_meter_no,new_meter_no,exchanged_at,new_start_fwd_kwh,new_multiplier\n"
        f"{A}01,M1,M3,2026-05-09T09:00:00+08:00,0,1\n",
        register_reads=plus(
            "register_reads",
            "M2,2026-04-10T00:00:00+08:00,5,0",
            "M1,2026-05-02T10:00:00+08:00,190,0",
        ),
    )
    assert set(named(report)) == {
        ("meters.csv", 5, "installed_on"),
        ("meter_exchanges.csv", 2, "exchanged_at"),
        ("register_reads.csv", 4, "read_at"),
        ("register_reads.csv", 5, "read_at"),
    }
    assert set(named(place.dry())) == set(named(report))


def test_rows_that_cannot_be_are_named_with_their_lines(place: Place) -> None:
    wrong_digit = f"{A[:-1]}{(int(A[-1]) + 1) % 10}"
    faults = {
        "meters": [("M8,direct,-20,6,2,2020-08-05", "multiplier"), ("M1,direct,1,6,2,2020-08-05", "meter_no")],
        "points": [(f"{A}07,sale,fwd,{A},TG1,F1,1405810.01,M1,1,0.22", "meter_no, register")],
        "contracts": [(f"GY-2,{A},supply,resident,5,0.22,agency,2024-01-01", "effective_from")],
        "customers": [
            (f"{number(3)},{'长' * 10_000},resident,resident,米西村,1405810.01,active,2020-08-05", "name"),
            ("12345,短号,resident,resident,米西村,1405810.01,active,2020-08-05", "account_no"),
            (f"{wrong_digit},错号,resident,resident,米西村,1405810.01,active,2020-08-05", "account_no"),
        ],
        "register_reads": [
            ("M1,2026-04-02T00:00:00+08:00,-3,0", "fwd_kwh"),
            ("M1,2026-04-02T00:00:00+08:00,1000000,0", "fwd_kwh"),
        ],
    }
    report = place.take(**{table: plus(table, *(row for row, _ in rows)) for table, rows in faults.items()})
    assert report.exit_code == 1 and all(len(refusal.value) < 100 for refusal in report.refusals)
    assert set(named(report)) == {
        (f"{table}.csv", GOOD[table].count("\n") + place_of + 1, field)
        for table, rows in faults.items()
        for place_of, (_, field) in enumerate(rows)
    }
    taken = {one.name: one.taken for one in report.tables}
    good = {table: GOOD[table].count("\n") - 1 for table in faults}
    # The registers of a reading are judged one by one: the reverse register of the last row is right.
    assert {table: taken[table] for table in faults} == good | {"register_reads": 5}


def test_hostile_names_are_ordinary_text(place: Place) -> None:
    hostile = "<script>alert(1)</script>'; DROP TABLE account;--🔥"
    row = f"{number(3)},{hostile},resident,resident,米西村,1405810.01,active,2020-08-05"
    assert place.take(customers=plus("customers", row)).exit_code == 0
    kept = place.directory(CustomerApi).account(CALL, AccountRef(account_no=number(3)))
    assert kept.name == hostile


def test_files_that_cannot_be_used_stop_the_import_before_anything_is_written(place: Place) -> None:
    whole = pa.table(
        {
            "meter_no": ["M1"] * 50,
            "read_at": pa.array([datetime(2026, 4, 1, hour % 24, hour // 24, tzinfo=UTC) for hour in range(50)]),
            "fwd_kwh": pa.array([Decimal("1.5")] * 50, pa.decimal128(12, 4)),
            "rev_kwh": pa.array([Decimal(0)] * 50, pa.decimal128(12, 4)),
        }
    )
    path = place.folder / "register_reads.parquet"
    pq.write_table(whole, path)
    path.write_bytes(path.read_bytes()[:-30])
    report = place.take(register_reads=None)
    assert (report.exit_code, report.tables) == (2, []) and "register_reads.parquet" in report.unusable[0]["en"]
    path.unlink()
    for table, content, word in (
        ("customers", GOOD["customers"].replace("address", "adress"), "address"),
        ("meters", GOOD["meters"].replace(",multiplier", "").replace(",1,6,", ",6,"), "multiplier"),
        ("contracts", "", "empty"),
    ):
        report = place.take(**{table: content})
        assert (report.exit_code, report.tables) == (2, []) and word in report.unusable[0]["en"]
    assert place.take().tables[3].taken == 2, "nothing had been written before"


def test_wrong_type_and_two_files_of_a_table(place: Place) -> None:
    floats = pa.table(
        {"meter_no": ["M1"], "read_at": ["2026-04-01T00:00:00+08:00"], "fwd_kwh": [1.5], "rev_kwh": [0.0]}
    )
    pq.write_table(floats, place.folder / "register_reads.parquet")
    report = place.take(register_reads=None)
    assert report.exit_code == 2 and "fwd_kwh" in report.unusable[0]["en"]
    both = place.take()
    assert both.exit_code == 2 and "two files" in both.unusable[0]["en"]


def test_missing_and_unknown_files_are_said(place: Place) -> None:
    (place.folder / "customer.csv").write_text("x\n1\n", "utf-8")
    (place.folder / "control_totals.csv").write_text(
        "file,rows,column,total\ncustomers.csv,2,,\nvoltages.parquet,9,,\nregister_reads.csv,2,fwd_kwh,281.75\n",
        "utf-8",
    )
    place.take()
    said: list[str] = []
    report = take_over(place.folder, place.directory, CALL, datasets=place.datasets, say=said.append)
    assert report.exit_code == 1
    assert [(total.file, total.column, total.agrees) for total in report.totals] == [
        ("customers.csv", "", True),
        ("voltages.parquet", "", False),
        ("register_reads.csv", "", True),
        ("register_reads.csv", "fwd_kwh", False),
    ]
    assert any("customer.csv" in line and "customers" in line for line in said)
    assert any("280.75" in line and "281.75" in line for line in said)


def test_an_empty_folder_is_a_problem(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NothingToImport):
        take_over(tmp_path, None, CALL, dry_run=True)


def test_an_import_that_was_broken_off_is_taken_up(place: Place) -> None:
    class Broken(Exception): ...

    def stop(line: str) -> None:
        if "points.csv" in line:
            raise Broken

    place.take(register_reads=None, points=None, debit_agreements=None)
    for name in ("points", "debit_agreements", "register_reads"):
        (place.folder / f"{name}.csv").write_text(GOOD[name], "utf-8")
    with pytest.raises(Broken):
        take_over(place.folder, place.directory, CALL, datasets=place.datasets, say=stop)
    report = place.again()
    taken = {table.name: (table.taken, table.unchanged) for table in report.tables}
    assert report.exit_code == 0 and taken["customers"] == (0, 2) and taken["points"] == (2, 0)


def test_parquet_and_csv_give_the_same_columns(tmp_path: pathlib.Path) -> None:
    rows = [
        (f"M{meter}", datetime(2026, 4, day, tzinfo=SHANGHAI), Decimal(f"{day * meter}.{day:04d}"), Decimal("0.5"))
        for meter in range(1, 40)
        for day in range(1, 31)
    ]
    names = ("meter_no", "read_at", "fwd_kwh", "rev_kwh")
    types = (pa.string(), pa.timestamp("ms", tz="Asia/Shanghai"), pa.decimal128(12, 4), pa.decimal128(6, 1))
    arrays = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), types, strict=True)]
    path = tmp_path / "register_reads.parquet"
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), path)
    table = open_table(path, REGISTER_READS)
    fast, (slow,) = _whole(table), _by_rows(table, 2_000)
    assert fast is not None and fast.rows.equals(slow.rows) and fast.totals == slow.totals
    assert list(fast.lines) == list(slow.lines)
    assert fast.rows["fwd_kwh"][1].as_py() == 20_002
    # One repeated key, one value below zero: the rows are looked at one by one, and each is named.
    for changed, field in ((rows[0], "meter_no, read_at"), (("M77", rows[0][1], Decimal(-1), Decimal(0)), "fwd_kwh")):
        more = [pa.array(values, kind) for values, kind in zip(zip(*rows, changed, strict=True), types, strict=True)]
        pq.write_table(pa.table(dict(zip(names, more, strict=True))), path)
        (found,) = read_columns(open_table(path, REGISTER_READS))
        assert [(refusal.line, refusal.field) for refusal in found.refused] == [(len(rows) + 1, field)]
        assert found.rows.equals(slow.rows)


def test_energy_curves_of_meters_are_taken_and_what_is_wrong_in_them_is_named(place: Place) -> None:
    report = place.take(
        meter_15min="meter_no,at,fwd_kwh,rev_kwh\n"
        "M1,2026-04-01T00:00:00+08:00,0.25,\n"
        "M1,2026-04-01T00:15:00+08:00,1.125,0.004\n"
        "M9,2026-04-01T00:15:00+08:00,1,\n"
        "M1,2026-04-01T00:20:00+08:00,1,\n"
        "M1,2026-04-01T00:30:00+08:00,-1,\n",
    )
    found = sorted(named(report))
    assert found == [("meter_15min.csv", line, field) for line, field in ((4, "meter_no"), (5, "at"), (6, "fwd_kwh"))]
    table = next(table for table in report.tables if table.name == "meter_15min")
    assert table.taken == 3
    day = place.directory(ReadingApi).curve(CALL, CurveDay(subject="M1", day=date(2026, 4, 1)))
    assert [str(value) for value in day.energy[:2]] == ["0.25", "1.125"]
    assert [None if value is None else str(value) for value in day.energy_rev[:2]] == [None, "0.004"]
    assert place.again().tables[-1].taken == 0

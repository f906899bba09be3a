"""Reading by itself (自动抄表): registers of the midnight that ends the month come from terminals, what has not come by the cut-off
is given up, and every read says which sources were tried for it."""

import pathlib
from datetime import date, timedelta

import pytest
from tests.service.acquisition.field import NEW, OLD, county, fielded, meters, until
from tests.service.bindings import settle
from tests.service.reading.county import MONTH, PERIOD, registers

from denghuo.kernel.contract import Call
from denghuo.service.acquisition.api import AskSuccess, FindLeft, StartCollection
from denghuo.service.reading.api import REGISTER_INTAKE, FindReads, Intake, MonthReadRow, MonthRef, ReadingApi

LAST_DAY = date(2026, 4, 30)
FIRST = date(2026, 4, 1)


@pytest.mark.scope("B04-06")
def test_a_month_reads_itself_and_what_is_missing_at_the_cut_off_goes_down_the_chain(
    database_dsn: str, tmp_path: pathlib.Path
) -> None:
    """One terminal answers. The other is silent: of its meters the registers stop on the 29th, stand around the end, or stop on the
    tenth."""
    with fielded(database_dsn, tmp_path) as field:
        field.register(OLD)
        field.connect(OLD)
        ask = StartCollection(day=LAST_DAY, kinds=["freeze"])
        field.api.start_collection(field.call(), ask)
        success = AskSuccess(day=LAST_DAY, kind="freeze", by="terminal")
        until(lambda: field.api.success(field.call(), success).done == 3, "what the terminal froze")

        field.register(NEW)
        leave = field.connect(NEW)
        leave()
        until(lambda: field.terminal(NEW).link != "online", "the other one silent")
        # Twenty hours are over for what is asked for since then.
        field.api.start_collection(Call.system(field.call().now - timedelta(hours=20)), ask)
        left = FindLeft(day=LAST_DAY, kind="freeze", terminal_no=NEW)
        until(lambda: {one.state for one in field.api.left(field.call(), left).rows} == {"missing"}, "the cut-off")
        assert len(field.api.left(field.call(), left).rows) == 3

        known = county(OLD, NEW).registers
        stops, around, held = (one.meter_no for one in meters(NEW))
        came = {
            **{one.meter_no: [0] for one in meters(OLD)},
            stops: range(29),
            around: [*range(30), 31],
            held: range(10),
        }
        table = registers(
            *(
                (meter_no, FIRST + timedelta(days=day), value, quantity)
                for meter_no, days in came.items()
                for place, quantity in enumerate(("active_fwd", "active_rev"))
                for day in days
                for value in [known[meter_no][place][0] + day * (known[meter_no][place][1] - known[meter_no][place][0])]
            )
        )
        reading = field.directory(ReadingApi)
        rows = field.directory.hosted["reading"].store.datasets.publish(
            REGISTER_INTAKE, MONTH, "all", table, field.call().now
        )
        reading.receive_registers(field.call(), Intake(rows=rows))
        settle(field.directory)
        reading.read_month(field.call(), MonthRef(month=MONTH))
        found = reading.reads(field.call(), FindReads(month=MONTH, limit=200)).rows
        reads: dict[str, MonthReadRow] = {row.meter_no: row for row in found if row.quantity == "active_fwd"}

        for one in meters(OLD):
            read = reads[one.meter_no]
            assert (read.status, read.end_source, read.to_at) == ("valid", "actual", PERIOD.end)
            assert read.end is not None and read.end.e4 == county(OLD).registers[one.meter_no][0][30]
        sources = {meter_no: (reads[meter_no].status, reads[meter_no].end_source) for meter_no in (stops, around, held)}
        assert sources == {
            stops: ("estimated", "daily_average"),
            around: ("estimated", "interpolated"),
            held: ("held", "none"),
        }
        chain = reads[stops].chain
        assert chain is not None and chain.zh.endswith(
            "止度：采集的零点示数（无） → 客户自报（无） → 对方估计（无） → 前后示数内插（无） → 日均外推（采用）"
        )

"""What meters showed (示数与曲线), and the totals that a delivery is checked by."""

from decimal import Decimal

from denghuo.data.processing.import_columns import Instant, Number, Words
from denghuo.data.processing.import_tables.columns import IDENTIFIER, REGISTER, column, optional
from denghuo.data.processing.importing import Shape
from denghuo.kernel.problem import text

REGISTER_READS = Shape(
    "register_reads",
    text("示数", "register reads"),
    (
        column("meter_no", IDENTIFIER, "表号", "meter"),
        column("read_at", Instant(), "抄表时刻", "read at"),
        column("fwd_kwh", REGISTER, "正向示数", "forward register"),
        column("rev_kwh", REGISTER, "反向示数", "reverse register"),
    ),
    unique=(("meter_no", "read_at"),),
)
SIGNED_KILOWATT = Number(places=3, least=Decimal(-10_000_000), most=Decimal(10_000_000), unit="kW", summed=True)
SIGNED_KILOVAR = Number(places=3, least=Decimal(-10_000_000), most=Decimal(10_000_000), unit="kvar", summed=True)
KILOWATT_HOUR = Number(places=3, most=Decimal(2_000_000), unit="kWh", summed=True)
KILOVAR_HOUR = Number(places=3, most=Decimal(2_000_000), unit="kvarh", summed=True)
GATEWAY_15MIN = Shape(
    "gateway_15min",
    text("台区关口曲线", "gateway curves"),
    (
        column("area_no", IDENTIFIER, "台区", "area"),
        column("at", Instant(), "时刻", "beginning of the quarter of an hour"),
        column("p_kw", SIGNED_KILOWATT, "有功", "active power into the area"),
        column("q_kvar", SIGNED_KILOVAR, "无功", "reactive power into the area"),
        column("v_pu", Number(places=4, most=Decimal(2), summed=True), "电压标幺值", "voltage per unit"),
    ),
    unique=(("area_no", "at"),),
)
VOLTAGES = Shape(
    "voltages",
    text("电压曲线", "voltage curves"),
    (
        column("meter_no", IDENTIFIER, "表号", "meter"),
        column("at", Instant(), "时刻", "beginning of the quarter of an hour"),
        column("voltage_v", Number(places=1, most=Decimal(500_000), unit="V", summed=True), "电压", "voltage"),
    ),
    unique=(("meter_no", "at"),),
)
METER_15MIN = Shape(
    "meter_15min",
    text("电能表电量曲线", "energy curves of meters"),
    (
        column("meter_no", IDENTIFIER, "表号", "meter"),
        column("at", Instant(), "时刻", "beginning of the quarter of an hour"),
        column("fwd_kwh", KILOWATT_HOUR, "正向有功", "active energy, forward, after the multiplier"),
        optional("rev_kwh", KILOWATT_HOUR, "反向有功", "active energy, reverse, after the multiplier"),
        optional("fwd_kvarh", KILOVAR_HOUR, "正向无功", "reactive energy, forward, after the multiplier"),
        optional("rev_kvarh", KILOVAR_HOUR, "反向无功", "reactive energy, reverse, after the multiplier"),
    ),
    unique=(("meter_no", "at"),),
)
CONTROL_TOTALS = Shape(
    "control_totals",
    text("控制合计", "control totals"),
    (
        column("file", Words(longest=120), "文件", "file"),
        column("rows", Number(), "行数", "rows"),
        optional("column", Words(longest=64), "列", "column"),
        optional(
            "total", Number(places=9, least=Decimal(-(10**15)), most=Decimal(10**15)), "合计", "sum of the column"
        ),
    ),
    unique=(("file", "column"),),
)

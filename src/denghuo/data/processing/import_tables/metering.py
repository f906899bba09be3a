"""Metering (计量): meters, points, exchanges, terminals, and how points are read."""

from decimal import Decimal

from denghuo.data.processing.import_columns import Code, Day, Instant, Number, Words
from denghuo.data.processing.import_tables.columns import (
    IDENTIFIER,
    KILOWATT,
    MULTIPLIER,
    NAME,
    ORG,
    REGISTER,
    SOURCE,
    VOLTAGE_LEVEL,
    column,
    optional,
)
from denghuo.data.processing.importing import Disagreement, Row, Shape
from denghuo.kernel.problem import text

METERS = Shape(
    "meters",
    text("电能表", "meters"),
    (
        column("meter_no", IDENTIFIER, "表号", "meter"),
        column(
            "kind",
            Code(
                {
                    "direct": text("直接接入", "direct"),
                    "current_transformer": text("经互感器", "behind current transformers"),
                    "high_voltage": text("高压计量", "behind voltage and current transformers"),
                }
            ),
            "接线方式",
            "kind",
        ),
        column("multiplier", MULTIPLIER, "综合倍率", "multiplier, CT x PT"),
        column("integer_digits", Number(least=Decimal(4), most=Decimal(9)), "整数位数", "digits before the point"),
        column("decimal_digits", Number(most=Decimal(4)), "小数位数", "digits after the point"),
        column("installed_on", Day(), "安装日期", "installed on"),
        SOURCE,
    ),
    unique=(("meter_no",),),
)


def point_agrees(row: Row) -> Disagreement | None:
    """A point is a user's or the network's: it names an account, an area or a feeder accordingly."""
    wanted = {"gateway": "area_no", "feeder_head": "feeder_no"}.get(row["role"], "account_no")
    if row[wanted] is None:
        return Disagreement(
            wanted, text("此类计量点必填", "a point of this role needs it"), text("请填写", "fill it in")
        )
    if row["role"] in ("export", "full_feed_in") and row["pv_kw"] is None:
        return Disagreement(
            "pv_kw", text("上网计量点必填", "a point that takes in energy needs it"), text("请填写", "fill it in")
        )
    return None


POINTS = Shape(
    "points",
    text("计量点", "metering points"),
    (
        column("point_no", IDENTIFIER, "计量点编号", "point"),
        column(
            "role",
            Code(
                {
                    "sale": text("售电", "sale"),
                    "sub_meter": text("套表分表", "sub-meter behind a sale point"),
                    "export": text("余电上网", "surplus export"),
                    "full_feed_in": text("全额上网", "full feed-in"),
                    "gateway": text("台区关口", "area gateway"),
                    "feeder_head": text("馈线出口", "feeder head"),
                }
            ),
            "用途",
            "role",
        ),
        column(
            "register",
            Code({"fwd": text("正向", "forward"), "rev": text("反向", "reverse"), "net": text("正反向", "both")}),
            "示数",
            "register",
        ),
        optional("account_no", IDENTIFIER, "户号", "account"),
        optional("area_no", IDENTIFIER, "台区", "area"),
        optional("feeder_no", IDENTIFIER, "馈线", "feeder"),
        ORG,
        column("meter_no", IDENTIFIER, "表号", "meter at the beginning of the period"),
        column("multiplier", MULTIPLIER, "综合倍率", "multiplier, CT x PT"),
        column("voltage_kv", VOLTAGE_LEVEL, "电压等级", "voltage level"),
        optional("pv_kw", KILOWATT, "发电容量", "generating capacity"),
        optional(
            "pv_mode",
            Code({"surplus": text("余电上网", "surplus"), "full": text("全额上网", "full")}),
            "上网方式",
            "feed-in",
        ),
        optional("node_no", IDENTIFIER, "节点", "node"),
        SOURCE,
    ),
    unique=(("point_no",), ("meter_no", "register")),
    checks=(point_agrees,),
)


def exchange_agrees(row: Row) -> Disagreement | None:
    if row["old_meter_no"] != row["new_meter_no"]:
        return None
    return Disagreement(
        "new_meter_no", text("新旧表号相同", "the new meter is the old one"), text("请核对表号", "check the meters")
    )


METER_EXCHANGES = Shape(
    "meter_exchanges",
    text("换表记录", "meter exchanges"),
    (
        column("point_no", IDENTIFIER, "计量点编号", "point"),
        column("old_meter_no", IDENTIFIER, "旧表号", "old meter"),
        column("new_meter_no", IDENTIFIER, "新表号", "new meter"),
        column("exchanged_at", Instant(), "换表时刻", "exchanged at"),
        # Left empty where nobody wrote the register down: reading holds such an account as an exception.
        optional("old_final_fwd_kwh", REGISTER, "旧表止度", "final register of the old meter"),
        column("new_start_fwd_kwh", REGISTER, "新表起度", "first register of the new meter"),
        column("new_multiplier", MULTIPLIER, "新表倍率", "multiplier of the new meter"),
        SOURCE,
    ),
    unique=(("new_meter_no",), ("point_no", "exchanged_at")),
    checks=(exchange_agrees,),
)


def begins_with_a_month(row: Row) -> Disagreement | None:
    if row["effective_from"].day == 1:
        return None
    return Disagreement(
        "effective_from",
        text("抄表周期自某月 1 日起生效", "a reading cycle begins with a month"),
        text("请填写某月 1 日", "state the first day of a month"),
    )


READING_BOOKS = Shape(
    "reading_books",
    text("抄表册", "reading books"),
    (
        column("point_no", IDENTIFIER, "计量点编号", "metering point"),
        column("book", IDENTIFIER, "抄表册", "reading book"),
        column("place", Number(least=Decimal(1), most=Decimal(1_000_000)), "行走顺序", "place in the walk"),
        column("effective_from", Day(), "生效日期", "in force from"),
        SOURCE,
    ),
    unique=(("point_no",),),
)
READING_ROUTES = Shape(
    "reading_routes",
    text("抄表段周期", "cycles of reading routes"),
    (
        column("route", IDENTIFIER, "抄表段（台区或馈线编号）", "route: number of an area or a feeder"),
        column(
            "cycle",
            Code(
                {
                    "monthly": text("每月", "every month"),
                    "even": text("双数月", "in even months"),
                    "odd": text("单数月", "in odd months"),
                }
            ),
            "抄表周期",
            "reading cycle: every month, in even or in odd months",
        ),
        column("effective_from", Day(), "生效日期（某月1日）", "in force from, the first day of a month"),
        optional("reason", Words(longest=200), "事由", "reason"),
        SOURCE,
    ),
    unique=(("route", "effective_from"),),
    checks=(begins_with_a_month,),
)
TERMINAL_NO = Words(longest=12, pattern=r"[0-9]{9}|[0-9]{12}", example="140500001")
ENDPOINT = Words(
    longest=259,
    pattern=r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}",
    example="10.8.0.15:4001",
)
DIALLED = ("dlms", "hdlc", "iec104", "dlt645", "modbus")


def reached_as_its_protocol_is(row: Row) -> Disagreement | None:
    if (row["protocol"] in DIALLED) != (row["endpoint"] is not None):
        return Disagreement(
            "endpoint",
            text(
                "直连表、厂站和串口服务器须有网络地址,终端则没有",
                "a direct meter, station or gateway is dialled at a network address, a terminal dials us",
            ),
            text("请填写主机:端口,或留空", "give host:port, or leave it empty"),
        )
    if (row["protocol"] == "iec104") != (row["count_wh"] is not None):
        return Disagreement(
            "count_wh",
            text("104 厂站须说明每计数电量,其他规约自带单位", "a 104 station tells no units, the other protocols do"),
            text("请按厂站点表填写,或留空", "take it from the station's list of points, or leave it empty"),
        )
    if (row["protocol"] == "modbus") != (row["registers"] is not None):
        return Disagreement(
            "registers",
            text(
                "Modbus 表须有寄存器表,其他规约自带含义",
                "a Modbus meter tells no meanings of registers, the others do",
            ),
            text("请按厂家点表填写,或留空", "take it from the maker's table of points, or leave it empty"),
        )
    return None


TERMINALS = Shape(
    "terminals",
    text("采集终端", "terminals"),
    (
        column("terminal_no", TERMINAL_NO, "终端地址", "address"),
        column(
            "protocol",
            Code(
                {
                    "gdw3761": text("Q/GDW 376.1", "Q/GDW 376.1"),
                    "dlt698": text("DL/T 698.45", "DL/T 698.45"),
                    "mqtt": text("MQTT", "MQTT"),
                    "dlt645": text("DL/T 645（串口服务器）", "DL/T 645 behind a gateway"),
                    "dlms": text("DLMS/COSEM（TCP）", "DLMS/COSEM over TCP"),
                    "hdlc": text("DLMS/COSEM（HDLC）", "DLMS/COSEM over HDLC"),
                    "iec104": text("IEC 60870-5-104", "IEC 60870-5-104"),
                    "modbus": text("Modbus（TCP）", "Modbus over TCP"),
                }
            ),
            "规约",
            "protocol",
        ),
        column("name", NAME, "终端名称", "name"),
        column("vendor", Words(longest=60), "厂家", "vendor"),
        column(
            "channel",
            Code(
                {
                    "cellular": text("移动公网", "public cellular"),
                    "private_radio": text("无线专网", "private radio"),
                    "fibre": text("光纤专网", "fibre"),
                    "ethernet": text("以太网", "Ethernet"),
                }
            ),
            "通道",
            "channel",
        ),
        ORG,
        optional("area_no", IDENTIFIER, "台区编号", "area"),
        optional(
            "endpoint",
            ENDPOINT,
            "网络地址（串口服务器、直连表、厂站）",
            "where a gateway, direct meter or station is dialled",
        ),
        optional(
            "count_wh",
            Number(least=Decimal(1), most=Decimal(1_000_000_000)),
            "每计数电量（Wh，104 厂站）",
            "energy of a count in Wh, of a 104 station",
        ),
        optional(
            "registers",
            Words(longest=4_000),
            "寄存器表（Modbus 表）",
            "which registers hold what, of Modbus meters",
        ),
        SOURCE,
    ),
    unique=(("terminal_no",), ("endpoint",)),
    checks=(reached_as_its_protocol_is,),
)
TERMINAL_METERS = Shape(
    "terminal_meters",
    text("终端所接电能表", "meters behind terminals"),
    (
        column("terminal_no", TERMINAL_NO, "终端地址", "terminal"),
        column("number", Number(least=Decimal(1), most=Decimal(2_040)), "测量点号", "measuring point"),
        column("meter_no", IDENTIFIER, "表号", "meter"),
        column(
            "address",
            Words(longest=12, pattern=r"[0-9]{12}", example="000000000001"),
            "通信地址",
            "address of the meter",
        ),
    ),
    unique=(("meter_no",), ("terminal_no", "number")),
)

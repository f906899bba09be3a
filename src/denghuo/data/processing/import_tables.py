"""The tables of the public import, in the order in which one needs another. A file is named after its table.

Codes and numbers of organisations, accounts, points and meters are the sender's own; only their length and alphabet are
bounded. Whether a row agrees with what is stored already (an account that exists, a reading before installation, a date
in the future) is for the services to say: here a row is judged by itself and by its file.
"""

from decimal import Decimal

from denghuo.data.processing.import_columns import Code, Day, Instant, Kind, Number, Truth, Words
from denghuo.data.processing.importing import Column, Disagreement, Row, Shape
from denghuo.kernel.problem import text

IDENTIFIER = Words(longest=32, pattern=r"[0-9A-Za-z][0-9A-Za-z._-]*", example="5810100000019")
NAME = Words(longest=120)
ADDRESS = Words(longest=240)
MULTIPLIER = Number(least=Decimal(1), most=Decimal(1_000_000))
KILOWATT = Number(places=3, most=Decimal(10_000_000), unit="kW", summed=True)
KILOVOLT_AMPERE = Number(places=3, most=Decimal(10_000_000), unit="kVA", summed=True)
REGISTER = Number(places=4, most=Decimal(99_999_999), unit="kWh", summed=True)
METRE = Number(least=Decimal(-10_000_000), most=Decimal(10_000_000), unit="m")
VOLTAGE_LEVEL = Code(
    {
        level: text(f"{level}千伏", f"{level} kV")
        for level in ("0.22", "0.38", "6", "10", "20", "35", "66", "110", "220", "330", "500")
    }
)
TARIFF_CLASS = Code(
    {
        "resident": text("居民生活", "residential"),
        "agricultural": text("农业生产", "agricultural"),
        "general_single_part": text("一般工商业单一制", "business, single part"),
        "two_part_capacity": text("两部制(按容量)", "two-part by capacity"),
        "two_part_demand": text("两部制(按需量)", "two-part by demand"),
        "generation": text("发电上网", "generation"),
    }
)
ORG_CODE = Words(longest=32, pattern=r"[0-9A-Z]+(\.[0-9A-Z]+)*", example="1405810.01")


def column(name: str, kind: Kind, zh: str, en: str, required: bool = True) -> Column:
    return Column(name, kind, text(zh, en), required)


def optional(name: str, kind: Kind, zh: str, en: str) -> Column:
    return column(name, kind, zh, en, required=False)


ORG = column("org_code", ORG_CODE, "单位编码", "organisation")
SOURCE = optional("source_id", Words(longest=120), "来源标识", "identifier in the system it came from")

ORGANISATIONS = Shape(
    "organisations",
    text("供电单位", "organisations"),
    (
        ORG,
        column("name", NAME, "单位名称", "name"),
        optional("name_en", NAME, "英文名称", "English name"),
        column(
            "kind",
            Code({"company": text("公司", "company"), "station": text("供电所", "supply station")}),
            "类型",
            "kind",
        ),
        optional("parent_code", ORG_CODE, "上级单位", "superior organisation"),
        optional("address", ADDRESS, "地址", "address"),
        optional("phone", Words(longest=20, pattern=r"[0-9+-]+"), "电话", "telephone"),
        SOURCE,
    ),
    unique=(("org_code",),),
)
PRICE_AREAS = Shape(
    "price_areas",
    text("单位价区", "price areas of units"),
    (
        ORG,
        optional("area", Words(longest=16, pattern=r"[0-9A-Za-z.-]{2,16}", example="310000"), "价区", "price area"),
        column("from_day", Day(), "起始日期", "from"),
        SOURCE,
    ),
    unique=(("org_code", "from_day"),),
)
NETWORK_NODES = Shape(
    "network_nodes",
    text("网络节点", "network nodes"),
    (
        column("node_no", IDENTIFIER, "节点编号", "node"),
        column(
            "kind",
            Code(
                {
                    "substation": text("变电站", "substation"),
                    "area": text("台区", "transformer area"),
                    "user": text("专变用户", "user at medium voltage"),
                    "junction": text("联络点", "junction"),
                }
            ),
            "类型",
            "kind",
        ),
        optional("feeder_no", IDENTIFIER, "馈线", "feeder"),
        column("x_m", METRE, "东向坐标", "metres east of the origin"),
        column("y_m", METRE, "北向坐标", "metres north of the origin"),
        SOURCE,
    ),
    unique=(("node_no",),),
)
NETWORK_LINES = Shape(
    "network_lines",
    text("网络线段", "network lines"),
    (
        column("line_no", IDENTIFIER, "线段编号", "line"),
        optional("feeder_no", IDENTIFIER, "馈线", "feeder"),
        column("from_node_no", IDENTIFIER, "起点", "from node"),
        column("to_node_no", IDENTIFIER, "终点", "to node"),
        column("length_m", Number(most=Decimal(1_000_000), unit="m"), "长度", "length"),
        column("normally_open", Truth(), "常开", "normally open"),
        SOURCE,
    ),
    unique=(("line_no",),),
)
FEEDERS = Shape(
    "feeders",
    text("馈线", "feeders"),
    (
        column("feeder_no", IDENTIFIER, "馈线编号", "feeder"),
        column("name", NAME, "馈线名称", "name"),
        ORG,
        column("voltage_kv", VOLTAGE_LEVEL, "电压等级", "voltage level"),
        optional("head_meter_no", IDENTIFIER, "出口表", "meter at its head"),
        optional("head_multiplier", MULTIPLIER, "出口表倍率", "multiplier of that meter"),
        SOURCE,
    ),
    unique=(("feeder_no",), ("head_meter_no",)),
)
AREAS = Shape(
    "areas",
    text("台区", "transformer areas"),
    (
        column("area_no", IDENTIFIER, "台区编号", "area"),
        column("name", NAME, "台区名称", "name"),
        ORG,
        column("feeder_no", IDENTIFIER, "馈线", "feeder"),
        column("transformer_kva", KILOVOLT_AMPERE, "变压器容量", "transformer rating"),
        column("no_load_loss_kw", KILOWATT, "空载损耗", "no-load loss"),
        optional("gateway_meter_no", IDENTIFIER, "关口表", "gateway meter"),
        optional("gateway_multiplier", MULTIPLIER, "关口表倍率", "multiplier of that meter"),
        optional("node_no", IDENTIFIER, "节点", "node"),
        optional("x_m", METRE, "东向坐标", "metres east of the origin"),
        optional("y_m", METRE, "北向坐标", "metres north of the origin"),
        SOURCE,
    ),
    unique=(("area_no",), ("gateway_meter_no",)),
)
CUSTOMERS = Shape(
    "customers",
    text("用户", "customers"),
    (
        column("account_no", IDENTIFIER, "户号", "account"),
        column("name", NAME, "户名", "name"),
        column(
            "kind",
            Code(
                {
                    "resident": text("居民", "resident"),
                    "business": text("工商业", "business"),
                    "farm": text("农业", "farm"),
                    "industry": text("大工业", "industry"),
                    "generator": text("发电", "generator"),
                }
            ),
            "用户类别",
            "kind",
        ),
        column("tariff_class", TARIFF_CLASS, "电价类别", "tariff class"),
        optional(
            "industry_code", Words(longest=4, pattern=r"[0-9]{4}", example="5212"), "行业代码", "class of GB/T 4754"
        ),
        column("address", ADDRESS, "用电地址", "address"),
        optional("phone", Words(longest=20, pattern=r"[0-9+-]+"), "电话", "telephone"),
        ORG,
        column(
            "status", Code({"active": text("正常", "active"), "closed": text("已销户", "closed")}), "状态", "status"
        ),
        column("opened_on", Day(), "立户日期", "opened on"),
        SOURCE,
    ),
    unique=(("account_no",),),
)


def contract_agrees(row: Row) -> Disagreement | None:
    """Supply states the power, two-part supply by capacity the transformer, purchase the generating capacity."""
    wanted = "contract_kw" if row["kind"] == "supply" else "pv_kw"
    if row["kind"] == "supply" and row["tariff_class"] == "two_part_capacity" and row["capacity_kva"] is None:
        wanted = "capacity_kva"
    if row[wanted] is not None:
        return None
    return Disagreement(wanted, text("此类合同必填", "a contract of this kind needs it"), text("请填写", "fill it in"))


def special_agrees(row: Row) -> Disagreement | None:
    """Households and free energy are of residents, a household has its day, and losses are of supply."""
    resident = row["kind"] == "supply" and row["tariff_class"] == "resident"
    for name in ("household_persons", "free_energy"):
        if row[name] and not resident:
            return Disagreement(
                name, text("只用于居民用电", "it is for residents only"), text("请清空", "leave it empty")
            )
    if row["household_persons"] is not None and row["household_since"] is None:
        return Disagreement(
            "household_since", text("多人口户必填", "a household needs it"), text("请填写", "fill it in")
        )
    for name in (
        "pf_use",
        "on_load_changer",
        "pf_standard",
        "line_loss_percent",
        "transformer_loss_kwh",
        "transformer_loss_kvarh",
    ):
        if row[name] is not None and row["kind"] != "supply":
            return Disagreement(
                name, text("只用于供用电合同", "it is for supply only"), text("请清空", "leave it empty")
            )
    if row["fee_control"] is not None and row["kind"] != "supply":
        return Disagreement(
            "fee_control", text("只用于供用电合同", "it is for supply only"), text("请清空", "leave it empty")
        )
    if row["protected"] and row["fee_control"] is None:
        return Disagreement(
            "protected",
            text("只用于费控用户", "it is for accounts under fee control only"),
            text("请填写费控方式或清空", "state the fee control or leave it empty"),
        )
    if row["transformer_loss_kvarh"] is not None and row["transformer_loss_kwh"] is None:
        return Disagreement(
            "transformer_loss_kwh", text("协议变损须有有功", "an agreed loss needs it"), text("请填写", "fill it in")
        )
    return None


CONTRACTS = Shape(
    "contracts",
    text("合同", "contracts"),
    (
        column("contract_no", IDENTIFIER, "合同编号", "contract"),
        column("account_no", IDENTIFIER, "户号", "account"),
        column(
            "kind",
            Code({"supply": text("供用电", "supply"), "purchase": text("购售电", "purchase")}),
            "合同类别",
            "kind",
        ),
        column("tariff_class", TARIFF_CLASS, "电价类别", "tariff class"),
        optional("contract_kw", KILOWATT, "合同功率", "contracted power"),
        optional("capacity_kva", KILOVOLT_AMPERE, "受电容量", "transformer capacity"),
        optional("pv_kw", KILOWATT, "发电容量", "generating capacity"),
        column("voltage_kv", VOLTAGE_LEVEL, "电压等级", "voltage level"),
        column(
            "settlement_mode",
            Code(
                {
                    "agency": text("代理购电", "agency purchase"),
                    "market": text("市场化", "market"),
                    "surplus_feed_in": text("余电上网", "surplus feed-in"),
                    "full_feed_in": text("全额上网", "full feed-in"),
                }
            ),
            "结算方式",
            "settlement",
        ),
        column("effective_from", Day(), "生效日期", "effective from"),
        optional(
            "pf_standard",
            Code({one: text(f"0.{one}", f"0.{one}") for one in ("90", "85", "80")}),
            "约定功率因数标准",
            "agreed power factor standard",
        ),
        optional(
            "pf_use",
            Code(
                {
                    "industry": text("工业", "industry"),
                    "non_industrial": text("非工业", "non-industrial"),
                    "pumping": text("电力排灌站", "pumping station"),
                    "agriculture": text("农业", "agriculture"),
                    "wholesale": text("趸售", "wholesale"),
                    "wholesale_industry": text("趸售（含未划出的大工业）", "wholesale with large industry"),
                }
            ),
            "力调用电性质",
            "use for the power factor standard",
        ),
        optional("on_load_changer", Truth(), "带负荷调压装置", "on-load tap changer"),
        optional(
            "household_persons", Number(least=Decimal(1), most=Decimal(99)), "家庭人口", "persons of the household"
        ),
        optional("household_since", Day(), "多人口受理日期", "day on which the household was accepted"),
        optional("free_energy", Truth(), "享受免费电量", "has free energy"),
        optional("free_until", Day(), "免费电量止日", "last day of free energy"),
        optional(
            "line_loss_percent",
            Number(places=2, least=Decimal("0.01"), most=Decimal("99.99"), unit="%"),
            "线损率",
            "line loss, share of the energy",
        ),
        optional(
            "transformer_loss_kwh", Number(places=3, unit="kWh"), "协议变损有功", "agreed transformer loss a month"
        ),
        optional(
            "transformer_loss_kvarh", Number(places=3, unit="kvarh"), "协议变损无功", "agreed reactive loss a month"
        ),
        optional(
            "fee_control",
            Code({"prepaid": text("预付费", "prepaid"), "remote": text("远程费控", "remote fee control")}),
            "费控方式",
            "fee control",
        ),
        optional("protected", Truth(), "保电用户", "protected from interruption"),
        SOURCE,
    ),
    unique=(("contract_no",),),
    checks=(contract_agrees, special_agrees),
)
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
DEBIT_AGREEMENTS = Shape(
    "debit_agreements",
    text("代扣协议", "direct debit agreements"),
    (
        column("account_no", IDENTIFIER, "户号", "account"),
        column("bank_code", Words(longest=12, pattern=r"[A-Z0-9]{4,12}", example="ICBC"), "银行代码", "bank"),
        column("bank_account", Words(longest=30, pattern=r"[0-9]{8,30}"), "银行账号", "bank account"),
        column("holder", NAME, "账户名", "holder of the bank account"),
        column("signed_on", Day(), "签约日期", "signed on"),
        SOURCE,
    ),
    unique=(("account_no",),),
)
TERMINAL_NO = Words(longest=12, pattern=r"[0-9]{9}|[0-9]{12}", example="140500001")
TERMINALS = Shape(
    "terminals",
    text("采集终端", "terminals"),
    (
        column("terminal_no", TERMINAL_NO, "终端地址", "address"),
        column(
            "protocol",
            Code({"gdw3761": text("Q/GDW 376.1", "Q/GDW 376.1"), "dlt698": text("DL/T 698.45", "DL/T 698.45")}),
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
        SOURCE,
    ),
    unique=(("terminal_no",),),
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
TABLES: tuple[Shape, ...] = (
    ORGANISATIONS,
    PRICE_AREAS,
    FEEDERS,
    NETWORK_NODES,
    NETWORK_LINES,
    AREAS,
    CUSTOMERS,
    METERS,
    CONTRACTS,
    POINTS,
    METER_EXCHANGES,
    READING_ROUTES,
    READING_BOOKS,
    DEBIT_AGREEMENTS,
    TERMINALS,
    TERMINAL_METERS,
    REGISTER_READS,
    GATEWAY_15MIN,
    VOLTAGES,
    METER_15MIN,
)

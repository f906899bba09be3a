"""Units and the network (供电单位与电网): organisations, price areas, feeders, transformer areas, nodes and lines."""

from decimal import Decimal

from denghuo.data.processing.import_columns import Code, Day, Number, Truth, Words
from denghuo.data.processing.import_tables.columns import (
    ADDRESS,
    IDENTIFIER,
    KILOVOLT_AMPERE,
    KILOWATT,
    METRE,
    MULTIPLIER,
    NAME,
    ORG,
    ORG_CODE,
    SOURCE,
    VOLTAGE_LEVEL,
    column,
    optional,
)
from denghuo.data.processing.importing import Shape
from denghuo.kernel.problem import text

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

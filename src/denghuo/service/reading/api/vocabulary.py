"""Codes, values and dataset schemas of the reading contract."""

from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import DatasetSchema, Dictionary, Label
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Register, Value

QUANTITIES = Dictionary(
    "reading.quantity",
    {
        "active_fwd": text("正向有功", "Active, forward"),
        "active_rev": text("反向有功", "Active, reverse"),
        "reactive_fwd": text("正向无功", "Reactive, forward"),
        "reactive_rev": text("反向无功", "Reactive, reverse"),
        "demand": text("最大需量", "Maximum demand"),
    },
)
Quantity = Annotated[
    Literal["active_fwd", "active_rev", "reactive_fwd", "reactive_rev", "demand"],
    Label("示数类型", "Quantity", dictionary=QUANTITIES.name),
]
BANDS = Dictionary(
    "reading.band",
    {
        "total": text("总", "Total"),
        "sharp": text("尖", "Sharp"),
        "peak": text("峰", "Peak"),
        "flat": text("平", "Flat"),
        "valley": text("谷", "Valley"),
        "deep": text("深谷", "Deep valley"),
    },
)
Band = Annotated[
    Literal["total", "sharp", "peak", "flat", "valley", "deep"], Label("时段", "Band", dictionary=BANDS.name)
]
STATUSES = Dictionary(
    "reading.status",
    {
        "valid": text("正常", "Valid"),
        "estimated": text("估计", "Estimated"),
        "held": text("待核", "Held"),
    },
    tones={"valid": "good", "estimated": "notice", "held": "warning"},
)
Status = Annotated[Literal["valid", "estimated", "held"], Label("状态", "Status", dictionary=STATUSES.name)]
METHODS = Dictionary(
    "reading.method",
    {
        "actual": text("实抄", "Actual"),
        "manual": text("人工录入", "Entered by hand"),
        "self_read": text("客户自报", "Reported by the customer"),
        "sender": text("对方估计", "Estimated by the sender"),
        "interpolated": text("前后示数内插", "Interpolated"),
        "daily_average": text("日均外推", "Daily average"),
        "curve": text("15分钟曲线", "15-minute curve"),
        "none": text("无", "None"),
    },
)
Method = Annotated[
    Literal["actual", "manual", "self_read", "sender", "interpolated", "daily_average", "curve", "none"],
    Label("取数方式", "Method", dictionary=METHODS.name),
]
SOURCES = Dictionary(
    "reading.source",
    {
        "manual": text("人工录入", "Entered by hand"),
        "actual": text("采集的零点示数", "Collected at midnight"),
        "noted": text("装拆记录", "Exchange record"),
        "self_read": text("客户自报", "Reported by the customer"),
        "sender": text("对方估计", "Estimated by the sender"),
        "interpolated": text("前后示数内插", "Line between neighbours"),
        "daily_average": text("日均外推", "Daily average"),
        "none": text("无", "None"),
    },
)
Source = Annotated[
    Literal["manual", "actual", "noted", "self_read", "sender", "interpolated", "daily_average", "none"],
    Label("来源", "Source", dictionary=SOURCES.name),
]
"""Where a register came from, in the order in which the sources are tried."""
RULES = Dictionary(
    "reading.rule",
    {
        "checked": text("校验通过", "Checked"),
        "manual": text("人工录入", "Entered by hand"),
        "self_read": text("客户自报", "Reported by the customer"),
        "sender": text("对方估计示数", "Estimated by the sender"),
        "accepted": text("人工确认", "Accepted by a clerk"),
        "missing": text("边界示数缺失", "Boundary register missing"),
        "missing_days": text("期间缺数", "Days without a read"),
        "negative": text("示数倒走", "Register runs backwards"),
        "rollover": text("表计翻转", "Register rolled over"),
        "exchange": text("换表分段", "Meter exchanged"),
        "exchange_no_final": text("换表无止度", "Exchange without a final register"),
        "no_start": text("无起度", "No start register"),
        "spike": text("电量突增", "Sudden rise"),
        "over_capacity": text("电量超过发电容量", "More than the plant can generate"),
        "outlier": text("个别示数异常", "A single register stands out"),
        "drop": text("电量突降", "Sudden fall"),
        "reverse": text("反向走字", "Reverse register moves"),
        "zero_run": text("连续零电量", "Zero for many days"),
        "zero_month": text("全月零电量", "Zero for the whole month"),
        "too_large": text("电量超出可计范围", "Energy beyond what can be counted"),
        "curve": text("由曲线分时", "Split by the curve"),
        "curve_gaps": text("曲线缺点", "Gaps in the curve"),
        "curve_apart": text("曲线与示数不符", "Curve and registers disagree"),
        "curve_estimated": text("曲线含估计值", "By a curve with estimates"),
    },
    tones={
        "checked": "good",
        "exchange_no_final": "danger",
        "negative": "danger",
        "spike": "warning",
        "over_capacity": "warning",
        "zero_run": "warning",
        "missing": "warning",
        "no_start": "danger",
        "too_large": "danger",
        "curve_gaps": "warning",
        "curve_apart": "danger",
    },
)
RuleCode = Annotated[
    Literal[
        "checked",
        "manual",
        "self_read",
        "sender",
        "accepted",
        "missing",
        "missing_days",
        "negative",
        "rollover",
        "exchange",
        "exchange_no_final",
        "no_start",
        "spike",
        "over_capacity",
        "outlier",
        "drop",
        "reverse",
        "zero_run",
        "zero_month",
        "too_large",
        "curve",
        "curve_gaps",
        "curve_apart",
        "curve_estimated",
    ],
    Label("规则", "Rule", dictionary=RULES.name),
]
SEVERITIES = Dictionary(
    "reading.severity",
    {
        "hold": text("挂起待核", "Holds the read"),
        "estimate": text("估计并标记", "Estimates and marks"),
        "notice": text("提示", "Remarks"),
    },
    tones={"hold": "warning", "estimate": "notice", "notice": "plain"},
)
Severity = Annotated[Literal["hold", "estimate", "notice"], Label("作用", "Effect", dictionary=SEVERITIES.name)]
SIDES = Dictionary("reading.side", {"start": text("起度", "Start"), "end": text("止度", "End")})
Side = Annotated[Literal["start", "end"], Label("起止", "Side", dictionary=SIDES.name)]


class ReactivePower(Value):
    """Reactive power in var; on the wire kvar."""

    __slots__ = ()
    places, kind, unit = 3, "reactive_power", "kvar"


class Volts(Value):
    """A voltage in 0.1 V."""

    __slots__ = ()
    places, keep, kind, unit = 1, 1, "voltage", "V"


class PerUnit(Value):
    """A voltage in 1e-4 of the nominal one."""

    __slots__ = ()
    places, keep, kind, unit = 4, 4, "per_unit", "p.u."


REGISTER_INTAKE = DatasetSchema(
    "reading.register_intake",
    1,
    {
        "meter_no": "text",
        "read_at": "instant",
        "quantity": "text",
        "band": "text",
        "value_e4": "int64",
    },
    text("示数入库", "Registers to take in"),
)
MARKED_REGISTER_INTAKE = DatasetSchema(
    "reading.marked_register_intake",
    1,
    {**REGISTER_INTAKE.columns, "mark": "text"},
    text("带对方标记的示数入库", "Registers to take in, with the marks of their sender"),
)
"""mark: how the sender says that a register was not read; empty where it was."""
CURVE_INTAKE = DatasetSchema(
    "reading.curve_intake",
    1,
    {"series": "text", "subject": "text", "at": "instant", "value": "int32"},
    text("曲线入库", "Curves to take in"),
)
MARKED_CURVE_INTAKE = DatasetSchema(
    "reading.marked_curve_intake",
    1,
    {**CURVE_INTAKE.columns, "mark": "text"},
    text("带对方标记的曲线入库", "Curves to take in, with the marks of their sender"),
)
"""mark: how the sender says that a value is not measured; empty where it is."""
SERIES = Dictionary(
    "reading.series",
    {
        "gateway_power_w": text("关口有功功率", "Gateway active power"),
        "gateway_reactive_var": text("关口无功功率", "Gateway reactive power"),
        "gateway_voltage_e4": text("关口电压标幺值", "Gateway voltage per unit"),
        "voltage_dv": text("电压", "Voltage"),
        "active_fwd_wh": text("正向有功电量", "Active energy, forward"),
        "active_fwd_a_wh": text("A相正向有功电量", "Active energy of phase A, forward"),
        "active_fwd_b_wh": text("B相正向有功电量", "Active energy of phase B, forward"),
        "active_fwd_c_wh": text("C相正向有功电量", "Active energy of phase C, forward"),
        "active_rev_wh": text("反向有功电量", "Active energy, reverse"),
        "reactive_fwd_varh": text("正向无功电量", "Reactive energy, forward"),
        "reactive_rev_varh": text("反向无功电量", "Reactive energy, reverse"),
    },
)
ENERGY_SERIES = ("active_fwd_wh", "active_rev_wh", "reactive_fwd_varh", "reactive_rev_varh")
"""What passed a meter in each quarter of an hour, after the multiplier."""
PHASE_SERIES = ("active_fwd_a_wh", "active_fwd_b_wh", "active_fwd_c_wh")
"""What of the active energy forward passed each phase: held against the whole, and nothing is billed by it."""
METER_SERIES = frozenset({"voltage_dv", *ENERGY_SERIES, *PHASE_SERIES})
"""Series of a meter; the others are of an area's gateway."""
EnergySeries = Annotated[
    Literal["active_fwd_wh", "active_rev_wh", "reactive_fwd_varh", "reactive_rev_varh"],
    Label("曲线系列", "Series", dictionary=SERIES.name),
]

MONTH_ENERGY = DatasetSchema(
    "reading.month_energy",
    1,
    {
        "point_no": "text",
        "account_no": "text",
        "area_no": "text",
        "feeder_no": "text",
        "org": "text",
        "role": "text",
        "meter_no": "text",
        "piece": "int32",
        "quantity": "text",
        "band": "text",
        "from_at": "instant",
        "to_at": "instant",
        "start_e4": "int64",
        "end_e4": "int64",
        "multiplier": "int64",
        "energy_wh": "int64",
        "status": "text",
        "rule": "text",
        "method": "text",
        "days_estimated": "int32",
    },
    text("月度电量", "Energy of the month"),
)
MONTH_FLOW = DatasetSchema(
    "reading.month_flow", 1, MONTH_ENERGY.columns, text("分月流量", "Energy that flowed in the month")
)
"""As `reading.month_energy`, with the month's own energy of points that are read every two months. Published where there are such:
for balances, which no month may be missing from; nothing is billed by it."""
MONTH_WAITING = DatasetSchema(
    "reading.month_waiting", 1, {"account_no": "text"}, text("非本月抄表用户", "Accounts read in a later month")
)
ENERGY_SO_FAR = DatasetSchema(
    "reading.energy_so_far", 1, MONTH_ENERGY.columns, text("本月至今电量", "Energy of a running month")
)


Piece = Annotated[int, Field(ge=1, le=99), Label("分段", "Piece")]
Days = Annotated[int, Label("估计天数", "Days estimated")]
MissingDays = Annotated[int, Label("缺数天数", "Days missing")]
Start = Annotated[Register | None, Label("起示数", "Start register")]
End = Annotated[Register | None, Label("止示数", "End register")]
Measured = Annotated[Energy | None, Label("电量", "Energy")]
RowKey = Annotated[str, Label("行标识", "Row")]
RowCount = Annotated[int, Label("行数", "Rows")]

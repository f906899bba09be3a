"""Field types that several contracts share: numbers of the trade's records, with their labels (公共字段)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text


def _month(value: str) -> str:
    return str(Month.of(value))


def is_account_no(value: str) -> bool:
    """Whether a text has the form of an account number; its check digit is the customer service's."""
    return len(value) == 13 and value.isascii() and value.isdecimal()


AccountNo = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{13}$"), Label("户号", "Account no."), Field(examples=["5810100000019"])
]
OrganisationCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=32),
    Label("供电单位", "Unit", dictionary="organisation"),
]
_IDENTIFIER = StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$", max_length=32)
PointNo = Annotated[str, _IDENTIFIER, Label("计量点编号", "Metering point")]
MeterNo = Annotated[str, _IDENTIFIER, Label("表号", "Meter no.")]
AreaNo = Annotated[str, _IDENTIFIER, Label("台区编号", "Area no.")]
FeederNo = Annotated[str, _IDENTIFIER, Label("馈线编号", "Feeder no.")]
NodeNo = Annotated[str, _IDENTIFIER, Label("节点编号", "Node no.")]
ContractNo = Annotated[str, _IDENTIFIER, Label("合同编号", "Contract no.")]
BillNo = Annotated[str, StringConstraints(pattern=r"^[0-9]{22}$"), Label("账单编号", "Bill no.")]
TariffCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{1,63}$"), Label("电价代码", "Tariff code")]
MonthText = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$"),
    AfterValidator(_month),
    Label("电费年月", "Month"),
    Field(examples=["2026-04"]),
]
Day = Annotated[date, Label("日期", "Day")]
Instant = Annotated[AwareDatetime, Label("时间", "Time")]
AsOf = Annotated[AwareDatetime, Label("数据时间", "As of")]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,31}$"), Label("用户名", "User name")]
Remark = Annotated[str, StringConstraints(max_length=400, strip_whitespace=True), Label("说明", "Remark")]
Reason = Annotated[str, StringConstraints(min_length=4, max_length=200, strip_whitespace=True), Label("事由", "Reason")]

TARIFF_CLASSES = Dictionary(
    "tariff_class",
    {
        "resident": text("居民生活", "Residential"),
        "agricultural": text("农业生产", "Agricultural"),
        "general_single_part": text("一般工商业单一制", "Business, single part"),
        "two_part_capacity": text("两部制（容量）", "Two-part by capacity"),
        "two_part_demand": text("两部制（需量）", "Two-part by demand"),
        "generation": text("发电上网", "Generation"),
    },
)
TariffClass = Annotated[
    Literal["resident", "agricultural", "general_single_part", "two_part_capacity", "two_part_demand", "generation"],
    Label("用电类别", "Tariff class", dictionary=TARIFF_CLASSES.name),
]
VOLTAGES = Dictionary(
    "voltage",
    {
        level: text(f"{level} 千伏", f"{level} kV")
        for level in ("0.22", "0.38", "6", "10", "20", "35", "66", "110", "220", "330", "500")
    },
)
Voltage = Annotated[
    Literal["0.22", "0.38", "6", "10", "20", "35", "66", "110", "220", "330", "500"],
    Label("电压等级", "Voltage", dictionary=VOLTAGES.name),
]
ROLES_OF_POINTS = Dictionary(
    "point.role",
    {
        "sale": text("售电", "Sale"),
        "sub_meter": text("套表分表", "Sub-meter"),
        "export": text("余电上网", "Surplus export"),
        "full_feed_in": text("全额上网", "Full feed-in"),
        "gateway": text("台区关口", "Area gateway"),
        "feeder_head": text("馈线出口", "Feeder head"),
    },
)
PointRole = Annotated[
    Literal["sale", "sub_meter", "export", "full_feed_in", "gateway", "feeder_head"],
    Label("计量点用途", "Role", dictionary=ROLES_OF_POINTS.name),
]


class TextPair(Message):
    """A text in both languages of the product, as a part of a message."""

    zh: str
    en: str


class Document(Message):
    """A file as a reply: the browser offers it for keeping. `content` is base64 text."""

    file_name: str
    media_type: str
    content: str

"""Messages and operations about what is to be done so that collection succeeds (采集运维): by terminal, with a likely next step."""

from datetime import date
from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, query
from denghuo.kernel.fields import AsOf, OrganisationCode
from denghuo.kernel.problem import text
from denghuo.service.acquisition.api.collection import CauseCode, CollectionKind
from denghuo.service.acquisition.api.terminal import ChannelCode, Link, TerminalName, TerminalNo, Vendor

STEPS = Dictionary(
    "acquisition.step",
    {
        "check_channel": text("查通道与终端供电", "Check channel and supply"),
        "set_clock": text("对时", "Set the clock"),
        "check_records": text("核对测量点档案", "Check the records of its points"),
        "check_protocol": text("查规约与厂家", "Check protocol and vendor"),
        "connect_keys": text("接入密码机或启用密钥", "Connect the cipher machine or use keys"),
        "ask_again": text("补采", "Ask again"),
        "visit": text("现场核查", "Visit"),
    },
    tones={"visit": "danger", "check_channel": "warning", "set_clock": "warning"},
)
Step = Annotated[
    Literal["check_channel", "set_clock", "check_records", "check_protocol", "connect_keys", "ask_again", "visit"],
    Label("建议处理", "Next step", dictionary=STEPS.name),
]


class FindWork(Page):
    """Terminals with meters that were not collected on a day, the most meters first. Without a day: the newest one."""

    day: Annotated[date | None, Label("日期", "Day")] = None
    kind: CollectionKind = "freeze"
    cause: CauseCode | None = None
    step: Step | None = None
    org: OrganisationCode | None = None


class WorkRow(Message):
    """`cause`: that of most of its meters. `days`: of the last seven, on how many something is missing. `alarms`: open ones."""

    terminal_no: TerminalNo
    name: TerminalName
    org: OrganisationCode
    vendor: Vendor
    channel: ChannelCode
    link: Link
    missing: Annotated[int, Label("缺数", "Missing")]
    due: Annotated[int, Label("应采", "Due")]
    cause: CauseCode
    days: Annotated[int, Label("近7日缺数天数", "Days of the last 7")]
    alarms: Annotated[int, Label("未关闭告警", "Open alarms")]
    clock_offset_s: Annotated[int | None, Label("时钟偏差（秒）", "Clock offset (s)")]
    step: Step


class WorkFound(Message):
    rows: list[WorkRow]
    day: Annotated[date | None, Label("日期", "Day")]
    missing: Annotated[int, Label("缺数合计", "Missing in all")]
    next: str | None
    as_of: AsOf


class WorkOperations(Api):
    """What is to be done so that collection succeeds."""

    @query(permit="acquisition.read")
    def collection_work(self, call: Call, request: FindWork) -> WorkFound:
        """Terminals with meters that were not collected, the main cause and the likely next step (采集运维)."""

"""Messages and operations about what a customer is told before he is disconnected (停电通知), and the policies that ask for it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Instant, MeterNo, OrganisationCode
from denghuo.kernel.problem import Problem, text
from denghuo.service.acquisition.api.collection import MeterNotCollected
from denghuo.service.acquisition.api.terminal import OutsideScope

NOTICE_KINDS = Dictionary(
    "acquisition.notice_kind",
    {"notice": text("停电通知书", "Notice of disconnection"), "call": text("停电前通知", "Call before disconnection")},
)
NoticeKind = Annotated[Literal["notice", "call"], Label("通知类型", "Kind", dictionary=NOTICE_KINDS.name)]
NOTICE_WAYS = Dictionary(
    "acquisition.notice_way",
    {
        "paper": text("书面送达", "On paper"),
        "message": text("短信", "Text message"),
        "phone": text("电话", "By phone"),
        "on_site": text("上门", "On site"),
        "inbox": text("站内消息", "Notice in the customer's inbox"),
    },
)
NoticeWay = Annotated[
    Literal["paper", "message", "phone", "on_site", "inbox"], Label("通知方式", "Way", dictionary=NOTICE_WAYS.name)
]
GivenAt = Annotated[Instant, Label("送达时间", "Given at")]
NoticeDays = Annotated[int, Field(ge=0, le=60), Label("提前通知（天）", "Days of notice")]
CallMinutes = Annotated[int, Field(ge=0, le=1_440), Label("停电前再通知（分钟）", "Minutes after the call")]
ReconnectAlone = Annotated[bool, Label("费控缴清自动复电", "Reconnect by itself under fee control")]
Source = Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True), Label("依据", "Source")]


class RecordNotice(Message):
    """A customer was told that he will be disconnected: days before, or on the day itself. What went to his inbox is recorded by
    itself when it is sent."""

    meter_no: MeterNo
    kind: NoticeKind
    given_at: GivenAt
    way: NoticeWay
    note: Annotated[str, StringConstraints(max_length=200), Label("备注", "Note")] = ""


class DisconnectionNotice(RecordNotice):
    notice_no: Annotated[int, Label("通知编号", "Notice no.")]
    org: OrganisationCode
    sent_no: Annotated[int | None, Label("消息编号", "No. of the notice sent")]
    told_by: Annotated[str, Label("登记人", "Recorded by", dictionary="staff")]
    told_at: Annotated[Instant, Label("登记时间", "Recorded")]


class FindNotices(Page):
    """The newest first; pages by number."""

    meter_no: MeterNo | None = None
    kind: NoticeKind | None = None


class NoticesFound(Message):
    rows: list[DisconnectionNotice]
    next: str | None
    as_of: AsOf


class SetSwitchingPolicy(Message):
    """What must be told before a disconnection, in a unit and what lies below it, from a day on; the same day again puts it right.
    `reconnect_alone`: who paid under fee control is reconnected without a second person."""

    org: OrganisationCode
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    notice_days: NoticeDays
    call_minutes: CallMinutes
    reconnect_alone: ReconnectAlone = False
    source: Source


class SwitchingPolicy(SetSwitchingPolicy):
    policy_no: Annotated[int, Label("规定编号", "Policy no.")]
    set_by: Annotated[str, Label("设置人", "Set by", dictionary="staff")]
    set_at: Annotated[Instant, Label("设置时间", "Set")]


class AskSwitchingPolicies(Message):
    """Of the caller's units and of those above them."""


class SwitchingPolicies(Message):
    """The values beside the rows hold where no unit has set anything."""

    rows: list[SwitchingPolicy]
    notice_days: NoticeDays
    call_minutes: CallMinutes
    source: Source
    as_of: AsOf


class NoticeRefused(
    Problem, noun="acquisition", status=422, zh="通知不能这样登记", en="The notice cannot be recorded so"
):
    """Fields: field, value."""


class NoticeOperations(Api):
    """What is told before a disconnection."""

    @command(permit="acquisition.switch", problems=(MeterNotCollected, NoticeRefused))
    def record_notice(self, call: Call, request: RecordNotice) -> DisconnectionNotice:
        """Records that a customer was told of his disconnection (停电通知)."""

    @query(permit="acquisition.read")
    def notices(self, call: Call, request: FindNotices) -> NoticesFound:
        """What customers were told."""

    @command(permit="acquisition.guard", problems=(OutsideScope, NoticeRefused))
    def set_switching_policy(self, call: Call, request: SetSwitchingPolicy) -> SwitchingPolicy:
        """Sets what must be told before a disconnection (停电通知规定)."""

    @query(permit="acquisition.read")
    def switching_policies(self, call: Call, request: AskSwitchingPolicies) -> SwitchingPolicies:
        """What must be told, by unit and day."""

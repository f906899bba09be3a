"""Field reading (现场补抄) in the reading contract: orders, what readers enter on site with or without a network, and the office's
word on it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    Instant,
    MeterNo,
    MonthText,
    OrganisationCode,
    PointNo,
    Reason,
    TextPair,
    UserName,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Multiplier, Register
from denghuo.service.reading.api.book import BookNo, Place, Walker
from denghuo.service.reading.api.month import EnergyCorrected
from denghuo.service.reading.api.review import ReadCorrected
from denghuo.service.reading.api.special_plan import PLAN_KINDS
from denghuo.service.reading.api.unit import UnitRead
from denghuo.service.reading.api.vocabulary import Band, Quantity, RuleCode

FIELD_STATES = Dictionary(
    "reading.field_state",
    {
        "open": text("待抄", "To be read"),
        "entered": text("待审核", "To be looked at"),
        "accepted": text("已采用", "Accepted"),
        "settled": text("已另行处理", "Settled otherwise"),
    },
    tones={"open": "notice", "entered": "warning", "accepted": "good", "settled": "plain"},
)
FieldState = Annotated[
    Literal["open", "entered", "accepted", "settled"], Label("状态", "State", dictionary=FIELD_STATES.name)
]
ENTRY_STATES = Dictionary(
    "reading.field_entry_state",
    {
        "counted": text("已收到，待审核", "Received, to be looked at"),
        "superseded": text("已被更新的录入取代", "Replaced by a later entry"),
        "older": text("已有更新的录入，本条留存不采用", "There is a later entry; this one is kept and does not count"),
        "settled": text(
            "办公室已另行处理，本条留存不采用", "The office has settled it; this one is kept and does not count"
        ),
        "clock": text(
            "手机时间不对，本条留存不采用；请校时后重录", "The phone's clock is wrong: set it and enter again"
        ),
        "unconfirmed": text(
            "示数可疑而未确认；请核对后重录", "Implausible and not confirmed: look again and enter again"
        ),
        "digits": text(
            "位数或项目与表计不符；请重录", "The meter cannot show this, or a register is absent: enter again"
        ),
        "unknown": text("补抄单不存在或不在管辖范围内", "There is no such order in your scope"),
        "accepted": text("已采用", "Accepted"),
        "refused": text("已退回，请重抄", "Refused: read it again"),
    },
    tones={
        "counted": "good",
        "superseded": "plain",
        "older": "warning",
        "settled": "warning",
        "clock": "danger",
        "unconfirmed": "danger",
        "digits": "danger",
        "unknown": "danger",
        "accepted": "good",
        "refused": "danger",
    },
)
EntryState = Annotated[
    Literal[
        "counted",
        "superseded",
        "older",
        "settled",
        "clock",
        "unconfirmed",
        "digits",
        "unknown",
        "accepted",
        "refused",
    ],
    Label("结果", "Outcome", dictionary=ENTRY_STATES.name),
]
FIELD_WARNINGS = Dictionary(
    "reading.field_warning",
    {
        "negative": text("小于上次示数", "Below the last register"),
        "still": text("示数没有走动", "The register has not moved"),
        "high": text("远高于平常用量", "Far above the usual use"),
        "low": text("远低于平常用量", "Far below the usual use"),
        "over_capacity": text("超过合同容量所能用的电量", "More than the agreed capacity lets pass"),
    },
)
FieldWarning = Annotated[
    Literal["negative", "still", "high", "low", "over_capacity"],
    Label("可疑之处", "Warning", dictionary=FIELD_WARNINGS.name),
]
SHOWN_AS = Dictionary(
    "reading.shown_as",
    {"frozen": text("抄表日冻结值", "Frozen at the reading day"), "current": text("现场当前值", "As it shows now")},
)
ShownAs = Annotated[Literal["frozen", "current"], Label("示数类别", "Shown as", dictionary=SHOWN_AS.name)]
ENTRIES_MAX = 100
PHOTO_TEXT_MAX = 1_400_000
"""Base64 text of a photo of about 1 MB; a phone makes it smaller before it keeps it."""

OrderNo = Annotated[int, Field(gt=0), Label("补抄单号", "Order no.")]
EntryNo = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$"), Label("录入编号", "Entry no.")]
PhotoNo = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$"), Label("照片编号", "Photo no.")]
TakenAt = Annotated[Instant, Label("现场时间", "Taken at")]
ReadAt = Annotated[Instant, Label("抄表时点", "Read at")]
Warnings = Annotated[list[FieldWarning], Label("可疑之处", "Warnings")]
Confirmed = Annotated[bool, Label("已现场核实", "Checked on site")]
WhyConfirmed = Annotated[Annotated[str, StringConstraints(max_length=200)] | None, Label("说明", "Reason")]
_Degrees = StringConstraints(pattern=r"^-?[0-9]{1,3}(\.[0-9]{1,7})?$")
Latitude = Annotated[Annotated[str, _Degrees] | None, Label("纬度", "Latitude")]
Longitude = Annotated[Annotated[str, _Degrees] | None, Label("经度", "Longitude")]
Accuracy = Annotated[Annotated[int, Field(ge=0)] | None, Label("定位精度（米）", "Accuracy (m)")]


# --- orders ---------------------------------------------------------------------------------------------------------------


class MakeFieldOrders(Message):
    """A month, and the unit where not all of the caller's scope is meant."""

    month: MonthText
    org: OrganisationCode | None = None


class FieldOrdersMade(Message):
    """made: new orders. known: those that stood already. unassigned: open ones whose book has no reader today."""

    made: Annotated[int, Label("新开单", "Made")]
    known: Annotated[int, Label("已有", "Known")]
    unassigned: Annotated[int, Label("无抄表员", "Without a reader")]


class FieldChannel(Message):
    """A register that is asked for: why, what was collected, and what an entry is held against."""

    quantity: Quantity
    band: Band
    rule: RuleCode
    collected: Annotated[Register | None, Label("采集示数", "Collected")]
    last: Annotated[Register | None, Label("上次示数", "Last register")]
    last_at: Annotated[Instant | None, Label("上次时间", "Read last at")]
    usual_a_day: Annotated[Register | None, Label("平常日走字", "Usual advance a day")]
    most_a_day: Annotated[Register | None, Label("容量日走字上限", "Most a day by capacity")]


class FieldOrderRow(Message):
    """An order. One of a plan beside the month's has the plan's number, kind and reason; its month is the one of its midnight."""

    order_no: OrderNo
    month: MonthText
    point_no: PointNo
    meter_no: MeterNo
    account_no: AccountNo | None
    org: OrganisationCode
    book: BookNo
    place: Place
    reader: Walker
    read_at: ReadAt
    state: FieldState
    rule: RuleCode
    made_at: Annotated[Instant, Label("开单时间", "Made at")]
    entered_at: Annotated[Instant | None, Label("录入时间", "Entered at")]
    plan_no: Annotated[int | None, Label("计划编号", "Plan no.")] = None
    plan_kind: Annotated[
        Literal["temporary", "loss"] | None, Label("计划类别", "Kind of plan", dictionary=PLAN_KINDS.name)
    ] = None
    plan_reason: Annotated[str | None, Label("计划事由", "Reason of the plan")] = None


class FieldOrder(FieldOrderRow):
    """An order as a reader takes it along. times: how often the usual advance is still plausible. refused_for: why the last entry
    was refused."""

    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    integer_digits: Annotated[int, Label("整数位", "Digits before the point")]
    decimal_digits: Annotated[int, Label("小数位", "Digits after the point")]
    times: Annotated[int, Label("倍数", "Times")]
    rollover_e4: Annotated[int, Label("翻转范围（万分之一）", "Share near the turn (1e-4)")]
    channels: list[FieldChannel]
    refused_for: Annotated[str | None, Label("退回原因", "Refused for")]


class MyFieldOrders(Message):
    """The reader's own open orders, in the order of the walks."""


class MyFieldOrder(FieldOrder):
    """An order for the phone of its reader, who has to find the meter: the address is in clear."""

    address: Annotated[str | None, Label("用电地址", "Address")]


class MyFieldOrdersFound(Message):
    rows: list[MyFieldOrder]
    as_of: AsOf


class FindFieldOrders(Page):
    month: MonthText | None = None
    state: FieldState | None = None
    reader: Annotated[UserName | None, Label("抄表员", "Reader", dictionary="staff")] = None
    org: OrganisationCode | None = None
    book: BookNo | None = None


class FieldOrdersFound(Message):
    rows: list[FieldOrderRow]
    total: Annotated[int, Label("总数", "Total")]
    next: str | None
    as_of: AsOf


class FieldOrderRef(Message):
    order_no: OrderNo


# --- on site --------------------------------------------------------------------------------------------------------------


class KeepFieldPhoto(Message):
    """A photo of a meter, numbered by the phone, as base64 of a JPEG or PNG file. The same number again changes nothing."""

    photo_no: PhotoNo
    order_no: OrderNo
    content: Annotated[str, StringConstraints(max_length=PHOTO_TEXT_MAX), Label("照片", "Photo", bulk=True)]


class PhotoKept(Message):
    photo_no: PhotoNo


class FieldRegister(Message):
    quantity: Quantity
    band: Band
    shown: Annotated[Register, Label("示数", "Register")]


class FieldEntry(Message):
    """What a reader saw, numbered by the phone. taken_at: by its clock. A warning needs `confirmed` and a reason."""

    entry_no: EntryNo
    order_no: OrderNo
    shown_as: ShownAs
    registers: Annotated[list[FieldRegister], Field(min_length=1, max_length=30)]
    taken_at: TakenAt
    confirmed: Confirmed = False
    reason: WhyConfirmed = None
    photo_no: PhotoNo | None = None
    latitude: Latitude = None
    longitude: Longitude = None
    accuracy_m: Accuracy = None


class SyncField(Message):
    entries: Annotated[list[FieldEntry], Field(min_length=1, max_length=ENTRIES_MAX)]


class EntryOutcome(Message):
    """What became of an entry, as the reader is told."""

    entry_no: EntryNo
    order_no: OrderNo
    outcome: EntryState
    said: TextPair


class FieldSynced(Message):
    outcomes: list[EntryOutcome]
    as_of: AsOf


# --- in the office --------------------------------------------------------------------------------------------------------


class FieldEntryRow(Message):
    entry_no: EntryNo
    reader: Walker
    shown_as: ShownAs
    registers: list[FieldRegister]
    shown: Annotated[str, Label("示数", "Registers")]
    warnings: Warnings
    confirmed: Confirmed
    reason: WhyConfirmed
    taken_at: TakenAt
    received_at: Annotated[Instant, Label("收到时间", "Received at")]
    state: EntryState
    photo_no: PhotoNo | None
    latitude: Latitude
    longitude: Longitude
    accuracy_m: Accuracy
    decided_by: Annotated[str | None, Label("审核人", "Decided by", dictionary="staff")]
    decided_at: Annotated[Instant | None, Label("审核时间", "Decided at")]
    remark: Annotated[str | None, Label("审核意见", "Remark")]


class FieldOrderShown(FieldOrder):
    """counted: the entry that waits for the office's word. photo_no: of it, or of the newest entry with a photo."""

    counted: EntryNo | None
    photo_no: PhotoNo | None
    entries: list[FieldEntryRow]
    as_of: AsOf


class FieldPhotoRef(Message):
    photo_no: PhotoNo


class FieldPhoto(Message):
    photo_no: PhotoNo
    reader: Walker
    media_type: str
    content: str


class DecideFieldEntry(Message):
    entry_no: EntryNo
    reason: Reason


class FieldEntryReceived(Event, name="reading.field_entry.received", version=1):
    """A reader's entry counts and waits for the office."""

    order_no: int
    org: str
    month: str
    reader: str


class NoSuchFieldOrder(NotFound, noun="reading", status=404, zh="未找到该补抄单", en="No such field order"):
    """Fields: number. Raised also for an order outside the caller's scope."""


class PhotoFaulty(Problem, noun="reading", status=422, zh="照片无法识别", en="The photo is not understood"):
    """It is no base64 of a JPEG or PNG file. Fields: photo_no."""


class NothingToDecide(
    Problem, noun="reading", status=409, zh="该录入不待审核", en="The entry does not wait for a word"
):
    """It was decided, replaced or settled otherwise. Fields: entry_no, state."""


class ReaderMayNotDecide(
    Problem, noun="reading", status=403, zh="本人录入不能自审", en="Who read it may not decide on it"
):
    """Fields: reader."""


class FieldOperations(Api):
    """Reads taken again on site."""

    @command(permit="reading.review")
    def make_field_orders(self, call: Call, request: MakeFieldOrders) -> FieldOrdersMade:
        """Makes an order for every meter of an account whose read of the month stayed held after all that is automatic. Again, it
        adds only what is new."""

    @query(permit="reading.field")
    def my_field_orders(self, call: Call, request: MyFieldOrders) -> MyFieldOrdersFound:
        """The open orders of the caller's books of today, up to 500, with all that a phone needs to judge an entry by itself."""

    @command(permit="reading.field", problems=(NoSuchFieldOrder, PhotoFaulty))
    def keep_field_photo(self, call: Call, request: KeepFieldPhoto) -> PhotoKept:
        """Keeps a photo of a meter. It goes ahead of the entry that names it."""

    @command(permit="reading.field", emits=(FieldEntryReceived,))
    def sync_field(self, call: Call, request: SyncField) -> FieldSynced:
        """Takes entries from a phone, each by itself, and says what became of each. The same entry again is told the same or what
        has become of it since. Of two entries of an order the one that was taken later counts, whichever comes first."""

    @query(permit="reading.read")
    def field_orders(self, call: Call, request: FindFieldOrders) -> FieldOrdersFound:
        """Orders by state, reader, unit, book and month, the newest first."""

    @query(permit="reading.read", problems=(NoSuchFieldOrder,))
    def field_order(self, call: Call, request: FieldOrderRef) -> FieldOrderShown:
        """An order with all entries that came for it."""

    @query(permit="reading.read", problems=(NoSuchFieldOrder,))
    def field_photo(self, call: Call, request: FieldPhotoRef) -> FieldPhoto:
        """A photo as base64 text."""

    @command(
        permit="reading.review",
        problems=(NoSuchFieldOrder, NothingToDecide, ReaderMayNotDecide),
        emits=(ReadCorrected, EnergyCorrected, UnitRead),
    )
    def accept_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        """Another person than the reader takes the entry as the register: frozen ones at the reading midnight, others at the
        midnight that begins the day on which they were seen. The read is made anew. What was read for a plan beside the month's
        goes to that plan alone, as it showed and when."""

    @command(permit="reading.review", problems=(NoSuchFieldOrder, NothingToDecide, ReaderMayNotDecide))
    def refuse_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        """Sends the order back to its reader, who is told why."""

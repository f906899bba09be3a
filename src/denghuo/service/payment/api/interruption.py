"""Messages and operations about interruptions under fee control (费控停复电): from a used-up balance to the reconnection."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, Instant, MeterNo, OrganisationCode, TextPair
from denghuo.kernel.problem import text
from denghuo.service.payment.api.bank import Step, StepDone

INTERRUPTION_STATES = Dictionary(
    "payment.interruption_state",
    {
        "new": text("待通知", "To be told"),
        "noticed": text("已发停电通知书", "Notice given"),
        "called": text("停电前已通知", "Called on the day"),
        "asked": text("停电申请中", "Disconnection asked for"),
        "held": text("停电申请未通过", "Disconnection refused"),
        "off": text("已停电", "Disconnected"),
        "unknown": text("停电结果不明", "Not known whether disconnected"),
        "restoring": text("复电中", "Being reconnected"),
        "closed": text("已办结", "Over"),
    },
    tones={
        "new": "notice",
        "noticed": "warning",
        "called": "warning",
        "asked": "warning",
        "held": "plain",
        "off": "danger",
        "unknown": "danger",
        "restoring": "notice",
        "closed": "good",
    },
)
InterruptionState = Annotated[
    Literal["new", "noticed", "called", "asked", "held", "off", "unknown", "restoring", "closed"],
    Label("状态", "State", dictionary=INTERRUPTION_STATES.name),
]


class FindInterruptions(Page):
    """The newest first; pages by number. Without a state those that are not over."""

    state: InterruptionState | None = None
    account_no: AccountNo | None = None
    meter_no: MeterNo | None = None
    org: OrganisationCode | None = None


class Interruption(Message):
    """What becomes of a customer whose balance under fee control is used up. `paid`: it came up again. `due_at`: when the next step
    follows by itself. `note`: why it does not go on, or how it ended. `switching_no`: the newest order at acquisition."""

    interruption_no: Annotated[int, Label("费控停电编号", "Interruption no.")]
    account_no: AccountNo
    meter_no: MeterNo
    org: OrganisationCode
    state: InterruptionState
    paid: Annotated[bool, Label("余额已恢复", "Balance restored")]
    due_at: Annotated[Instant | None, Label("下一步时间", "Next step")]
    switching_no: Annotated[int | None, Label("停复电编号", "Switching no.")]
    note: Annotated[TextPair, Label("说明", "Note")]
    opened_at: Annotated[Instant, Label("余额用尽时间", "Used up")]
    changed_at: Annotated[Instant, Label("最近变动", "Changed")]


class InterruptionsFound(Message):
    rows: list[Interruption]
    total: Annotated[int, Label("合计", "Total")]
    disconnected: Annotated[int, Label("已停电户数", "Disconnected")]
    next: str | None
    as_of: AsOf


class InterruptionOperations(Api):
    """Interruptions under fee control."""

    @query(permit="payment.read")
    def interruptions(self, call: Call, request: FindInterruptions) -> InterruptionsFound:
        """Customers whose balance is used up, from the notice over the disconnection to the reconnection (费控停复电)."""

    @command(permit="payment.interrupt")
    def follow_interruptions(self, call: Call, request: Step) -> StepDone:
        """Does what is due: notices, disconnections asked for, reconnections of who paid; a step of the job worker."""

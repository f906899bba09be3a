"""A month billed unit by unit (按供电单位核算): how it begins, and the board that shows how far each unit is."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Nothing, command, query
from denghuo.kernel.fields import AsOf, MonthText, OrganisationCode, Reason, TextPair
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Energy, Money, Percent
from denghuo.service.billing.api.bill import BillsIssued
from denghuo.service.billing.api.cycle import Later, MonthNotOver, WholeCompanyOnly

UNIT_STATES = Dictionary(
    "billing.unit_state",
    {
        "planned": text("待抄表", "Waiting for reads"),
        "complete": text("抄表完成", "Reads complete"),
        "reading": text("抄表校验中", "Reads are checked"),
        "rating": text("算费中", "Rating"),
        "review": text("审核中", "Review"),
        "issuing": text("发行中", "Issuing"),
        "blocked": text("部分待处理", "Issued, some blocked"),
        "issued": text("已发行", "Issued"),
        "stopped": text("已暂停", "Stopped"),
        "failed": text("出错停止", "Failed"),
        "whole": text("随全月核算", "Billed with the month"),
    },
    tones={
        "complete": "notice",
        "reading": "notice",
        "rating": "notice",
        "review": "notice",
        "issuing": "notice",
        "blocked": "warning",
        "stopped": "warning",
        "issued": "good",
        "failed": "danger",
    },
)
UnitState = Annotated[
    Literal[
        "planned",
        "complete",
        "reading",
        "rating",
        "review",
        "issuing",
        "blocked",
        "issued",
        "stopped",
        "failed",
        "whole",
    ],
    Label("状态", "State", dictionary=UNIT_STATES.name),
]
ReadShare = Annotated[int, Field(ge=1, le=100), Label("启动所需抄表率（%）", "Reads needed to begin (%)")]
On = Annotated[bool, Label("自动启动", "Begins by itself")]


class StartUnit(Message):
    """A unit of which nothing was told yet may be started too: what is not read then waits on the blocked list."""

    month: MonthText
    org: OrganisationCode


class AdvanceUnit(Message):
    """One step. `epoch` tells the runs of a unit apart."""

    month: MonthText
    org: OrganisationCode
    epoch: int


class UnitAdvanced(Message):
    """`again`: there is more to do."""

    month: MonthText
    org: OrganisationCode
    again: bool


class UnitRef(Message):
    month: MonthText
    org: OrganisationCode


class PickedUp(Message):
    """picked: accounts whose reads have arrived and which are calculated by jobs of their own; waiting: those still without."""

    month: MonthText
    org: OrganisationCode
    picked: int
    waiting: int


class AutoStart(Message):
    """on: a unit is billed as soon as `share` percent of its meters are read at the end of the month."""

    on: On
    share: ReadShare


class SetAutoStart(Message):
    on: On
    share: ReadShare = 100
    reason: Reason


class AskUnitBoard(Message):
    """Without `month` the newest that any unit is known of."""

    month: MonthText | None = None
    org: OrganisationCode | None = None


ErrorShare = Annotated[Percent | None, Label("差错率", "Wrongly billed, share")]
"""Money of bills that were taken back, rebilled or adjusted for an error / billed money."""


class UnitRow(Message):
    """A unit's month. due, read: meters of its accounts at the end of the month. accounts: contracts to bill; done: rated in the
    run under way. waiting: accounts without a read; open: contracts held for any reason. passed_share: without a person. rate:
    contracts a second, as measured in the run. later: accounts that are not read and not billed in this month, because their
    routes are read every two."""

    org: OrganisationCode
    state: UnitState
    due: Annotated[int, Label("应抄", "To be read")]
    read: Annotated[int, Label("已抄", "Read")]
    read_share: Annotated[Percent | None, Label("抄表率", "Read, share")]
    accounts: Annotated[int, Label("核算合同", "Contracts to bill")]
    done: Annotated[int, Label("本次已算", "Rated in this run")]
    rated: Annotated[int, Label("已算费", "Rated")]
    issued: Annotated[int, Label("已发行", "Issued")]
    open: Annotated[int, Label("异常待处理", "Held")]
    waiting: Annotated[int, Label("待抄表", "Without a read")]
    passed_share: Annotated[Percent | None, Label("自动通过率", "Passed by itself")]
    energy: Annotated[Energy, Label("售电量", "Energy sold")]
    amount: Annotated[Money, Label("应收电费", "Amount receivable")]
    rate: Annotated[int | None, Label("每秒户数", "Accounts a second")]
    started_at: Annotated[AwareDatetime | None, Label("开始", "Started")]
    started_by: Annotated[str | None, Label("发起人", "Started by", dictionary="staff")]
    ends_at: Annotated[AwareDatetime | None, Label("预计结束", "Expected end")]
    ended_at: Annotated[AwareDatetime | None, Label("结束", "Ended")]
    trouble: Annotated[TextPair | None, Label("停止原因", "Why it stopped")]
    error_share: ErrorShare = None
    later: Later = 0


class UnitBoard(Message):
    """How far a month is, by unit within the caller's scope. units_done: units whose bills are issued, by
    themselves or with the month, also where accounts of them are blocked."""

    month: MonthText | None
    auto_start: On
    share: ReadShare
    units: Annotated[int, Label("单位数", "Units")]
    units_done: Annotated[int, Label("已完成单位", "Units done")]
    due: Annotated[int, Label("应抄", "To be read")]
    read: Annotated[int, Label("已抄", "Read")]
    read_share: Annotated[Percent | None, Label("抄表率", "Read, share")]
    rated: Annotated[int, Label("已算费", "Rated")]
    issued: Annotated[int, Label("已发行", "Issued")]
    open: Annotated[int, Label("异常待处理", "Held")]
    waiting: Annotated[int, Label("待抄表", "Without a read")]
    passed_share: Annotated[Percent | None, Label("自动通过率", "Passed by itself")]
    energy: Annotated[Energy, Label("售电量", "Energy sold")]
    amount: Annotated[Money, Label("应收电费", "Amount receivable")]
    ends_at: Annotated[AwareDatetime | None, Label("预计结束", "Expected end")]
    rows: list[UnitRow]
    error_share: ErrorShare = None
    as_of: AsOf


class UnitOutOfScope(Problem, noun="billing", status=403, zh="不在管辖范围内", en="Outside your scope"):
    """Fields: org."""


class BilledAsAWhole(
    Problem, noun="billing", status=409, zh="该月按全公司核算", en="The month is billed for the whole company"
):
    """Fields: month, state. A month that is run as a whole is not run by unit beside it."""


class NothingToBill(Problem, noun="billing", status=409, zh="没有可核算的合同", en="Nothing to bill"):
    """Fields: month, org. Told on the board as the reason of a failed unit."""


class UnitIsUnderWay(Problem, noun="billing", status=409, zh="该单位正在核算", en="The unit is being billed"):
    """Fields: month, org, state, started_by, started_at. A unit is run once at a time."""


class UnitOperations(Api):
    """The month unit by unit."""

    @command(permit="billing.run", problems=(MonthNotOver, UnitOutOfScope, BilledAsAWhole, UnitIsUnderWay))
    def start_unit(self, call: Call, request: StartUnit) -> UnitRow:
        """Starts a unit's month by hand. What was issued is answered as it is; what failed or was stopped goes on from there."""

    @command(permit="billing.run", problems=(UnitOutOfScope,))
    def stop_unit(self, call: Call, request: UnitRef) -> UnitRow:
        """Stops a unit that is being billed before its next step; a start takes it up again. Nothing that was done is lost."""

    @command(permit="billing.advance", emits=(BillsIssued,))
    def advance_unit(self, call: Call, request: AdvanceUnit) -> UnitAdvanced:
        """One step of a unit, called by the job worker until nothing is left to do."""

    @command(permit="billing.advance")
    def pick_up(self, call: Call, request: UnitRef) -> PickedUp:
        """Has the accounts of a unit that waited for a read billed, as far as their reads have arrived."""

    @query(permit="billing.read")
    def unit_board(self, call: Call, request: AskUnitBoard) -> UnitBoard:
        """How far a month is, unit by unit: read, rated, held, issued, money, expected end."""

    @query(permit="billing.read")
    def auto_start(self, call: Call, request: Nothing) -> AutoStart:
        """Whether units begin by themselves when their reads are complete."""

    @command(permit="billing.set_rules", problems=(WholeCompanyOnly,))
    def set_auto_start(self, call: Call, request: SetAutoStart) -> AutoStart:
        """Switches the automatic start, or sets from which share of reads on a unit begins. Units that are read that far begin."""

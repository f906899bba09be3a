"""Accounts calculated again together (批量重算): who was held or rated by what is replaced now, by unit, with progress."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, MonthText, OrganisationCode
from denghuo.kernel.problem import text
from denghuo.service.billing.api.bill import BillsIssued

RECALCULATION_CAUSES = Dictionary(
    "billing.recalculation_cause",
    {
        "prices": text("价格更正", "Prices corrected"),
        "spot_prices": text("现货价格发布", "Spot prices published"),
        "days": text("节假日或气温发布", "Holidays or temperatures published"),
        "areas": text("单位价区变更", "Price area of the unit changed"),
        "curves": text("曲线到达", "Curves arrived"),
        "reads": text("抄表到达", "Reads arrived"),
    },
)
RecalculationCause = Annotated[
    Literal["prices", "spot_prices", "days", "areas", "curves", "reads"],
    Label("原因", "Cause", dictionary=RECALCULATION_CAUSES.name),
]
RECALCULATION_STATES = Dictionary(
    "billing.recalculation_state",
    {"running": text("进行中", "Running"), "done": text("完成", "Done")},
    tones={"running": "notice", "done": "good"},
)
RecalculationNo = Annotated[int, Field(ge=1), Label("重算批次", "Recalculation no.")]


class AdvanceRecalculation(Message):
    recalculation_no: RecalculationNo


class RecalculationAdvanced(Message):
    """again: accounts are left."""

    recalculation_no: RecalculationNo
    done: int
    again: bool


class FindRecalculations(Page):
    """The newest first."""

    month: MonthText | None = None
    org: OrganisationCode | None = None


class RecalculationRow(Message):
    """How far one is. issued: accounts with a bill issued by it; held: that stay with an exception; unchanged: whose issued bills
    agree; differs: whose issued bills differ and stand, as a correction lists them; refused: that could not be calculated."""

    recalculation_no: RecalculationNo
    month: MonthText
    org: OrganisationCode
    cause: RecalculationCause
    state: Annotated[Literal["running", "done"], Label("状态", "State", dictionary=RECALCULATION_STATES.name)]
    due: Annotated[int, Label("应重算户数", "Accounts")]
    done: Annotated[int, Label("已重算", "Done")]
    issued: Annotated[int, Label("发行", "Issued")]
    held: Annotated[int, Label("仍为异常", "Still held")]
    unchanged: Annotated[int, Label("无变化", "Unchanged")]
    differs: Annotated[int, Label("已发行且有差异", "Issued and different")]
    refused: Annotated[int, Label("不能重算", "Not calculated")]
    ordered_at: Annotated[AwareDatetime, Label("下达时间", "Ordered at")]
    ended_at: Annotated[AwareDatetime | None, Label("完成时间", "Ended at")]


class RecalculationsFound(Message):
    rows: list[RecalculationRow]
    total: int
    next: str | None
    as_of: AsOf


class RecalculationOperations(Api):
    """Recalculations of whole units."""

    @command(permit="billing.recalculate", emits=(BillsIssued,))
    def advance_recalculation(self, call: Call, request: AdvanceRecalculation) -> RecalculationAdvanced:
        """Calculates the next accounts of a recalculation again: a step of the job worker, called until none is left."""

    @query(permit="billing.read")
    def recalculations(self, call: Call, request: FindRecalculations) -> RecalculationsFound:
        """The recalculations of units after prices, days, curves or reads came in, and how far each is."""

"""What the difference of a held bill to the one before comes from (账单冲击原因检验), and that the customer was told."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, command
from denghuo.kernel.fields import MonthText, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money

SHOCK_CAUSES = Dictionary(
    "billing.shock_cause",
    {
        "tariff": text("电价", "Tariff"),
        "read": text("抄表", "Reading"),
        "record": text("档案", "Record"),
        "weather": text("天气与季节", "Weather and season"),
        "behaviour": text("用电行为", "Use"),
    },
)
ShockCause = Literal["tariff", "read", "record", "weather", "behaviour"]
CAUSE_RESULTS = Dictionary(
    "billing.shock_verdict",
    {
        "found": text("成立", "Found"),
        "excluded": text("排除", "Excluded"),
        "unknown": text("无法检验", "Cannot be tested"),
    },
    tones={"found": "warning", "excluded": "good"},
)
Verdict = Literal["found", "excluded", "unknown"]


class CauseResult(Message):
    """A cause that was tested. amount: its part of the difference to the bill before; None where it cannot be told apart."""

    cause: Annotated[ShockCause, Label("原因", "Cause", dictionary=SHOCK_CAUSES.name)]
    verdict: Annotated[Verdict, Label("结论", "Verdict", dictionary=CAUSE_RESULTS.name)]
    amount: Annotated[Money | None, Label("影响金额", "Part of the difference")]
    said: Annotated[TextPair, Label("依据", "What it rests on")]


class ExamineCauses(Message):
    month: MonthText


class CausesExamined(Message):
    """examined: holds; told: customers told by it. again: more are waiting."""

    month: MonthText
    examined: int
    told: int
    again: bool


class ShockOperations(Api):
    """What is said of bills out of the ordinary before their issue."""

    @command(permit="billing.advance")
    def examine_causes(self, call: Call, request: ExamineCauses) -> CausesExamined:
        """Tests what held bills out of the ordinary come from, and tells their holders, before the issue, that they are looked at:
        a step of the job worker, called until none waits."""

"""Why a bill changed (电费变化原因): the difference of two bills in parts that add up to it."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, MonthText, TextPair
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.bill import BillKind, BillNotFound, HolderName

PARTS = Dictionary(
    "billing.change_part",
    {
        "days": text("计费天数", "Days billed"),
        "weather": text("天气（估算）", "Weather (estimate)"),
        "energy": text("用电多少", "Energy used"),
        "time_shift": text("用电时段", "Time of use"),
        "tier": text("阶梯位置", "Tier"),
        "basic": text("容量与需量", "Capacity and demand"),
        "power_factor": text("功率因数", "Power factor"),
        "price": text("电价", "Price"),
        "plan": text("电价方案", "Tariff"),
        "stages": text("分段计费", "Stages of a month"),
        "other": text("更正", "Corrections"),
    },
)
PartCode = Annotated[
    Literal[
        "days", "weather", "energy", "time_shift", "tier", "basic", "power_factor", "price", "plan", "stages", "other"
    ],
    Label("原因", "Cause", dictionary=PARTS.name),
]


class CompareBills(Message):
    """A bill and the one that it is compared with; without it the issued bill before it, of the same account and kind."""

    bill_no: BillNo
    other_bill_no: Annotated[BillNo | None, Label("比较账单", "Compared with")] = None


class ChangePart(Message):
    """A part of the difference. `amount`: positive where it makes the later bill larger."""

    code: PartCode
    amount: Annotated[Money, Label("影响金额", "Effect")]
    sentence: Annotated[TextPair, Label("说明", "Explanation")]


class ChangeStep(Message):
    """A step on the way from the earlier bill to the later one. `whole`: the amount of a bill, not a change."""

    name: Annotated[TextPair, Label("项目", "Step")]
    amount: Annotated[Money, Label("金额", "Amount")]
    whole: Annotated[bool, Label("账单金额", "A bill's amount")]


class BillChange(Message):
    """The difference of two bills: `parts` add up to `difference` to the fen. `steps` are the same as a way from bill to bill."""

    account_no: AccountNo
    name: HolderName
    kind: BillKind
    before_bill_no: Annotated[BillNo, Label("上期账单", "Earlier bill")]
    after_bill_no: Annotated[BillNo, Label("本期账单", "Later bill")]
    before_month: Annotated[MonthText, Label("上期", "Earlier month")]
    after_month: Annotated[MonthText, Label("本期", "Later month")]
    before_amount: Annotated[Money, Label("上期电费", "Earlier amount")]
    after_amount: Annotated[Money, Label("本期电费", "Later amount")]
    before_energy: Annotated[Energy, Label("上期电量", "Earlier energy")]
    after_energy: Annotated[Energy, Label("本期电量", "Later energy")]
    difference: Annotated[Money, Label("相差", "Difference")]
    parts: list[ChangePart]
    steps: list[ChangeStep]
    as_of: AsOf


class NotComparable(Problem, noun="billing", status=409, zh="没有可比的账单", en="There is no bill to compare with"):
    """Fields: bill_no, other_bill_no, why (no_earlier, other_account, other_kind, reversal, adjustment, cannot_rate)."""


class ChangeOperations(Api):
    """Why a bill changed."""

    @query(permit="billing.read", problems=(BillNotFound, NotComparable))
    def compare_bills(self, call: Call, request: CompareBills) -> BillChange:
        """Why a bill changed: its difference to another of the account in parts that add up to it, each with a sentence."""

    @query(permit="billing.own", problems=(BillNotFound, NotComparable))
    def compare_my_bills(self, call: Call, request: CompareBills) -> BillChange:
        """Why a bill of the signed-in customer changed."""

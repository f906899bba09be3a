"""What another tariff would have cost (套餐比较): the eligible tariffs over the bills of the last twelve months."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, command, query
from denghuo.kernel.fields import AccountNo, AsOf, MonthText, TariffClass, TariffCode, TextPair
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.bill import BillKind, HolderName
from denghuo.service.billing.lines import CannotRate

CONFIDENCES = Dictionary(
    "billing.confidence",
    {
        "sure": text("有把握", "Sure"),
        "likely": text("较有把握", "Likely"),
        "open": text("尚无把握", "Open"),
    },
    tones={"sure": "good", "likely": "notice", "open": "warning"},
)
Level = Literal["sure", "likely", "open"]

BASES = Dictionary(
    "billing.plan_basis",
    {
        "registers": text("抄见示数", "Registers"),
        "curve": text("15 分钟曲线", "15-minute curve"),
        "curve_gaps": text("15 分钟曲线（补缺）", "15-minute curve, gaps filled"),
        "no_curve": text("没有曲线", "No curve"),
        "too_many_gaps": text("曲线缺数过多", "Too many gaps in the curve"),
        "curve_apart": text("曲线与示数不符", "Curve and register do not agree"),
        "no_calendar": text("时段随日期性质变化", "Hours hang on the kind of day"),
    },
    tones={"curve_gaps": "notice", "no_curve": "warning", "too_many_gaps": "warning", "curve_apart": "warning"},
)
"""What a month's bands rest on, from the firmest; from `no_curve` on there are none."""
Basis = Literal["registers", "curve", "curve_gaps", "no_curve", "too_many_gaps", "curve_apart", "no_calendar"]


class WhatIf(Message):
    account_no: AccountNo
    kind: BillKind = "supply"


class MyWhatIf(Message):
    """Without `account_no` the first account of the session."""

    account_no: AccountNo | None = None
    kind: BillKind = "supply"


class PlanCost(Message):
    """An eligible tariff over all months. `amount` is None where it cannot be told, and `reason` says why.

    months_told: the months of which it can be told; of the others the present tariff's amount counts, so that they make no
    difference, and `reason` says so. by_curve: of them those whose hours come from 15-minute curves.
    """

    tariff_code: TariffCode
    tariff_version: Annotated[int, Label("电价版本", "Price version")]
    title: Annotated[TextPair, Label("电价", "Tariff")]
    amount: Annotated[Money | None, Label("合计电费", "Cost in all")]
    saving: Annotated[Money | None, Label("比现行少付", "Less than at present")]
    months_told: Annotated[int, Label("可算月数", "Months told")] = 0
    by_curve: Annotated[int, Label("其中按曲线分时", "Of them by curve")] = 0
    present: Annotated[bool, Label("现行", "Present")]
    best: Annotated[bool, Label("最省", "Best")]
    reason: Annotated[TextPair | None, Label("算不出的月份", "What cannot be told")]


class PlanMonth(Message):
    month: MonthText
    energy: Annotated[Energy, Label("电量", "Energy")]
    billed: Annotated[Money, Label("已发行电费", "As billed")]
    present_amount: Annotated[Money, Label("现行电价", "Present tariff")]
    best_amount: Annotated[Money, Label("最省电价", "Best tariff")]
    basis: Annotated[Basis, Label("最省电价的电量依据", "What the best tariff rests on", dictionary=BASES.name)] = (
        "registers"
    )


class Plans(Message):
    """What the use of these months costs by each eligible tariff, all at the prices in force on the last day of the newest bill.

    `present_amount` therefore differs from what was billed where prices changed in between. `months_count`: up to twelve, as many
    as were billed. confidence: sure where twelve months with true registers say so and none of them decides alone; likely where
    months are lacking, not told or estimated; open where another tariff would be the best without one of the months, or where most
    of them are not told. None where there is nothing to choose from.
    """

    account_no: AccountNo
    name: HolderName
    kind: BillKind
    tariff_class: TariffClass
    from_month: Annotated[MonthText, Label("起始月", "From")]
    to_month: Annotated[MonthText, Label("截止月", "To")]
    months_count: Annotated[int, Label("月数", "Months")]
    energy: Annotated[Energy, Label("电量合计", "Energy in all")]
    billed: Annotated[Money, Label("已发行电费合计", "Billed in all")]
    present_title: Annotated[TextPair, Label("现行电价", "Present tariff")]
    present_amount: Annotated[Money, Label("现行电价合计", "By the present tariff")]
    best_title: Annotated[TextPair, Label("最省电价", "Best tariff")]
    best_amount: Annotated[Money, Label("最省电价合计", "By the best tariff")]
    saving: Annotated[Money, Label("可少付", "Saving")]
    said: Annotated[TextPair, Label("结论", "Conclusion")]
    confidence: Annotated[Level | None, Label("把握程度", "Confidence", dictionary=CONFIDENCES.name)] = None
    confidence_said: Annotated[TextPair | None, Label("把握依据", "What it rests on")] = None
    plans: list[PlanCost]
    months: list[PlanMonth]
    as_of: AsOf


class SumCurves(Message):
    """month: the newest of the twelve whose sums are looked after."""

    month: MonthText


class CurvesSummed(Message):
    """A step: the month that it came to, and how many files of sums were made of it."""

    month: MonthText
    made: Annotated[int, Label("新汇总", "Made now")]
    again: bool


class NothingBilled(Problem, noun="billing", status=409, zh="还没有已发行的账单", en="Nothing was billed yet"):
    """Fields: account_no, kind."""


class PlanOperations(Api):
    """What other tariffs would have cost an account."""

    @query(permit="billing.read", problems=(NothingBilled, CannotRate))
    def what_if(self, call: Call, request: WhatIf) -> Plans:
        """What the account's last twelve months would have cost by each tariff that it may choose, and which is the best."""

    @query(permit="billing.own", problems=(NothingBilled, CannotRate))
    def my_what_if(self, call: Call, request: MyWhatIf) -> Plans:
        """What the last twelve months of an account of the signed-in customer would have cost by each tariff."""

    @command(permit="billing.advance")
    def sum_curves(self, call: Call, request: SumCurves) -> CurvesSummed:
        """Keeps the sums of the curves of billed months, of which such comparisons are made: a step of the job worker, called until
        those of a year are as their curves are."""

"""Messages and operations about the rules of the review (电费审核规则) and how much passes it by itself."""

from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Nothing, command, query
from denghuo.kernel.fields import AsOf, MonthText, OrganisationCode, Reason, TariffClass, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.billing.api.bill import BillKind
from denghuo.service.billing.api.cycle import WholeCompanyOnly
from denghuo.service.billing.api.exception import Cause, HoldCode, Severity

LIMIT_UNITS = Dictionary(
    "billing.limit_unit", {"yuan": text("元", "yuan"), "kWh": text("千瓦时", "kWh"), "%": text("%", "%")}
)


class ReviewRule(Message):
    """A rule of the review. `limit` is in `unit`, and means nothing where that is empty; a rule that is off holds nothing, one that
    only notes lets the bill pass with a remark."""

    row_key: Annotated[str, Label("键", "Key")]
    code: HoldCode
    cause: Cause
    severity: Severity
    title: Annotated[TextPair, Label("规则", "Rule")]
    meaning: Annotated[TextPair, Label("含义", "Meaning")]
    kind: BillKind
    tariff_class: TariffClass | None
    limit: Annotated[int, Label("限值", "Limit")]
    unit: Annotated[str, Label("单位", "Unit", dictionary=LIMIT_UNITS.name)]
    on: Annotated[bool, Label("启用", "On")]


class ReviewRules(Message):
    rows: list[ReviewRule]


class SetReviewRule(Message):
    """A limit for a class of use, or for all classes that have none of their own when `tariff_class` is not given. Without `limit`
    it stays as it is; rules without a unit have none."""

    code: HoldCode
    kind: BillKind
    tariff_class: TariffClass | None = None
    limit: Annotated[int, Field(ge=0, le=10**15), Label("限值", "Limit")] | None = None
    on: Annotated[bool, Label("启用", "On")] = True
    severity: Severity = "hold"
    reason: Reason


class AskReviewBoard(Message):
    """Without `month` the newest month that was rated."""

    month: MonthText | None = None
    org: OrganisationCode | None = None


class UnitReviewed(Message):
    """A unit's contracts in the review. passed: without a person; passed_share: of all. noted: of them with a remark."""

    org: OrganisationCode
    accounts: Annotated[int, Label("审核户数", "Reviewed")]
    passed: Annotated[int, Label("自动通过", "Passed by themselves")]
    noted: Annotated[int, Label("其中有提示", "Of them noted")]
    held: Annotated[int, Label("曾挂起", "Held")]
    open: Annotated[int, Label("待处理", "Open")]
    passed_share: Annotated[Percent | None, Label("自动通过率", "Passed by themselves, share")]


class RuleReviewed(Message):
    """What a rule found in a month. released: a person let the bill pass as it was; resolved: something was put right."""

    code: HoldCode
    cause: Cause
    found: Annotated[int, Label("发现", "Found")]
    noted: Annotated[int, Label("仅提示", "Noted only")]
    open: Annotated[int, Label("待处理", "Open")]
    released: Annotated[int, Label("已放行", "Released")]
    resolved: Annotated[int, Label("已消除", "Resolved")]
    passed_share: Annotated[Percent | None, Label("未触发占比", "Share that it let pass")]


class ReviewBoard(Message):
    """How much of a month passes the review by itself, by unit and by rule."""

    month: MonthText | None
    accounts: Annotated[int, Label("审核户数", "Reviewed")]
    passed: Annotated[int, Label("自动通过", "Passed by themselves")]
    noted: Annotated[int, Label("其中有提示", "Of them noted")]
    held: Annotated[int, Label("曾挂起", "Held")]
    open: Annotated[int, Label("待处理", "Open")]
    passed_share: Annotated[Percent | None, Label("自动通过率", "Passed by themselves, share")]
    units: list[UnitReviewed]
    rules: list[RuleReviewed]
    as_of: AsOf


class ReviewOperations(Api):
    """The rules of the review and what they let pass."""

    @query(permit="billing.read")
    def review_rules(self, call: Call, request: Nothing) -> ReviewRules:
        """The rules of the review with their limits."""

    @query(permit="billing.read")
    def review_board(self, call: Call, request: AskReviewBoard) -> ReviewBoard:
        """How much of a month passes the review without a person, by unit and by rule with the cause that each looks for."""

    @command(permit="billing.set_rules", problems=(WholeCompanyOnly,))
    def set_review_rule(self, call: Call, request: SetReviewRule) -> ReviewRule:
        """Changes a rule's limit, whether it holds or only notes, or switches it; for bills reviewed from then on."""

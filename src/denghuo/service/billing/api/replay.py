"""Bills computed again (账单重算核对): from what is kept with them, one or a month page by page; and an account's month as it was
known on a day, whether it was billed by then or not."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, MonthText, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.bill import BillKind, BillNotFound, NotIssued, ShownLine, ShownRegister

AT_ONCE = 1_000
OUTCOMES = Dictionary(
    "billing.replay_outcome",
    {
        "identical": text("一致", "Identical"),
        "differs": text("不一致", "Differs"),
        "not_kept": text("未存依据", "Terms not kept"),
    },
    tones={"identical": "good", "differs": "danger", "not_kept": "plain"},
)
Outcome = Annotated[Literal["identical", "differs", "not_kept"], Label("核对结果", "Outcome", dictionary=OUTCOMES.name)]


class ReplayBill(Message):
    """An issued bill; with `known_on` the bill of its account, month and kind that stood at the end of that day (China)."""

    bill_no: BillNo
    known_on: Annotated[date | None, Label("截至日期", "As known on")] = None


class Difference(Message):
    """Something that stands on the bill and comes out otherwise: a line and a field of it, or a figure of the bill."""

    where: Annotated[str, Label("位置", "Where")]
    kept: Annotated[str, Label("账单所载", "On the bill")]
    computed: Annotated[str, Label("重算所得", "Computed again")]


class Replayed(Message):
    """A bill computed again by the rules from the registers, terms and prices that are kept with it.

    identical: every line is the same to the last character, with its explanation. not_kept: the bill is older than the keeping
    of its terms. computed: None where nothing was computed.
    """

    bill_no: BillNo
    account_no: AccountNo
    month: MonthText
    kind: BillKind
    outcome: Outcome
    said: Annotated[TextPair, Label("说明", "Explanation")]
    line_count: Annotated[int, Label("明细行数", "Lines")]
    amount: Annotated[Money, Label("账单金额", "Amount of the bill")]
    computed: Annotated[Money | None, Label("重算金额", "Computed again")]
    differences: list[Difference]
    as_of: AsOf


KNOWN_STATES = Dictionary(
    "billing.known_state",
    {"rated": text("可计费", "Rated"), "held": text("不能计费", "Not rated")},
    tones={"rated": "good", "held": "warning"},
)
KnownState = Annotated[Literal["rated", "held"], Label("计算结果", "Result", dictionary=KNOWN_STATES.name)]


class AsKnown(Message):
    """An account's month with what was recorded until the end of a day (China); without a day with all that is recorded by now."""

    account_no: AccountNo
    month: MonthText
    kind: BillKind = "supply"
    known_on: Annotated[date | None, Label("截至日期", "As known on")] = None


class KnownBill(Message):
    """What the month comes to, or why it does not come to a bill. bill_no: the issued bill that stood at the end of the day, and
    against it what comes out otherwise; None where none stood. as_of: the instant until which records count."""

    account_no: AccountNo
    month: MonthText
    kind: BillKind
    known_on: Annotated[date, Label("截至日期", "As known on")]
    state: KnownState
    said: Annotated[TextPair, Label("说明", "Explanation")]
    tariff_title: Annotated[TextPair | None, Label("电价", "Tariff")]
    from_on: Annotated[date | None, Label("起日", "From day")]
    to_on: Annotated[date | None, Label("止日", "To day")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    used_before: Annotated[Energy | None, Label("年内已用电量", "Used before in the tier year")]
    amount: Annotated[Money | None, Label("金额", "Amount")]
    remarks: list[TextPair]
    registers: list[ShownRegister]
    lines: list[ShownLine]
    bill_no: Annotated[BillNo | None, Label("当日有效账单", "Bill that stood")]
    billed: Annotated[Money | None, Label("账单金额", "Amount of the bill")]
    differences: list[Difference]
    as_of: AsOf


class ReplayMonth(Message):
    """A page of the issued bills of a month, reversed ones and reversals included.

    Without `seed` in the order of their numbers; with it in an order that depends on it alone, so that the first bills are a
    sample. `after` is the `next` of the page before.
    """

    month: MonthText
    seed: Annotated[str, Field(min_length=1, max_length=40), Label("抽样种子", "Seed")] | None = None
    limit: Annotated[int, Field(ge=1, le=AT_ONCE)] = 200
    after: Annotated[str, Field(max_length=40)] | None = None


class MonthReplayed(Message):
    """What came of a page: `rows` are the bills of it that differ. total: all bills of the month; next: None at the last page."""

    month: MonthText
    checked: Annotated[int, Label("已核对", "Checked")]
    identical: Annotated[int, Label("一致", "Identical")]
    not_kept: Annotated[int, Label("未存依据", "Terms not kept")]
    rows: list[Replayed]
    total: int
    next: str | None
    as_of: AsOf


class ReplayOperations(Api):
    """Bills computed again."""

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def replay_bill(self, call: Call, request: ReplayBill) -> Replayed:
        """A bill computed again from what is kept with it, as issued or as known on a day: identical, or what differs."""

    @query(permit="billing.read", problems=(BillNotFound,))
    def as_known(self, call: Call, request: AsKnown) -> KnownBill:
        """An account's month computed from the meters, readings, terms and prices that were recorded by a day, whether it was
        billed by then or not; beside it the bill that stood on that day. Nothing is stored."""

    @query(permit="billing.read")
    def replay_month(self, call: Call, request: ReplayMonth) -> MonthReplayed:
        """A page of a month's issued bills computed again; tells the bills that differ."""

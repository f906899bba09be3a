"""Households entitled to free energy (五保、低保免费电量): listed with their evidence for whole months, and ended."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Dictionary, Label, Message, Page
from denghuo.kernel.fields import AccountNo, AsOf, Instant, MonthText, OrganisationCode, Reason
from denghuo.kernel.problem import NotFound, Problem, text

TEXT_MAX = 400_000
"""Characters of a list: 1,000 rows with room to spare."""
ENTITLEMENTS = Dictionary(
    "contract.entitlement",
    {
        "five_guarantee": text("五保户", "Five-guarantee household"),
        "low_income": text("低保户", "Low-income household"),
    },
)
EntitlementKind = Annotated[
    Literal["five_guarantee", "low_income"], Label("优惠类别", "Entitled as", dictionary=ENTITLEMENTS.name)
]
EntitlementNo = Annotated[int, Label("登记号", "Entry no."), Field(ge=1)]
EvidenceNo = Annotated[str, StringConstraints(max_length=64, strip_whitespace=True), Label("证件编号", "Evidence no.")]
EvidenceTail = Annotated[str, StringConstraints(max_length=4), Label("证件编号尾号", "End of the evidence no.")]
StartsIn = Annotated[MonthText, Label("起始月", "From month")]
EndsWith = Annotated[MonthText, Label("截止月（不含）", "Until month (first without)")]


class NewEntitlement(Message):
    account_no: AccountNo
    kind: EntitlementKind
    evidence_no: EvidenceNo = ""
    from_month: StartsIn
    until_month: EndsWith


class ListEntitled(Message):
    entitled: Annotated[list[NewEntitlement], Field(min_length=1, max_length=ITEMS_MAX)]


class ImportEntitled(Message):
    """A list as CSV (UTF-8) with a heading: 户号,优惠类别,证件编号,起始月,截止月, or account_no, kind, evidence_no, from_month,
    until_month."""

    file_name: Annotated[str, StringConstraints(max_length=120), Label("文件名", "File name")] = ""
    text: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX), Label("名单（CSV）", "List (CSV)")]


class EndEntitlement(Message):
    """Ends one before it expires: `ends_from` is the first month without."""

    entitlement_no: EntitlementNo
    ends_from: EndsWith
    reason: Reason


class FindEntitled(Page):
    """What holds or will hold, unless `past` asks for what has expired or was ended too. ends_within: ends within so many days."""

    account_no: AccountNo | None = None
    kind: EntitlementKind | None = None
    org: OrganisationCode | None = None
    ends_within: Annotated[int | None, Field(ge=1, le=3660), Label("多少天内到期", "Ends within days")] = None
    past: Annotated[bool, Label("含已失效", "Ended ones too")] = False


class Entitlement(NewEntitlement):
    """`until_month` is that of the list; `days_left` counts to the end that holds, and is 0 afterwards."""

    entitlement_no: EntitlementNo
    org: OrganisationCode
    days_left: Annotated[int, Label("剩余天数", "Days left")]
    listed_by: Annotated[str, Label("登记人", "Listed by", dictionary="staff")]
    listed_at: Annotated[Instant, Label("登记时间", "Listed at")]
    ended_from: Annotated[date | None, Label("提前终止自", "Ended from")] = None
    ended_by: Annotated[str | None, Label("终止人", "Ended by", dictionary="staff")] = None
    ended_reason: Annotated[str | None, Label("终止原因", "Why ended")] = None


class EntitledFound(Message):
    rows: list[Entitlement]
    total: Annotated[int, Label("合计", "Total")]
    next: str | None
    as_of: AsOf


class EntitlementNotFound(NotFound, noun="contract", status=404, zh="未找到该优惠登记", en="No such entitlement"):
    """Fields: entitlement_no. Raised also for one outside the caller's organisation scope."""


class EntitlementRefused(
    Problem, noun="contract", status=409, zh="不能这样终止优惠", en="The entitlement cannot be ended so"
):
    """Nothing was changed. Fields: entitlement_no, field, value."""


class EntitledListRefused(Problem, noun="contract", status=422, zh="名单未导入", en="The list was not imported"):
    """Nothing was changed. Fields: field, value."""

"""What is owed (应收): open items, statements of an account, recovery and ageing."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import Dictionary, Label, Message, Page
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    BillNo,
    Instant,
    MonthText,
    OrganisationCode,
    TariffClass,
)
from denghuo.kernel.problem import NotFound, text
from denghuo.kernel.values import Money, Percent
from denghuo.service.ledger.api.book import ITEMS_MAX, DocumentKind, DocumentNo, VoucherNo

BILL_KINDS = Dictionary("ledger.bill_kind", {"supply": text("售电", "Supply"), "purchase": text("购电", "Purchase")})
BillKind = Annotated[Literal["supply", "purchase"], Label("账单类型", "Kind of bill", dictionary=BILL_KINDS.name)]
ITEM_STATES = Dictionary(
    "ledger.item_state",
    {
        "open": text("未缴", "Open"),
        "part": text("部分缴纳", "Part paid"),
        "paid": text("已结清", "Settled"),
        "overdue": text("逾期", "Overdue"),
    },
    tones={"open": "notice", "part": "notice", "paid": "good", "overdue": "danger"},
)
ItemState = Annotated[
    Literal["open", "part", "paid", "overdue"], Label("欠费状态", "State", dictionary=ITEM_STATES.name)
]


class OpenItem(Message):
    """A bill and what is left of it."""

    bill_no: BillNo
    account_no: AccountNo
    org: OrganisationCode
    kind: BillKind
    month: MonthText
    tariff_class: TariffClass
    issued_on: Annotated[date, Label("发行日期", "Issued on")]
    due_on: Annotated[date, Label("缴费期限", "Due on")]
    amount: Annotated[Money, Label("应收金额", "Amount")]
    paid: Annotated[Money, Label("已收金额", "Paid")]
    rest: Annotated[Money, Label("未收金额", "Outstanding")]
    overdue_days: Annotated[int, Label("逾期天数", "Days overdue")]
    state: ItemState


class OwedBy(Message):
    account_no: AccountNo


class Owed(Message):
    """What an account owes: open items, oldest first, at most 200; `due` is what a payment would settle now."""

    account_no: AccountNo
    items: list[OpenItem]
    outstanding: Annotated[Money, Label("欠费合计", "Outstanding")]
    overdue: Annotated[Money, Label("其中逾期", "Of it overdue")]
    prepaid: Annotated[Money, Label("预存余额", "Prepaid balance")]
    due: Annotated[Money, Label("应缴金额", "To be paid")]
    payable: Annotated[Money, Label("应付购电费", "Payable to the generator")]
    as_of: AsOf


class EstimatedBalance(Message):
    """What an account would have left if its running month were billed now (预估余额): prepaid less open bills less what is not
    billed yet, as billing estimated it (`through_on`, `estimated_at`; None without an estimate). Nothing of it is booked."""

    account_no: AccountNo
    prepaid: Annotated[Money, Label("预存余额", "Prepaid balance")]
    outstanding: Annotated[Money, Label("欠费合计", "Outstanding")]
    unbilled: Annotated[Money, Label("未出账电费（估）", "Not billed yet (estimate)")]
    balance: Annotated[Money, Label("预估余额", "Estimated balance")]
    through_on: Annotated[date | None, Label("用电测算至", "Use estimated through")]
    estimated_at: Annotated[Instant | None, Label("测算时间", "Estimated at")]
    as_of: AsOf


class BillsOpen(Message):
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]


class AccountOpen(Message):
    account_no: AccountNo
    org: OrganisationCode
    due: Annotated[Money, Label("应缴金额", "To be paid")]
    bill_nos: list[BillNo]


class OpenAccounts(Message):
    rows: list[AccountOpen]


class FindReceivables(Page):
    """Which bills: all filters may be left out. `state` open = everything that is not settled."""

    month: MonthText | None = None
    org: OrganisationCode | None = None
    tariff_class: TariffClass | None = None
    account_no: AccountNo | None = None
    kind: BillKind | None = None
    state: ItemState | None = None


class Receivables(Message):
    rows: list[OpenItem]
    total: int
    amount: Annotated[Money, Label("应收合计", "Receivable")]
    paid: Annotated[Money, Label("实收合计", "Collected")]
    rest: Annotated[Money, Label("未收合计", "Outstanding")]
    next: str | None
    as_of: AsOf


class AskStatement(Page):
    account_no: AccountNo


class StatementRow(Message):
    movement_no: Annotated[int, Label("序号", "No.")]
    at: Instant
    document_kind: DocumentKind
    document_no: DocumentNo
    month: Annotated[str | None, Label("电费年月", "Month")]
    debit: Annotated[Money | None, Label("应收", "Charged")]
    credit: Annotated[Money | None, Label("收款", "Credited")]
    balance: Annotated[Money, Label("余额（欠费为正）", "Balance (owed is positive)")]
    voucher_no: VoucherNo


class Statement(Message):
    """An account's movements, newest first, each with the balance after it."""

    account_no: AccountNo
    rows: list[StatementRow]
    total: int
    next: str | None
    balance: Annotated[Money, Label("当前余额（欠费为正）", "Balance (owed is positive)")]
    as_of: AsOf


RECOVERY_BY = Dictionary(
    "ledger.recovery_by",
    {"org": text("供电单位", "Unit"), "tariff_class": text("用电类别", "Tariff class")},
)


class AskRecovery(Message):
    """Recovery of the bills of a month, by unit or by class. Without a month: of the newest month with bills."""

    month: MonthText | None = None
    by: Annotated[Literal["org", "tariff_class"], Label("分组", "By", dictionary=RECOVERY_BY.name)] = "org"


class RecoveryRow(Message):
    """Of one unit or one class, or of all. `percent` = collected / receivable; none where nothing is receivable."""

    group: Annotated[str, Label("分组", "Group")]
    org: OrganisationCode | None
    tariff_class: TariffClass | None
    bills: Annotated[int, Label("账单数", "Bills")]
    receivable: Annotated[Money, Label("应收", "Receivable")]
    collected: Annotated[Money, Label("实收", "Collected")]
    outstanding: Annotated[Money, Label("未收", "Outstanding")]
    overdue: Annotated[Money, Label("逾期", "Overdue")]
    percent: Annotated[Percent | None, Label("电费回收率", "Recovery rate")]


class Recovery(Message):
    month: MonthText | None
    by: Annotated[str, Label("分组", "By", dictionary=RECOVERY_BY.name)]
    rows: list[RecoveryRow]
    total: RecoveryRow
    as_of: AsOf


BUCKETS = Dictionary(
    "ledger.bucket",
    {
        "current": text("未到期", "Not yet due"),
        "1-30": text("1–30 天", "1-30 days"),
        "31-60": text("31–60 天", "31-60 days"),
        "61-90": text("61–90 天", "61-90 days"),
        "91-180": text("91–180 天", "91-180 days"),
        "181-365": text("181–365 天", "181-365 days"),
        "366+": text("1 年以上", "Over a year"),
    },
    tones={"91-180": "warning", "181-365": "danger", "366+": "danger"},
)


class AskAgeing(Message):
    org: OrganisationCode | None = None
    tariff_class: TariffClass | None = None


class AgeingRow(Message):
    bucket: Annotated[str, Label("账龄", "Age", dictionary=BUCKETS.name)]
    accounts: Annotated[int, Label("户数", "Accounts")]
    bills: Annotated[int, Label("账单数", "Bills")]
    outstanding: Annotated[Money, Label("未收金额", "Outstanding")]


class Ageing(Message):
    rows: list[AgeingRow]
    outstanding: Annotated[Money, Label("未收合计", "Outstanding")]
    as_of: AsOf


class AccountUnknown(NotFound, noun="ledger", status=404, zh="账上没有该户号", en="No such account in the books"):
    """Fields: account_no. Raised also for an account outside the caller's scope."""

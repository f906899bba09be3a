"""Balances under fee control (费控余额): what is left day by day, from when on a customer is told, and who was told."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import Dictionary, Event, Label, Message, Page
from denghuo.kernel.fields import AccountNo, AsOf, Instant, OrganisationCode, Reason, TariffClass
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Energy, Money
from denghuo.service.contract.api import FeeWay, Protected

LEVELS = Dictionary(
    "ledger.balance_level",
    {
        "unknown": text("尚未测算", "Not known yet"),
        "enough": text("余额充足", "Enough left"),
        "low": text("余额不足", "Little left"),
        "exhausted": text("余额用尽", "Used up"),
        "restored": text("余额恢复", "Restored"),
    },
    tones={"enough": "good", "low": "warning", "exhausted": "danger", "restored": "good"},
)
Level = Annotated[
    Literal["unknown", "enough", "low", "exhausted"], Label("余额状态", "State of the balance", dictionary=LEVELS.name)
]
WarningLevel = Annotated[Literal["low", "exhausted", "restored"], Label("预警", "Warning", dictionary=LEVELS.name)]
LowAmount = Annotated[Money | None, Label("预警金额", "Told below")]
LowDays = Annotated[int | None, Field(gt=0, le=366), Label("预警天数", "Told below days")]
Balance = Annotated[Money, Label("预估余额", "Estimated balance")]
DaysLeft = Annotated[int | None, Label("约可用天数", "Days left")]
DailyAmount = Annotated[Money | None, Label("日均电费（估）", "A day (estimate)")]
WarningNo = Annotated[int, Label("预警编号", "Warning no.")]


class FindBalances(Page):
    """Accounts under fee control; pages by account number. All filters may be left out."""

    account_no: AccountNo | None = None
    org: OrganisationCode | None = None
    tariff_class: TariffClass | None = None
    way: FeeWay | None = None
    level: Level | None = None
    protected: Annotated[bool, Label("仅保电用户", "Protected only")] = False


class FeeBalance(Message):
    """An account's balance after what it used and was not billed for (`unbilled`, read through `through_on`): prepaid less open
    bills less that. daily: of the months not billed yet, by their days. days_left: whole days that the balance lasts at that."""

    account_no: AccountNo
    org: OrganisationCode
    tariff_class: TariffClass
    way: FeeWay
    protected: Protected
    prepaid: Annotated[Money, Label("预存余额", "Prepaid balance")]
    outstanding: Annotated[Money, Label("欠费合计", "Outstanding")]
    unbilled: Annotated[Money, Label("未出账电费（估）", "Not billed yet (estimate)")]
    balance: Balance
    daily_energy: Annotated[Energy | None, Label("日均电量（估）", "Energy a day (estimate)")]
    daily_amount: DailyAmount
    days_left: DaysLeft
    through_on: Annotated[date | None, Label("用电测算至", "Use estimated through")]
    level: Level
    level_since: Annotated[Instant | None, Label("状态起始", "Since")]


class FeeBalances(Message):
    """A page; the counts are of everything that was asked for."""

    rows: list[FeeBalance]
    total: int
    low: Annotated[int, Label("余额不足户数", "Little left")]
    exhausted: Annotated[int, Label("余额用尽户数", "Used up")]
    next: str | None
    as_of: AsOf


class FindBalanceWarnings(Page):
    """Newest first."""

    account_no: AccountNo | None = None
    org: OrganisationCode | None = None
    level: WarningLevel | None = None


class BalanceWarning(Message):
    """A balance fell below its limit, was used up, or came up again after that. `told`: the customer was told; of one that came up
    only other services are."""

    warning_no: WarningNo
    account_no: AccountNo
    org: OrganisationCode
    level: WarningLevel
    balance: Balance
    daily_amount: DailyAmount
    days_left: DaysLeft
    through_on: Annotated[date | None, Label("用电测算至", "Use estimated through")]
    protected: Protected
    at: Instant
    told: Annotated[bool, Label("已通知", "Told")]


class BalanceWarnings(Message):
    rows: list[BalanceWarning]
    total: int
    next: str | None
    as_of: AsOf


class AskBalanceLimits(Message):
    """From when on customers are told, within the caller's units and of the units above them."""


class BalanceLimit(Message):
    """Told below an amount, below so many days, or not at all where there is neither. It holds until the next of the same unit
    and class."""

    row_key: Annotated[str, Label("键", "Key")]
    org: OrganisationCode
    tariff_class: Annotated[TariffClass | None, Label("用电类别", "Tariff class")]
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    low_amount: LowAmount
    low_days: LowDays
    reason: Annotated[str, Label("原因", "Reason")]
    set_by: Annotated[str, Label("设置人", "Set by", dictionary="staff")]
    set_at: Instant


class BalanceLimits(Message):
    rows: list[BalanceLimit]
    as_of: AsOf


class SetBalanceLimit(Message):
    """A limit of a unit and what lies below it, of a class or of all classes, from a day on; the same day again puts it right."""

    org: OrganisationCode
    tariff_class: TariffClass | None = None
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    low_amount: LowAmount = None
    low_days: LowDays = None
    reason: Reason


class TellBalances(Message):
    """A page of the balances of which nobody was told yet that they fell or came up again."""


class BalancesTold(Message):
    told: int
    again: bool


class FallenBalance(Message):
    """Of one account, within an event. warning_no: the higher, the later, whatever the order in which events come; 0 where it was
    told before there were numbers. balance_fen: decimal text of an integer."""

    warning_no: int = 0
    account_no: str
    org: str
    balance_fen: str
    through_on: date | None
    protected: bool


class BalancesLowered(Event, name="ledger.balances.lowered", version=1):
    """Balances under fee control fell below their limits: at most 1,000 of them. Each fall is told once."""

    accounts: list[FallenBalance]


class BalancesExhausted(Event, name="ledger.balances.exhausted", version=1):
    """Balances under fee control were used up: at most 1,000 of them. Whether supply is interrupted is for others to decide."""

    accounts: list[FallenBalance]


class BalancesRestored(Event, name="ledger.balances.restored", version=1):
    """Balances that were used up came up again: at most 1,000 of them."""

    accounts: list[FallenBalance]


class LimitRefused(Problem, noun="ledger", status=422, zh="预警限额不能这样设置", en="The limit cannot be set so"):
    """Fields: field, value."""

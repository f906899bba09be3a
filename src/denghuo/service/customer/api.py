"""Contract of the customer service (客户档案管理): supply accounts, their holders and how they are found."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, command, query
from denghuo.kernel.fields import AccountNo, AsOf, OrganisationCode, TariffClass
from denghuo.kernel.problem import NotFound, Problem, text

KINDS = Dictionary(
    "customer.kind",
    {
        "resident": text("居民", "Resident"),
        "business": text("商业", "Business"),
        "farm": text("农业", "Farm"),
        "industry": text("工业", "Industry"),
        "generator": text("发电户", "Generator"),
    },
)
CustomerKind = Annotated[
    Literal["resident", "business", "farm", "industry", "generator"],
    Label("客户性质", "Kind of customer", dictionary="customer.kind"),
]
STATUSES = Dictionary(
    "customer.status",
    {"active": text("正常", "Active"), "closed": text("已销户", "Closed")},
    tones={"active": "good", "closed": "plain"},
)
Status = Annotated[Literal["active", "closed"], Label("用户状态", "Status", dictionary="customer.status")]
HolderName = Annotated[
    str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True), Label("户名", "Name", mask="name")
]
Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+\-]{5,20}$"), Label("联系电话", "Phone", mask="phone")]
Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, strip_whitespace=True),
    Label("用电地址", "Address", mask="address"),
]

ITEMS_MAX = 1_000
PAGE_MAX = 200


class NewAccount(Message):
    """An account as it is taken over from another system or opened by a connection order."""

    account_no: AccountNo
    name: HolderName
    kind: CustomerKind
    tariff_class: TariffClass
    address: Address
    phone: Phone | None = None
    org: OrganisationCode
    industry_code: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]{2,4}$"), Label("行业代码", "Industry code")] | None
    ) = None
    opened_on: Annotated[date, Label("立户日期", "Opened on")]
    status: Status = "active"


class OpenAccounts(Message):
    accounts: Annotated[list[NewAccount], Field(min_length=1, max_length=ITEMS_MAX)]


class RefusedAccount(Message):
    """Why one account of a batch was not taken; the others were."""

    account_no: AccountNo
    zh: str
    en: str


class AccountsOpened(Message):
    """Counts of a batch: `unchanged` were known with the same content."""

    opened: int
    unchanged: int
    refused: list[RefusedAccount]


class FindAccounts(Message):
    """A search by account number, name, phone, address or pinyin; pages by account number."""

    keyword: Annotated[
        str, StringConstraints(max_length=64), Label("户号/户名/电话/地址/拼音", "No./name/phone/address/pinyin")
    ] = ""
    tariff_class: TariffClass | None = None
    org: OrganisationCode | None = None
    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 50


class Account(Message):
    account_no: AccountNo
    name: HolderName
    kind: CustomerKind
    tariff_class: TariffClass
    address: Address
    phone: Phone | None
    org: OrganisationCode
    industry_code: Annotated[str | None, Label("行业代码", "Industry code")]
    opened_on: Annotated[date, Label("立户日期", "Opened on")]
    status: Status
    closed_on: Annotated[date | None, Label("销户日期", "Closed on")] = None
    succeeds: Annotated[AccountNo | None, Label("原户号", "Account before")] = None
    successor_no: Annotated[AccountNo | None, Label("新户号", "Account after")] = None


class AccountsFound(Message):
    """A page of accounts in the order of their numbers; `next` is the `after` of the following page."""

    rows: list[Account]
    total: int
    next: str | None


class AccountNumbers(Message):
    numbers: Annotated[list[AccountNo], Field(max_length=ITEMS_MAX)]


class Accounts(Message):
    """Accounts of a list, in the order of their numbers; those that are not known or not in scope are left out."""

    rows: list[Account]


class SummaryRequest(Message):
    org: OrganisationCode | None = None


class ClassCount(Message):
    tariff_class: TariffClass
    kind: CustomerKind
    status: Status
    count: Annotated[int, Label("户数", "Accounts")]


class CustomerSummary(Message):
    """Accounts counted by class, kind and status."""

    rows: list[ClassCount]
    total: Annotated[int, Label("合计", "Total")]
    as_of: AsOf


class AccountRef(Message):
    account_no: AccountNo


class SucceedAccount(Message):
    """Another customer takes over what an account supplies, from a day on (过户). kind: where it is another than before."""

    account_no: AccountNo
    since: Annotated[date, Label("过户日期", "First day of the new customer")]
    name: HolderName
    phone: Phone | None = None
    kind: CustomerKind | None = None


class Succession(Message):
    """The closed account and the one that follows it."""

    account_no: AccountNo
    successor_no: AccountNo
    since: Annotated[date, Label("过户日期", "First day of the new customer")]


class Reveal(Message):
    """Asks for the personal data of an account in clear, for a stated reason."""

    account_no: AccountNo
    reason: Annotated[
        str, StringConstraints(min_length=4, max_length=200, strip_whitespace=True), Label("查看事由", "Reason")
    ]


class Revealed(Message):
    """Personal data in clear."""

    account_no: AccountNo
    name: HolderName
    phone: Phone | None
    address: Address


class AccountOpened(Event, name="customer.account.opened", version=1):
    account_no: str
    org: str
    tariff_class: str


class AccountNotFound(NotFound, noun="customer", status=404, zh="未找到该用户", en="No such account"):
    """Fields: account_no. Raised also for an account outside the caller's organisation scope."""


class OutsideScope(Problem, noun="customer", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"):
    """Fields: org."""


class AccountClosed(Problem, noun="customer", status=409, zh="该户已销户", en="The account is closed"):
    """Fields: account_no, closed_on, successor_no."""


class CustomerApi(Api, noun="customer", version=1):
    """Operations on customer records."""

    @command(permit="customer.open", problems=(OutsideScope,), emits=(AccountOpened,))
    def open_accounts(self, call: Call, request: OpenAccounts) -> AccountsOpened:
        """Opens up to 1,000 accounts. An account that is known with other content is refused, the rest is taken."""

    @command(permit="customer.open", problems=(AccountNotFound, AccountClosed), emits=(AccountOpened,))
    def succeed_account(self, call: Call, request: SucceedAccount) -> Succession:
        """Closes an account on the day of a change of customer and opens one for the new customer at the same address. Asked again
        for the same day it gives the account that was opened."""

    @query(permit="customer.read")
    def find_accounts(self, call: Call, request: FindAccounts) -> AccountsFound:
        """Finds accounts by number, name, phone, address or pinyin within the caller's organisation scope."""

    @query(permit="customer.read")
    def accounts(self, call: Call, request: AccountNumbers) -> Accounts:
        """The accounts of up to 1,000 numbers."""

    @query(permit="customer.read")
    def summary(self, call: Call, request: SummaryRequest) -> CustomerSummary:
        """Accounts counted by tariff class, kind and status within the caller's organisation scope."""

    @query(permit="customer.read", problems=(AccountNotFound,))
    def account(self, call: Call, request: AccountRef) -> Account:
        """One account."""

    @command(permit="customer.reveal", problems=(AccountNotFound,), reveals=True)
    def reveal(self, call: Call, request: Reveal) -> Revealed:
        """Personal data of an account in clear. The journal keeps who asked, when and why."""

"""Contract of the notice service (消息通知): sending from templates, the inbox of a person or an account."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, Instant, OrganisationCode, TextPair, UserName
from denghuo.kernel.problem import Problem, text

ITEMS_MAX = 1_000

CATEGORIES = Dictionary(
    "notice.category",
    {
        "bill": text("账单", "Bill"),
        "payment": text("缴费", "Payment"),
        "supply": text("用电", "Supply"),
        "work": text("工作", "Work"),
        "security": text("安全", "Security"),
    },
    tones={"security": "warning", "payment": "good"},
)
Category = Annotated[
    Literal["bill", "payment", "supply", "work", "security"], Label("类别", "Category", dictionary=CATEGORIES.name)
]
NoticeNo = Annotated[int, Label("消息编号", "Notice no.")]
TemplateCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,39}$"), Label("模板", "Template")]
Parameter = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NewNotice(Message):
    """A notice for an account or for a member of staff. A `key` that was used already makes a repeat without effect."""

    template: TemplateCode
    account_no: AccountNo | None = None
    user_name: UserName | None = None
    org: OrganisationCode
    parameters: Annotated[dict[str, Parameter], Field(max_length=20)] = {}
    key: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_addressee(self) -> "NewNotice":
        if (self.account_no is None) == (self.user_name is None):
            raise ValueError("a notice goes to an account or to a user, to exactly one of them")
        return self


class Send(Message):
    notices: Annotated[list[NewNotice], Field(min_length=1, max_length=ITEMS_MAX)]


class RefusedNotice(Message):
    """Why one notice of a batch was not sent; `item` is its place in the batch. The others were."""

    item: int
    zh: str
    en: str


class Sent(Message):
    sent: int
    unchanged: int
    refused: list[RefusedNotice]


class Inbox(Page):
    """Without `account_no` one's own: a member of staff's, or that of all accounts of a customer's session."""

    account_no: AccountNo | None = None
    unread: Annotated[bool, Label("仅未读", "Unread only")] = False
    category: Category | None = None


class Notice(Message):
    notice_no: NoticeNo
    category: Category
    title: Annotated[TextPair, Label("标题", "Title")]
    body: Annotated[TextPair, Label("内容", "Text")]
    account_no: AccountNo | None
    sent_at: Annotated[AwareDatetime, Label("发送时间", "Sent")]
    read_at: Annotated[AwareDatetime | None, Label("阅读时间", "Read")]


class InboxFound(Message):
    """Newest first; `unread` counts over all pages and categories."""

    rows: list[Notice]
    total: int
    unread: int
    next: str | None
    as_of: AsOf


class MarkRead(Message):
    """Marks one of one's own notices as read; without a number, all."""

    notice_no: NoticeNo | None = None


class Marked(Message):
    marked: int


class Templates(Message): ...


class Template(Message):
    code: TemplateCode
    category: Category
    title: Annotated[TextPair, Label("标题", "Title")]
    body: Annotated[TextPair, Label("内容", "Text")]
    parameters: Annotated[list[str], Label("参数", "Parameters")]


class TemplatesFound(Message):
    rows: list[Template]
    total: int


class SentNotice(Message):
    """Of one notice, within an event. `way`: how it reached the customer."""

    notice_no: int
    template: str
    account_no: str
    org: str
    parameters: dict[str, str]
    way: Literal["inbox"]
    sent_at: Instant


class NoticesSent(Event, name="notice.notices.sent", version=1):
    """Notices went out on whose being sent others rely (templates marked `followed`): at most 1,000 of them."""

    notices: list[SentNotice]


class OutsideReach(Problem, noun="notice", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"):
    """Fields: org."""


class NoticeApi(Api, noun="notice", version=1):
    """Operations on notices."""

    @command(permit="notice.send", problems=(OutsideReach,), emits=(NoticesSent,))
    def send(self, call: Call, request: Send) -> Sent:
        """Sends up to 1,000 notices. One with an unknown template or missing parameters is refused, the rest goes out."""

    @query(permit="notice.read")
    def inbox(self, call: Call, request: Inbox) -> InboxFound:
        """Notices of oneself, or of an account within the caller's scope."""

    @command(permit="notice.read")
    def mark_read(self, call: Call, request: MarkRead) -> Marked:
        """Marks one's own notices as read."""

    @query(permit="notice.read")
    def templates(self, call: Call, request: Templates) -> TemplatesFound:
        """The texts that notices are made of."""

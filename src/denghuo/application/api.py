"""Contract of the application module (应用模块): which pages a caller has, what they hold, and one search over everything."""

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from denghuo.kernel.contract import PUBLIC, Api, Call, Label, Message, query
from denghuo.kernel.fields import MonthText, TextPair
from denghuo.kernel.problem import NotFound

Channel = Literal["pc", "kiosk", "mobile", "screen"]
Tone = Literal["plain", "good", "notice", "warning", "danger"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class MenusWanted(Message):
    channel: Channel = "pc"


class MenuItem(Message):
    """A page of the menu. `count` is how much waits there for the caller, where the page can say so."""

    page: str
    title: TextPair
    note: TextPair | None
    icon: str
    count: int | None


class MenuGroup(Message):
    """The pages of one micro-app that are open to the caller."""

    app: str
    title: TextPair
    icon: str
    items: list[MenuItem]


class MenusShown(Message):
    """`month`: the month that business is at, with which pages about a month begin."""

    groups: list[MenuGroup]
    month: MonthText


class PageWanted(Message):
    app: Name
    page: Name
    channel: Channel = "pc"


class OperationShown(Message):
    """What a renderer needs to know of an operation that a page uses."""

    kind: Literal["command", "query"]
    permit: str
    request: dict[str, Any]
    reply: dict[str, Any]


class EntryShown(Message):
    """A value of a coded field: what it is called and how it is coloured."""

    zh: str
    en: str
    tone: Tone | None = None


class PageShown(Message):
    """A page pruned to the caller, with the contracts and dictionaries that it uses."""

    page: dict[str, Any]
    operations: dict[str, OperationShown]
    dictionaries: dict[str, dict[str, EntryShown]]


class SearchWanted(Message):
    keyword: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64, strip_whitespace=True),
        Label("户号/户名/表号/电话/地址/拼音", "Account, name, meter, phone, address, pinyin"),
    ]


class Found(Message):
    """One thing found, and the page with its parameters that shows it."""

    app: str
    kind: TextPair
    page: str
    parameters: dict[str, str]
    title: str
    name: Annotated[str | None, Label("户名", "Name", mask="name")] = None
    note: TextPair | None = None


class SearchFound(Message):
    rows: list[Found]


class NoSuchPage(NotFound, noun="application", status=404, zh="没有这个页面", en="No such page"):
    """Fields: page. Raised also where nothing of the page is open to the caller."""


class ApplicationApi(Api, noun="application", version=1):
    """Menus, pages and search of the signed-in caller."""

    @query(permit=PUBLIC)
    def menus(self, call: Call, request: MenusWanted) -> MenusShown:
        """The menus of the caller on a channel: only pages of which something is left after pruning to the caller's rights."""

    @query(permit=PUBLIC, problems=(NoSuchPage,))
    def page(self, call: Call, request: PageWanted) -> PageShown:
        """One page, pruned to the caller's rights."""

    @query(permit=PUBLIC)
    def search(self, call: Call, request: SearchWanted) -> SearchFound:
        """Finds customers, meters, areas and bills by whatever was typed, within the caller's rights and scope."""

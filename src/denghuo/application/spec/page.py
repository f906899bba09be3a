"""The page spec: what a page means, as data. A renderer decides how it looks on its channel.

A field names a typed value of a contract message, so label, unit, format, masking and dictionary come from the contract and are
not said again. An action names a registered operation. Conditions are data (see `logic`). Text is {zh, en}. There is no place in
this model for HTML, script or an address.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, RootModel, StringConstraints, model_validator

from denghuo.application.spec.logic import FORBIDDEN_NAMES, NotLogic, require_logic, safe_path
from denghuo.kernel.contract import Message

MAX_FIELDS = 60
MAX_BLOCKS = 40
MAX_ACTIONS = 12

_SUSPECT = re.compile(
    r"<[a-z/!?]|&(#|[a-z]+;)|\{\{|\$\{|\b[a-z][a-z0-9+.-]*://|\b(javascript|vbscript|data)\s*:|[\x00-\x08\x0b-\x1f\x7f]"
    r"|[\u202a-\u202e\u2066-\u2069]",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Refuse what is not plain text for a person: markup, templates, addresses, control and direction-override characters."""
    found = _SUSPECT.search(text)
    if found:
        raise ValueError(f"plain text only, without {found.group(0).strip()!r}")
    return text


def _own_name(name: str) -> str:
    if name in FORBIDDEN_NAMES:
        raise ValueError(f"{name!r} is not a name")
    return name


def _own_path(path: str) -> str:
    if not safe_path(path):
        raise ValueError("a path is dotted lower-case names and positions of a message")
    return path


Plain = Annotated[str, StringConstraints(min_length=1, max_length=240), AfterValidator(plain)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"), AfterValidator(_own_name)]
Path = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+){0,8}$", max_length=160), AfterValidator(_own_path)
]
OperationName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}\.[a-z][a-z0-9_]{0,60}$")]
PageName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}\.[a-z][a-z0-9_]{0,60}$")]
Tone = Literal["plain", "good", "notice", "warning", "danger"]
Share = Literal["full", "two_thirds", "half", "third", "quarter"]


class Text(Message):
    """A text in both languages of the product."""

    zh: Plain
    en: Plain


class Logic(RootModel[JsonValue]):
    """An expression or condition: JSONLogic data of the strict part that `denghuo.application.spec.logic` describes."""

    @model_validator(mode="after")
    def _is_logic(self) -> "Logic":
        try:
            require_logic(self.root)
        except NotLogic as refusal:
            raise ValueError(str(refusal)) from refusal
        return self


Given = dict[Name, Logic]
"""Request fields of an operation, or parameters of a page, and the expressions that fill them."""


class Source(Message):
    """Where a block's data comes from: a query and what it is asked. `stream` names the operation's live form, where it has one."""

    operation: OperationName
    given: Given = Field(default_factory=dict, max_length=MAX_FIELDS)
    every_s: Annotated[int, Field(ge=2, le=3600)] | None = None
    stream: bool = False


class Open(Message):
    """Another page, and the parameters it is opened with."""

    page: PageName
    given: Given = Field(default_factory=dict, max_length=MAX_FIELDS)
    place: Literal["page", "drawer"] = "page"


class OpenBy(Message):
    """The page that the row itself names, as a task names where it is done: page at `page_at`, its parameters at `given_at`."""

    page_at: Path
    given_at: Path
    place: Literal["page", "drawer"] = "page"


class FieldShown(Message):
    """A value of the reply with something to say about it beyond its contract."""

    name: Path
    when: Logic | None = None
    tone: Logic | None = None
    open: Open | None = None
    weight: Literal["lead", "plain", "minor"] = "plain"


class Choices(Message):
    """The values that a person may choose for an input, read from rows of a query."""

    source: Source
    rows: Path = "rows"
    value: Path
    label: list[Path] = Field(min_length=1, max_length=3)


class Input(Message):
    """A field of the request with something to say about it beyond its contract. `file` reads a chosen file into the field.

    columns: of a list of records, which of their fields are asked, in this order; all of them where nothing is said.
    """

    name: Name
    when: Logic | None = None
    initial: Logic | None = None
    choices: Choices | None = None
    hint: Text | None = None
    control: Literal["line", "paragraph", "secret", "file"] | None = None
    columns: list[Name] = Field(default_factory=list, max_length=12)


Fields = Annotated[list[Path | FieldShown], Field(max_length=MAX_FIELDS)]
Inputs = Annotated[list[Name | Input], Field(max_length=MAX_FIELDS)]


class Chosen(Message):
    """Sends the chosen rows: the values at path `key` of each, as the list `field` of the request."""

    field: Name
    key: Path


class Watch(Message):
    """How long work that an action started is followed in the task tray: a query of its progress."""

    source: Source
    title: Text
    open: Open | None = None


class Action(Message):
    """Something a person can do here: run an operation, or open a page.

    then: what comes after; `show` shows the labelled values of the reply, where they are what was wanted.
    """

    label: Text
    operation: OperationName | None = None
    open: Open | None = None
    given: Given = Field(default_factory=dict, max_length=MAX_FIELDS)
    ask: Inputs = Field(default_factory=list)
    chosen: Chosen | None = None
    confirm: Text | None = None
    when: Logic | None = None
    posts: list[Name] = Field(default_factory=list, max_length=40)
    tone: Literal["primary", "plain", "danger"] = "plain"
    then: Literal["reload", "stay", "back", "download", "print", "show"] = "reload"
    after: Open | None = None
    watch: Watch | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> "Action":
        if (self.operation is None) == (self.open is None):
            raise ValueError("an action has either an operation or a page to open")
        return self


Actions = Annotated[list[Action], Field(max_length=MAX_ACTIONS)]


class Block(Message):
    """What every block has. `posts` limits a block to holders of these posts, beside the permits of its operations."""

    id: Name | None = None
    title: Text | None = None
    note: Text | None = None
    when: Logic | None = None
    posts: list[Name] = Field(default_factory=list, max_length=40)
    share: Share = "full"


class DataBlock(Block):
    """A block with data. `source` may be the name of one of the page's sources. `as_of` tells how fresh the data is."""

    source: Source | Name
    as_of: Path | None = None
    actions: Actions = Field(default_factory=list)


class List(DataBlock):
    """Rows of a reply as a dense table (PC) or cards (phone)."""

    kind: Literal["list"]
    rows: Path = "rows"
    key: Path
    fields: Fields
    filters: Inputs = Field(default_factory=list)
    open: Open | OpenBy | None = None
    row_actions: Actions = Field(default_factory=list)
    choose: bool = False
    page_size: Annotated[int, Field(ge=5, le=200)] = 50
    totals: Fields = Field(default_factory=list)
    empty: Text | None = None


class Filter(Block):
    """Inputs whose values go into the requests of the blocks named in `over`."""

    kind: Literal["filter"]
    operation: OperationName
    fields: Inputs
    over: list[Name] = Field(min_length=1, max_length=MAX_BLOCKS)


class Section(Message):
    """A titled group of fields."""

    title: Text | None = None
    when: Logic | None = None
    fields: Fields


class Detail(DataBlock):
    """Fields of one record, in sections."""

    kind: Literal["detail"]
    sections: list[Section] = Field(min_length=1, max_length=12)


class Derived(Message):
    """A value of the command's reply that can be told before sending: worked out from the form, named by the reply's contract."""

    name: Path
    value: Logic
    when: Logic | None = None


class Form(Block):
    """Inputs of one operation and the button that sends them. `prefill` reads present values by field name from a reply.

    answer: names the reply, so that blocks may stand on it as on a source of the page; they are drawn once it is there, and what
    was typed stays, to be changed and sent again.
    """

    kind: Literal["form"]
    fields: Inputs
    derived: list[Derived] = Field(default_factory=list, max_length=6)
    prefill: Source | Name | None = None
    submit: Action
    answer: Name | None = None


class WizardStep(Message):
    title: Text
    note: Text | None = None
    when: Logic | None = None
    fields: Inputs


class Wizard(Block):
    """A form in steps, with a review of all inputs before it is sent."""

    kind: Literal["wizard"]
    steps: list[WizardStep] = Field(min_length=1, max_length=12)
    submit: Action


class Steps(DataBlock):
    """Work in stages and how far it is: progress, rate and expected end of a run, live where the source streams."""

    kind: Literal["steps"]
    stages: Path | None = None
    name: Path = "name"
    state: Path = "state"
    at: Path | None = None
    count: Path | None = None
    done: Path | None = None
    total: Path | None = None
    running: Logic | None = None
    facts: Fields = Field(default_factory=list)


class Figure(Message):
    """One figure; opens to the rows behind it."""

    field: Path
    open: Open | None = None
    tone: Logic | None = None
    beside: Path | None = None


class Stat(DataBlock):
    """A few figures that matter here, each with its freshness and its way down to rows."""

    kind: Literal["stat"]
    items: list[Figure] = Field(min_length=1, max_length=8)


class Chart(DataBlock):
    """Rows as a picture with one axis. `ring` for at most five parts, `rank` for a sorted bar list.

    `waterfall` for changes that lead from one value to another: each bar begins where the one before ended, but for rows that
    `whole` says are values themselves.
    """

    kind: Literal["chart"]
    rows: Path = "rows"
    form: Literal["bar", "line", "ring", "rank", "waterfall"] = "bar"
    whole: Path | None = None
    x: Path
    y: list[Path] = Field(min_length=1, max_length=4)
    open: Open | None = None


class Curve(DataBlock):
    """Interval values of a day or a longer period; `estimated` marks values that were not measured, `limits` are drawn as lines."""

    kind: Literal["curve"]
    values: list[Path] = Field(min_length=1, max_length=4)
    starts: Path | None = None
    minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    estimated: Path | None = None
    limits: list[Path] = Field(default_factory=list, max_length=4)


class Tree(DataBlock):
    """Rows that know their parent. The chosen row is `chosen` for expressions of the blocks named in `over`."""

    kind: Literal["tree"]
    rows: Path = "rows"
    key: Path
    parent: Path
    label: Path
    fields: Fields = Field(default_factory=list)
    over: list[Name] = Field(default_factory=list, max_length=MAX_BLOCKS)
    open: Open | None = None


class Timeline(DataBlock):
    """What happened, newest first."""

    kind: Literal["timeline"]
    rows: Path = "rows"
    at: Path
    what: Path
    fields: Fields = Field(default_factory=list)
    tone: Logic | None = None
    open: Open | None = None


class Flow(DataBlock):
    """A process as steps and the ways between them; `current` names where it stands."""

    kind: Literal["flow"]
    nodes: Path = "nodes"
    edges: Path = "edges"
    current: Path | None = None


class Explain(DataBlock):
    """Lines of a bill, each opening to its derivation: registers, multiplier, quantity, price version, document, arithmetic.

    unit: names the unit of each line's quantity, where lines differ in it.
    """

    kind: Literal["explain"]
    lines: Path = "lines"
    name: Path
    amount: Path
    quantity: Path | None = None
    unit: Path | None = None
    price: Path | None = None
    sentence: Path | None = None
    arithmetic: Path | None = None
    document: Path | None = None
    registers: Path | None = None
    register_fields: Fields = Field(default_factory=list)
    facts: Fields = Field(default_factory=list)
    total: Path | None = None


class Screen(Block):
    """A wall screen that is registered under this name."""

    kind: Literal["screen"]
    screen: Name


class Custom(Block):
    """A registered component, for what the other kinds cannot say. actions: what it offers; it says of which rows."""

    kind: Literal["custom"]
    component: Name
    source: Source | Name | None = None
    given: Given = Field(default_factory=dict, max_length=MAX_FIELDS)
    actions: Actions = Field(default_factory=list)


class Tab(Message):
    title: Text
    when: Logic | None = None
    posts: list[Name] = Field(default_factory=list, max_length=40)
    blocks: "list[AnyBlock]" = Field(max_length=MAX_BLOCKS)


class Tabs(Block):
    """Blocks behind tabs; the data of a tab is read when it is first shown."""

    kind: Literal["tabs"]
    tabs: list[Tab] = Field(min_length=1, max_length=12)


AnyBlock = Annotated[
    List
    | Filter
    | Detail
    | Form
    | Wizard
    | Steps
    | Stat
    | Chart
    | Curve
    | Tree
    | Tabs
    | Timeline
    | Flow
    | Explain
    | Screen
    | Custom,
    Field(discriminator="kind"),
]


class PageSpec(Message):
    """A page. `parameters` are what it must be opened with, `options` what it may be; `sources` are queries that blocks share.

    under: the page of the menus that a page belongs to which stands in no menu itself, as a bill belongs to the list of bills.
    """

    spec: Literal[1] = 1
    id: PageName
    title: Text
    note: Text | None = None
    heading: Path | None = None
    under: PageName | None = None
    parameters: list[Name] = Field(default_factory=list, max_length=12)
    options: list[Name] = Field(default_factory=list, max_length=12)
    posts: list[Name] = Field(default_factory=list, max_length=40)
    sources: dict[Name, Source] = Field(default_factory=dict, max_length=12)
    actions: Actions = Field(default_factory=list)
    blocks: list[AnyBlock] = Field(max_length=MAX_BLOCKS)


def page_json(page: PageSpec) -> dict[str, Any]:
    """The wire form: what was said, without the defaults."""
    return page.model_dump(mode="json", exclude_defaults=True) | {"spec": page.spec, "id": page.id}

"""Reading books (抄表册) in the reading contract: the points of a reader's walk in their order, and who walks; by date."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import (
    AccountNo,
    AreaNo,
    AsOf,
    Day,
    Instant,
    MeterNo,
    OrganisationCode,
    PointNo,
    Reason,
    UserName,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Percent

BOOK_STATES = Dictionary(
    "reading.book_change_state",
    {
        "proposed": text("待审批", "Proposed"),
        "approved": text("已批准", "Approved"),
        "refused": text("已退回", "Refused"),
    },
    tones={"proposed": "notice", "approved": "good", "refused": "plain"},
)
BookState = Annotated[Literal["proposed", "approved", "refused"], Label("状态", "State", dictionary=BOOK_STATES.name)]
BookNo = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$", max_length=32),
    Label("抄表册", "Reading book"),
]
Walker = Annotated[str | None, Label("抄表员", "Reader", dictionary="staff")]
Place = Annotated[int | None, Label("顺序", "Place")]
PointCount = Annotated[int, Label("计量点数", "Points")]
ChangeNo = Annotated[int, Field(gt=0), Label("变更编号", "Change no.")]
_EffectiveFrom = Annotated[date, Label("生效日期", "Effective from")]
_EffectiveTo = Annotated[date | None, Label("代班至", "Substitute until")]


class ProposeBookChange(Message):
    """Points that move into a book (or change their order there) and its reader, from a day on. The points stand first, in this
    order; others of the book follow. With `effective_to` the reader is a substitute."""

    book: BookNo
    point_nos: Annotated[
        list[PointNo], Field(max_length=ITEMS_MAX), Label("计量点（按行走顺序）", "Points in order of walk")
    ] = []
    reader: Annotated[UserName | None, Label("抄表员", "Reader", dictionary="staff")] = None
    effective_from: _EffectiveFrom
    effective_to: _EffectiveTo = None
    reason: Reason

    @model_validator(mode="after")
    def _says_something(self) -> "ProposeBookChange":
        if not self.point_nos and self.reader is None:
            raise ValueError("a change moves points or names a reader")
        if len(set(self.point_nos)) < len(self.point_nos):
            raise ValueError("a point stands in a walk once")
        if self.effective_to is not None and (self.reader is None or self.effective_to < self.effective_from):
            raise ValueError("only a substitute's days end, and not before they begin")
        return self


class NewBookPoint(Message):
    """Where a point stands in a walk when a company is taken over."""

    point_no: PointNo
    book: BookNo
    place: Annotated[int, Field(gt=0), Label("顺序", "Place")]
    effective_from: _EffectiveFrom


class StateBooks(Message):
    """Places of many points, as an import has them."""

    points: Annotated[list[NewBookPoint], Field(min_length=1, max_length=ITEMS_MAX)]


class BookChangeRef(Message):
    change_no: ChangeNo


class DecideBookChange(Message):
    """Another person's word on a change; a refusal says why."""

    change_no: ChangeNo
    remark: Reason


class BookChangeRow(Message):
    change_no: ChangeNo
    book: BookNo
    org: OrganisationCode
    point_count: PointCount
    reader: Walker
    effective_from: _EffectiveFrom
    effective_to: _EffectiveTo
    state: BookState
    reason: Reason
    proposed_by: Annotated[str, Label("申请人", "Proposed by", dictionary="staff")]
    proposed_at: Annotated[Instant, Label("申请时间", "Proposed at")]
    decided_by: Annotated[str | None, Label("审批人", "Decided by", dictionary="staff")]
    decided_at: Annotated[Instant | None, Label("审批时间", "Decided at")]
    remark: Annotated[str | None, Label("审批意见", "Remark")]


class BookMove(Message):
    """Where a point of a change stands today, and where it will stand."""

    point_no: PointNo
    book_before: Annotated[BookNo | None, Label("原抄表册", "Book before")]
    place: Place


class BookChange(BookChangeRow):
    moves: list[BookMove]


class FindBookChanges(Page):
    book: BookNo | None = None
    state: BookState | None = None
    org: OrganisationCode | None = None


class BookChangesFound(Message):
    """The newest first."""

    rows: list[BookChangeRow]
    total: Annotated[int, Label("总数", "Total")]
    next: str | None
    as_of: AsOf


class BooksOn(Page):
    """Books on a day, today where none is given."""

    on: Annotated[Day | None, Label("日期", "On")] = None
    org: OrganisationCode | None = None
    reader: Annotated[UserName | None, Label("抄表员", "Reader", dictionary="staff")] = None


class BookRow(Message):
    """A book with its reader of the day. substitute_until: where the reader stands in for another. unplaced: points
    that were never put in order, as those of new accounts are."""

    book: BookNo
    org: OrganisationCode
    reader: Walker
    substitute_until: _EffectiveTo
    point_count: PointCount
    unplaced: Annotated[int, Label("未排序", "Without a place")]


class BooksFound(Message):
    """stated: how many places of points were stated in all, by imports and by changes."""

    rows: list[BookRow]
    stated: Annotated[int, Label("已定顺序", "Places stated")]
    total: Annotated[int, Label("总数", "Total")]
    next: str | None
    as_of: AsOf


class WalkOf(Page):
    """The walk of a book on a day, today where none is given."""

    book: BookNo
    on: Annotated[Day | None, Label("日期", "On")] = None


class WalkRow(Message):
    """A point of a walk. Those without a place were never put in order and stand last, by number."""

    place: Place
    point_no: PointNo
    meter_no: MeterNo
    account_no: AccountNo | None
    org: OrganisationCode


class WalkFound(Message):
    book: BookNo
    reader: Walker
    rows: list[WalkRow]
    total: Annotated[int, Label("总数", "Total")]
    next: str | None
    as_of: AsOf


class MapOf(Message):
    """A book on a day, today where none is given."""

    book: BookNo
    on: Annotated[Day | None, Label("日期", "On")] = None


class MapPoint(WalkRow):
    """A point on the map: at its node where it has one of its own, else at its transformer area; nowhere where the archive knows
    neither."""

    book: BookNo
    area_no: AreaNo | None
    x_m: Annotated[int | None, Label("东向坐标", "Metres east")]
    y_m: Annotated[int | None, Label("北向坐标", "Metres north")]


class MapArea(Message):
    area_no: AreaNo
    name: Annotated[str, Label("台区名称", "Area")]
    x_m: Annotated[int, Label("东向坐标", "Metres east")]
    y_m: Annotated[int, Label("北向坐标", "Metres north")]


class MapLine(Message):
    """A line of the network from a node to a node, in metres."""

    x1_m: int
    y1_m: int
    x2_m: int
    y2_m: int


class WalkMap(Message):
    """A book's points in the order of its walk; and of the same units those of other books that were never put in order, as new
    accounts are, up to 500: those of the book's own areas first. Areas and lines of the network lie behind them."""

    book: BookNo
    reader: Walker
    rows: list[MapPoint]
    unplaced: list[MapPoint]
    areas: list[MapArea]
    lines: list[MapLine]
    as_of: AsOf


class StaffBalance(Message):
    on: Annotated[Day | None, Label("日期", "On")] = None
    org: OrganisationCode | None = None


class StaffLoad(Message):
    """What one reader has to walk. share: of the mean of all readers; none for books without a reader."""

    reader: Walker
    books: Annotated[int, Label("抄表册数", "Books")]
    point_count: PointCount
    share: Annotated[Percent | None, Label("与人均之比", "Of the mean")]


class StaffBalanced(Message):
    """The heaviest load first; books without a reader are told too."""

    rows: list[StaffLoad]
    as_of: AsOf


class BookFaulty(
    Problem, noun="reading", status=409, zh="抄表册变更不能受理", en="The change of the book cannot be taken"
):
    """Fields: field, value."""


class NoSuchBookChange(NotFound, noun="reading", status=404, zh="未找到该抄表册变更", en="No such change of a book"):
    """Fields: change_no."""


class BookChangeDecided(Problem, noun="reading", status=409, zh="该变更已审批", en="The change is decided"):
    """Fields: change_no, state."""


class ProposerMayNotDecide(Problem, noun="reading", status=403, zh="申请人不能审批", en="Who proposes may not decide"):
    """Fields: proposed_by."""


class BookOperations(Api):
    """Reading books, changed by two persons."""

    @command(permit="reading.route", problems=(BookFaulty,))
    def propose_book_change(self, call: Call, request: ProposeBookChange) -> BookChange:
        """Proposes points for a reading book in their order of walk, or its reader, from a day on."""

    @command(
        permit="reading.approve_route",
        problems=(NoSuchBookChange, BookChangeDecided, ProposerMayNotDecide, BookFaulty),
    )
    def approve_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        """Another person's yes: from its day on the change stands. What stood before is kept."""

    @command(permit="reading.approve_route", problems=(NoSuchBookChange, BookChangeDecided, ProposerMayNotDecide))
    def refuse_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        """Another person's no, with the reason."""

    @command(permit="reading.plan")
    def state_books(self, call: Call, request: StateBooks) -> BatchTaken:
        """States the first places of many points, as an import does; each is taken or refused by itself. What was stated once is
        changed by two persons."""

    @query(permit="reading.read", problems=(NoSuchBookChange,))
    def book_change(self, call: Call, request: BookChangeRef) -> BookChange:
        """A change of a book, with where its points stand today."""

    @query(permit="reading.read")
    def book_changes(self, call: Call, request: FindBookChanges) -> BookChangesFound:
        """Changes of books, the newest first: what is proposed waits for another person."""

    @query(permit="reading.read")
    def books(self, call: Call, request: BooksOn) -> BooksFound:
        """The reading books of a day with their readers. A point that was never moved stands in the book of its route."""

    @query(permit="reading.read")
    def walk(self, call: Call, request: WalkOf) -> WalkFound:
        """The points of a book in their order of walk, as of a day."""

    @query(permit="reading.read")
    def walk_map(self, call: Call, request: MapOf) -> WalkMap:
        """Where the points of a book lie in the order of the walk, up to 1,000, and which points around have no place yet."""

    @query(permit="reading.read")
    def staff_balance(self, call: Call, request: StaffBalance) -> StaffBalanced:
        """How many books and points each reader walks on a day."""

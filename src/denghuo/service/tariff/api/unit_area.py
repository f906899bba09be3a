"""Price areas of units (单位价区): by which area's tariffs the customers of a unit are billed, from a day on."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, command, query
from denghuo.kernel.fields import AsOf, Day, Instant, OrganisationCode, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.units import ByUnit
from denghuo.service.tariff.api.tariff import AreaSince, OwnArea, SamePerson, UnitArea


class AssignAreas(Message):
    """Up to 1,000 units; what was said of a unit from the same day on is replaced."""

    units: Annotated[list[UnitArea], Field(min_length=1, max_length=ITEMS_MAX)]


class AreaAssigned(Message):
    changed: bool


AREA_PROPOSALS = Dictionary(
    "tariff.area_proposal",
    {
        "draft": text("待复核", "To be published"),
        "published": text("已发布", "Published"),
        "withdrawn": text("已撤回", "Withdrawn"),
    },
    tones={"draft": "warning", "published": "good"},
)
ProposalNo = Annotated[int, Field(ge=1), Label("登记编号", "Proposal no.")]


class AreaProposalRef(Message):
    proposal_no: ProposalNo


class AreaProposal(Message):
    """What one person proposed of a unit from a day on; it holds once another person published it."""

    proposal_no: ProposalNo
    org: OrganisationCode
    area: OwnArea
    from_day: AreaSince
    state: Annotated[Literal["draft", "published", "withdrawn"], Label("状态", "State", dictionary=AREA_PROPOSALS.name)]
    proposed_by: Annotated[str, Label("登记人", "Proposed by", dictionary="staff")]
    proposed_at: Annotated[AwareDatetime, Label("登记时间", "Proposed at")]
    decided_by: Annotated[str | None, Label("复核人", "Decided by", dictionary="staff")] = None
    decided_at: Annotated[AwareDatetime | None, Label("复核时间", "Decided at")] = None


class UnitAreaPublished(Event, name="tariff.unit_area.published", version=1):
    """The customers of a unit are billed by another area's tariffs from a day on; area: None where that of its superior holds."""

    org: str
    area: str | None
    from_day: date


class NoSuchProposal(NotFound, noun="tariff", status=404, zh="没有该价区登记", en="There is no such proposal"):
    """Fields: proposal_no."""


class ProposalDecided(Problem, noun="tariff", status=409, zh="该价区登记已办结", en="The proposal was decided before"):
    """Fields: proposal_no, state."""


class AreaRefused(Problem, noun="tariff", status=422, zh="价区不能登记", en="The price area cannot be entered"):
    """Fields: org, area, field (org or area: which of the two)."""


class AskUnitAreas(Message):
    """On a day; without one, today. `org`: of this unit alone. known_at: by what was entered until then."""

    on: Day | None = None
    org: OrganisationCode | None = None
    known_at: Instant | None = None


class AskUnitArea(Message):
    """One unit on a day; without one, today. known_at: by what was entered until then."""

    org: OrganisationCode
    on: Day | None = None
    known_at: Instant | None = None


class UnitAreaRow(Message):
    """A unit of the caller's scope. by_unit: which unit brings the area, itself or one above it; None where no unit does."""

    org: OrganisationCode
    area: OwnArea
    area_title: Annotated[TextPair | None, Label("区域", "Area")]
    by_unit: Annotated[str | None, Label("依据单位", "By unit", dictionary="organisation")]
    from_day: Annotated[date | None, Label("起始日期", "From")]


class AssignedArea(Message):
    """One entry: what was said of a unit from a day on, and by whom."""

    row_key: Annotated[str, Label("键", "Key")]
    org: OrganisationCode
    area: OwnArea
    from_day: AreaSince
    assigned_by: Annotated[str, Label("登记人", "Entered by", dictionary="staff")]
    assigned_at: Annotated[AwareDatetime, Label("登记时间", "Entered at")]


class UnitAreasFound(Message):
    """rows: units in the order of their codes; assigned: all that was said of them, the newest days first;
    proposed: what waits for another person."""

    rows: list[UnitAreaRow]
    assigned: list[AssignedArea]
    proposed: list[AreaProposal] = []
    as_of: AsOf


class PriceArea(NamedTuple):
    """An area, and the unit that brings it from a day on."""

    area: str
    unit: str
    from_day: date


class UnitAreas:
    """Answers by which area's tariffs a unit's customers are billed on a day."""

    def __init__(self, said: Iterable[UnitArea] = ()) -> None:
        self._said = ByUnit(said, lambda one: one.area is not None)

    def __bool__(self) -> bool:
        return bool(self._said)

    def on(self, org: str, day: date) -> PriceArea | None:
        """The area of a unit: its own, else that of the nearest unit above it that has one."""
        found = self._said.on(org, day)
        return (
            PriceArea(found.area, found.org, found.from_day) if found is not None and found.area is not None else None
        )

    def changes(self, org: str, after: date, until: date) -> date | None:
        """The first day after one, up to another one, on which the area of a unit is another than before; None where it stays."""
        before = _area(self.on(org, after))
        return next((day for day in self._said.days(org, after, until) if _area(self.on(org, day)) != before), None)


def covers(area: str, part: str) -> bool:
    """Whether an area is another one or has it as a part, as 130000 has 130000-S."""
    return part == area or part.startswith(f"{area}-")


def _area(found: PriceArea | None) -> str | None:
    return found.area if found is not None else None


class UnitAreaOperations(Api):
    """Which price area a unit belongs to."""

    @command(permit="tariff.assign", problems=(AreaRefused,), emits=(UnitAreaPublished,))
    def assign_area(self, call: Call, request: UnitArea) -> AreaAssigned:
        """As `assign_areas`, of one unit."""

    @command(permit="tariff.assign", emits=(UnitAreaPublished,))
    def assign_areas(self, call: Call, request: AssignAreas) -> BatchTaken:
        """Says by which area's tariffs the customers of units are billed from a day on, as a company is taken over; persons propose
        and publish instead. What was rated by others and is not issued is rated again; what was issued stays."""

    @command(permit="tariff.draft", problems=(AreaRefused,))
    def propose_area(self, call: Call, request: UnitArea) -> AreaProposal:
        """Proposes by which area's tariffs the customers of a unit are billed from a day on; nothing changes until another person
        publishes it. An open proposal of the unit from the same day on is replaced."""

    @command(
        permit="tariff.publish",
        problems=(NoSuchProposal, ProposalDecided, SamePerson, AreaRefused),
        emits=(UnitAreaPublished,),
    )
    def publish_area(self, call: Call, request: AreaProposalRef) -> AreaProposal:
        """Publishes a proposal of another person: from its day on the unit has the area. What was rated by others and is not issued
        is rated again; what was issued stays."""

    @command(permit="tariff.draft", problems=(NoSuchProposal, ProposalDecided))
    def withdraw_area(self, call: Call, request: AreaProposalRef) -> AreaProposal:
        """Withdraws a proposal that nobody published yet."""

    @query(permit="tariff.read")
    def unit_areas(self, call: Call, request: AskUnitAreas) -> UnitAreasFound:
        """The units of the caller's scope with the price area of each on a day, and all that was said of them."""

    @query(permit="tariff.read")
    def unit_area(self, call: Call, request: AskUnitArea) -> UnitAreaRow:
        """The price area of one unit on a day; none where the unit is outside the caller's scope."""

"""Messages and operations about days (日历): holidays, working days moved by a notice, highest temperatures, and what follows
for the bands of a tariff in a month."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Day, Instant, MonthText, TariffCode
from denghuo.kernel.period import Month
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.service.tariff.api.day import AskedDay
from denghuo.service.tariff.api.table import Issue, NothingToCorrect
from denghuo.service.tariff.api.tariff import AreaCode, SamePerson, Status, TariffNotFound, VersionNo, WholeCompanyOnly
from denghuo.service.tariff.season import DAY_TYPES, SourceNumber

NATION = "CN"
"""The area of holidays that hold in the whole country."""
DAY_TEXT_MAX = 262_144
WORKING_DAYS_MAX = 731
MONTHS_MAX = 24
TEMPERATURE_DAYS_MAX = 1_100
"""Months of a calendar: a year of bills may reach over more than twelve."""
DAY_TABLES = Dictionary(
    "tariff.day_table",
    {
        "holidays": text("节假日与调休", "Holidays and moved days"),
        "temperatures": text("日最高气温", "Highest temperatures"),
    },
)
DayTableKind = Annotated[Literal["holidays", "temperatures"], Label("类别", "Kind", dictionary=DAY_TABLES.name)]
DayPeriod = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2]))?$"), Label("年或年月", "Year or month")
]
DayKind = Annotated[Literal["workday", "rest_day", "holiday"], Label("日类型", "Day type", dictionary=DAY_TYPES.name)]
HolidayName = Annotated[str, Label("节假日", "Holiday")]
Place = Annotated[str, Label("测温地点", "Measured at")]
Highest = Annotated[str | None, Label("最高气温（℃）", "Highest temperature (°C)")]


class DraftDays(Message):
    """A table of days as a CSV file with its document.

    holidays, of a year: columns day, kind (holiday 节假日, workday 调休上班, rest_day 休息日) and name; days that are not named are
    working days from Monday to Friday and rest days at the weekend. The area CN is the whole country; what an area has of its own
    goes before it. Without a text, the holidays of the year that ship are taken. temperatures, of a month: columns day, maximum
    (degrees, one decimal at most) and place where a tariff names one. A table of the same kind, area and period that is published
    already is replaced only as a correction.
    """

    kind: DayTableKind
    area: AreaCode
    period: DayPeriod
    document_no: SourceNumber
    text: Annotated[
        str | None, StringConstraints(min_length=1, max_length=DAY_TEXT_MAX), Label("日历文件", "File of days")
    ] = None
    correction: Annotated[bool, Label("更正已发布的日历", "Corrects a published table")] = False


class DayTableRef(Message):
    """An issue of a table of days; without a number the newest."""

    kind: DayTableKind
    area: AreaCode
    period: DayPeriod
    issue: Issue | None = None


class FindDayTables(Page):
    """Tables of days, the newest period first."""

    kind: DayTableKind | None = None
    area: AreaCode | None = None
    status: Status | None = None


class DayTableRow(Message):
    table_no: Annotated[str, Label("表号", "Table")]
    kind: DayTableKind
    area: AreaCode
    period: DayPeriod
    issue: Issue
    status: Status
    document_no: SourceNumber
    days: Annotated[int, Label("日数", "Days")]
    drafted_by: Annotated[str, Label("起草人", "Drafted by", dictionary="staff")]
    drafted_at: Annotated[AwareDatetime, Label("起草时间", "Drafted at")]
    published_by: Annotated[str | None, Label("发布人", "Published by", dictionary="staff")]
    published_at: Annotated[AwareDatetime | None, Label("发布时间", "Published at")]


class DayTablesFound(Message):
    rows: list[DayTableRow]
    total: int
    next: str | None
    as_of: AsOf


class DayTableDay(Message):
    """A day of a table: of holidays with its kind and name, of temperatures with its maximum."""

    day_no: Annotated[str, Label("日", "Day and place")]
    day: Day
    kind: DayKind | None = None
    name: HolidayName = ""
    place: Place = ""
    maximum: Highest = None


class DayTableShown(Message):
    """months: those whose bands it can change, beside the table that it replaces where there is one."""

    head: DayTableRow
    days: list[DayTableDay]
    months: list[MonthText] = []


class AskCalendar(Message):
    """The days of a month for a tariff, or as they were known at an instant; without `version` the newest published one.
    through: the last of several months."""

    code: TariffCode
    version: VersionNo | None = None
    month: MonthText
    through: MonthText | None = None
    known_at: Instant | None = None

    @model_validator(mode="after")
    def _a_year(self) -> "AskCalendar":
        first, last = Month.of(self.month), Month.of(self.through or self.month)
        if not 0 <= (last.year - first.year) * 12 + last.month - first.month < MONTHS_MAX:
            raise ValueError(f"through is not before month, and not {MONTHS_MAX} months after it")
        return self


class CalendarShown(Message):
    """All days of the months in order, as far as the bands of the tariff hang on them; `documents` say so. missing: days of which
    what they hang on is not published."""

    days: list[AskedDay]
    missing: Annotated[list[date], Field(max_length=31 * MONTHS_MAX)]
    documents: list[str]
    as_of: AsOf


class AskWorkingDays(Message):
    """Days of the whole country, both included."""

    first_day: Day
    last_day: Day

    @model_validator(mode="after")
    def _two_years_at_most(self) -> "AskWorkingDays":
        if not 0 <= (self.last_day - self.first_day).days <= WORKING_DAYS_MAX:
            raise ValueError(f"days from {self.first_day} to {self.last_day}: give 1 to {WORKING_DAYS_MAX}")
        return self


class WorkingDays(Message):
    """Where working days are other than Monday to Friday. off: of these days, holidays and rest days; worked: Saturdays and
    Sundays that are working days. unpublished: years of the span without published holidays, of which neither is known."""

    off: list[date]
    worked: list[date]
    unpublished: list[int]
    documents: list[str]
    as_of: AsOf


class AskTemperatures(Message):
    """The highest temperatures of an area on days, both included; at most three years."""

    area: AreaCode
    first_day: Day
    last_day: Day

    @model_validator(mode="after")
    def _three_years_at_most(self) -> "AskTemperatures":
        if not 0 <= (self.last_day - self.first_day).days <= TEMPERATURE_DAYS_MAX:
            raise ValueError(f"days from {self.first_day} to {self.last_day}: give 1 to {TEMPERATURE_DAYS_MAX}")
        return self


class DayMaximum(Message):
    """tenths: the day's highest temperature in tenths of a degree Celsius; of several places of an area their mean."""

    day: Day
    tenths: Annotated[int, Label("最高气温（0.1℃）", "Highest temperature (0.1 °C)")]


class Temperatures(Message):
    """The days that are published, in order, and the documents that say so."""

    days: list[DayMaximum]
    documents: list[str]
    as_of: AsOf


class DayTablePublished(Event, name="tariff.days.published", version=1):
    """A table of days came into force, a first one or a corrected one. months: those whose bands it can change."""

    kind: str
    area: str
    period: str
    issue: int
    months: list[str]


class DaysFaulty(Problem, noun="tariff", status=422, zh="日历文件有错误", en="The table of days has errors"):
    """Fields: faults = [{line, field, value, what, remedy}]."""


class NoSuchDayTable(NotFound, noun="tariff", status=404, zh="没有该日历", en="There is no such table of days"):
    """Fields: kind, area, period."""


class DaysPublished(Problem, noun="tariff", status=409, zh="该日历已发布", en="The table of days is published"):
    """Fields: kind, area, period."""


class CalendarOperations(Api):
    """Holidays, temperatures and what follows from them."""

    @command(permit="tariff.draft", problems=(DaysFaulty, DaysPublished, NothingToCorrect))
    def draft_days(self, call: Call, request: DraftDays) -> DayTableShown:
        """Reads a table of days and keeps it as a draft; another draft of the same kind, area and period is replaced."""

    @command(
        permit="tariff.publish",
        problems=(NoSuchDayTable, DaysPublished, SamePerson, WholeCompanyOnly),
        emits=(DayTablePublished,),
    )
    def publish_days(self, call: Call, request: DayTableRef) -> DayTableShown:
        """Puts a table of days into force, by a second person; the one that it corrects holds no more from then on."""

    @query(permit="tariff.read")
    def day_tables(self, call: Call, request: FindDayTables) -> DayTablesFound:
        """Tables of holidays and of temperatures that came in."""

    @query(permit="tariff.read", problems=(NoSuchDayTable,))
    def day_table(self, call: Call, request: DayTableRef) -> DayTableShown:
        """One table with its days."""

    @query(permit="tariff.read")
    def working_days(self, call: Call, request: AskWorkingDays) -> WorkingDays:
        """Which of some days are working days by the published holidays of the country, for whatever is due in working days."""

    @query(permit="tariff.read")
    def temperatures(self, call: Call, request: AskTemperatures) -> Temperatures:
        """The highest temperatures that are published of an area."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def calendar(self, call: Call, request: AskCalendar) -> CalendarShown:
        """What the bands of a tariff hang on in a month: kinds of days, holidays and heat, by the published tables."""

"""Messages and operations about spot prices (现货电价): day-ahead and real-time prices of a node by 96, 48 or 24 points a day."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Day, Document, Instant, MonthText
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Price
from denghuo.service.tariff.api.table import Issue, NothingToCorrect
from denghuo.service.tariff.api.tariff import AreaCode, SamePerson, Status, WholeCompanyOnly
from denghuo.service.tariff.season import SourceNumber

SPOT_TEXT_MAX = 8_388_608
SPOT_SERIES = Dictionary(
    "tariff.spot_series", {"day_ahead": text("日前", "Day ahead"), "real_time": text("实时", "Real time")}
)
SpotSeries = Annotated[Literal["day_ahead", "real_time"], Label("价格类型", "Series", dictionary=SPOT_SERIES.name)]
SpotNode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z\u4e00-\u9fff._-]{0,31}$"),
    Label("价格节点", "Price node"),
]
Lowest = Annotated[Price, Label("价格下限", "Lowest price")]
Highest = Annotated[Price, Label("价格上限", "Highest price")]


class DraftSpotPrices(Message):
    """Spot prices of days of a month as the exchange publishes them: a CSV file with its document.

    Columns in Chinese or English: node, series (day_ahead 日前, real_time 实时), day, time (when the point begins) or end (when it
    ends, 00:15 to 24:00), and price (yuan per kWh) or price_mwh (yuan per MWh). A day has 96, 48 or 24 points, all of them.
    lowest, highest: the bounds of prices by the rules of the market; below zero only where these say so. correction: the file
    replaces days that are published already.
    """

    area: AreaCode
    month: MonthText
    document_no: SourceNumber
    lowest: Lowest = Price(0)
    highest: Highest
    text: Annotated[str, StringConstraints(min_length=1, max_length=SPOT_TEXT_MAX), Label("现货价格文件", "Price file")]
    correction: Annotated[bool, Label("更正已发布的价格", "Corrects published prices")] = False


class SpotTableRef(Message):
    """An issue of the spot prices of an area and month; without a number the newest."""

    area: AreaCode
    month: MonthText
    issue: Issue | None = None


class FindSpotTables(Page):
    """Files of spot prices, the newest month first."""

    area: AreaCode | None = None
    status: Status | None = None


class SpotTableRow(Message):
    """A file of spot prices in a list. days: days of all nodes and series; replaced: those that a later issue corrected."""

    table_no: Annotated[str, Label("表号", "Table")]
    area: AreaCode
    month: MonthText
    issue: Issue
    correction: Annotated[bool, Label("更正", "Correction")]
    document_no: SourceNumber
    status: Status
    lowest: Lowest
    highest: Highest
    days: Annotated[int, Label("价格日数", "Days")]
    replaced: Annotated[int, Label("已被更正日数", "Days corrected since")]
    drafted_by: Annotated[str, Label("起草人", "Drafted by", dictionary="staff")]
    drafted_at: Annotated[AwareDatetime, Label("起草时间", "Drafted at")]
    published_by: Annotated[str | None, Label("发布人", "Published by", dictionary="staff")]
    published_at: Annotated[AwareDatetime | None, Label("发布时间", "Published at")]


class SpotTablesFound(Message):
    rows: list[SpotTableRow]
    total: int
    next: str | None
    as_of: AsOf


class SpotDayRow(Message):
    """A day of a node and series in a file: its points, and what they come to. before: the mean of the prices that it corrects."""

    day_no: Annotated[str, Label("价格日", "Day of prices")]
    node: SpotNode
    series: SpotSeries
    day: Day
    points: Annotated[int, Label("点数", "Points")]
    lowest: Annotated[Price, Label("最低价", "Lowest")]
    highest: Annotated[Price, Label("最高价", "Highest")]
    mean: Annotated[Price, Label("算术均价", "Mean")]
    negative: Annotated[int, Label("负价点数", "Points below zero")]
    before: Annotated[Price | None, Label("被更正均价", "Mean before")]
    changed: Annotated[int | None, Label("变化点数", "Points changed")]


class SpotTableShown(Message):
    """A file of spot prices with its days, the first thousand of them, and the nodes of all of them."""

    head: SpotTableRow
    days: list[SpotDayRow]
    nodes: list[str] = []


class AskSpotPrices(Message):
    """The prices of a node that stand for a month, or stood as known at an instant. issue: a draft that counts as published."""

    area: AreaCode
    node: SpotNode
    month: MonthText
    known_at: Instant | None = None
    issue: Issue | None = None


class SpotDay(Message):
    """A day of a series: 96, 48 or 24 prices in yuan per kWh."""

    series: SpotSeries
    day: Day
    document_no: SourceNumber
    issue: Issue
    prices: Annotated[list[Price], Field(max_length=96)]


class SpotPrices(Message):
    """Days in order, day ahead before real time; a day without a row has no price yet."""

    rows: list[SpotDay]
    as_of: AsOf


class SpotPricesPublished(Event, name="tariff.spot_prices.published", version=1):
    """Spot prices of days of a month came into force, first ones or corrected ones. nodes: those that have days among them."""

    area: str
    month: str
    issue: int
    nodes: list[str] = []


class SpotFaulty(Problem, noun="tariff", status=422, zh="现货价格文件有错误", en="The spot prices have errors"):
    """Fields: faults = [{line, field, value, what, remedy}]."""


class NoSuchSpotTable(NotFound, noun="tariff", status=404, zh="没有该月现货价格", en="There are no such spot prices"):
    """Fields: area, month."""


class SpotPublished(Problem, noun="tariff", status=409, zh="现货价格已发布", en="The spot prices are published"):
    """Fields: area, month, node, series, day."""


class SpotOperations(Api):
    """Spot prices."""

    @command(permit="tariff.draft", problems=(SpotFaulty, SpotPublished, NothingToCorrect))
    def draft_spot_prices(self, call: Call, request: DraftSpotPrices) -> SpotTableShown:
        """Reads the spot prices of days of a month and keeps them as a draft; another draft of the month is replaced."""

    @command(
        permit="tariff.publish",
        problems=(NoSuchSpotTable, SpotPublished, SamePerson, WholeCompanyOnly),
        emits=(SpotPricesPublished,),
    )
    def publish_spot_prices(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        """Puts the days of a draft into force, by a second person; those that they correct hold no more from then on."""

    @query(permit="tariff.read")
    def spot_tables(self, call: Call, request: FindSpotTables) -> SpotTablesFound:
        """Files of spot prices that came in."""

    @query(permit="tariff.read", problems=(NoSuchSpotTable,))
    def spot_table(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        """One file of spot prices with its days; of a draft that corrects, beside what it corrects."""

    @query(permit="tariff.read")
    def spot_prices(self, call: Call, request: AskSpotPrices) -> SpotPrices:
        """The prices of a node that stand for a month, or stood as known at an instant."""

    @query(permit="tariff.read")
    def spot_file(self, call: Call, request: AskSpotPrices) -> Document:
        """The same as a file, as it can be taken in again and as the verifier reads it."""

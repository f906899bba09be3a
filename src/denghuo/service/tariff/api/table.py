"""Messages and operations about monthly price tables (月度价格表)."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, MonthText, TariffCode, TextPair
from denghuo.kernel.problem import NotFound, Problem
from denghuo.kernel.values import Energy, Money
from denghuo.service.tariff.api.tariff import (
    TEXT_MAX,
    AreaCode,
    NoSuchArea,
    NotADraft,
    OverlappingTariff,
    PriceTableCorrected,
    SamePerson,
    Status,
    TariffFaulty,
    TariffPublished,
    VersionNo,
    WholeCompanyOnly,
)
from denghuo.service.tariff.season import SourceNumber

Issue = Annotated[int, Field(ge=1, le=999), Label("第几次发布", "Issue")]


class TableFault(Message):
    """What is wrong with a cell of a price table, or what a person should know of it: where, what it holds, what to do."""

    line: Annotated[int, Label("行", "Line")]
    field: Annotated[str, Label("列", "Column")]
    value: Annotated[str, Label("取值", "Value")]
    what: Annotated[TextPair, Label("问题", "What is wrong")]
    remedy: Annotated[TextPair, Label("处理办法", "What to do")]


class DraftPriceTable(Message):
    """The price table of a month (代理购电价格表) as the province publishes it: a CSV file with its document.

    area: division code or name of the area. Columns in Chinese or English: scheme, voltage, agent (or average and deviation),
    line_loss, td, sysop (or its items, such as line_loss_balance, with arose_in), gov_fund, and as printed: non_tou, sharp, peak,
    flat, valley, deep, demand_yuan_per_kW, capacity_yuan_per_kVA; all prices in yuan. correction: the month is published
    already and this table replaces what it prices, under the number of a new document or that of the same one issued again.
    priority_kwh, market_kwh, balance: what the notice says of the purchase, where the deviation that the table prints is to be
    compared with it.
    """

    area: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{2,32}$"), Label("区域", "Area")]
    month: MonthText
    document_no: SourceNumber
    title: Annotated[str, StringConstraints(max_length=200), Label("文件名称", "Title")] = ""
    address: Annotated[str, StringConstraints(max_length=400), Label("出处", "Address")] = ""
    text: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX), Label("价格表文件", "Price table file")]
    correction: Annotated[bool, Label("更正已发布的价格表", "Corrects a published table")] = False
    priority_kwh: Annotated[Energy | None, Label("优先发电购电量", "Bought of priority generation")] = None
    market_kwh: Annotated[Energy | None, Label("市场化购电量", "Bought at the market")] = None
    balance: Annotated[Money | None, Label("历史偏差费用", "Balance of earlier months")] = None


class PriceTableRef(Message):
    """The price table of an area for a month; without `issue` the newest one of it."""

    area: AreaCode
    month: MonthText
    issue: Issue | None = None


class FindPriceTables(Page):
    """Price tables, the newest month first."""

    area: AreaCode | None = None
    status: Status | None = None


class PriceTableRow(Message):
    """A monthly price table in a list. issue: 1, and from 2 on what corrects the one before. replaced_at: until when it held."""

    table_no: Annotated[str, Label("表号", "Table")]
    area: AreaCode
    area_title: Annotated[TextPair, Label("区域", "Area")]
    month: MonthText
    issue: Issue
    document_no: SourceNumber
    status: Status
    tariffs: Annotated[int, Label("电价数", "Tariffs")]
    drafted_by: Annotated[str, Label("起草人", "Drafted by", dictionary="staff")]
    drafted_at: Annotated[AwareDatetime, Label("起草时间", "Drafted at")]
    published_by: Annotated[str | None, Label("发布人", "Published by", dictionary="staff")]
    published_at: Annotated[AwareDatetime | None, Label("发布时间", "Published at")]
    replaced_at: Annotated[AwareDatetime | None, Label("被更正时间", "Corrected at")]


class PriceTablesFound(Message):
    rows: list[PriceTableRow]
    total: int
    next: str | None
    as_of: AsOf


class TableVersion(Message):
    """A tariff version of a price table, and the version that it is compared with: that of the month before or, of a correction,
    the one that it replaces."""

    code: TariffCode
    version: VersionNo
    title: Annotated[TextPair, Label("电价名称", "Tariff")]
    before_version: Annotated[int | None, Label("对比版本", "Compared with version")]
    changes: Annotated[int, Label("变化数", "Changes")]


class TableDifference(Message):
    """A difference from the month before or from what is corrected, in words; the days in force and the number of
    the table are no differences."""

    where: Annotated[str, Label("位置", "Where")]
    code: TariffCode
    title: Annotated[TextPair, Label("电价名称", "Tariff")]
    before: Annotated[str | None, Label("原", "Before")]
    after: Annotated[str | None, Label("新", "After")]
    sentence: Annotated[TextPair, Label("变化", "Change")]


class PriceTableShown(Message):
    """A price table with what was drafted from it: versions, differences from the month before, and what the table itself shows
    that a person should look at."""

    head: PriceTableRow
    versions: list[TableVersion]
    differences: list[TableDifference]
    notices: list[TableFault]


class PriceTableFaulty(Problem, noun="tariff", status=422, zh="价格表有错误", en="The price table has errors"):
    """Fields: faults = [{line, field, value, what, remedy}]."""


class NoSuchPriceTable(NotFound, noun="tariff", status=404, zh="没有该月价格表", en="There is no such price table"):
    """Fields: area, month."""


class NothingToCorrect(
    Problem,
    noun="tariff",
    status=409,
    zh="该月没有已发布的价格表可更正",
    en="No published table of the month to correct",
):
    """Fields: area, month."""


class PriceTablePublished(
    Problem, noun="tariff", status=409, zh="该月价格表已发布", en="The price table of the month is published"
):
    """Fields: area, month, document_no."""


class TableOperations(Api):
    """The month's prices."""

    @command(
        permit="tariff.draft",
        problems=(NoSuchArea, PriceTableFaulty, PriceTablePublished, NothingToCorrect, TariffFaulty),
    )
    def draft_price_table(self, call: Call, request: DraftPriceTable) -> PriceTableShown:
        """Reads the price table of a month and drafts the month's version of each business tariff of the area: prices from the
        table, everything else from the month before. Another draft of the month is replaced. A correction of a published table is
        compared with that table; a tariff that it does not price stays as it is."""

    @command(
        permit="tariff.publish",
        problems=(
            NoSuchPriceTable,
            PriceTablePublished,
            SamePerson,
            NotADraft,
            TariffFaulty,
            OverlappingTariff,
            WholeCompanyOnly,
        ),
        emits=(TariffPublished, PriceTableCorrected),
    )
    def publish_price_table(self, call: Call, request: PriceTableRef) -> PriceTableShown:
        """Puts all versions of a month's price table into force in one step, by a second person. Those of a correction hold from
        then on instead of those they replace; as known on a day before, the replaced ones do."""

    @query(permit="tariff.read")
    def price_tables(self, call: Call, request: FindPriceTables) -> PriceTablesFound:
        """Monthly price tables that came in."""

    @query(permit="tariff.read", problems=(NoSuchPriceTable,))
    def price_table(self, call: Call, request: PriceTableRef) -> PriceTableShown:
        """One price table with what differs from the month before, or from the table it corrects, in words."""

"""Messages and operations about tariffs and their versions."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Document, Instant, OrganisationCode, TariffClass, TariffCode, TextPair, Voltage
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Percent, Price
from denghuo.service.tariff.document import Group, Kind, Source, TariffDocument, TierNumber
from denghuo.service.tariff.season import Band, DayType

STATUSES = Dictionary(
    "tariff.status",
    {
        "draft": text("草稿", "Draft"),
        "published": text("已发布", "Published"),
        "replaced": text("已更正", "Corrected"),
        "withdrawn": text("已撤回", "Withdrawn"),
    },
    tones={"draft": "notice", "published": "good", "replaced": "plain", "withdrawn": "plain"},
)
Status = Annotated[
    Literal["draft", "published", "replaced", "withdrawn"], Label("状态", "Status", dictionary=STATUSES.name)
]
SEVERITIES = Dictionary(
    "tariff.severity",
    {"error": text("错误", "Error"), "notice": text("提示", "Notice")},
    tones={"error": "danger", "notice": "notice"},
)
Severity = Annotated[Literal["error", "notice"], Label("级别", "Severity", dictionary=SEVERITIES.name)]
PRICE_UNITS = Dictionary(
    "tariff.price_unit",
    {
        "kWh": text("元/千瓦时", "yuan/kWh"),
        "kVA_month": text("元/千伏安·月", "yuan/kVA and month"),
        "kW_month": text("元/千瓦·月", "yuan/kW and month"),
        "month": text("元/月", "yuan/month"),
        "day": text("元/天", "yuan/day"),
    },
)
PriceUnit = Annotated[
    Literal["kWh", "kVA_month", "kW_month", "month", "day"], Label("单位", "Unit", dictionary=PRICE_UNITS.name)
]

TEXT_MAX = 262_144
IN_FORCE_MAX = 200
AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{2,16}$"), Label("区域", "Area")]
OwnArea = Annotated[AreaCode | None, Label("价区", "Price area")]
AreaSince = Annotated[date, Label("起始日期", "From")]
VersionNo = Annotated[int, Field(ge=1), Label("版本", "Version")]


class Finding(Message):
    """What the checker found, and where in the document."""

    where: Annotated[str, Label("位置", "Where")]
    severity: Severity
    message: Annotated[TextPair, Label("问题", "Finding")]


class DraftTariff(Message):
    """A tariff as a document, or as the text of a tariff file (YAML or JSON); exactly one of the two."""

    document: TariffDocument | None = None
    text: Annotated[str, StringConstraints(max_length=TEXT_MAX), Label("电价文件", "Tariff file")] | None = None


class CheckTariff(DraftTariff):
    """As for a draft; nothing is stored."""


class TariffFindings(Message):
    """`publishable`: no finding is an error. `document`: the tariff as it was read, None where it could not be."""

    code: str | None
    publishable: bool
    findings: list[Finding]
    document: TariffDocument | None = None


class Drafted(Message):
    """The draft as it stands: a draft with errors is kept and cannot be published."""

    code: TariffCode
    version: VersionNo
    status: Status
    publishable: bool
    findings: list[Finding]


class TariffVersion(Message):
    code: TariffCode
    version: VersionNo


class TariffRow(Message):
    """A version of a tariff in a list."""

    code: TariffCode
    version: VersionNo
    title: Annotated[TextPair, Label("电价名称", "Tariff")]
    area: AreaCode
    area_title: Annotated[TextPair, Label("区域", "Area")]
    kind: Kind
    classes: Annotated[TextPair, Label("适用类别", "Classes")]
    settlements: Annotated[TextPair, Label("结算方式", "Settlements")]
    voltages: Annotated[str, Label("电压等级", "Voltages")]
    default: Annotated[bool, Label("默认", "Default")]
    effective_from: Annotated[date, Label("生效日", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日", "Effective to")]
    status: Status
    document_no: Annotated[str, Label("依据文号", "Document no.")]
    illustrative: Annotated[bool, Label("含示例价", "Illustrative")]
    drafted_by: Annotated[str, Label("起草人", "Drafted by", dictionary="staff")]
    drafted_at: Annotated[AwareDatetime, Label("起草时间", "Drafted at")]
    published_by: Annotated[str | None, Label("发布人", "Published by", dictionary="staff")]
    published_at: Annotated[AwareDatetime | None, Label("发布时间", "Published at")]


class FindTariffs(Page):
    """`on`: in force on that day."""

    keyword: Annotated[str, StringConstraints(max_length=64), Label("代码/名称/文号", "Code/name/document")] = ""
    tariff_class: TariffClass | None = None
    kind: Kind | None = None
    status: Status | None = None
    area: AreaCode | None = None
    on: Annotated[date, Label("生效于", "In force on")] | None = None


class TariffsFound(Message):
    rows: list[TariffRow]
    total: int
    next: str | None
    as_of: AsOf


class TariffRef(Message):
    """One version; without `version` the published one that begins last, or the newest draft where none is published."""

    code: TariffCode
    version: VersionNo | None = None


class PriceRow(Message):
    """A price of a tariff as a person reads it: floated prices computed."""

    component: Annotated[str, Label("项目代码", "Component code")]
    title: Annotated[TextPair, Label("价格项目", "Component")]
    group: Group
    season: Annotated[TextPair | None, Label("季节", "Season")]
    voltage: Voltage | None
    band: Band | None
    tier: TierNumber | None
    price: Annotated[Price, Label("单价", "Price")]
    unit: PriceUnit
    document_no: Annotated[str, Label("依据文号", "Document no.")]
    illustrative: Annotated[bool, Label("示例价", "Illustrative")]
    note: Annotated[TextPair | None, Label("说明", "Note")]


class TimeRow(Message):
    """When a band holds."""

    season: Annotated[TextPair, Label("季节", "Season")]
    months: Annotated[str, Label("月份", "Months")]
    days: DayType
    conditions: Annotated[TextPair | None, Label("条件", "Conditions")]
    band: Band
    windows: Annotated[str, Label("时段", "Windows")]
    ratio: Annotated[Percent | None, Label("浮动比例", "Share")]
    of: Annotated[Band, Label("浮动基准", "Share of")]


class TierRow(Message):
    """From and up to which energy a tier reaches in its period."""

    tier: TierNumber
    months: Annotated[str, Label("月份", "Months")]
    above: Annotated[str, Label("超过 (kWh)", "Above (kWh)")]
    up_to: Annotated[str | None, Label("至 (kWh)", "Up to (kWh)")]


class TariffShown(Message):
    """A tariff as a page shows it: head, flat rows, findings of the checker and the document itself."""

    head: TariffRow
    prices: list[PriceRow]
    times: list[TimeRow]
    tiers: list[TierRow]
    sources: list[Source]
    findings: list[Finding]
    document: TariffDocument


class UnitArea(Message):
    """The price area of a unit and of all below it that have none of their own. Without `area` that of its superior holds again."""

    org: OrganisationCode
    area: OwnArea = None
    from_day: AreaSince


class InForce(Message):
    """Published tariffs in force on a day, or on any day up to `until`; `area` and `tariff_class` narrow. known_at: by what was
    published until then."""

    on: Annotated[date, Label("日期", "Day")]
    until: Annotated[date | None, Label("截止日期", "Until")] = None
    area: AreaCode | None = None
    tariff_class: TariffClass | None = None
    known_at: Instant | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "InForce":
        if self.until is not None and self.until < self.on:
            raise ValueError(f"until {self.until} is before {self.on}")
        return self


class TariffsInForce(Message):
    """At most 200 documents, each with its version and the span in which it is in force. unit_areas: all that is said of units,
    for the choice among the tariffs of several areas."""

    tariffs: list[TariffDocument]
    unit_areas: list[UnitArea] = []
    as_of: AsOf


class CompareTariffs(Message):
    """Compares a version with another one of the same code or, by `other_code`, of another tariff."""

    code: TariffCode
    version: VersionNo
    other_version: Annotated[int, Field(ge=1), Label("对比版本", "Compared with")]
    other_code: TariffCode | None = None


class Difference(Message):
    """One difference in words; before and after as text."""

    where: Annotated[str, Label("位置", "Where")]
    before: Annotated[str | None, Label("原", "Before")]
    after: Annotated[str | None, Label("新", "After")]
    sentence: Annotated[TextPair, Label("变化", "Change")]


class TariffDifferences(Message):
    rows: list[Difference]


class ReadUrdb(Message):
    """A rate of the United States Utility Rate Database as JSON. start, end: the days from and up to which, the end not included;
    as the rate says where they are left out. daily_average: a charge per day is charged as 365/12 days of each month."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX), Label("费率文件", "Rate file")]
    start: Annotated[date, Label("起", "From")] | None = None
    end: Annotated[date, Label("止", "To")] | None = None
    daily_average: Annotated[bool, Label("按日费用按月均摊", "Daily charge as 365/12 days a month")] = False


class UrdbTariff(Message):
    """One run of months of a rate as a tariff that can be drafted. publishable: the checker found no error in it."""

    code: TariffCode
    title: Annotated[TextPair, Label("电价名称", "Tariff")]
    effective_from: Annotated[date, Label("生效日", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日", "Effective to")]
    prices: Annotated[int, Label("价格数", "Prices")]
    publishable: Annotated[bool, Label("可发布", "Can be published")]
    document: TariffDocument


class UrdbPrice(PriceRow):
    """A price of one of the tariffs, found by the day from which it holds."""

    effective_from: Annotated[date, Label("生效日", "Effective from")]


class UrdbFinding(Finding):
    """What the checker says of one of the tariffs."""

    effective_from: Annotated[date, Label("生效日", "Effective from")]


class UrdbTariffs(Message):
    """The rate as tariffs, one for each run of months with the same hours and prices; their prices and findings as rows."""

    rows: list[UrdbTariff]
    prices: list[UrdbPrice]
    findings: list[UrdbFinding]


class LoadPublished(Message):
    """Takes over the price data of an area that ships with Denghuo: division code (310000) or name (shanghai). Where another area
    has the default of the same contracts and no unit has a price area, those of this one are none, and contracts name them."""

    area: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{2,32}$"), Label("区域", "Area")] = "310000"


class Loaded(Message):
    """`unchanged`: were there with the same content. `drafted`: partial tariffs kept as drafts, which a monthly price table
    completes."""

    loaded: int
    unchanged: int
    drafted: int
    codes: list[TariffCode]


class DraftWithdrawn(Message):
    code: TariffCode
    version: VersionNo


class TariffPublished(Event, name="tariff.version.published", version=1):
    code: str
    version: int
    area: str
    effective_from: date


class ReplacedVersion(Message):
    code: str
    version: int


class PriceTableCorrected(Event, name="tariff.prices.corrected", version=1):
    """A correction of a month's price table was published. replaced: what held until then."""

    area: str
    month: str
    issue: int
    replaced: list[ReplacedVersion]


class TariffNotFound(NotFound, noun="tariff", status=404, zh="未找到该电价", en="No such tariff"):
    """Fields: code, version."""


class NoSuchArea(
    NotFound, noun="tariff", status=404, zh="没有该区域的电价数据", en="No price data ships for this area"
):
    """Fields: area, known."""


class TariffFaulty(Problem, noun="tariff", status=422, zh="电价文件有错误", en="The tariff has errors"):
    """Fields: findings = [{where, severity, message}]."""


class WholeCompanyOnly(
    Problem, noun="tariff", status=403, zh="须由公司级岗位办理", en="Only for a post of the whole company"
):
    """What is published holds for every unit of its area. Fields: scope."""


class SamePerson(Problem, noun="tariff", status=409, zh="起草人不能发布自己的电价", en="The drafter may not publish"):
    """Fields: drafted_by."""


class NotADraft(Problem, noun="tariff", status=409, zh="该版本不是草稿", en="This version is not a draft"):
    """Fields: code, version, state."""


class PartialTariff(Problem, noun="tariff", status=409, zh="该电价缺少月度价格", en="Prices of the month are missing"):
    """Fields: code."""


class OverlappingTariff(
    Problem, noun="tariff", status=409, zh="与已发布的电价在时间上重叠", en="Overlaps a published tariff in time"
):
    """Fields: code, version, other_code, other_version, effective_from, effective_to."""


class TariffOperations(Api):
    """Tariffs: drafted, checked, published, shown and compared."""

    @command(permit="tariff.draft", problems=(TariffFaulty,))
    def draft(self, call: Call, request: DraftTariff) -> Drafted:
        """Stores a draft as the next version of its code, or in place of the open draft of that code."""

    @query(permit="tariff.read")
    def check(self, call: Call, request: CheckTariff) -> TariffFindings:
        """Checks a tariff and says what is wrong and where; stores nothing."""

    @command(
        permit="tariff.publish",
        problems=(
            TariffNotFound,
            NotADraft,
            SamePerson,
            TariffFaulty,
            PartialTariff,
            OverlappingTariff,
            WholeCompanyOnly,
        ),
        emits=(TariffPublished,),
    )
    def publish(self, call: Call, request: TariffVersion) -> TariffRow:
        """Puts a draft into force by a second person. An open-ended predecessor ends where it begins; any other overlap is
        refused."""

    @command(permit="tariff.draft", problems=(TariffNotFound, NotADraft))
    def withdraw(self, call: Call, request: TariffVersion) -> DraftWithdrawn:
        """Takes back a draft."""

    @command(
        permit="tariff.load",
        problems=(NoSuchArea, TariffFaulty, OverlappingTariff, WholeCompanyOnly),
        emits=(TariffPublished,),
    )
    def load_published(self, call: Call, request: LoadPublished) -> Loaded:
        """Takes over the published price data of an area that ships with Denghuo; a repeat changes nothing."""

    @query(permit="tariff.read")
    def tariffs(self, call: Call, request: FindTariffs) -> TariffsFound:
        """Versions of tariffs in the order of code and version."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def tariff(self, call: Call, request: TariffRef) -> TariffShown:
        """One tariff as a page shows it."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def tariff_file(self, call: Call, request: TariffRef) -> Document:
        """One tariff as a tariff file (YAML), as it can be drafted again."""

    @query(permit="tariff.read", problems=(TariffFaulty,))
    def read_urdb(self, call: Call, request: ReadUrdb) -> UrdbTariffs:
        """Reads a rate of the United States Utility Rate Database as tariffs; stores nothing."""

    @query(permit="tariff.read")
    def in_force(self, call: Call, request: InForce) -> TariffsInForce:
        """The published tariffs in force on a day."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def compare(self, call: Call, request: CompareTariffs) -> TariffDifferences:
        """What differs between two versions, in words."""

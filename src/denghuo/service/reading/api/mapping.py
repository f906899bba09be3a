"""How a sender's names are ours (读数映射) in the reading contract: kept by code, each change another version."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Document, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.service.reading.api.vocabulary import RowCount

WORDS_MAX = 256 << 10
SAMPLE_MAX = 1 << 20
NAMES_MAX = 1_000
FLOWS = Dictionary(
    "reading.flow",
    {
        "active_fwd": text("正向有功", "Active, forward"),
        "active_rev": text("反向有功", "Active, reverse"),
        "reactive_fwd": text("正向无功", "Reactive, forward"),
        "reactive_rev": text("反向无功", "Reactive, reverse"),
    },
)
METER_NAMES = Dictionary(
    "reading.meters_by",
    {"point": text("计量点（NMI、用电点）", "Point (NMI, usage point)"), "serial": text("表计出厂号", "Serial number")},
)
STAMPS = Dictionary(
    "reading.stamp", {"begin": text("时段开始", "Beginning of the interval"), "end": text("时段结束", "Its end")}
)
MappingCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{1,39}$"), Label("映射代码", "Mapping code")]
MappingTitle = Annotated[
    str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), Label("名称", "Title")
]
MappingWords = Annotated[str, StringConstraints(max_length=WORDS_MAX), Label("映射文件（YAML）", "Mapping file (YAML)")]
Flow = Annotated[
    Literal["active_fwd", "active_rev", "reactive_fwd", "reactive_rev"],
    Label("示数类型", "Quantity", dictionary=FLOWS.name),
]
_Column = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class OurMeter(Message):
    theirs: Annotated[str, StringConstraints(min_length=1, max_length=64), Label("对方名称", "Their name")]
    meter_no: Annotated[str, StringConstraints(min_length=1, max_length=32), Label("我方表号", "Our meter no.")]


class OurChannel(Message):
    theirs: Annotated[str, StringConstraints(min_length=1, max_length=64), Label("对方通道", "Their channel")]
    flow: Flow


class MappingForm(Message):
    """A mapping as a form. Of a table (`meter` is named) `at` or `day` says where its times stand; values: a column, several with
    commas between them, or a name with {n}."""

    meters_by: Annotated[
        Literal["point", "serial"], Label("对方表号取自", "Meters named by", dictionary=METER_NAMES.name)
    ] = "point"
    zone: Annotated[str, StringConstraints(max_length=64), Label("时区", "Time zone")] = "Asia/Shanghai"
    meters: Annotated[list[OurMeter], Field(max_length=NAMES_MAX), Label("表号对照", "Meters")] = []
    channels: Annotated[list[OurChannel], Field(max_length=NAMES_MAX), Label("通道对照", "Channels")] = []
    meter: Annotated[_Column | None, Label("表号列", "Column of the meter")] = None
    at: Annotated[_Column | None, Label("时刻列", "Column of the instant")] = None
    day: Annotated[_Column | None, Label("日期列", "Column of the day")] = None
    values: Annotated[
        str | None, StringConstraints(min_length=1, max_length=4_000), Label("电量列", "Columns of values")
    ] = None
    channel: Annotated[_Column | None, Label("通道列", "Column of the channel")] = None
    flow: Flow = "active_fwd"
    unit: Annotated[str, StringConstraints(max_length=10), Label("单位", "Unit")] = "kWh"
    minutes: Annotated[Literal[1, 3, 5, 10, 15, 20, 30, 60], Label("间隔（分钟）", "Interval (min)")] = 15
    stamp: Annotated[Literal["begin", "end"], Label("时刻所指", "Instant is", dictionary=STAMPS.name)] = "begin"
    form: Annotated[
        str | None, StringConstraints(min_length=1, max_length=40), Label("时刻写法", "Form of instants")
    ] = None
    quality: Annotated[_Column | None, Label("质量列", "Column of the quality")] = None
    estimated: Annotated[
        str | None, StringConstraints(min_length=1, max_length=300), Label("估算标记", "Words of estimates")
    ] = None
    encoding: Annotated[Literal["utf-8", "gb18030"], Label("编码", "Encoding")] = "utf-8"


class PreviewMapping(MappingForm):
    """sample: the first rows of a CSV file of the sender, as text; what is longer than a preview needs is passed over."""

    sample: Annotated[
        str | None,
        StringConstraints(max_length=SAMPLE_MAX),
        Label("样例 CSV", "Sample (CSV)"),
        Field(json_schema_extra={"x-head": True}),
    ] = None


class SampleInterval(Message):
    """A value as it would be taken."""

    row_key: Annotated[str, Label("序号", "No.")]
    meter_no: Annotated[str, Label("表号", "Meter no.")]
    flow: Annotated[str | None, Label("示数类型", "Quantity", dictionary=FLOWS.name)]
    begins: Annotated[AwareDatetime, Label("时段开始", "Begins")]
    minutes: Annotated[int, Label("分钟", "Minutes")]
    value: Annotated[str | None, Label("数值", "Value")]
    unit: Annotated[str, Label("单位", "Unit")]
    mark: Annotated[str, Label("估算标记", "Mark")]


class SampleRefusal(Message):
    row_key: Annotated[str, Label("序号", "No.")]
    line: Annotated[int, Label("行", "Line")]
    field: Annotated[str, Label("栏", "Field")]
    value: Annotated[str, Label("原值", "Value")]
    what: Annotated[TextPair, Label("原因", "Reason")]
    remedy: Annotated[TextPair, Label("处理办法", "Remedy")]


class MappingPreview(Message):
    """words: the mapping as its file; columns: what the sample has."""

    words: MappingWords
    columns: Annotated[list[str], Label("样例的列", "Columns of the sample")]
    rows: list[SampleInterval]
    refusals: list[SampleRefusal]


class SaveMapping(Message):
    """words: the mapping as its file."""

    code: MappingCode
    title: MappingTitle
    words: MappingWords


class MappingRef(Message):
    """Without a version the newest."""

    code: MappingCode
    version: Annotated[int, Field(ge=1), Label("版本", "Version")] | None = None


class MappingRow(Message):
    code: MappingCode
    version: Annotated[int, Label("版本", "Version")]
    title: MappingTitle
    of_tables: Annotated[bool, Label("用于表格", "Of tables")]
    saved_by: Annotated[str, Label("保存人", "Saved by", dictionary="staff")]
    saved_at: Annotated[AwareDatetime, Label("保存时间", "Saved at")]
    used: Annotated[int, Label("导入次数", "Imports")]


class FindMappings(Page):
    """With a code all versions of a mapping, else the newest of each."""

    code: MappingCode | None = None


class MappingsFound(Message):
    rows: list[MappingRow]
    total: RowCount
    next: str | None
    as_of: AsOf


class MappingShown(MappingForm):
    """A mapping as it is kept."""

    code: MappingCode
    version: Annotated[int, Label("版本", "Version")]
    title: MappingTitle
    words: MappingWords
    saved_by: Annotated[str, Label("保存人", "Saved by", dictionary="staff")]
    saved_at: Annotated[AwareDatetime, Label("保存时间", "Saved at")]
    as_of: AsOf


class MappingFaulty(Problem, noun="reading", status=422, zh="映射有误", en="The mapping is faulty"):
    """Fields: field, value."""


class SampleUnfit(Problem, noun="reading", status=422, zh="样例不符合映射", en="The sample does not fit the mapping"):
    """Fields: file, faults."""


class NoSuchMapping(NotFound, noun="reading", status=404, zh="没有该映射", en="No such mapping"):
    """Fields: code, version."""


class MappingOperations(Api):
    """Mappings of senders' names."""

    @query(permit="reading.import")
    def mappings(self, call: Call, request: FindMappings) -> MappingsFound:
        """Mappings by code, with their newest versions; or the versions of one."""

    @query(permit="reading.import", problems=(NoSuchMapping,))
    def mapping(self, call: Call, request: MappingRef) -> MappingShown:
        """A mapping as a form and as its file."""

    @query(permit="reading.import", problems=(NoSuchMapping,))
    def mapping_file(self, call: Call, request: MappingRef) -> Document:
        """A mapping as its YAML file."""

    @query(permit="reading.import", problems=(MappingFaulty, SampleUnfit))
    def preview_mapping(self, call: Call, request: PreviewMapping) -> MappingPreview:
        """A form as its file, and the first rows of a sample as they would be taken by it. Nothing is kept."""

    @command(permit="reading.import", problems=(MappingFaulty,))
    def save_mapping(self, call: Call, request: SaveMapping) -> MappingShown:
        """Keeps a mapping as the newest version of its code; the same again changes nothing. Imports keep the version they began
        with."""

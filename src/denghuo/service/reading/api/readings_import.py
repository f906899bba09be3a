"""Files of readings that other systems wrote (读数导入) in the reading contract: sent in parts, read, taken in."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Document, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.service.reading.api.intake import CurvesReceived, RegistersReceived
from denghuo.service.reading.api.mapping import MappingCode, MappingFaulty, MappingWords, NoSuchMapping
from denghuo.service.reading.api.vocabulary import Quantity, RowCount

FILE_BYTES_MAX = 4 << 30
PART_BYTES_MAX = 4 << 20
_PART_TEXT_MAX = (PART_BYTES_MAX + 2) // 3 * 4
IMPORT_FORMATS = Dictionary(
    "reading.import_format",
    {
        "nem12": text("NEM12、NEM13", "NEM12, NEM13"),
        "espi": text("Green Button（ESPI XML）", "Green Button (ESPI XML)"),
        "cim-xml": text("IEC 61968-9（XML）", "IEC 61968-9 (XML)"),
        "cim-json": text("IEC 61968-9（JSON）", "IEC 61968-9 (JSON)"),
        "table": text("表格（CSV、Parquet）", "Table (CSV, Parquet)"),
    },
)
IMPORT_STATES = Dictionary(
    "reading.import_state",
    {
        "sending": text("上传中", "Being sent"),
        "reading": text("解析中", "Being read"),
        "taking": text("入库中", "Being taken in"),
        "stopped": text("已暂停", "Stopped"),
        "refused": text("整份拒绝", "Refused as a whole"),
        "done": text("完成", "Done"),
        "lapsed": text("已失效", "Lapsed"),
    },
    tones={
        "sending": "notice",
        "reading": "notice",
        "taking": "notice",
        "stopped": "warning",
        "refused": "danger",
        "done": "good",
        "lapsed": "plain",
    },
)
STEP_STATES = Dictionary(
    "reading.import_step_state",
    {
        "waiting": text("未开始", "Not begun"),
        "running": text("进行中", "Under way"),
        "done": text("完成", "Done"),
        "stopped": text("已暂停", "Stopped"),
        "failed": text("未通过", "Refused"),
    },
    tones={"running": "notice", "done": "good", "stopped": "warning", "failed": "danger"},
)
ImportFormat = Annotated[
    Literal["nem12", "espi", "cim-xml", "cim-json", "table"],
    Label("文件格式", "Format", dictionary=IMPORT_FORMATS.name),
]
ImportState = Annotated[
    Literal["sending", "reading", "taking", "stopped", "refused", "done", "lapsed"],
    Label("状态", "State", dictionary=IMPORT_STATES.name),
]
ImportNo = Annotated[int, Field(ge=1), Label("导入批次", "Import no.")]
FileName = Annotated[
    str,
    StringConstraints(pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]*$", max_length=80),
    Label("文件名", "File"),
]
FileBytes = Annotated[int, Field(ge=1, le=FILE_BYTES_MAX), Label("字节数", "Bytes")]
Spread = Annotated[bool, Label("平均分摊到 15 分钟", "Spread over quarter-hours")]


class BeginImport(Message):
    """A file that is to be taken over.

    content: the SHA-256 of the file, or whatever else changes with it (size and time of its last change, say). The same name,
    content and ways of reading it again go on with what is not done. format: else by what the file begins with. mapping: the code
    of a kept one, or its words. attended: the sender calls `advance_import` himself; else a job does.
    """

    file_name: FileName
    size_bytes: FileBytes
    content: Annotated[str, StringConstraints(min_length=1, max_length=64), Label("内容标识", "Mark of the content")]
    format: ImportFormat | None = None
    mapping: MappingCode | None = None
    mapping_words: MappingWords | None = None
    spread: Spread = False
    attended: bool = False


class ImportRef(Message):
    import_no: ImportNo


class SendImportPart(Message):
    """Up to 4 MiB of a file as base64. What was sent already changes nothing."""

    import_no: ImportNo
    from_byte: Annotated[int, Field(ge=0, le=FILE_BYTES_MAX), Label("起始字节", "From byte")]
    part: Annotated[str, StringConstraints(max_length=_PART_TEXT_MAX), Label("内容", "Content", bulk=True)]


class ImportPartSent(Message):
    """sent_bytes: with which byte the next part begins."""

    import_no: ImportNo
    sent_bytes: int
    state: ImportState


class AdvanceImport(Message):
    import_no: ImportNo
    epoch: int


class ImportAdvanced(Message):
    import_no: ImportNo
    state: ImportState
    again: bool


class FindImports(Page):
    state: ImportState | None = None


class ImportRow(Message):
    """refused: rows, or other parts of a file, that were not taken, whoever refused them."""

    import_no: ImportNo
    file_name: FileName
    size_bytes: FileBytes
    format: ImportFormat | None
    mapping: Annotated[str | None, Label("映射", "Mapping")]
    state: ImportState
    percent: Annotated[int, Label("本步进度（%）", "Done of this step (%)")]
    begun_by: Annotated[str, Label("导入人", "By", dictionary="staff")]
    begun_at: Annotated[AwareDatetime, Label("导入时间", "At")]
    ended_at: Annotated[AwareDatetime | None, Label("结束时间", "Ended")]
    values: Annotated[int, Label("读到的值", "Values read")]
    taken: Annotated[int, Label("入库", "Taken")]
    unchanged: Annotated[int, Label("未变", "Unchanged")]
    corrected: Annotated[int, Label("更正", "Corrected")]
    refused: Annotated[int, Label("拒收", "Refused")]


class ImportStep(Message):
    name: Annotated[TextPair, Label("步骤", "Step")]
    state: Annotated[
        Literal["waiting", "running", "done", "stopped", "failed"],
        Label("状态", "State", dictionary=STEP_STATES.name),
    ]
    done: Annotated[int, Label("已完成", "Done")]


class ImportSum(Message):
    """What a file holds of a quantity, as it is handed to the lake: quarter-hours and their sum."""

    quantity: Quantity
    values: Annotated[int, Label("15 分钟值", "Quarter-hours")]
    energy: Annotated[str, Label("合计（千瓦时、千乏时）", "Sum (kWh, kvarh)")]


class ReadingsImport(ImportRow):
    """done, whole: bytes of the file, or values to take in, of the present step; ends_at: when it will be done at its pace so far.
    changed: the import of a file of this name that was not done
    when this one, with another content, began."""

    epoch: int
    sent_bytes: Annotated[int, Label("已收到字节", "Bytes sent")]
    read_bytes: Annotated[int, Label("已解析字节", "Bytes read")]
    handed: Annotated[int, Label("可入库", "To be taken")]
    missing: Annotated[int, Label("缺失", "Missing")]
    estimated: Annotated[int, Label("对方估算", "Estimated by the sender")]
    spread: Spread
    ends_at: Annotated[AwareDatetime | None, Label("本步预计完成", "Expected end of this step")]
    trouble: Annotated[TextPair | None, Label("原因", "Why")]
    changed: Annotated[int | None, Label("取代批次", "In place of")] = None
    done: Annotated[int, Label("本步已完成", "Done of this step")]
    whole: Annotated[int, Label("本步总量", "Whole of this step")]
    stages: list[ImportStep]
    sums: list[ImportSum]
    as_of: AsOf


class ImportsFound(Message):
    rows: list[ImportRow]
    total: RowCount
    next: str | None
    as_of: AsOf


class FindImportRefusals(Page):
    import_no: ImportNo


class ImportRefusal(Message):
    """line: where it stands in the file, the part of an XML or JSON file, 0 where that is not known."""

    row_key: Annotated[str, Label("序号", "No.")]
    line: Annotated[int, Label("行", "Line")]
    field: Annotated[str, Label("栏", "Field")]
    value: Annotated[str, Label("原值", "Value")]
    what: Annotated[TextPair, Label("原因", "Reason")]
    remedy: Annotated[TextPair, Label("处理办法", "Remedy")]


class ImportRefusalsFound(Message):
    """The same refusal of the same value is shown once, however often the file holds it."""

    rows: list[ImportRefusal]
    total: RowCount
    next: str | None
    as_of: AsOf


class ImportRefusalsAsked(Message):
    import_no: ImportNo
    after: Annotated[str, StringConstraints(max_length=40)] | None = None


class DocumentPart(Document):
    """A part of a file; `next` asks for the part behind it, none behind the last."""

    next: str | None


class NoSuchImport(NotFound, noun="reading", status=404, zh="没有该导入批次", en="No such import"):
    """Fields: import_no. Raised also for an import of another unit."""


class PartOutOfPlace(Problem, noun="reading", status=409, zh="分段不连续", en="A part is out of its place"):
    """Fields: import_no, sent_bytes: with which byte the next part begins."""


class ContentDiffers(Problem, noun="reading", status=422, zh="文件内容与声明不符", en="The file is not what was told"):
    """Fields: import_no, expected, given."""


class ImportOperations(Api):
    """Files of readings: sent, read and taken in by steps that may be stopped; what was taken is not taken twice."""

    @command(permit="reading.import", problems=(MappingFaulty, NoSuchMapping))
    def begin_import(self, call: Call, request: BeginImport) -> ReadingsImport:
        """Begins to take a file over, or goes on where an import of the same file stands."""

    @command(permit="reading.import", problems=(ContentDiffers, NoSuchImport, PartOutOfPlace))
    def send_import_part(self, call: Call, request: SendImportPart) -> ImportPartSent:
        """Adds the next part of a file. With the last one it begins to be read."""

    @command(permit="reading.import", problems=(NoSuchImport,))
    def stop_import(self, call: Call, request: ImportRef) -> ReadingsImport:
        """Stops an import after the step that is under way. Nothing that was done is lost."""

    @command(permit="reading.import", problems=(NoSuchImport,))
    def resume_import(self, call: Call, request: ImportRef) -> ReadingsImport:
        """Goes on with an import that stands still."""

    @command(permit="reading.import", problems=(NoSuchImport,), emits=(RegistersReceived, CurvesReceived))
    def advance_import(self, call: Call, request: AdvanceImport) -> ImportAdvanced:
        """A step of an import: some of its file is read, or a piece of it is taken in. Called until the reply says no `again`."""

    @query(permit="reading.import", problems=(NoSuchImport,))
    def readings_import(self, call: Call, request: ImportRef) -> ReadingsImport:
        """How far an import is, when its step will be done, and what was taken and refused."""

    @query(permit="reading.import")
    def readings_imports(self, call: Call, request: FindImports) -> ImportsFound:
        """Imports of the caller's unit and those below it, the newest first."""

    @query(permit="reading.import", problems=(NoSuchImport,))
    def import_refusals(self, call: Call, request: FindImportRefusals) -> ImportRefusalsFound:
        """What was refused: first what could not be read, in the order of the file, then what the platform did not take."""

    @query(permit="reading.import", problems=(NoSuchImport,))
    def import_refusals_file(self, call: Call, request: ImportRefusalsAsked) -> DocumentPart:
        """All refusals as a CSV file, part by part."""

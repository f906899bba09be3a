"""Quality of reading (抄表质量) in the reading contract: what was read, right at once, estimated and held, by unit or reader."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import AsOf, MonthText, OrganisationCode
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.reading.api.book import Walker

QUALITY_BY = Dictionary("reading.quality_by", {"org": text("单位", "Unit"), "reader": text("抄表员", "Reader")})
QUALITY_ROWS = Dictionary(
    "reading.quality_row",
    {"total": text("合计", "Total"), "none": text("未分派", "Nobody's")},
    tones={"total": "notice"},
)
"""The rows that are of no unit and no reader."""
QualityBy = Annotated[Literal["org", "reader"], Label("分组", "By", dictionary=QUALITY_BY.name)]


class AskQuality(Message):
    """A month of accounts' meters, by unit or by the reader of today of the books they stood in at the end of the month."""

    month: MonthText
    by: QualityBy = "org"
    org: OrganisationCode | None = None


class QualityRow(Message):
    """Counted in reads of accounts: a meter's piece, quantity and band.

    read_rate: both ends were seen, by collection, by a reader or by an exchange record; what a customer reported is not.
    on_time_rate: known, as read or as estimated, by the end of the reading day. right_rate: valid as it first was made, and not
    corrected since. wrong_rate: another energy than a valid one before. estimated_rate, held_rate: as they stand now.
    """

    row_key: Annotated[str, Label("行", "Row", dictionary=QUALITY_ROWS.name)]
    org: OrganisationCode | None
    reader: Walker
    due: Annotated[int, Label("应抄", "Due")]
    read: Annotated[int, Label("实抄", "Read")]
    on_time: Annotated[int, Label("及时", "On time")]
    right: Annotated[int, Label("一次正确", "Right at once")]
    wrong: Annotated[int, Label("差错", "Wrong")]
    estimated: Annotated[int, Label("估计", "Estimated")]
    held: Annotated[int, Label("待核", "Held")]
    read_rate: Annotated[Percent | None, Label("实抄率", "Read rate")]
    on_time_rate: Annotated[Percent | None, Label("及时率", "On time, rate")]
    right_rate: Annotated[Percent | None, Label("一次正确率", "Right at once, rate")]
    wrong_rate: Annotated[Percent | None, Label("差错率", "Wrong, rate")]
    estimated_rate: Annotated[Percent | None, Label("估抄率", "Estimated, rate")]
    held_rate: Annotated[Percent | None, Label("待核率", "Held, rate")]


class QualityFound(Message):
    """The total stands last, without unit and reader."""

    month: MonthText
    rows: list[QualityRow]
    as_of: AsOf


class QualityOperations(Api):
    """How good reading is."""

    @query(permit="reading.read")
    def quality(self, call: Call, request: AskQuality) -> QualityFound:
        """How much of a month was read, was right at once, is estimated and held, by unit or by reader."""

"""Quality of reading (抄表质量) in the reading contract: what was read, right at once, estimated and held, by unit or reader."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import AsOf, MonthText, OrganisationCode
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.reading.api.book import Walker

QUALITY_BY = Dictionary("reading.quality_by", {"org": text("单位", "Unit"), "reader": text("抄表员", "Reader")})
QualityBy = Annotated[Literal["org", "reader"], Label("分组", "By", dictionary=QUALITY_BY.name)]


class AskQuality(Message):
    """A month of accounts' meters, by unit or by the reader of today of the books they stood in at the end of the month."""

    month: MonthText
    by: QualityBy = "org"
    org: OrganisationCode | None = None


class QualityRow(Message):
    """Counted in reads of accounts: a meter's piece, quantity and band.

    read_rate: both ends were seen, by collection, by a reader or by an exchange record. right_rate: valid as it first was made,
    and not corrected since. estimated_rate, held_rate: as they stand now.
    """

    row_key: Annotated[str, Label("行", "Row")]
    org: OrganisationCode | None
    reader: Walker
    due: Annotated[int, Label("应抄", "Due")]
    read: Annotated[int, Label("实抄", "Read")]
    right: Annotated[int, Label("一次正确", "Right at once")]
    estimated: Annotated[int, Label("估计", "Estimated")]
    held: Annotated[int, Label("待核", "Held")]
    read_rate: Annotated[Percent | None, Label("实抄率", "Read rate")]
    right_rate: Annotated[Percent | None, Label("一次正确率", "Right at once, rate")]
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

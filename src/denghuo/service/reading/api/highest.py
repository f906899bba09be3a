"""The highest quarter-hour of meters in the reading contract (曲线最大需量): the demand of a meter without a demand register."""

from typing import Annotated

from pydantic import Field, model_validator

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, Label, Message, query
from denghuo.kernel.fields import AsOf, Instant, MeterNo, MonthText
from denghuo.kernel.values import Energy
from denghuo.service.reading.api.month import WholeCompanyOnly
from denghuo.service.reading.api.vocabulary import EnergySeries


class MeterSpan(Message):
    """A meter over a part of a month."""

    meter_no: MeterNo
    from_at: Instant
    to_at: Instant

    @model_validator(mode="after")
    def _in_order(self) -> "MeterSpan":
        if self.from_at >= self.to_at:
            raise ValueError("from_at is before to_at")
        return self


class AskHighest(Message):
    """Meters of whose curves the highest quarter-hour is asked. known_at: as the curves were known then. Slots in
    which a meter came or went do not count."""

    month: MonthText
    series: EnergySeries = "active_fwd_wh"
    spans: Annotated[list[MeterSpan], Field(min_length=1, max_length=ITEMS_MAX)]
    known_at: Annotated[Instant | None, Label("以当时所知为准", "As known at")] = None


class HighestSlot(Message):
    """What the curve of a span tells: its highest slot, the first where several are as high (None where nothing was received),
    all its energy, and how many of its slots are missing. What was not measured counts as missing."""

    meter_no: MeterNo
    begins_at: Annotated[Instant | None, Label("出现时刻", "Began")]
    highest: Annotated[Energy | None, Label("最大15分钟电量", "Highest quarter-hour")]
    energy: Energy
    missing: Annotated[int, Label("缺点", "Slots missing")]


class HighestFound(Message):
    """One row for each span that was asked, in their order."""

    rows: list[HighestSlot]
    as_of: AsOf


class HighestOperations(Api):
    """The highest quarter-hours."""

    @query(permit="reading.publish", problems=(WholeCompanyOnly,))
    def highest(self, call: Call, request: AskHighest) -> HighestFound:
        """The highest quarter-hours of meters, for the whole company: the demand of those that have no demand register."""

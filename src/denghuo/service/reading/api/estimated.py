"""Ends of reads that were estimated (估计示数的电量): how much energy lies between them and the last register that was read."""

from typing import Annotated

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, Label, Message, query
from denghuo.kernel.fields import AsOf, Instant, MeterNo, MonthText, PointNo
from denghuo.kernel.values import Energy
from denghuo.service.reading.api.vocabulary import Band, Method, Piece, Quantity


class EstimatedEndsAsked(Message):
    """Points whose reads of a month are asked for. known_at: as they were known then, else by the month's plan as it is."""

    month: MonthText
    point_nos: Annotated[list[PointNo], Field(min_length=1, max_length=ITEMS_MAX)]
    known_at: Instant | None = None


class EstimatedEnd(Message):
    """A read of which the beginning or the end is estimated: its energy that lies beyond the registers that were read."""

    point_no: PointNo
    meter_no: MeterNo
    piece: Piece
    quantity: Quantity
    band: Band
    method: Method
    energy: Annotated[Energy, Label("估计电量", "Energy estimated")]


class EstimatedEndsFound(Message):
    rows: list[EstimatedEnd]
    as_of: AsOf


class EstimatedOperations(Api):
    """What of reads is estimated."""

    @query(permit="reading.read")
    def estimated_ends(self, call: Call, request: EstimatedEndsAsked) -> EstimatedEndsFound:
        """The reads of points whose beginning or end is estimated, with the energy that no register that was read bears out."""

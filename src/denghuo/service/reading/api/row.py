"""A register over a piece of a month, as reads and energies have it alike."""

from datetime import datetime
from typing import Annotated

from denghuo.kernel.contract import Label, Message
from denghuo.kernel.fields import AccountNo, AreaNo, FeederNo, MeterNo, OrganisationCode, PointNo, PointRole
from denghuo.kernel.values import Multiplier
from denghuo.service.reading.api.vocabulary import (
    Band,
    Days,
    End,
    Measured,
    Method,
    Piece,
    Quantity,
    RuleCode,
    Start,
    Status,
)


class RegisterRow(Message):
    """What a register of a point's piece went on by, and how that is known. Points of the network have no account."""

    point_no: PointNo
    piece: Piece
    quantity: Quantity
    band: Band
    account_no: AccountNo | None
    area_no: AreaNo | None
    feeder_no: FeederNo | None
    org: OrganisationCode
    role: PointRole
    meter_no: MeterNo
    from_at: Annotated[datetime, Label("起始时间", "From")]
    to_at: Annotated[datetime, Label("终止时间", "To")]
    start: Start
    end: End
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    energy: Measured
    status: Status
    rule: RuleCode
    method: Method
    days_estimated: Days

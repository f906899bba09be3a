"""Contract of meter exchanges (换表)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import (
    Api,
    Call,
    Event,
    Label,
    Message,
    Page,
    command,
    query,
)
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    Instant,
    MeterNo,
    MonthText,
    OrganisationCode,
    PointNo,
)
from denghuo.kernel.values import Multiplier, Register
from denghuo.service.point.api.network import Total


class Exchange(Message):
    """A meter exchange (换表). The final register is left out where nobody wrote it down."""

    point_no: PointNo
    old_meter_no: Annotated[MeterNo, Label("旧表号", "Old meter")]
    new_meter_no: Annotated[MeterNo, Label("新表号", "New meter")]
    exchanged_at: Annotated[Instant, Label("换表时间", "Exchanged at")]
    old_final_fwd: Annotated[Register | None, Label("旧表正向止度", "Old meter's final forward register")] = None
    old_final_rev: Annotated[Register | None, Label("旧表反向止度", "Old meter's final reverse register")] = None
    new_start_fwd: Annotated[Register, Label("新表正向起度", "New meter's first forward register")]
    new_start_rev: Annotated[Register | None, Label("新表反向起度", "New meter's first reverse register")] = None
    new_multiplier: Annotated[Multiplier, Label("新表倍率", "New multiplier")]


class ExchangeMeters(Message):
    exchanges: Annotated[list[Exchange], Field(min_length=1, max_length=ITEMS_MAX)]


class ExchangeRow(Exchange):
    account_no: AccountNo | None
    org: OrganisationCode


class FindExchanges(Page):
    """Meter exchanges, the newest first."""

    month: MonthText | None = None
    org: OrganisationCode | None = None


class Exchanges(Message):
    rows: list[ExchangeRow]
    total: Total
    next: str | None
    as_of: AsOf


class MeterExchanged(Event, name="point.meter.exchanged", version=1):
    point_no: str
    account_no: str | None
    old_meter_no: str
    new_meter_no: str
    exchanged_on: date


class ExchangeOperations(Api):
    """Exchanges as they are recorded and found."""

    @command(permit="point.exchange", emits=(MeterExchanged,))
    def exchange_meters(self, call: Call, request: ExchangeMeters) -> BatchTaken:
        """Records up to 1,000 meter exchanges. All points of the old meter go over to the new one."""

    @query(permit="point.read")
    def find_exchanges(self, call: Call, request: FindExchanges) -> Exchanges:
        """Meter exchanges, the newest first."""

"""Messages and operations about curves as they were received (负荷曲线): 15-minute values of a gateway or a meter."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Api, Call, Label, Message, query
from denghuo.kernel.fields import AsOf, Day, Instant, MonthText
from denghuo.kernel.problem import NotFound
from denghuo.kernel.values import Energy, Power, ReactiveEnergy
from denghuo.service.reading.api.vocabulary import PerUnit, ReactivePower, Volts


class CurveDay(Message):
    """A day of a gateway (by area number) or of a meter."""

    subject: Annotated[str, Field(max_length=32), Label("曲线对象", "Subject")]
    day: Day


class CurveMonth(Message):
    """The month of a gateway or of a meter; known_at: as its curve was known then, without what was corrected since."""

    subject: Annotated[str, Field(max_length=32), Label("曲线对象", "Subject")]
    month: MonthText
    known_at: Annotated[Instant | None, Label("以当时所知为准", "As known at")] = None


class CurveValues(Message):
    """15-minute values from `starts` on, as parallel lists; a series that was never received is an empty list."""

    subject: Annotated[str, Label("曲线对象", "Subject")]
    starts: Annotated[date, Label("起始日期", "First day")]
    minutes: Annotated[int, Label("间隔(分钟)", "Minutes a slot")]
    power: Annotated[list[Power | None], Label("有功功率", "Active power")]
    reactive: Annotated[list[ReactivePower | None], Label("无功功率", "Reactive power")]
    per_unit: Annotated[list[PerUnit | None], Label("电压标幺值", "Voltage per unit")]
    voltage: Annotated[list[Volts | None], Label("电压", "Voltage")]
    energy: Annotated[list[Energy | None], Label("正向有功电量", "Active energy, forward")] = []
    energy_rev: Annotated[list[Energy | None], Label("反向有功电量", "Active energy, reverse")] = []
    reactive_energy: Annotated[list[ReactiveEnergy | None], Label("正向无功电量", "Reactive energy, forward")] = []
    reactive_energy_rev: Annotated[list[ReactiveEnergy | None], Label("反向无功电量", "Reactive energy, reverse")] = []
    energy_a: Annotated[list[Energy | None], Label("A相正向有功电量", "Active energy of phase A, forward")] = []
    energy_b: Annotated[list[Energy | None], Label("B相正向有功电量", "Active energy of phase B, forward")] = []
    energy_c: Annotated[list[Energy | None], Label("C相正向有功电量", "Active energy of phase C, forward")] = []
    received: Annotated[int, Label("到数点数", "Values received")]
    expected: Annotated[int, Label("应有点数", "Values expected")]
    as_of: AsOf


class CurveNotFound(NotFound, noun="reading", status=404, zh="未找到该曲线", en="No such curve"):
    """Fields: subject. Raised also for a subject outside the caller's scope."""


class CurveValuesOperations(Api):
    """Curves as they were received."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def curve(self, call: Call, request: CurveDay) -> CurveValues:
        """The 96 values of a day of a gateway or a meter."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def curve_month(self, call: Call, request: CurveMonth) -> CurveValues:
        """The month's 15-minute values of a gateway or a meter."""

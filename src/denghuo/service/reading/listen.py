"""What reading hears: what terminals gave is taken in like any other intake, judged by the same rules."""

from denghuo.kernel.contract import Call, on
from denghuo.service.acquisition.api import ClocksMeasured, CurvesCollected, RegistersCollected
from denghuo.service.reading.api import Intake
from denghuo.service.reading.service import ReadingService


@on(RegistersCollected)
def take_registers(service: ReadingService, call: Call, event: RegistersCollected) -> None:
    """Registers that terminals gave are taken in."""
    service.receive_registers(call, Intake(rows=event.rows))


@on(CurvesCollected)
def take_curves(service: ReadingService, call: Call, event: CurvesCollected) -> None:
    """Curves that terminals gave are taken in, as energies after the multiplier."""
    service.receive_curves(call, Intake(rows=service.energies(call, event.rows)))


@on(ClocksMeasured)
def doubt_clocks(service: ReadingService, call: Call, event: ClocksMeasured) -> None:
    """Clocks were measured: what meters gave while theirs was off is judged by the rule of it."""
    service.clocks_measured(call, event.at, [(one.meter_no, one.offset_s) for one in event.clocks])

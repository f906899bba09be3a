"""Q/GDW 376.1, between master and terminals (电力用户用电信息采集系统通信协议第1部分：主站与采集终端); 1376.1 has the same frames.

Data units carry no length: what they hold is a table for every function and Fn (data/units.csv), for events by their number.
"""

from denghuo.service.acquisition.protocol.gdw3761.explain import explain
from denghuo.service.acquisition.protocol.gdw3761.frame import FRAMING, Frame, decode, encode
from denghuo.service.acquisition.protocol.gdw3761.units import (
    Event,
    Unit,
    counts,
    events,
    items,
    kinds,
    numbers,
    settle,
    unit_bytes,
    units,
)

__all__ = [
    "FRAMING",
    "Event",
    "Frame",
    "Unit",
    "counts",
    "decode",
    "encode",
    "events",
    "explain",
    "items",
    "kinds",
    "numbers",
    "settle",
    "unit_bytes",
    "units",
]

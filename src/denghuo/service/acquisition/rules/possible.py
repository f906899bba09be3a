"""Which orders the protocol of a terminal, direct meter or station has."""

from collections.abc import Mapping

TERMINALS = frozenset({"events", "check_clock", "set_clock", "set_times", "switch_off", "switch_on"})
METERS = frozenset({"check_clock", "set_clock", "change_keys", "switch_off", "switch_on"})
ORDERS_OF: Mapping[str, frozenset[str]] = {
    "gdw3761": TERMINALS | {"set_parameter"},
    "dlt698": TERMINALS,
    "dlms": METERS,
    "hdlc": METERS,
    # A station takes the time and has no message that tells it.
    "iec104": frozenset({"set_clock"}),
    # Its messages carry no proof of a cipher machine, so nobody is switched over them.
    "mqtt": frozenset({"events", "check_clock", "set_clock", "set_times"}),
    # Meters behind a gateway are read only.
    "dlt645": frozenset(),
}

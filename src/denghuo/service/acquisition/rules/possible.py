"""Which orders the protocol of a terminal, direct meter or station has."""

from collections.abc import Mapping

TERMINALS = frozenset({"events", "check_clock", "set_clock", "set_times", "switch_off", "switch_on"})
METERS = frozenset({"check_clock", "set_clock", "change_keys", "switch_off", "switch_on"})
ORDERS_OF: Mapping[str, frozenset[str]] = {
    "gdw3761": TERMINALS | {"set_parameter"},
    "dlt698": TERMINALS | {"set_parameter"},
    "dlms": METERS,
    "hdlc": METERS,
    # A station takes the time and has no message that tells it.
    "iec104": frozenset({"set_clock"}),
    # Makers agree on no register for clock or relay.
    "modbus": frozenset(),
    # It passes frames of DL/T 645 on to its meters, which carry the proof of a cipher machine.
    "mqtt": TERMINALS | {"set_parameter"},
    # Of the meters behind a gateway, each by itself; nobody asks them for events yet.
    "dlt645": (TERMINALS - {"events"}) | {"set_parameter"},
}

"""What a meter took between two midnights of a plan for line loss (线损抄表). Pure."""

from collections.abc import Mapping
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.service.reading.rules import energy_wh


def energy_between(first: Mapping[str, Any], last: Mapping[str, Any]) -> tuple[int | None, TextPair | None]:
    """Wh between two registers of a point, and what is to be known of them; no energy where they do not tell it.

    first, last: `meter_no`, `shown_e4` (1e-4 of the unit), `late` (read after its midnight) and `multiplier` of each.
    """
    before, after = first["shown_e4"], last["shown_e4"]
    if before is None or after is None:
        return None, TextPair(zh="示数未抄齐", en="A register is not read yet")
    if (first["meter_no"], first["multiplier"]) != (last["meter_no"], last["multiplier"]):
        return None, TextPair(
            zh=f"期间换表或改变倍率（{first['meter_no']} → {last['meter_no']}）",
            en=f"The meter or its ratio was changed ({first['meter_no']} → {last['meter_no']})",
        )
    if after < before:
        return None, TextPair(zh="止示数小于起示数，请核对", en="The end lies below the start; check them")
    late = first["late"] or last["late"]
    said = TextPair(zh="现场当前值，与其他表计不同时", en="As it showed later than the other meters") if late else None
    return energy_wh(after - before, last["multiplier"]), said

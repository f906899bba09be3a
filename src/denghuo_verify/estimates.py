"""What of a bill rests on estimates (估计电量), as the readings file says it: computed again where the curves are given.

Of a register that was shared over bands by its curve it is what the register has beyond the values that were received; of points it
is the energy of those that were filled. What lies beyond the last register that was read is taken as it stands.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from denghuo_verify.curves import METHOD, on_days
from denghuo_verify.energy import WH, NoBill
from denghuo_verify.figures import ZERO, half_up, number
from denghuo_verify.report import Finding, Report, finding
from denghuo_verify.stages import days_from, stages_of, touching

FILLED = frozenset({"curve_estimated", "curve_gaps"})
Parts = Mapping[str, Any]


def check_estimates(document: Parts, report: Report) -> None:
    """Compares what the file says with what follows from it; adds notes on what does not."""
    told = document.get("estimates")
    if told is None:
        return
    parts = told["parts"]
    amounts = [part for part in parts if part["thing"] == "amount"]
    if amounts:
        energy = sum((number(part["energy"]) for part in amounts), ZERO)
        report.notes.append(
            Finding(
                "estimates",
                f"止码或起码为估计的电量 {energy} 千瓦时，按所载数值核对",
                f"{energy} kWh lie beyond the registers that were read and are taken as they stand",
            )
        )
    report.differs += _whole_differs(told, document["bill"])
    report.differs += _points_differ(parts, document["bill"])
    if document.get("curves"):
        try:
            right = dict(_by_meter(document))
        except NoBill:
            # The bill as a whole says it.
            return
        report.differs += _bands_differ(parts, right)


def _whole_differs(told: Parts, bill: Parts) -> Iterator[Finding]:
    energy = sum((number(part["energy"]) for part in told["parts"]), ZERO)
    if number(told["energy"]) != energy:
        yield finding("estimates", "估计电量不等于各项之和", "the parts do not add up", number(told["energy"]), energy)
    billed = number(bill["energy"])
    right = min(half_up(1000 * energy / billed, 0), Decimal(1000)) if billed > 0 else None
    stated = None if told.get("per_mille") is None else Decimal(told["per_mille"])
    if stated != right:
        yield finding("estimates", "估计电量占比不符", "the share is another one", stated, right)


def _points_differ(parts: list[Parts], bill: Parts) -> Iterator[Finding]:
    stated = sum((number(part["energy"]) for part in parts if part["thing"] == "point"), ZERO)
    right = ZERO
    for stage in bill["rating"].get("stages") or [bill["rating"]]:
        slots = (stage.get("market") or {}).get("slots") or {}
        right += sum((slots["actual_wh"][at] * WH for at in slots.get("estimated") or []), ZERO)
    if stated != right:
        yield finding("estimates", "结算点的估计电量不符", "another energy of points was filled", stated, right)


def _by_meter(document: Parts) -> Iterator[tuple[str, Decimal]]:
    """kWh of each meter that its registers have beyond its curve, where bands were filled with that."""
    bill, further = document["bill"], document.get("tariffs", [])
    found: dict[str, Decimal] = {}
    for first, last, _, _ in stages_of(bill, document["tariff"], further):
        days = days_from(first, last)
        registers = touching(document["readings"], first, last)
        for curve in document["curves"]:
            mine = [
                one for one in registers if (one["meter_no"], one["quantity"]) == (curve["meter_no"], curve["quantity"])
            ]
            if not any(one["method"] == METHOD and one["rule"] in FILLED for one in mine):
                continue
            over = on_days({**curve, "values": curve["estimated"]}, days) if curve.get("estimated") else {}
            seen = sum(
                (
                    value
                    for day, values in on_days(curve, days).items()
                    for value, guess in zip(values, over.get(day, [None] * len(values)), strict=True)
                    if value is not None and guess is None
                ),
                ZERO,
            )
            register = sum((number(one["energy"]) for one in mine if one["band"] == "total"), ZERO)
            found[curve["meter_no"]] = found.get(curve["meter_no"], ZERO) + max(register - seen, ZERO)
    yield from found.items()


def _bands_differ(parts: list[Parts], right: Mapping[str, Decimal]) -> Iterator[Finding]:
    guessed = {part["meter_no"] for part in parts if part["thing"] == "amount"}
    stated: dict[str, Decimal] = {}
    for part in parts:
        if part["thing"] == "band":
            stated[part["meter_no"]] = stated.get(part["meter_no"], ZERO) + number(part["energy"])
    for meter_no in sorted({*stated, *right} - guessed):
        one, other = stated.get(meter_no, ZERO), right.get(meter_no, ZERO)
        if one != other:
            yield finding(
                f"estimates {meter_no}",
                f"表 {meter_no} 的估计电量与示数减曲线不符",
                f"meter {meter_no}: what is estimated is not what the register has beyond the curve",
                one,
                other,
            )

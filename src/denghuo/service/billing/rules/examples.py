"""The tests inside a tariff: rated, and compared with what they expect."""

from collections.abc import Iterable, Mapping

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Money
from denghuo.service.billing.lines import BasicSpan, CannotRate, Generated, MeteredPiece, RatingSubject
from denghuo.service.billing.rules.rating import rate
from denghuo.service.tariff.api import Band, Example, Finding, QuantityKind, TariffDocument


def subject_of(example: Example, tariff: TariffDocument) -> RatingSubject:
    """The example as a contract's month."""
    pieces = [_piece(row.quantity, row.band, row.value.wh) for row in example.quantities]
    if example.reactive is not None:
        pieces.append(_piece("reactive_fwd", "total", example.reactive.wh))
    if example.demand is not None:
        pieces.append(_piece("demand", "total", example.demand.w))
    month = Month.of(example.month)
    span = BasicSpan(
        first_day=month.first_day,
        last_day=month.first_day.replace(day=month.day_count),
        capacity_va=example.capacity.va if example.capacity else None,
        contract_w=example.contract_demand.w if example.contract_demand else None,
    )
    return RatingSubject(
        kind=tariff.kind,
        tariff_class=example.tariff_class or tariff.classes[0],
        settlement=example.settlement or tariff.settlements[0],
        voltage=example.voltage,
        month=example.month,
        pieces=pieces,
        used_before_wh=example.used_before.wh,
        tier_months=example.tier_months,
        reading_months=example.reading_months,
        tier_extra_wh=example.tier_extra.wh,
        free_months=example.free_months,
        spans=[span] if example.capacity or example.contract_demand else [],
        standard=example.standard,
        agency_case=example.agency_case,
        charging_station=example.charging_station,
        generation=_generated(example),
    )


def _generated(example: Example) -> Generated | None:
    if example.plant is None:
        return None
    return Generated(
        generated_wh=sum(row.value.wh for row in example.quantities if row.quantity == "active_rev"),
        subsidised_before_wh=example.plant.subsidised_before.wh,
        capacity_w=example.plant.capacity.w,
        connected_on=example.plant.connected_on,
    )


def _piece(quantity: QuantityKind, band: Band, value_milli: int) -> MeteredPiece:
    return MeteredPiece(point_no="EXAMPLE", meter_no="EXAMPLE", quantity=quantity, band=band, value_milli=value_milli)


def example_faults(tariff: TariffDocument) -> list[Finding]:
    """Where the tariff's own examples come out otherwise than they say; empty when all are right. The checker of tariffs holds
    this as a port, so that a tariff whose examples fail is not published."""
    faults: list[Finding] = []
    for at, example in enumerate(tariff.examples):
        try:
            rated = rate(subject_of(example, tariff), tariff)
        except CannotRate as refused:
            said = TextPair(
                zh=f"示例“{example.title}”无法计费：{refused.detail['zh']}",
                en=f"Example '{example.title}' cannot be rated: {refused.detail['en']}",
            )
            faults.append(Finding(where=f"/examples/{at}", severity="error", message=said))
            continue
        got = _amounts((line.code, line.band, line.tier, line.amount) for line in rated.lines)
        wanted = _amounts((line.code, line.band, line.tier, line.amount) for line in example.lines)
        if got != wanted or rated.total != example.total:
            zh = "；".join(
                f"{name} 应为 {wanted.get(name, '无')}，实为 {got.get(name, '无')}" for name in _apart(wanted, got)
            )
            en = "; ".join(
                f"{name} expected {wanted.get(name, 'none')}, got {got.get(name, 'none')}"
                for name in _apart(wanted, got)
            )
            said = TextPair(
                zh=f"示例“{example.title}”：{zh}；合计应为 {example.total}，实为 {rated.total}",
                en=f"Example '{example.title}': {en}; total expected {example.total}, got {rated.total}",
            )
            faults.append(Finding(where=f"/examples/{at}", severity="error", message=said))
    return faults


def _amounts(lines: Iterable[tuple[str, Band | None, int | None, Money]]) -> dict[str, str]:
    """The amounts by the words of their line: component, band and tier. Lines that have these in common stand one after another."""
    found: dict[str, str] = {}
    for code, band, tier, amount in sorted(lines, key=lambda one: (one[0], one[1] or "", one[2] or 0, one[3].fen)):
        name = " ".join(str(part) for part in (code, band, tier) if part is not None)
        found[name] = f"{found[name]} + {amount}" if name in found else str(amount)
    return found


def _apart(wanted: Mapping[str, str], got: Mapping[str, str]) -> list[str]:
    return sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))

"""The tests inside a tariff: rated, and compared with what they expect."""

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.service.billing.lines import BasicSpan, CannotRate, MeteredPiece, RatingSubject
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
        tariff_class=tariff.classes[0],
        settlement=tariff.settlements[0],
        voltage=example.voltage,
        month=example.month,
        pieces=pieces,
        used_before_wh=example.used_before.wh,
        spans=[span] if example.capacity or example.contract_demand else [],
        standard=example.standard,
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
        got = sorted((line.code, line.band or "", line.tier or 0, str(line.amount)) for line in rated.lines)
        wanted = sorted((line.code, line.band or "", line.tier or 0, str(line.amount)) for line in example.lines)
        if got != wanted or rated.total != example.total:
            said = TextPair(
                zh=f"示例“{example.title}”应为 {wanted}、合计 {example.total}，实为 {got}、合计 {rated.total}",
                en=f"Example '{example.title}' expects {wanted}, total {example.total}; got {got}, total {rated.total}",
            )
            faults.append(Finding(where=f"/examples/{at}", severity="error", message=said))
    return faults

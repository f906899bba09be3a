"""The making of a bill line: one place, so that a line's sentence is always that of its steps."""

from denghuo.kernel.values import Money, Price
from denghuo.service.billing.lines import BillLine, Step, Unit
from denghuo.service.billing.rules.words import pair, sentence
from denghuo.service.tariff.api import Band, Group, PriceAt, TariffDocument


def made(
    code: str,
    title: tuple[str, str],
    group: Group,
    tariff: TariffDocument,
    row: PriceAt | None,
    document: str,
    quantity: int | None,
    unit: Unit,
    price: Price | None,
    amount: Money,
    steps: list[Step],
    arithmetic: str,
    band: Band | None = None,
    tier: int | None = None,
) -> BillLine:
    """A bill line under a tariff. quantity: thousandths of the unit."""
    return BillLine(
        code=code,
        title=pair(*title),
        group=group,
        band=band,
        tier=tier,
        quantity_milli=quantity,
        unit=unit,
        price=price,
        amount=amount,
        tariff_code=tariff.code,
        tariff_version=tariff.version,
        document_no=document,
        illustrative=row is not None and row.illustrative,
        note=row.note if row is not None else None,
        steps=steps,
        sentence=sentence(steps),
        arithmetic=arithmetic,
    )

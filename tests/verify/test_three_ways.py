"""One month three ways: the columns over many contracts, the rules for one, and the verifier in plain decimals; the same fen."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from denghuo.service.billing.engine.plan import price_plan
from denghuo.service.billing.rules.quantities import wanted_quantity
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published
from tests.service.billing.rules.make import piece, subject
from tests.service.billing.test_engine import MONTH, REGISTERS, by_columns, settled, tariffs
from tests.verify.make import agreeing

SHIPPED = [
    document
    for name in ("shanghai", "beijing", "zhejiang", "shandong", "hunan", "hebei", "shenzhen")
    for document in published(name) or []
    if price_plan(document, MONTH, document.voltages[0]) is not None
]
HOUSEHOLD = st.dictionaries(
    st.sampled_from(["total", "sharp", "peak", "flat", "valley", "deep"]), st.integers(0, 10**7), min_size=1
)


def alike(document: TariffDocument, registers: dict[str, int], used: int, months: int) -> None:
    voltage = document.voltages[0]
    plan = price_plan(document, MONTH, voltage)
    assert plan is not None
    bands = settled(plan, registers)
    assume(bands is not None)
    assert bands is not None
    lines = by_columns(plan, bands, used, months)
    assume(lines is not None)
    quantity = wanted_quantity(document)
    pieces = [piece("0", quantity, band).model_copy(update={"value_milli": value}) for band, value in registers.items()]
    contract = subject(
        *pieces,
        kind=document.kind,
        tariff_class=document.classes[0],
        settlement=document.settlements[0],
        voltage=voltage,
        used_before_wh=used,
        tier_months=months,
    )
    rated = agreeing(contract, document)
    assert lines == [
        (line.code, line.tier, line.band, line.quantity_milli, line.price.e8 if line.price else 0, line.amount.fen)
        for line in rated.lines
    ]
    assert rated.total.fen == sum(line[5] for line in lines)  # type: ignore[misc]


@given(document=tariffs(), registers=REGISTERS, used=st.integers(0, 10**8), months=st.integers(1, 12))
@settings(deadline=None, max_examples=100)
def test_any_tariff_of_energy(document: TariffDocument, registers: dict[str, int], used: int, months: int) -> None:
    alike(document.model_copy(update={"voltages": ["0.38"]}), registers, used, months)


@given(
    document=st.sampled_from(SHIPPED), registers=HOUSEHOLD, used=st.integers(0, 6 * 10**6), months=st.integers(1, 12)
)
@settings(deadline=None, max_examples=100)
def test_the_shipped_tariffs(document: TariffDocument, registers: dict[str, int], used: int, months: int) -> None:
    alike(document, registers, used, months)

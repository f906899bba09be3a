"""Lines of claims: what all of them have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from denghuo.kernel.values import Money, Price, round_half_up
from denghuo.service.billing.lines import Claim, ClaimGroup, ClaimLine, Step, Unit
from denghuo.service.billing.rules.registry import RULES
from denghuo.service.billing.rules.words import milli, pair, sentence, step
from denghuo.service.tariff.api import Band


@dataclass(frozen=True)
class PricedEnergy:
    """Energy of a piece of time at the price of that time: Wh (negative = too much was billed) and 1e-8 yuan per kWh.

    period: words of the piece ("2026-03"); code, title, document: of the price component where energy is priced by components;
    steps: how the energy was found.
    """

    energy_wh: int
    price: Price
    period: str = ""
    band: Band | None = None
    code: str = "energy"
    title: tuple[str, str] = ("电度电费", "Energy charge")
    document: str | None = None
    steps: Sequence[Step] = ()

    @property
    def exact_fen(self) -> Fraction:
        """The charge before it is rounded."""
        return Fraction(self.price.e8 * self.energy_wh, 10**9)


def rounded(value: Fraction) -> Money:
    """Fen to the nearest, half up, away from zero."""
    return Money(round_half_up(value.numerator, value.denominator))


def line(
    group: ClaimGroup,
    code: str,
    title: tuple[str, str],
    rule: str,
    amount: Money,
    arithmetic: str,
    steps: Sequence[Step],
    *,
    quantity_milli: int | None = None,
    unit: Unit = "kWh",
    price: Price | None = None,
    band: Band | None = None,
    document: str | None = None,
) -> ClaimLine:
    """A line whose last step is its arithmetic and whose sentence is that of its steps."""
    cited = RULES[rule]
    said = step("charge", {"amount": str(amount)}, f"金额：{arithmetic} 元。", f"Amount: {arithmetic} yuan. ", rule)
    every = [*steps, said]
    return ClaimLine(
        code=code,
        title=pair(*title),
        group=group,
        band=band,
        quantity_milli=quantity_milli,
        unit=unit,
        price=price,
        amount=amount,
        rule=rule,
        document_no=document or cited.document,
        steps=every,
        sentence=sentence(every),
        arithmetic=arithmetic,
    )


def of_period(period: str) -> list[Step]:
    """The step that names a piece of time; none where it has no name."""
    return [step("days", {"period": period}, f"{period}：", f"{period}: ")] if period else []


def energy_line(group: ClaimGroup, rule: str, one: PricedEnergy, steps: Sequence[Step]) -> ClaimLine:
    """energy x price of one piece."""
    amount = rounded(one.exact_fen)
    said = [*steps, *one.steps, *of_period(one.period)]
    return line(
        group,
        one.code,
        one.title,
        rule,
        amount,
        f"{milli(one.energy_wh)} kWh × {one.price} = {amount}",
        said,
        quantity_milli=one.energy_wh,
        price=one.price,
        band=one.band,
        document=one.document,
    )


def penalty_line(
    group: ClaimGroup, code: str, title: tuple[str, str], rule: str, base: Fraction, times: int, steps: Sequence[Step]
) -> ClaimLine:
    """N times an amount, taken before the amount is rounded, so that a rounded fen is not multiplied."""
    amount = rounded(base * times)
    exact = _fen_text(base)
    return line(group, code, title, rule, amount, f"{exact} × {times} = {amount}", steps)


def _fen_text(base: Fraction) -> str:
    """Yuan with as many decimals as the amount has, at most eight."""
    scaled = round_half_up(base.numerator * 10**6, base.denominator)
    return str(Price(scaled)) if scaled % 10**6 else str(Money(scaled // 10**6))


def claim(lines: Sequence[ClaimLine], energy_wh: int | None = None) -> Claim:
    """A claim of lines, with their sum. energy_wh: what it charges in Wh, None where it is of no energy."""
    return Claim(lines=list(lines), total=Money(sum(one.amount.fen for one in lines)), energy_wh=energy_wh)

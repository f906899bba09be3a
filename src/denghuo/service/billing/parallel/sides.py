"""The two sides of a comparison, and a cause of their difference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import round_half_up
from denghuo.service.billing.lines import Rated, RatingSubject
from denghuo.service.tariff.api import TariffDocument


@dataclass(frozen=True)
class OldSide:
    """A bill of the old system. Energies in Wh, quantities in thousandths, prices in 1e-8 yuan, amounts in fen; None = not told."""

    energy_wh: int | None
    amount_fen: int
    tariff_class: str | None = None
    used_before_wh: int | None = None
    lines: Sequence["Figures"] = ()


@dataclass(frozen=True)
class Figures:
    """A line of either bill."""

    component: str
    band: str | None
    tier: int | None
    quantity_milli: int | None
    price_e8: int | None
    amount_fen: int


@dataclass(frozen=True)
class OurSide:
    """Our bill: its lines as they stand, and what it is rated from.

    subject: None where the month was rated in stages or is not kept: then nothing is rated again. tariffs: those in force in the
    month; versions: the others of our tariff. factor: our power factor in hundredths, where the bill has one.
    """

    energy_wh: int
    amount_fen: int
    lines: Sequence[Figures]
    groups: Mapping[str, str]
    """Group by component code."""
    in_base: frozenset[str]
    """Components that the power factor is taken on."""
    factor: int | None = None
    subject: RatingSubject | None = None
    tariff: TariffDocument | None = None
    others: Mapping[str, TariffDocument] = field(default_factory=dict)
    tariffs: Callable[[], Sequence[TariffDocument]] = tuple
    versions: Callable[[], Sequence[TariffDocument]] = tuple
    rated: Rated | None = None


@dataclass(frozen=True)
class Cause:
    """A part of ours less the old amount, in fen; code: a verdict of api.parallel, `unexplained` for what nothing gives."""

    code: str
    amount_fen: int
    sentence: TextPair


def value_fen(quantity_milli: int, price_e8: int) -> int:
    """quantity x price in fen, rounded as on bills."""
    return round_half_up(quantity_milli * price_e8, 10**9)

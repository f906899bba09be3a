"""What is wrong with the facts of a claim: the field with its value, and what to do."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol

from denghuo.kernel.contract import Label, Message
from denghuo.kernel.problem import text
from denghuo.service.billing.api.claim import ClaimEnergy
from denghuo.service.billing.misfits import Misfit, refused
from denghuo.service.billing.rules.claims import PricedEnergy


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


def require(misfits: Iterable[Misfit]) -> None:
    """
    Raises:
        NotTriable: with an error for each field that does not fit.
    """
    found = list(misfits)
    if found:
        raise refused(found)


def label(message: type[Message], field: str) -> Label:
    """What a field is called."""
    return next(one for one in message.model_fields[field].metadata if isinstance(one, Label))


def missing(message: type[Message], *fields: str, at: str = "") -> Misfit:
    """Nothing was given of these fields, one of which must be."""
    labels = [label(message, field) for field in fields]
    zh, en = "”或“".join(one.zh for one in labels), "” or “".join(one.en for one in labels)
    return Misfit(at + fields[0], "", text(f"请填写“{zh}”。", f"Give “{en}”."))


def above_zero(field: str, value: _Numbered) -> Iterator[Misfit]:
    """A misfit where a value is not above zero."""
    if value.number <= 0:
        yield Misfit(
            field,
            str(value),
            text(f"{value} 应大于 0，请更正。", f"{value} must be above zero; correct it."),
        )


def at_most(field: str, times: int | None, most: int) -> Iterator[Misfit]:
    """A misfit where more times the charge are asked for than the document allows."""
    if times is not None and times > most:
        said = text(f"违约倍数最多 {most} 倍，请改小或不填。", f"The text allows at most {most} times; ask for less.")
        yield Misfit(field, str(times), said)


def not_before(field: str, last: date, first: date) -> Iterator[Misfit]:
    """A misfit where the last day lies before the first."""
    if last < first:
        said = text(
            f"止日 {last} 早于起日 {first}，请更正。",
            f"The last day {last} lies before the first, {first}; correct it.",
        )
        yield Misfit(field, last.isoformat(), said)


def used_energies(field: str, energies: Sequence[ClaimEnergy]) -> Iterator[Misfit]:
    """Energies that were used: none is negative."""
    for at, one in enumerate(energies):
        if one.energy.wh < 0:
            said = text("电量不能为负，请更正。", "The energy may not be negative; correct it.")
            yield Misfit(f"{field}.{at}.energy", str(one.energy), said)


def priced(one: ClaimEnergy) -> PricedEnergy:
    """An energy of a claim as the rules take it: Wh, price, period, and band or None for all bands together."""
    return PricedEnergy(one.energy.wh, one.price, one.period, None if one.band == "total" else one.band)

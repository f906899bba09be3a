"""Which tariff holds for a contract."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import overload

from denghuo.kernel.problem import text
from denghuo.service.billing.lines import CannotRate
from denghuo.service.tariff.api import TariffDocument, UnitAreas, covers


class Tariffs(Sequence[TariffDocument]):
    """Tariffs in force on days of a month, and the price areas of the units whose customers are billed by them."""

    def __init__(self, documents: Iterable[TariffDocument], areas: UnitAreas | None = None) -> None:
        self._documents = tuple(documents)
        self.areas = areas if areas is not None else UnitAreas()

    @classmethod
    def of(cls, tariffs: Iterable[TariffDocument]) -> "Tariffs":
        """The same, or tariffs that stand for all units alike."""
        return tariffs if isinstance(tariffs, cls) else cls(tariffs)

    @overload
    def __getitem__(self, at: int) -> TariffDocument: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[TariffDocument]: ...
    def __getitem__(self, at: int | slice) -> TariffDocument | Sequence[TariffDocument]:
        return self._documents[at]

    def __len__(self) -> int:
        return len(self._documents)

    def area(self, org: str, on: date) -> str | None:
        """The price area of a unit on a day; None where nothing is said of it."""
        found = self.areas.on(org, on) if self.areas else None
        return found.area if found is not None else None


def choose(
    tariffs: Iterable[TariffDocument],
    *,
    tariff_class: str,
    kind: str,
    settlement: str,
    on: date,
    code: str | None = None,
    area: str | None = None,
) -> TariffDocument:
    """The tariff of a contract on a day: the one it names, else the default of its class, kind and settlement in the price area
    of its unit. A part of an area, as 130000-S, takes those of the whole where it has none of its own.

    Raises:
        CannotRate: none fits, or more than one does.
    """
    in_force = [
        tariff
        for tariff in tariffs
        if tariff.effective_from <= on and (tariff.effective_to is None or on < tariff.effective_to)
    ]
    if code is not None:
        fitting = [tariff for tariff in in_force if tariff.code == code]
    else:
        fitting = [
            tariff
            for tariff in in_force
            if tariff.default
            and tariff.kind == kind
            and tariff_class in tariff.classes
            and settlement in tariff.settlements
            and (area is None or covers(tariff.area, area))
        ]
        fitting = [tariff for tariff in fitting if tariff.area == area] or fitting
    if len(fitting) == 1:
        return fitting[0]
    wanted = code or "/".join(filter(None, (kind, tariff_class, settlement, area)))
    if not fitting:
        raise CannotRate(
            text(
                f"{on.isoformat()} 没有适用的电价（{wanted}），请发布相应电价后重算。",
                f"No tariff is in force on {on.isoformat()} for {wanted}; publish one and rate again.",
            ),
            code="no_tariff",
            value=wanted,
        )
    codes = ", ".join(sorted(tariff.code for tariff in fitting))
    raise CannotRate(
        text(
            f"{wanted} 有多个适用电价：{codes}，请登记单位价区，或在合同中指定电价。",
            f"Several tariffs fit {wanted}: {codes}; enter the price area of the unit, or name one in the contract.",
        ),
        code="ambiguous_tariff",
        value=codes,
    )


def chosen(
    tariffs: Iterable[TariffDocument],
    *,
    tariff_class: str,
    kind: str,
    settlement: str,
    on: date,
    code: str | None,
    area: str | None,
) -> TariffDocument | None:
    """As `choose`; None where none fits, or more than one does."""
    try:
        return choose(tariffs, tariff_class=tariff_class, kind=kind, settlement=settlement, on=on, code=code, area=area)
    except CannotRate:
        return None

"""Which tariff holds for a contract."""

from collections.abc import Iterable
from datetime import date

from denghuo.kernel.problem import text
from denghuo.service.billing.lines import CannotRate
from denghuo.service.tariff.api import TariffDocument


def choose(
    tariffs: Iterable[TariffDocument],
    *,
    tariff_class: str,
    kind: str,
    settlement: str,
    on: date,
    code: str | None = None,
) -> TariffDocument:
    """The tariff of a contract on a day: the one it names, else the default of its class, kind and settlement.

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
        ]
    if len(fitting) == 1:
        return fitting[0]
    wanted = code or f"{kind}/{tariff_class}/{settlement}"
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
            f"{wanted} 有多个适用电价：{codes}，请在合同中指定。", f"Several tariffs fit {wanted}: {codes}; name one."
        ),
        code="ambiguous_tariff",
        value=codes,
    )


def chosen(
    tariffs: Iterable[TariffDocument], *, tariff_class: str, kind: str, settlement: str, on: date, code: str | None
) -> TariffDocument | None:
    """As `choose`; None where none fits, or more than one does."""
    try:
        return choose(tariffs, tariff_class=tariff_class, kind=kind, settlement=settlement, on=on, code=code)
    except CannotRate:
        return None

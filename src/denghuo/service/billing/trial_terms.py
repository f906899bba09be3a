"""What few contracts have, on a trial bill (试算专用条款): transformers and losses, who pays more or less, a plant's subsidy."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from denghuo.kernel.problem import Text, text
from denghuo.service.billing.api import Try
from denghuo.service.billing.lines import Generated
from denghuo.service.billing.misfits import Misfit
from denghuo.service.billing.special.days import Days
from denghuo.service.billing.special.losses import line_loss, losses_of, transformer_days
from denghuo.service.contract.api import SpecialTerms
from denghuo.service.tariff.api import TariffDocument

_LOSS_FIGURES = ("capacity_kva", "no_load_kw", "load_kw", "no_load_current", "impedance", "copper_share", "active_kwh")
_ABOVE_ZERO = text("应大于 0。", "Must be above zero.")
_NOT_NEGATIVE = text("不能为负。", "May not be negative.")
_LAST_BEFORE_FIRST = text("止日早于起日。", "The last day lies before the first.")


def term_misfits(request: Try, tariff: TariffDocument) -> Iterator[Misfit]:
    """What of the special terms does not fit, or has no effect by the tariff."""
    yield from _without_effect(request, tariff)
    for at, one in enumerate(request.transformers):
        if one.capacity_kva.va <= 0:
            yield Misfit(f"transformers.{at}.capacity_kva", str(one.capacity_kva), _ABOVE_ZERO)
        if one.last_day is not None and one.last_day < one.first_day:
            yield Misfit(f"transformers.{at}.last_day", one.last_day.isoformat(), _LAST_BEFORE_FIRST)
    yield from _twice_on_a_day(request)
    for at, loss in enumerate(request.losses):
        for name in _LOSS_FIGURES:
            value = getattr(loss, name)
            if value is not None and str(value).startswith("-"):
                yield Misfit(f"losses.{at}.{name}", str(value), _NOT_NEGATIVE)
        if loss.way == "table" and loss.transformer_no not in {row.transformer_no for row in request.loss_rows}:
            yield Misfit(
                "loss_rows",
                loss.transformer_no,
                text(
                    f"请填写变压器 {loss.transformer_no} 的损耗表。", f"Give the loss table of {loss.transformer_no}."
                ),
            )
        if loss.way == "agreed" and loss.active_kwh is None:
            yield Misfit(
                f"losses.{at}.active_kwh", "", text("请填写协议有功(月)。", "Give the active energy agreed a month.")
            )
    if (request.customer_energy is None) != (request.customer_capacity is None):
        lacking = "customer_energy" if request.customer_energy is None else "customer_capacity"
        yield Misfit(
            lacking,
            "",
            text("全部计量点的电量与容量须成对填写。", "Energy and capacity of all points are given as a pair."),
        )
    if request.plant is not None and request.plant.capacity.w <= 0:
        yield Misfit("plant.capacity", str(request.plant.capacity), _ABOVE_ZERO)


def _without_effect(request: Try, tariff: TariffDocument) -> Iterator[Misfit]:
    """Terms that the tariff knows nothing of: left in, they would seem to count."""
    basic = tariff.basic
    asked: tuple[tuple[str, bool, object, Text], ...] = (
        (
            "free_months",
            bool(request.free_months),
            tariff.free_energy,
            text("该电价没有免费电量，请清空。", "The tariff has no free energy; leave it out."),
        ),
        (
            "charging_station",
            request.charging_station,
            basic and basic.charging_stations,
            text("该电价不对充换电站免收基本电费，请清空。", "The tariff exempts no charging stations; leave it out."),
        ),
        (
            "plant",
            request.plant is not None,
            tariff.subsidy,
            text("该电价没有发电补贴，请清空。", "The tariff has no subsidy of generation; leave it out."),
        ),
        (
            "customer_energy",
            request.customer_energy is not None,
            basic and basic.discount,
            text("该电价没有需量电价优惠，请清空。", "The tariff has no discount on the demand price; leave it out."),
        ),
    )
    for field, given, there, what in asked:
        if given and not there:
            yield Misfit(field, "", what)


def _twice_on_a_day(request: Try) -> Iterator[Misfit]:
    """A transformer is in one state on a day."""
    ends: dict[str, date] = {}
    for at, one in sorted(enumerate(request.transformers), key=lambda row: row[1].first_day):
        if one.first_day <= ends.get(one.transformer_no, date.min):
            yield Misfit(
                f"transformers.{at}.first_day",
                one.first_day.isoformat(),
                text(
                    f"变压器 {one.transformer_no} 在该日已有另一状态，请核对起止日。",
                    f"Transformer {one.transformer_no} is in another state on this day; see the days.",
                ),
            )
        ends[one.transformer_no] = max(one.last_day or date.max, ends.get(one.transformer_no, date.min))


def terms_of(request: Try, days: Days, tariff: TariffDocument, exported_wh: int) -> dict[str, Any]:
    """The fields of `RatingSubject` that what was typed and fits gives. exported_wh: what a plant is taken to have generated where
    nobody says more."""
    special = SpecialTerms(transformers=request.transformers, losses=request.losses, loss_rows=request.loss_rows)
    plant = request.plant
    return {
        "transformers": [transformer_days(one) for one in request.transformers],
        # Nobody else is behind a transformer of a trial.
        "losses": list(losses_of(special, days, tariff.rounding.quantity_places, lambda *_: ())),
        "line_losses": [line_loss(one, days) for one in request.line_losses],
        "standard_lowered": request.standard_lowered,
        "agency_case": request.agency_case,
        "charging_station": request.charging_station,
        "free_months": request.free_months,
        "customer_energy_wh": None if request.customer_energy is None else request.customer_energy.wh,
        "customer_capacity_va": None if request.customer_capacity is None else request.customer_capacity.va,
        "generation": None
        if plant is None
        else Generated(
            generated_wh=exported_wh if plant.generated is None else plant.generated.wh,
            subsidised_before_wh=plant.subsidised_before.wh,
            capacity_w=plant.capacity.w,
            connected_on=plant.connected_on,
        ),
    }

"""A month as it should have been billed (应计电费), by what a case states. Pure, but for the tariffs in force that `terms` need.

Energies are corrected register by register, so that each keeps its own price; the registers say `corrected`, and beside them stands
by which factor and for which share of the month. A wrong multiplier corrects all that the meter tells; any other fault the active
energy alone, for the reactive energy and the demand of a faulty circuit do not follow from it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from denghuo.kernel.period import SHANGHAI, Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, round_half_up
from denghuo.service.billing.api.case import OpenCase
from denghuo.service.billing.api.claim import QuantityCorrection
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.cases.basis import Basis
from denghuo.service.billing.claims.correction import factor_of
from denghuo.service.billing.lines import BasicSpan, CannotRate, Step
from denghuo.service.billing.rules import Tariffs, choose
from denghuo.service.billing.rules.claims import correction
from denghuo.service.billing.rules.words import step

CORRECTED = "corrected"
ACTIVE = frozenset({"active_fwd", "active_rev"})
PLACES = 3
InForce = Callable[[date], Tariffs]
"""The tariffs in force on a day."""


@dataclass(frozen=True)
class Corrected:
    """A month put right: how, register by register, and what a reader is told."""

    basis: Basis
    why: Sequence[Step] = ()
    corrections: Sequence[dict[str, Any]] = ()


FAULTS = ("ratio", "meter", "elements", "billed_ratio", "transformers", "lost", "three_wire", "drop")


def quantity_facts(case: OpenCase) -> QuantityCorrection:
    """The cause of a case as the rules of correction take it."""
    return QuantityCorrection.model_validate({name: getattr(case, name) for name in FAULTS})


def corrected(case: OpenCase, basis: Basis, month: Month, span: BasicSpan, in_force: InForce, org: str) -> Corrected:
    """A month of a case as it should have been billed; span: its days that were billed, with the capacity that stands on the bill.
    Its tier position is not touched.

    Raises:
        CannotRate: it cannot be told.
    """
    if case.cause in ("ratio", "wiring", "meter"):
        _plain_metering(basis, month)
        return _by_factor(case, basis, span.first_day)
    if case.cause == "reading":
        _plain_metering(basis, month)
        return _by_energies(case, basis, month)
    if case.cause == "tariff":
        return _by_terms(case, basis, span, in_force, org)
    return Corrected(basis)


# --- quantities -------------------------------------------------------------------------------------------------------------


def _by_factor(case: OpenCase, basis: Basis, from_on: date) -> Corrected:
    facts = quantity_facts(case)
    factor, rule = factor_of(facts)
    first, last = max(case.from_on, from_on), min(case.to_on, basis.to_on)
    half = case.meter is not None and not case.meter.known_since
    pieces, corrections = [], []
    counted = {"registered": 0, "energy": 0}
    for piece in basis.pieces():
        share = _share(piece, first, last) / (2 if half else 1)
        wanted = case.meter_no in (None, piece.meter_no) and (case.cause == "ratio" or piece.quantity in ACTIVE)
        if not wanted or not share or piece.energy_wh is None:
            pieces.append(piece)
            continue
        now_wh = corrected_energy(piece.energy_wh, factor, share)
        pieces.append(replace(piece, energy_wh=now_wh, method=CORRECTED))
        corrections.append(_correction(piece, factor, share))
        if piece.quantity in ACTIVE:
            counted["registered"] += piece.energy_wh
            counted["energy"] += now_wh - piece.energy_wh
    if not corrections:
        return Corrected(basis)
    said = correction.corrected({"total": counted["registered"]}, factor, rule).steps[0].values["factor"]
    why = [correction.half_the_time(case.meter.error)] if half and case.meter is not None else []
    why.append(
        step(
            "correction",
            {
                "factor": said,
                "registered": str(Energy(counted["registered"])),
                "energy": str(Energy(counted["energy"])),
            },
            f"更正系数 {said}，计费有功 {Energy(counted['registered'])} 千瓦时，退补电量 {Energy(counted['energy'])} 千瓦时。",
            f"Factor {said}, active energy billed {Energy(counted['registered'])} kWh, correction"
            f" {Energy(counted['energy'])} kWh. ",
            rule,
        )
    )
    return Corrected(basis.with_pieces(pieces), why, corrections)


def corrected_energy(energy_wh: int, factor: Fraction, share: Fraction) -> int:
    """What a register should have told: the share of its energy that is in the case, times the factor, and the rest as it is."""
    counted = round_half_up(energy_wh * share.numerator, share.denominator)
    return energy_wh + correction.corrected({"total": counted}, factor, "correction.wiring", places=PLACES).energy_wh


def _share(piece: Piece, first: date, last: date) -> Fraction:
    """The part of a register's days that are in the case. A demand was read once for all of them."""
    begins, ends = _day(piece.from_at), _day(piece.to_at)
    days = (ends - begins).days
    within = (min(ends.toordinal(), last.toordinal() + 1) - max(begins, first).toordinal()) if days else 0
    if piece.quantity == "demand":
        return Fraction(1) if within > 0 or begins >= first else Fraction(0)
    return Fraction(max(within, 0), days) if days else Fraction(0)


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _correction(piece: Piece, factor: Fraction, share: Fraction) -> dict[str, Any]:
    return {
        "meter_no": piece.meter_no,
        "piece": piece.piece,
        "quantity": piece.quantity,
        "band": piece.band,
        "from_at": piece.from_at.isoformat(),
        "factor": f"{factor.numerator}/{factor.denominator}",
        "share": f"{share.numerator}/{share.denominator}",
    }


def _by_energies(case: OpenCase, basis: Basis, month: Month) -> Corrected:
    due = {(one.meter_no, one.quantity, one.band): one.energy.wh for one in case.right if one.month == str(month)}
    if not due:
        return Corrected(basis)
    pieces, why = list(basis.pieces()), []
    for (meter_no, quantity, band), energy_wh in due.items():
        mine = [
            at for at, one in enumerate(pieces) if (one.meter_no, one.quantity, one.band) == (meter_no, quantity, band)
        ]
        if len(mine) != 1:
            raise _no_such_register(meter_no, quantity, band, month, len(mine))
        was = pieces[mine[0]]
        pieces[mine[0]] = replace(was, energy_wh=energy_wh, end_e4=None, method=CORRECTED)
        why.append(
            step(
                "correction",
                {"meter_no": meter_no, "was": str(Energy(was.energy_wh or 0)), "now": str(Energy(energy_wh))},
                f"表 {meter_no} 原计 {Energy(was.energy_wh or 0)}，应计 {Energy(energy_wh)}。",
                f"Meter {meter_no} was billed with {Energy(was.energy_wh or 0)}, due are {Energy(energy_wh)}. ",
                "correction.normal_month",
            )
        )
    return Corrected(basis.with_pieces(pieces), why)


def _plain_metering(basis: Basis, month: Month) -> None:
    """
    Raises:
        CannotRate: quantities of the month do not follow from its registers alone.
    """
    for one in [basis.rating, *basis.rating.get("stages", [])]:
        for name, zh, en in (
            ("market", "市场化", "market settlement"),
            ("generation", "发电补贴", "generation subsidy"),
        ):
            if one.get(name) is not None:
                raise CannotRate(
                    text(
                        f"{month} 含{zh}，其电量不只由示数而来；请更正示数后全减另发。",
                        f"{month} has a {en}, whose quantities do not follow from its registers alone; correct the reading, take"
                        " the bill back and bill again.",
                    ),
                    code="bad_quantity",
                    value=str(month),
                )


def _no_such_register(meter_no: str, quantity: str, band: str, month: Month, count: int) -> CannotRate:
    zh, en = ("没有", "has no") if not count else ("有多段", "has several pieces of")
    return CannotRate(
        text(
            f"{month} 的账单{zh}表 {meter_no} 的 {quantity}（{band}）示数，请对照账单的抄表信息填写。",
            f"The bill of {month} {en} the register {quantity} ({band}) of meter {meter_no}; take it from the bill's registers.",
        ),
        code="bad_quantity",
        value=meter_no,
    )


# --- terms ------------------------------------------------------------------------------------------------------------------


def _by_terms(case: OpenCase, basis: Basis, span: BasicSpan, in_force: InForce, org: str) -> Corrected:
    from_on = span.first_day
    if basis.rating.get("stages"):
        raise CannotRate(
            text(
                "该月为分段账单，请更正合同后全减另发。",
                "The month was billed in stages; correct the contract, take the bill back and bill again.",
            ),
            code="no_days",
            value=str(from_on),
        )
    subject = basis.subject()
    changes: dict[str, Any] = {
        name: value for name in ("tariff_class", "voltage", "settlement") if (value := getattr(case, name)) is not None
    }
    subject = subject.model_copy(update=changes)
    tariffs = in_force(from_on)
    tariff = choose(
        tariffs,
        tariff_class=subject.tariff_class,
        kind=subject.kind,
        settlement=subject.settlement,
        on=from_on,
        code=case.tariff_code,
        area=tariffs.area(org, from_on),
    )
    if tariff.effective_to is not None and tariff.effective_to <= basis.to_on:
        raise CannotRate(
            text(
                f"电价 {tariff.title.zh} 在月内 {tariff.effective_to} 换版，请更正合同后全减另发该月。",
                f"Tariff {tariff.title.en} ends on {tariff.effective_to} within the month; correct the contract, take the bill"
                " back and bill again.",
            ),
            code="no_days",
            value=str(tariff.effective_to),
        )
    if tariff.basic is not None and not subject.spans:
        subject = subject.model_copy(update={"spans": [span]})
    why = step(
        "price",
        {"tariff": tariff.code, "version": str(tariff.version)},
        f"应执行电价：{tariff.title.zh}（第 {tariff.version} 版）。",
        f"Tariff due: {tariff.title.en} (version {tariff.version}). ",
        "refund.pieces",
    )
    return Corrected(basis.under(subject, tariff), [why])


# --- what a case states -----------------------------------------------------------------------------------------------------


def months_of(case: OpenCase) -> Iterator[Month]:
    """The months that the days of a case touch."""
    month, last = Month.holding(case.from_on), Month.holding(case.to_on)
    while month <= last:
        yield month
        month = month.next

"""Late fees, refunds and compensations (违约金、退补电费、停电赔偿)."""

from collections.abc import Iterator
from dataclasses import replace

from denghuo.kernel.problem import text
from denghuo.service.billing.api import LateFee, OutageCompensation, Refund
from denghuo.service.billing.claims.facts import above_zero, missing, priced, require
from denghuo.service.billing.lines import Claim
from denghuo.service.billing.misfits import Misfit
from denghuo.service.billing.rules import claims as rules
from denghuo.service.billing.rules.claims.making import claim


def late_fee(facts: LateFee) -> Claim:
    """The late fee (违约金) of debts. Raises NotTriable where the facts do not fit."""
    require(_misfits(facts))
    debts = [
        rules.Debt(
            one.name,
            one.principal,
            one.due_on,
            [(paid.paid_on, paid.amount) for paid in facts.payments if paid.name == one.name],
            one.year,
        )
        for one in facts.debts
    ]
    terms = rules.late_fee_terms(min(one.due_on for one in facts.debts))
    if facts.cap is not None:
        terms = replace(terms, cap=facts.cap)
    fee = rules.late_fee(debts, facts.paid_on, resident=facts.resident, terms=terms)
    if facts.waived is None:
        return fee
    require(_waived(facts, fee))
    return rules.late_fee(debts, facts.paid_on, resident=facts.resident, terms=terms, waived=facts.waived)


def _waived(facts: LateFee, fee: Claim) -> Iterator[Misfit]:
    if facts.waived is not None and not 0 <= facts.waived.fen <= fee.total.fen:
        said = text(
            f"减免 {facts.waived} 元应在 0 与违约金 {fee.total} 元之间，请更正。",
            f"{facts.waived} yuan let off must lie between 0 and the late fee of {fee.total} yuan; correct it.",
        )
        yield Misfit("waived", str(facts.waived), said)


def _misfits(facts: LateFee) -> Iterator[Misfit]:
    if facts.cap is not None:
        yield from above_zero("cap", facts.cap)
    names = [one.name for one in facts.debts]
    for at, debt in enumerate(facts.debts):
        if debt.principal.fen <= 0:
            said = text("欠费本金应大于 0，请更正。", "The debt must be above zero; correct it.")
            yield Misfit(f"debts.{at}.principal", str(debt.principal), said)
        if debt.name in names[:at]:
            said = text(f"账期 {debt.name} 出现两次，请改名。", f"Bill {debt.name} stands twice; name it otherwise.")
            yield Misfit(f"debts.{at}.name", debt.name, said)
    for at, paid in enumerate(facts.payments):
        if paid.name not in names:
            said = text(
                f"没有账期 {paid.name} 的欠费，请填写：{'、'.join(names)}。",
                f"There is no debt {paid.name}; take one of {', '.join(names)}.",
            )
            yield Misfit(f"payments.{at}.name", paid.name, said)
        if paid.amount.fen <= 0:
            said = text("已缴金额应大于 0，请更正。", "The amount paid must be above zero; correct it.")
            yield Misfit(f"payments.{at}.amount", str(paid.amount), said)


def refund(facts: Refund) -> Claim:
    """Money for the past, by energies, sums or power factors. Raises NotTriable where the facts do not fit."""
    if not (facts.energies or facts.items or facts.factors):
        require([missing(Refund, "energies", "items", "factors")])
    require(
        Misfit(
            f"factors.{at}.active",
            str(one.active),
            text(
                "有功电量应大于 0，没有有功电量就没有功率因数。",
                "The active energy must be above zero: without it there is no power factor.",
            ),
        )
        for at, one in enumerate(facts.factors)
        if one.active.wh <= 0
    )
    pieces = rules.settled([priced(one) for one in facts.energies])
    lines = [rules.stated(one.name, one.amount, one.period) for one in facts.items] + [
        rules.factor_corrected(
            one.active.wh,
            one.was.number,
            one.now.number,
            standard=one.standard,
            base=one.base,
            period=one.period,
        )
        for one in facts.factors
    ]
    return claim([*pieces.lines, *lines], pieces.energy_wh if facts.energies else None)


def outage_compensation(facts: OutageCompensation) -> Claim:
    """What an outage is compensated with. Raises NotTriable without energy."""
    require(above_zero("registered", facts.registered))
    return rules.outage_compensation(
        facts.registered.wh,
        facts.minutes,
        facts.price,
        two_part=facts.two_part,
        month_hours=facts.month_hours,
        on=facts.on,
    )

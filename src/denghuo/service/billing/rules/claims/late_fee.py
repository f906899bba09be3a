"""Late fee of overdue bills (电费违约金).

供电营业规则: residents 1 per mille of the debt a day; others 2 per mille for the days within the year of the debt and 3 per mille
for the days after the turn of that year, from the day after the due day to the day of payment, both counted. The 1996 text
(to 2024-05-31) asked for at least 1 yuan. That the fee does not exceed 30 % of the debt is a rule of companies, not of the text.

Of three published keys for one question (190, 126 and 222 yuan) the literal reading gives 190.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from denghuo.kernel.values import Money, Percent, round_half_up
from denghuo.service.billing.lines import Claim, ClaimLine
from denghuo.service.billing.rules.claims.making import claim, line
from denghuo.service.billing.rules.registry import RULES
from denghuo.service.billing.rules.words import percent, step

_DAY = timedelta(days=1)
_NOTHING = Money(0)


@dataclass(frozen=True)
class Debt:
    """An overdue bill. payments: (day, amount) paid on the debt itself, which is settled before the fee.

    year: the year of the debt, of which the days count at the lower rate; None = that of the due day.
    """

    name: str
    principal: Money
    due_on: date
    payments: Sequence[tuple[date, Money]] = ()
    year: int | None = None


@dataclass(frozen=True)
class LateFeeTerms:
    """Rates in per mille a day, the least fee and the cap as a share of the debt (None = no cap)."""

    rule: str
    resident: int = 1
    same_year: int = 2
    later_years: int = 3
    least: Money = _NOTHING
    cap: Percent | None = None


def late_fee_terms(day: date) -> LateFeeTerms:
    """The terms of the text in force on a day; a contract may set others."""
    if RULES["late.1996"].holds_on(day):
        return LateFeeTerms("late.1996", least=Money(100))
    return LateFeeTerms("late.2024")


def late_fee(
    debts: Sequence[Debt], paid_on: date, *, resident: bool, terms: LateFeeTerms, waived: Money | None = None
) -> Claim:
    """The fee on what is owed until `paid_on`, the day of payment included; lines by debt and rate, each rounded.

    waived: what is let off, as a negative line.

    Raises:
        ValueError: more is let off than the fee.
    """
    lines: list[ClaimLine] = []
    for debt in debts:
        lines += _of_debt(debt, paid_on, resident, terms)
    total = Money(sum(one.amount.fen for one in lines))
    if 0 < total.fen < terms.least.fen:
        lines.append(
            line(
                "late_fee",
                "late_fee_least",
                ("违约金最低额", "Least late fee"),
                terms.rule,
                terms.least - total,
                f"{terms.least} - {total} = {terms.least - total}",
                [
                    step(
                        "limit",
                        {"least": str(terms.least)},
                        f"违约金不足 {terms.least} 元按 {terms.least} 元计。",
                        f"A late fee below {terms.least} yuan is {terms.least} yuan. ",
                    )
                ],
            )
        )
        total = terms.least
    if waived is not None and waived:
        if not 0 < waived.fen <= total.fen:
            raise ValueError(f"{waived} yuan cannot be let off from a late fee of {total} yuan")
        lines.append(
            line(
                "late_fee",
                "late_fee_waiver",
                ("违约金减免", "Late fee let off"),
                terms.rule,
                -waived,
                f"-{waived}",
                [],
            )
        )
    return claim(lines)


def _of_debt(debt: Debt, paid_on: date, resident: bool, terms: LateFeeTerms) -> list[ClaimLine]:
    year = debt.due_on.year if debt.year is None else debt.year
    lines = [
        _piece(debt.name, owed, first, last, rate, terms)
        for owed, begins, ends in _owed(debt, paid_on)
        for first, last, rate in _by_rate(begins, ends, year, resident, terms)
    ]
    fee = sum(one.amount.fen for one in lines)
    if terms.cap is not None:
        most = round_half_up(debt.principal.fen * terms.cap.number, 10_000)
        if fee > most:
            lines.append(
                line(
                    "late_fee",
                    "late_fee_cap",
                    ("违约金封顶", "Cap of the late fee"),
                    "late.cap",
                    Money(most - fee),
                    f"{debt.principal} × {percent(terms.cap.number)}% - {Money(fee)} = {Money(most - fee)}",
                    [],
                )
            )
    return lines


def _owed(debt: Debt, paid_on: date) -> list[tuple[int, date, date]]:
    """Fen owed and the overdue days (both included) over which it was owed. The day of a payment counts with what was owed."""
    pieces: list[tuple[int, date, date]] = []
    owed, begins = debt.principal.fen, debt.due_on + _DAY
    for day, amount in [*sorted(debt.payments, key=lambda one: one[0]), (paid_on, Money(0))]:
        ends = min(day, paid_on)
        if ends >= begins and owed > 0:
            pieces.append((owed, begins, ends))
            begins = ends + _DAY
        owed -= amount.fen
    return pieces


def _by_rate(begins: date, ends: date, year: int, resident: bool, terms: LateFeeTerms) -> list[tuple[date, date, int]]:
    if resident:
        return [(begins, ends, terms.resident)]
    turn = date(year, 12, 31)
    spans = []
    if begins <= turn:
        spans.append((begins, min(ends, turn), terms.same_year))
    if ends > turn:
        spans.append((max(begins, turn + _DAY), ends, terms.later_years))
    return spans


def _piece(name: str, owed: int, first: date, last: date, rate: int, terms: LateFeeTerms) -> ClaimLine:
    days = (last - first).days + 1
    amount = Money(round_half_up(owed * rate * days, 1000))
    said = step(
        "days",
        {"debt": name, "first": first.isoformat(), "last": last.isoformat(), "days": str(days), "rate": f"{rate}‰"},
        f"{name} 欠费 {Money(owed)} 元，{first} 至 {last} 逾期 {days} 天，每日 {rate}‰。",
        f"{name}: {Money(owed)} yuan overdue from {first} to {last}, {days} days at {rate} per mille a day. ",
    )
    return line(
        "late_fee",
        "late_fee",
        ("电费违约金", "Late fee"),
        terms.rule,
        amount,
        f"{Money(owed)} × {rate}‰ × {days} = {amount}",
        [said],
        quantity_milli=days * 1000,
        unit="d",
    )

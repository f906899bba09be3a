"""From a contract's month to a draft bill or to the reasons why there is none (算费). Pure: no clock, no I/O.

Whatever is wrong with one account holds that account and no other: a fault in the input is a finding with a reason, never a wrong
bill and never the end of the run.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy, Multiplier, Register, decimal_text
from denghuo.service.billing.batch import Entry, Piece, Terms
from denghuo.service.billing.lines import BasicSpan, CannotRate, MeteredPiece, Rated, RatingSubject
from denghuo.service.billing.review import REMEDIES, Finding, finding
from denghuo.service.billing.rules import choose, rate
from denghuo.service.billing.rules.quantities import tier_year_begins
from denghuo.service.reading.api import RULES
from denghuo.service.tariff.api import TariffDocument

log = logging.getLogger("denghuo.billing")

KIND_DIGITS = {"supply": "1", "purchase": "2"}
FIRST = "01"
_ONE_DAY = timedelta(days=1)
_CODES = {
    "held_reading": "read_held",
    "no_reading": "no_reading",
    "no_tariff": "tariff_unknown",
    "not_in_force": "tariff_unknown",
    "ambiguous_tariff": "tariff_unknown",
    "no_price": "tariff_unknown",
    "voltage": "tariff_unknown",
    "class": "tariff_unknown",
}
Use = Mapping[str, int]
"""Energy in Wh of earlier months of one account: month text -> Wh."""


@dataclass(frozen=True)
class Draft:
    """A rated bill before it has passed the review."""

    bill_no: str
    entry: Entry
    first_day: date
    last_day: date
    used_before_wh: int
    tariff: TariffDocument
    subject: RatingSubject
    rated: Rated
    remarks: list[dict[str, object]] = field(default_factory=list)

    @property
    def terms(self) -> Terms:
        return self.entry.terms[-1]


class Rating:
    """Rates the entries of one month. `opened` tells the first day of a contract, asked only where the tier year needs it."""

    def __init__(self, month: Month, tariffs: Iterable[TariffDocument], opened: Callable[[str], date]) -> None:
        self._month = month
        self._tariffs = list(tariffs)
        self._opened = opened
        self._chosen: dict[tuple[object, ...], TariffDocument | CannotRate] = {}
        self._last_day = month.next.first_day - _ONE_DAY

    def outcome(self, entry: Entry, use: Use) -> Draft | Finding:
        """The draft bill of an entry, or the finding that holds it."""
        try:
            return _unsettled(entry) or self._draft(entry, use)
        except CannotRate as refusal:
            code = _CODES.get(str(refusal.fields.get("code")), "rating_failed")
            said = TextPair(zh=refusal.detail["zh"], en=refusal.detail["en"])
            return Finding(code, said, REMEDIES[code], {name: str(value) for name, value in refusal.fields.items()})
        except Exception as defect:
            # One account must not stop the month; the log keeps what a developer needs to see.
            log.exception("rating of account %s, %s, month %s failed", entry.account_no, entry.kind, self._month)
            return finding(
                "rating_failed",
                f"计费程序未能处理该户（{type(defect).__name__}），已记录，请联系运维。",
                f"The program could not rate this account ({type(defect).__name__}); it is in the log, tell the operators.",
            )

    def _draft(self, entry: Entry, use: Use) -> Draft | Finding:
        terms = entry.terms[-1]
        first_day, last_day = self._days(entry)
        if any(other.priced_by != terms.priced_by for other in entry.terms):
            return finding(
                "contract_changed",
                f"合同条款自 {terms.effective_from.isoformat()} 起变更，本月须分段核算。",
                f"The terms change on {terms.effective_from.isoformat()}, so the month needs billing by pieces.",
                effective_from=terms.effective_from,
            )
        tariff = self._tariff(terms, first_day)
        if tariff.effective_to is not None and tariff.effective_to <= last_day:
            return finding(
                "tariff_unknown",
                f"电价 {tariff.title.zh} 于 {tariff.effective_to.isoformat()} 失效，本月其后没有可用的核算规则。",
                f"Tariff {tariff.title.en} ends on {tariff.effective_to.isoformat()}, within the month.",
                tariff=tariff.code,
                effective_to=tariff.effective_to,
            )
        subject, used_before, remarks = self.subject(entry, use, tariff)
        rated = rate(subject, tariff)
        _within_bounds(rated)
        remarks += [
            {"code": one.code, "zh": one.text.zh, "en": one.text.en, "review": one.review} for one in rated.remarks
        ]
        number = f"{self._month.year:04d}{self._month.month:02d}{entry.account_no}{KIND_DIGITS[entry.kind]}{FIRST}"
        return Draft(number, entry, first_day, last_day, used_before, tariff, subject, rated, remarks)

    def subject(
        self, entry: Entry, use: Use, tariff: TariffDocument
    ) -> tuple[RatingSubject, int, list[dict[str, object]]]:
        """What an entry is rated from by a tariff, the energy of its tier year before, and what a reader must know of that."""
        terms = entry.terms[-1]
        first_day, last_day = self._days(entry)
        months, tier_months, remarks = self._tier_year(terms, tariff)
        used_before = sum(use.get(str(month), 0) for month in months)
        missing = [month for month in months if str(month) not in use]
        if missing:
            remarks.append(_months_missing(missing))
        whole = (first_day, last_day) == (self._month.first_day, self._last_day)
        subject = RatingSubject(
            contract_no=terms.contract_no,
            account_no=entry.account_no,
            kind=entry.kind,  # type: ignore[arg-type]  # text of the dataset, validated here
            tariff_class=terms.tariff_class,  # type: ignore[arg-type]
            settlement=terms.settlement_mode,  # type: ignore[arg-type]
            voltage=terms.voltage_kv,  # type: ignore[arg-type]
            month=str(self._month),
            first_day=None if whole else first_day,
            last_day=None if whole else last_day,
            pieces=[_metered(piece) for piece in entry.pieces],
            used_before_wh=max(used_before, 0),
            tier_months=tier_months,
            spans=self._spans(entry, first_day, last_day),
            standard=terms.pf_standard,
        )
        return subject, used_before, remarks

    def _days(self, entry: Entry) -> tuple[date, date]:
        """The first and the last day of the month on which the contract holds."""
        terms = entry.terms[-1]
        return (
            max(self._month.first_day, entry.terms[0].effective_from),
            min(self._last_day, (terms.effective_to or date.max) - _ONE_DAY),
        )

    def _tariff(self, terms: Terms, on: date) -> TariffDocument:
        key = (terms.kind, terms.tariff_class, terms.settlement_mode, terms.tariff_code, on)
        if key not in self._chosen:
            try:
                self._chosen[key] = choose(
                    self._tariffs,
                    tariff_class=terms.tariff_class,
                    kind=terms.kind,
                    settlement=terms.settlement_mode,
                    on=on,
                    code=terms.tariff_code,
                )
            except CannotRate as refusal:
                self._chosen[key] = refusal
        chosen = self._chosen[key]
        if isinstance(chosen, CannotRate):
            raise chosen
        return chosen

    def _tier_year(self, terms: Terms, tariff: TariffDocument) -> tuple[list[Month], int, list[dict[str, object]]]:
        """Earlier months of the tier year in which the contract held, and how many months of the year count for it."""
        if tariff.tiers is None or tariff.tiers.period != "annual":
            return [], 12, []
        first = tier_year_begins(tariff.tiers, self._month)
        months = 12
        if terms.effective_from > first.first_day:
            opened = self._opened(terms.contract_no)
            if opened > first.first_day:
                since = Month(opened.year, opened.month)
                months = 12 - ((since.year - first.year) * 12 + since.month - first.month)
                first = since
        earlier = []
        while first < self._month:
            earlier.append(first)
            first = first.next
        return earlier, max(1, min(12, months)), []

    def _spans(self, entry: Entry, first_day: date, last_day: date) -> list[BasicSpan]:
        if not entry.terms[-1].tariff_class.startswith("two_part"):
            return []
        return [
            BasicSpan(
                first_day=max(first_day, terms.effective_from),
                last_day=min(last_day, (terms.effective_to or date.max) - _ONE_DAY),
                capacity_va=terms.capacity_va,
                contract_w=terms.contract_w,
            )
            for terms in entry.terms
        ]


def _unsettled(entry: Entry) -> Finding | None:
    """The finding for an account without a quantity, or with one that the reading service holds."""
    if not entry.pieces:
        return finding(
            "no_reading",
            "该合同在本月没有计量点的抄表电量。",
            "No metering point of this contract has a quantity in this month.",
        )
    held = [piece for piece in entry.pieces if piece.status == "held" or piece.energy_wh is None]
    if not held:
        return None
    said = [RULES.entries.get(piece.rule, {"zh": piece.rule, "en": piece.rule}) for piece in held]
    meters = [f"{piece.meter_no}" for piece in held]
    return finding(
        "read_held",
        "；".join(f"表 {meter}：{words['zh']}" for meter, words in zip(meters, said, strict=True)) + "，电量未确定。",
        "; ".join(f"meter {meter}: {words['en']}" for meter, words in zip(meters, said, strict=True))
        + ". The quantity is not settled.",
        meter=held[0].meter_no,
        point=held[0].point_no,
        rule=held[0].rule,
    )


def _metered(piece: Piece) -> MeteredPiece:
    return MeteredPiece(
        point_no=piece.point_no,
        meter_no=piece.meter_no,
        piece=piece.piece,
        quantity=piece.quantity,  # type: ignore[arg-type]  # text of the dataset, validated here
        band=piece.band,  # type: ignore[arg-type]
        start=None if piece.start_e4 is None else Register(piece.start_e4),
        end=None if piece.end_e4 is None else Register(piece.end_e4),
        multiplier=Multiplier(piece.multiplier),
        value_milli=piece.energy_wh,
        status=piece.status,  # type: ignore[arg-type]
        method=piece.method,
        estimated_days=piece.days_estimated,
    )


def _within_bounds(rated: Rated) -> None:
    """Raises CannotRate where a figure is past what a column holds."""
    numbers = [rated.energy_wh, rated.total.fen, *(line.amount.fen for line in rated.lines)]
    if any(abs(number) > 2**63 - 1 for number in numbers):
        raise CannotRate(
            {
                "zh": "电量或金额超出可计范围，请核对示数与倍率。",
                "en": "Energy or amount is beyond what can be billed.",
            },
            code="bad_quantity",
            value=decimal_text(rated.energy_wh, 3, 0),
        )


def _months_missing(missing: list[Month]) -> dict[str, object]:
    span = str(missing[0]) if len(missing) == 1 else f"{missing[0]} ~ {missing[-1]}"
    return {
        "code": "no_earlier_months",
        "zh": f"本阶梯年 {span} 的用电量未接入本系统，阶梯累计未含这些月份。",
        "en": f"Energy of {span} of this tier year was not taken over, so the tiers count without it.",
        "review": False,
    }


def piece_json(piece: Piece) -> dict[str, object]:
    """A piece as it is stored with a bill or with what is held."""
    return {
        "point_no": piece.point_no,
        "meter_no": piece.meter_no,
        "piece": piece.piece,
        "quantity": piece.quantity,
        "band": piece.band,
        "from_at": piece.from_at.isoformat(),
        "to_at": piece.to_at.isoformat(),
        "start": None if piece.start_e4 is None else str(Register(piece.start_e4)),
        "end": None if piece.end_e4 is None else str(Register(piece.end_e4)),
        "multiplier": str(piece.multiplier),
        "energy": None if piece.energy_wh is None else str(Energy(piece.energy_wh)),
        "status": piece.status,
        "method": piece.method,
        "days_estimated": piece.days_estimated,
        "rule": piece.rule,
    }

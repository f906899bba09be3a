"""From a contract's month to a draft bill or to the reasons why there is none (算费). Pure: no clock, no I/O.

Whatever is wrong with one account holds that account and no other: a fault in the input is a finding with a reason, never a wrong
bill and never the end of the run.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import decimal_text
from denghuo.service.billing.batch import Entry, Piece, StagePieces, Terms, by_curve
from denghuo.service.billing.calendar import CalendarOf, no_calendar
from denghuo.service.billing.covered import first_month, months_from
from denghuo.service.billing.cuts import cut, cuts_said
from denghuo.service.billing.lines import BasicSpan, CannotRate, Rated, RatingRemark, RatingSubject
from denghuo.service.billing.pieces import metered
from denghuo.service.billing.review import REMEDIES, Finding, finding
from denghuo.service.billing.rules import Stage, Tariffs, choose, rate_stages
from denghuo.service.billing.rules.households import tier_months
from denghuo.service.billing.rules.tiers import tier_year_began, tier_year_begins
from denghuo.service.billing.special.days import Days, TierYear
from denghuo.service.billing.special.filled import filled, generated, tier_closing
from denghuo.service.billing.special.losses import over_the_month
from denghuo.service.billing.special.others import EntriesOf, exported
from denghuo.service.billing.special.said import every_sub_meter_is_agreed, hangs_on_month, part_codes, priced_part
from denghuo.service.billing.special.subs import settled_subs
from denghuo.service.billing.spot import MarketOf, nothing_known
from denghuo.service.billing.tenure import TenureOf
from denghuo.service.billing.used import Used
from denghuo.service.reading.api import RULES
from denghuo.service.tariff.api import TariffDocument

log = logging.getLogger("denghuo.billing")

KIND_DIGITS = {"supply": "1", "purchase": "2"}
FIRST = "01"
_ONE_DAY = timedelta(days=1)
_CODES = {
    "held_reading": "read_held",
    "no_reading": "no_reading",
    "sub_not_read": "no_reading",
    "no_tariff": "tariff_unknown",
    "not_in_force": "tariff_unknown",
    "ambiguous_tariff": "tariff_unknown",
    "no_price": "tariff_unknown",
    "voltage": "tariff_unknown",
    "class": "tariff_unknown",
    "two_contracts": "contract_changed",
    "no_curve": "curve_missing",
    "no_spot_price": "spot_price_missing",
}
Use = Mapping[str, int]
"""Energy in Wh of earlier months of one account: month text -> Wh."""


@dataclass(frozen=True)
class Draft:
    """A rated bill before it has passed the review. The pieces of `entry` are cut where the month has stages."""

    bill_no: str
    entry: Entry
    first_day: date
    last_day: date
    used_before_wh: int
    stages: Sequence[Stage]
    rated: Rated
    remarks: list[dict[str, object]] = field(default_factory=list)

    @property
    def terms(self) -> Terms:
        return self.entry.terms[-1]

    @property
    def tariff(self) -> TariffDocument:
        return self.stages[-1].tariff


@dataclass(frozen=True)
class Span:
    """Days of a month, both included, under the same priced terms and the same tariff."""

    first: date
    last: date
    terms: tuple[Terms, ...]
    tariff: TariffDocument
    others: Mapping[str, TariffDocument]
    """The tariffs of parts by code."""


def _nothing(account_no: str) -> int:
    return 0


class Rating:
    """Rates the entries of one month.

    tenure: tells when a contract has its class, asked only where the tier year needs it. entries_of: the month's entries of
    another account, for the few that are rated together. of_parts: the tariffs that parts of a contract may name, where they are
    not these. subsidised: gives the Wh that bills of earlier months subsidised of an account's plant. market_of: gives the points
    and prices of market customers. calendar_of: gives the days of the month that bands of a tariff hang on.
    """

    def __init__(
        self,
        month: Month,
        tariffs: Iterable[TariffDocument],
        tenure: TenureOf,
        entries_of: EntriesOf = lambda account_no: [],
        of_parts: Iterable[TariffDocument] | None = None,
        subsidised: Callable[[str], int] = _nothing,
        market_of: MarketOf = nothing_known,
        calendar_of: CalendarOf = no_calendar,
    ) -> None:
        self._month = month
        self._tariffs = Tariffs.of(tariffs)
        self._tenure = tenure
        self._entries_of = entries_of
        self._of_parts = self._tariffs if of_parts is None else Tariffs.of(of_parts)
        self._subsidised = subsidised
        self._market_of = market_of
        self._calendar_of = calendar_of
        self._chosen: dict[tuple[object, ...], TariffDocument | CannotRate] = {}
        self._last_day = month.next.first_day - _ONE_DAY

    def spans(self, entry: Entry) -> list[Span]:
        """The stages of an entry's month; none where it cannot be rated."""
        try:
            return self._spans_by_terms(entry)
        except CannotRate:
            return []

    def outcome(self, entry: Entry, use: Use, stages: StagePieces | None = None) -> Draft | Finding:
        """The draft bill of an entry, or the finding that holds it. stages: the pieces of months that are not one whole."""
        try:
            return _unsettled(entry) or self._draft(entry, use, (stages or {}).get((entry.account_no, entry.kind)))
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

    def _draft(self, entry: Entry, use: Use, pieces: Sequence[Sequence[Piece]] | None) -> Draft | Finding:
        spans = self._spans_by_terms(entry)
        if pieces is None:
            pieces = cut(entry.pieces, [span.first for span in spans[1:]], {}) if len(spans) > 1 else [entry.pieces]
        elif len(pieces) != len(spans):
            raise ValueError("the pieces are not those of these stages")
        stages: list[Stage] = []
        remarks: list[dict[str, object]] = []
        used_before: list[int] = []
        kept: list[Sequence[Piece]] = []
        for span, own in zip(spans, pieces, strict=True):
            part = replace(entry, terms=span.terms, pieces=tuple(own))
            unsettled = _unsettled(part) if own is not entry.pieces else None
            if unsettled is not None:
                return unsettled
            part = settled_subs(part, entry.terms)
            kept.append(part.pieces)
            every_sub_meter_is_agreed(part)
            days = self._days_of(span, spans)
            subject, used, said = self.subject(part, use, span.tariff, days)
            stages.append(Stage(subject, span.tariff, span.others))
            used_before.append(used)
            remarks += [one for one in said if one not in remarks]
        if len(stages) > 1:
            stages = over_the_month(stages)
        pieces = kept
        rated = rate_stages(stages)
        _within_bounds(rated)
        remarks += [remark_json(one) for one in [*cuts_said([span.first for span in spans], pieces), *rated.remarks]]
        number = f"{self._month.year:04d}{self._month.month:02d}{entry.account_no}{KIND_DIGITS[entry.kind]}{FIRST}"
        if len(spans) > 1 or pieces[0] is not entry.pieces:
            entry = replace(entry, pieces=tuple(dict.fromkeys(piece for own in pieces for piece in own)))
        return Draft(number, entry, spans[0].first, spans[-1].last, used_before[0], stages, rated, remarks)

    def subject(
        self, entry: Entry, use: Use, tariff: TariffDocument, days: Days | None = None
    ) -> tuple[RatingSubject, int, list[dict[str, object]]]:
        """What an entry is rated from by a tariff, the energy of its tier year before, and what a reader must know of that.

        days: where not all days of the contract in the month are meant.
        """
        terms = entry.terms[-1]
        days = days or Days(self._month, *self._days(entry))
        first = first_month(entry.pieces, self._month) if days.begins is None else days.begins
        read = len(months_from(first, Month.holding(days.ends or days.last)))
        tier_year = self._tier_year(terms, tariff, days.last, first, read, use)
        used_before = sum(use.get(str(month), 0) for month in tier_year.earlier)
        missing = [month for month in tier_year.earlier if str(month) not in use]
        remarks = [months_missing(missing)] if missing else []
        subject = RatingSubject(
            contract_no=terms.contract_no,
            account_no=entry.account_no,
            kind=entry.kind,  # type: ignore[arg-type]  # text of the dataset, validated here
            tariff_class=terms.tariff_class,  # type: ignore[arg-type]
            settlement=terms.settlement_mode,  # type: ignore[arg-type]
            voltage=terms.voltage_kv,  # type: ignore[arg-type]
            month=str(self._month),
            first_day=None if days.whole and read == 1 else days.first,
            last_day=None if days.whole and read == 1 else days.last,
            reading_months=read,
            pieces=[metered(piece) for piece in entry.pieces],
            used_before_wh=max(used_before, 0),
            tier_months=tier_year.months,
            tier_closing=tier_closing(terms, tariff, tier_year),
            tier_since=tier_year.since,
            spans=self._spans(entry, days.first, days.last),
            standard=terms.pf_standard,
        )
        if entry.kind == "purchase":
            plant = generated(entry, tariff, self._subsidised)
            return subject.model_copy(update={"generation": plant}), used_before, remarks
        more = filled(entry, tariff, days, tier_year, self._entries_of, self._market_of)
        subject = subject.model_copy(update=more) if more else subject
        if subject.standard is not None and tariff.power_factor is not None:
            subject = subject.model_copy(update={"exported_wh": exported(self._entries_of(entry.account_no))})
        if any(by_curve(piece) for piece in entry.pieces):
            subject = subject.model_copy(update={"calendar": self._calendar_of(tariff, days.month)})
        return subject, used_before, remarks

    def _days(self, entry: Entry) -> tuple[date, date]:
        """The first and the last day of the reading's months on which the contract holds."""
        terms = entry.terms[-1]
        first = first_month(entry.pieces, self._month)
        return (
            max(first.first_day, entry.terms[0].effective_from),
            min(self._last_day, (terms.effective_to or date.max) - _ONE_DAY),
        )

    def _days_of(self, span: Span, spans: Sequence[Span]) -> Days:
        """The days of a stage, in the month in which it ends."""
        return Days(
            Month.holding(span.last),
            span.first,
            span.last,
            closing=span is spans[-1],
            begins=Month.holding(spans[0].first),
            ends=spans[-1].last,
        )

    def _spans_by_terms(self, entry: Entry) -> list[Span]:
        """The reading's months cut where priced terms change and where a tariff ends, and where a month ends if what is charged
        hangs on the month.

        Raises:
            CannotRate: another contract begins, or there is no tariff for some of the days; a market customer is not read every
                month.
        """
        begins, last_day = self._days(entry)
        if Month.holding(begins) < self._month and entry.terms[-1].settlement_mode == "market":
            raise _market_by_month(entry, Month.holding(begins), self._month)
        spans: list[Span] = []
        while begins <= last_day:
            now = [terms for terms in entry.terms if terms.effective_from <= begins][-1]
            following = [terms for terms in entry.terms if terms.effective_from > begins]
            changed = next((terms for terms in following if _priced_by(terms) != _priced_by(now)), None)
            ends = last_day if changed is None else min(changed.effective_from - _ONE_DAY, last_day)
            if changed is not None and changed.contract_no != now.contract_no:
                raise _another_contract(changed)
            moved = self._tariffs.areas.changes(now.org, begins, ends) if now.tariff_code is None else None
            if moved is not None:
                ends = moved - _ONE_DAY
            tariff = self._tariff(now, begins, spans[-1].tariff if spans else None)
            others = {code: self._choice(self._of_parts, now, code, begins) for code in part_codes(now)}
            for one in (tariff, *others.values()):
                if one.effective_to is not None:
                    ends = min(ends, one.effective_to - _ONE_DAY)
            if Month.holding(begins) < self._month and hangs_on_month(now, tariff):
                ends = min(ends, Month.holding(begins).next.first_day - _ONE_DAY)
            held = tuple(
                terms
                for terms in entry.terms
                if terms.effective_from <= ends and (terms.effective_to is None or terms.effective_to > begins)
            )
            spans.append(Span(begins, ends, held, tariff, others))
            begins = ends + _ONE_DAY
        return spans

    def _tariff(self, terms: Terms, on: date, before: TariffDocument | None) -> TariffDocument:
        """The tariff of terms on a day; before: that of the days before, which may have ended without a successor."""
        try:
            return self._choice(self._tariffs, terms, terms.tariff_code, on)
        except CannotRate as refusal:
            if before is not None and before.effective_to == on and refusal.fields.get("code") == "no_tariff":
                raise _without_successor(before) from refusal
            raise

    def _choice(self, tariffs: Tariffs, terms: Terms, code: str | None, on: date) -> TariffDocument:
        """As `choose`; what was found once for equal terms is kept."""
        area = tariffs.area(terms.org, on)
        key = (tariffs is self._of_parts, terms.kind, terms.tariff_class, terms.settlement_mode, code, on, area)
        if key not in self._chosen:
            try:
                self._chosen[key] = choose(
                    tariffs,
                    tariff_class=terms.tariff_class,
                    kind=terms.kind,
                    settlement=terms.settlement_mode,
                    on=on,
                    code=code,
                    area=area,
                )
            except CannotRate as refusal:
                self._chosen[key] = refusal
        chosen = self._chosen[key]
        if isinstance(chosen, CannotRate):
            raise chosen
        return chosen

    def _tier_year(
        self, terms: Terms, tariff: TariffDocument, last_day: date, read_from: Month, read: int, use: Use
    ) -> TierYear:
        """What of the tier year counts for the contract in its class, billed up to a day. read_from, read: the first of the months
        that the reading covers, and their number."""
        if tariff.tiers is None or tariff.tiers.period != "annual":
            return TierYear([], self._month, read=read)
        first = tier_year_began(tariff.tiers, self._month, read, use.readings if isinstance(use, Used) else {})
        expected = tier_year_begins(tariff.tiers, self._month, read)
        since_day = None if first == expected else first.first_day
        opened, closed = first, None
        ends = terms.effective_to is not None and terms.effective_to - _ONE_DAY <= last_day
        if ends or terms.effective_from > first.first_day:
            since, until = self._tenure(terms)
            if since > first.first_day:
                opened = Month.holding(since)
            if ends and until is not None and until - _ONE_DAY <= last_day:
                closed = until - _ONE_DAY
        count = tier_months(first.first_day, opened.first_day)
        year = TierYear(
            _months(opened, read_from), _later(opened, count - 1), max(1, count), read=read, since=since_day
        )
        if closed is None:
            return year
        months = tier_months(first.first_day, opened.first_day, closed)
        return TierYear(year.earlier, Month.holding(closed), max(1, months), year, read, since_day)

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


def _months(first: Month, end: Month) -> list[Month]:
    """The months from one up to another, which is not among them."""
    found = []
    while first < end:
        found.append(first)
        first = first.next
    return found


def _later(month: Month, count: int) -> Month:
    for _ in range(count):
        month = month.next
    return month


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


def _priced_by(terms: Terms) -> tuple[object, ...]:
    """What decides on prices and quantities: where it changes within a month, the month is rated in stages."""
    return (
        terms.contract_no,
        terms.tariff_class,
        terms.tariff_code,
        terms.voltage_kv,
        terms.settlement_mode,
        terms.pf_standard,
        priced_part(terms.special),
    )


def _market_by_month(entry: Entry, begun: Month, month: Month) -> CannotRate:
    return CannotRate(
        text(
            f"户号 {entry.account_no} 为市场化用户，按自然月结算，本次抄表却跨 {begun} 至 {month}（条款登记晚于抄表）；"
            f"请先对该户单户核算 {begun}，再重算 {month}。",
            f"Account {entry.account_no} is settled on the market by calendar months, but this reading runs from {begun} to"
            f" {month}, because its terms were stated after the reading; calculate {begun} for this account first, then {month}"
            " again.",
        ),
        code="bad_market",
        value=entry.account_no,
    )


def _another_contract(begun: Terms) -> CannotRate:
    return CannotRate(
        text(
            f"合同 {begun.contract_no} 自 {begun.effective_from} 起接替原合同，本月涉及两份合同，请先终结原合同电费。",
            f"Contract {begun.contract_no} follows the one before from {begun.effective_from} on, so the month has two contracts;"
            " settle the first one first.",
        ),
        code="two_contracts",
        contract_no=begun.contract_no,
        effective_from=begun.effective_from,
    )


def _without_successor(ended: TariffDocument) -> CannotRate:
    return CannotRate(
        text(
            f"电价 {ended.title.zh} 于 {ended.effective_to} 失效，本月其后没有可用的核算规则。",
            f"Tariff {ended.title.en} ends on {ended.effective_to}, within the month, and no other follows it.",
        ),
        code="no_tariff",
        tariff=ended.code,
        effective_to=ended.effective_to,
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


def remark_json(remark: RatingRemark) -> dict[str, object]:
    """A remark as it is stored with a bill."""
    return {"code": remark.code, "zh": remark.text.zh, "en": remark.text.en, "review": remark.review}


def months_missing(missing: list[Month]) -> dict[str, object]:
    """The remark on months of the tier year that are not known."""
    span = str(missing[0]) if len(missing) == 1 else f"{missing[0]} ~ {missing[-1]}"
    return {
        "code": "no_earlier_months",
        "zh": f"本阶梯年 {span} 的用电量未接入本系统，阶梯累计未含这些月份。",
        "en": f"Energy of {span} of this tier year was not taken over, so the tiers count without it.",
        "review": False,
    }

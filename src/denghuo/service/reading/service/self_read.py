"""Customers' own reading (客户自报读数): a customer sees the meters of their accounts and reports their registers about the reading
day; the office looks at the reports.

A report counts where nothing was collected or read on site, from the moment in which it is plausible. A doubtful one that its
customer confirmed waits for the office.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.problem import TooMany, text
from denghuo.kernel.values import Multiplier
from denghuo.service.contract.api import ContractApi, TermsIn
from denghuo.service.host.binding import Ask
from denghuo.service.notice.api import NewNotice, NoticeApi, Send
from denghuo.service.point.api import MetersIn
from denghuo.service.reading.api import (
    BANDS,
    DAYS_MOST,
    FIELD_WARNINGS,
    QUANTITIES,
    SELF_READ_STATES,
    DecideSelfRead,
    Doubtful,
    FindSelfReads,
    FollowSelfRead,
    MyMeters,
    MyMetersFound,
    NoSuchSelfRead,
    NothingToReview,
    OutsideWindow,
    OwnMeter,
    OwnRegister,
    OwnReport,
    ReadCorrected,
    RegistersUnfit,
    ReporterTold,
    ReportRegisters,
    ReportSettled,
    SelfReadFollowed,
    SelfReadReceived,
    SelfReadRef,
    SelfReadRow,
    SelfReadsFound,
    WrongMeter,
)
from denghuo.service.reading.batch import Evaluated, PlanPiece, reads_of
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.rules.field import Expected, field_check, most_a_day_e4, warnings_of
from denghuo.service.reading.rules.self_read import ReportDays, is_number_of
from denghuo.service.reading.service.checks import check_digits, check_own
from denghuo.service.reading.service.expected import Known, known_before
from denghuo.service.reading.service.forms import shown_register
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.self_read_days import SelfReadDays
from denghuo.service.reading.store import ReadingStore
from denghuo.service.reading.store.self_read import Row, SelfReadStore

MONTHS_AHEAD = 3
"""Every route is read at least every two months."""
Channel = tuple[str, str]
"""Quantity and band."""


class _Meter:
    """A meter of an account in the reading that is next or open, with what its registers are held against."""

    def __init__(self, month: Month, piece: PlanPiece, days: ReportDays) -> None:
        self.month, self.piece, self.days = month, piece, days
        self.expected: dict[Channel, Expected] = {}
        self.source = "none"


class SelfReading:
    def __init__(self, work: Work, ask: Ask, reads: ReadingStore, making: Making, days: SelfReadDays) -> None:
        self._work, self._ask, self._reads, self._making, self._days = work, ask, reads, making, days
        self._store = SelfReadStore(work)

    # -- the customer ----------------------------------------------------------------------------------------------------

    def meters(self, call: Call, request: MyMeters) -> MyMetersFound:
        found = self._meters(call, request.account_no)
        reports = self._store.of_month(request.account_no, str(found[0].month)) if found else []
        check = field_check(call.today)
        rows = [
            OwnMeter(
                meter_no=one.piece.meter_no,
                month=str(one.month),
                read_at=one.piece.to_at,
                opens_on=one.days.opens_on,
                closes_on=one.days.closes_on,
                is_open=one.days.open_on(call.today),
                multiplier=Multiplier(one.piece.multiplier),
                integer_digits=one.piece.integer_digits,
                decimal_digits=one.piece.decimal_digits,
                times=check.times,
                rollover_e4=check.rollover_e4,
                source=one.source,  # type: ignore[arg-type]
                registers=[_register(*channel, expected) for channel, expected in one.expected.items()],
                reports=[_report(row) for row in reports if row["meter_no"] == one.piece.meter_no],
            )
            for one in found
        ]
        return MyMetersFound(rows=rows, as_of=call.now)

    def report(self, call: Call, request: ReportRegisters) -> OwnReport:
        found = self._meters(call, request.account_no)
        meter = next((one for one in found if is_number_of(one.piece.meter_no, request.number_seen)), None)
        if meter is not None:
            self._store.lock(meter.piece.meter_no)
        known = self._store.known(request.account_no, request.report_no)
        if known is not None:
            return _report(known)
        if meter is None:
            raise _wrong_meter(request, [one.piece.meter_no for one in found])
        warnings = self._judged(call, request, meter)
        month, piece = meter.month, meter.piece
        standing = self._store.standing(str(month), piece.meter_no)
        if standing is not None and standing["state"] == "accepted":
            raise ReportSettled(
                text(
                    "本月示数已由供电所核定，不再改动；如有异议请拨打 95598。",
                    "The office has looked at this month's registers and they stay; call 95598 if you do not agree.",
                ),
                meter_no=piece.meter_no,
                month=str(month),
            )
        if standing is not None:
            self._store.supersede(standing["self_read_no"], call.now)
        state = "waiting" if warnings else "counted"
        # What shows on a day is that day's register: the convention of every reading by hand.
        number = self._store.keep(request, piece, midnight(call.today), warnings, state, call.actor, call.now)
        self._work.emit(
            SelfReadReceived(
                self_read_no=number, account_no=request.account_no, org=piece.org, month=str(month), state=state
            )
        )
        if piece.to_at <= call.now:
            self._work.enqueue("reading.follow_self_read", {"month": str(month), "meter_no": piece.meter_no})
        return _report(self._found(number))

    def _meters(self, call: Call, account_no: str) -> list[_Meter]:
        """The meters of one of the caller's accounts in the reading whose days to report are next or open."""
        check_own(call, account_no)
        month = Month.holding(call.today).previous
        for _ in range(MONTHS_AHEAD + 1):
            reading_day = month.next.first_day
            if call.today <= reading_day + timedelta(days=DAYS_MOST):
                asked = MetersIn(month=str(month), account_nos=[account_no])
                around = self._making.due(call, asked).pieces
                own = [one for one in around if one.account_no == account_no and one.to_at == month.period.end]
                days = self._days.about(reading_day, own[0].org, call.today) if own else None
                if days is not None and call.today <= days.closes_on:
                    return self._expected(call, account_no, month, own, days)
            month = month.next
        return []

    def _expected(
        self, call: Call, account_no: str, month: Month, pieces: Sequence[PlanPiece], days: ReportDays
    ) -> list[_Meter]:
        """The meters of these pieces: one that serves two points is reported once."""
        found = self._making.evaluated(month, pieces)
        past = self._store.before(account_no, str(month))
        asked = TermsIn(month=str(month), account_nos=[account_no])
        terms = self._ask(ContractApi).terms_in(Call.system(call.now, actor=call.actor), asked).rows
        powers = [
            one.capacity_kva.va if one.capacity_kva else one.contract_kw.w if one.contract_kw else 0 for one in terms
        ]
        meters: dict[str, _Meter] = {}
        for place, piece in enumerate(pieces):
            meter = meters.setdefault(piece.meter_no, _Meter(month, piece, days))
            for row, (at, quantity, band) in enumerate(found.channels):
                if at == place and quantity != "demand":
                    meter.expected[quantity, band] = _held_against(
                        piece,
                        quantity,
                        known_before(found, row, piece),
                        past.get((piece.meter_no, quantity, band)),
                        powers,
                    )
                    if meter.source == "none":
                        meter.source = _source(found, row)
            for (meter_no, quantity, band), row_before in past.items():
                # A meter of which nothing came this month still has the registers that it had.
                if meter_no == piece.meter_no and (quantity, band) not in meter.expected:
                    unknown = Known(None, None, None)
                    meter.expected[quantity, band] = _held_against(piece, quantity, unknown, row_before, powers)
        for meter in meters.values():
            meter.expected = dict(sorted(meter.expected.items(), key=lambda one: _place(one[0])))
        return list(meters.values())

    def _judged(self, call: Call, request: ReportRegisters, meter: _Meter) -> list[str]:
        """The warnings of a report that was confirmed in spite of them; none: it is plausible."""
        days, piece = meter.days, meter.piece
        if not days.open_on(call.today):
            raise OutsideWindow(
                text(
                    f"本次自报时间为 {days.opens_on} 至 {days.closes_on}，请在此期间报送；其他时间不必报数。",
                    f"Report between {days.opens_on} and {days.closes_on}; at other times there is no need to.",
                ),
                opens_on=days.opens_on,
                closes_on=days.closes_on,
            )
        most = in_force(call.today)["self_read"].parameters["reports_a_day"]
        if self._store.count(piece.meter_no, call.today) >= most:
            until = midnight(call.today + timedelta(days=1))
            raise TooMany(
                text(
                    f"每块电表每天最多自报 {most} 次，请明天再报或拨打 95598。",
                    f"A meter is reported at most {most} times a day: try again tomorrow or call 95598.",
                ),
                retry_after_s=int((until - call.now).total_seconds()),
            )
        given = [(one.quantity, one.band) for one in request.registers]
        if sorted(given) != sorted(meter.expected):
            raise RegistersUnfit(
                text(
                    f"须填全以下示数，且不多填：{'、'.join(_name(one, 'zh') for one in meter.expected)}。",
                    f"Enter all of these registers and no other: {', '.join(_name(one, 'en') for one in meter.expected)}.",
                ),
                given=[" ".join(one) for one in given],
                expected=[" ".join(one) for one in meter.expected],
            )
        warnings: dict[str, None] = {}
        check = field_check(call.today)
        for one in request.registers:
            check_digits(one.shown.e4, piece)
            warnings |= dict.fromkeys(
                warnings_of(one.shown.e4, call.now, meter.expected[one.quantity, one.band], check)
            )
        if warnings and not request.confirmed:
            said = [FIELD_WARNINGS.entries[one] for one in warnings]
            raise Doubtful(
                text(
                    f"{'；'.join(one['zh'] for one in said)}。请核对表号、小数点和位数；电表确实如此显示的，勾选“已核对”后再报，"
                    "供电所核实后采用。",
                    f"{'; '.join(one['en'] for one in said)}. Check the number of the meter, the point and the digits; if the meter"
                    " shows it, report it again as checked, and the office will look at it.",
                ),
                warnings=list(warnings),
            )
        return list(warnings)

    # -- the office ------------------------------------------------------------------------------------------------------

    def find(self, call: Call, request: FindSelfReads) -> SelfReadsFound:
        rows, total = self._store.find(request)
        shown = [_row(row) for row in rows]
        following = str(shown[-1].self_read_no) if len(shown) == request.limit else None
        return SelfReadsFound(rows=shown, total=total, next=following, as_of=call.now)

    def shown(self, call: Call, request: SelfReadRef) -> SelfReadRow:
        return _row(self._found(request.self_read_no))

    def accept(self, call: Call, request: DecideSelfRead) -> SelfReadRow:
        row = self._to_decide(request)
        self._decided(call, request, accepted=True)
        words = f"客户自报 {request.self_read_no}：{request.reason}"
        self._follow(call, row["month"], row["meter_no"], words)
        return _row(self._found(request.self_read_no))

    def refuse(self, call: Call, request: DecideSelfRead) -> SelfReadRow:
        row = self._to_decide(request)
        self._decided(call, request, accepted=False)
        self._follow(call, row["month"], row["meter_no"])
        return _row(self._found(request.self_read_no))

    def _decided(self, call: Call, request: DecideSelfRead, *, accepted: bool) -> None:
        self._store.decide(request.self_read_no, accepted, request.reason, call.actor, call.now)
        self._work.enqueue("reading.tell_reporter", {"self_read_no": request.self_read_no})

    def tell(self, call: Call, request: SelfReadRef) -> ReporterTold:
        row = self._found(request.self_read_no)
        if row["decided_at"] is None:
            return ReporterTold(told=False)
        told = NewNotice(
            template="self_read_refused" if row["state"] == "refused" else "self_read_accepted",
            account_no=row["account_no"],
            org=row["org"],
            parameters={name: " ".join(row[name].split()) for name in ("account_no", "meter_no", "month", "remark")},
            key=f"self-read-{request.self_read_no}",
        )
        self._ask(NoticeApi).send(call, Send(notices=[told]))
        return ReporterTold(told=True)

    def follow(self, call: Call, request: FollowSelfRead) -> SelfReadFollowed:
        return SelfReadFollowed(changed=self._follow(call, request.month, request.meter_no))

    def _follow(self, call: Call, month_text: str, meter_no: str, words: str | None = None) -> int:
        """Makes the reads of a meter's month anew where they were made; gives how many are other. words: with which what it shows
        is confirmed where it is suspicious."""
        self._reads.lock_month(month_text)
        points, month = self._store.points(month_text, meter_no), Month.of(month_text)
        pieces = self._reads.pieces_of(month_text, points)
        orgs = sorted({one.org for one in pieces})
        if orgs:
            self._work.enqueue("reading.tell_units", {"month": month_text, "orgs": orgs})
        if words is not None:
            rules = in_force(month.first_day)
            for read in reads_of(self._making.evaluated(month, pieces), {}):
                rule = rules.get(read.rule)
                held = read.meter_no == meter_no and read.end_source == "self_read" and read.status == "held"
                if held and read.energy_wh is not None and rule and rule.may_accept:
                    self._reads.accept(read, words, call.actor, call.now)
        before = self._reads.reads(month_text, points)
        rows = self._making.made(month, pieces, points)
        if not points or before == rows:
            return 0
        changed = self._reads.save_reads(month_text, rows, call.now, points)
        self._making.follow(month_text)
        touched = {(one.point_no, one.account_no) for one in pieces if one.meter_no == meter_no}
        for point_no, account_no in sorted(touched, key=lambda one: one[0]):
            self._work.emit(ReadCorrected(point_no=point_no, account_no=account_no, month=month_text))
        return changed

    def _found(self, self_read_no: int) -> Row:
        row = self._store.one(self_read_no)
        if row is None:
            raise NoSuchSelfRead(
                text(
                    f"没有编号为 {self_read_no} 的自报记录，或不在您的管辖范围内。",
                    f"There is no report {self_read_no}, or it is outside your scope.",
                ),
                self_read_no=self_read_no,
            )
        return row

    def _to_decide(self, request: DecideSelfRead) -> Row:
        self._store.lock(self._found(request.self_read_no)["meter_no"])
        row = self._found(request.self_read_no)
        if row["state"] not in ("waiting", "counted"):
            state = SELF_READ_STATES.entries[row["state"]]
            raise NothingToReview(
                text(f"该自报不待审核：{state['zh']}。", f"The report does not wait for a word: {state['en']}."),
                self_read_no=request.self_read_no,
                state=row["state"],
            )
        return row


def _held_against(
    piece: PlanPiece, quantity: str, known: Known, past: Mapping[str, Any] | None, powers: Sequence[int]
) -> Expected:
    """What a register is held against: what came in the month, else the end and the average of the read before."""
    last_e4, last_at, usual = known
    if past is not None:
        if last_e4 is None:
            last_e4, last_at = past["end_e4"], past["to_at"]
        days = (past["to_at"] - past["from_at"]) // timedelta(days=1)
        if usual is None and days and past["end_e4"] >= past["start_e4"]:
            usual = (past["end_e4"] - past["start_e4"]) // days
    power = piece.pv_w or 0 if quantity == "active_rev" else max(powers, default=0) if quantity == "active_fwd" else 0
    most = most_a_day_e4(power, piece.multiplier) if power else None
    return Expected(piece.integer_digits, piece.decimal_digits, last_e4, last_at, usual, most)


def _source(found: Evaluated, row: int) -> str:
    """From where the end of a channel is known so far."""
    return found.source[row][1]


def _register(quantity: str, band: str, expected: Expected) -> OwnRegister:
    return OwnRegister.model_validate(
        {
            "quantity": quantity,
            "band": band,
            "last": shown_register(expected.last_e4),
            "last_at": expected.last_at,
            "usual_a_day": shown_register(expected.usual_a_day_e4),
            "most_a_day": shown_register(expected.most_a_day_e4),
        }
    )


def _report(row: Row) -> OwnReport:
    return OwnReport.model_validate({name: row[name] for name in OwnReport.model_fields})


def _row(row: Row) -> SelfReadRow:
    shown = "；".join(f"{_name((one['quantity'], one['band']), 'zh')} {one['shown']}" for one in row["registers"])
    return SelfReadRow.model_validate(
        {name: row[name] for name in SelfReadRow.model_fields if name != "shown"} | {"shown": shown}
    )


def _place(channel: Channel) -> tuple[int, int]:
    quantity, band = channel
    return list(QUANTITIES.entries).index(quantity), list(BANDS.entries).index(band)


def _name(channel: Channel, language: str) -> str:
    quantity, band = channel
    return f"{QUANTITIES.entries[quantity][language]} {BANDS.entries[band][language]}"  # type: ignore[literal-required]


def _wrong_meter(request: ReportRegisters, meters: Sequence[str]) -> WrongMeter:
    listed = "、".join(meters)
    return WrongMeter(
        text(
            f"{request.number_seen} 不是户号 {request.account_no} 的电表编号（本户电表：{listed or '无'}）。请核对电表上的编号，"
            "勿抄邻户的表；刚换过表的请拨打 95598。",
            f"{request.number_seen} is no meter of account {request.account_no} (its meters: {listed or 'none'}). Check the number"
            " on the meter, it may be a neighbour's; call 95598 if it was exchanged just now.",
        ),
        number_seen=request.number_seen,
        meters=list(meters),
    )

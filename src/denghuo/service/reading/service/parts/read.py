"""The month's reads, and a clerk's word on them."""

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.problem import text
from denghuo.service.point.api import MetersIn
from denghuo.service.reading.api import (
    RULES,
    Accept,
    AccountMonth,
    AccountReads,
    EstimatedEndsAsked,
    EstimatedEndsFound,
    ExceptionsFound,
    FindExceptions,
    FindReads,
    NothingToAccept,
    PointMonth,
    PointMonthRef,
    ReadsFound,
    RegistersAt,
    RegistersFound,
    Resolve,
    Reviewed,
    Rules,
    RulesOn,
)
from denghuo.service.reading.api.estimated import EstimatedOperations
from denghuo.service.reading.api.read import ReadOperations
from denghuo.service.reading.api.review import ReviewOperations
from denghuo.service.reading.batch import (
    ALWAYS,
    Manual,
    PlanPiece,
    estimated_ends,
    evaluate,
    first_month,
    midnights_of,
    reads_of,
    shown_at,
)
from denghuo.service.reading.rules import Rule, in_force
from denghuo.service.reading.service.checks import check_digits, check_due, check_plausible, not_planned
from denghuo.service.reading.service.forms import day_read, estimated_end, register_at, rule_row, shown_energy
from denghuo.service.reading.service.parts.part import ReadingPart


class ReadPart(ReadingPart, ReadOperations, EstimatedOperations, ReviewOperations):
    """Answers on reads and their review."""

    def reads(self, call: Call, request: FindReads) -> ReadsFound:
        rows, total, following = self._pages.reads(request)
        return ReadsFound(rows=rows, total=total, next=following, as_of=self._pages.as_of(request.month, call.now))

    def exceptions(self, call: Call, request: FindExceptions) -> ExceptionsFound:
        rules = in_force(Month.of(request.month).first_day)
        rows, total, held, following = self._pages.exceptions(request, rules, RULES.entries)
        as_of = self._pages.as_of(request.month, call.now)
        return ExceptionsFound(rows=rows, total=total, held=held, next=following, as_of=as_of)

    def account_reads(self, call: Call, request: AccountMonth) -> AccountReads:
        rows = self._pages.reads_of_account(request.account_no, request.month)
        as_of = self._pages.as_of(request.month, call.now, sorted({row.point_no for row in rows}))
        return AccountReads(account_no=request.account_no, rows=rows, as_of=as_of)

    def rules(self, call: Call, request: RulesOn) -> Rules:
        on = request.on or call.today
        return Rules(rows=[rule_row(rule) for rule in in_force(on).values()])

    def point_month(self, call: Call, request: PointMonthRef) -> PointMonth:
        pieces = self._making.planned(call, request.month, [request.point_no])
        if not pieces:
            raise not_planned(request.month, request.point_no)
        quantity = request.quantity or ALWAYS[pieces[0].register][0]
        month = Month.of(request.month)
        first = first_month(pieces, month)
        meters = sorted({piece.meter_no for piece in pieces})
        registers, manuals = self._making.registers(month, meters, first=first)
        found = evaluate(pieces, registers, manuals, month, in_force(month.first_day))
        if not any((one, band) == (quantity, request.band) for _, one, band in found.channels):
            raise not_planned(request.month, request.point_no)
        raw = {
            (row["meter_no"], row["read_at"]): row["value_e4"]
            for row in registers.to_pylist()
            if (row["quantity"], row["band"]) == (quantity, request.band)
        }
        sent = {
            (one.meter_no, one.read_at): one
            for one in self._making.sent(first.first_day, month.next.first_day, meters)
            if (one.quantity, one.band) == (quantity, request.band)
        }
        midnights = midnights_of(found, quantity, raw, request.band)
        return PointMonth.model_validate(
            {
                "point_no": request.point_no,
                "month": request.month,
                "account_no": pieces[-1].account_no,
                "org": pieces[-1].org,
                "role": pieces[-1].role,
                "quantity": quantity,
                "reads": self._pages.reads_of_point(request.month, request.point_no),
                "days": [day_read(one, sent.get((one.meter_no, one.read_at))) for one in midnights],
                "starts": first.first_day,
                "energies": [shown_energy(one.energy_wh) for one in midnights[:-1]],
                "estimated": [one.energy_estimated for one in midnights[:-1]],
                "as_of": self._pages.as_of(request.month, call.now, [request.point_no]),
            }
        )

    def registers_at(self, call: Call, request: RegistersAt) -> RegistersFound:
        found = self._making.evaluated(Month.of(request.month), self._planned(call, request), request.known_at)
        return RegistersFound(
            rows=[register_at(one) for one in shown_at(found, midnight(request.day))],
            as_of=request.known_at or self._pages.as_of(request.month, call.now, request.point_nos),
        )

    def estimated_ends(self, call: Call, request: EstimatedEndsAsked) -> EstimatedEndsFound:
        found = self._making.evaluated(Month.of(request.month), self._planned(call, request), request.known_at)
        return EstimatedEndsFound(
            rows=[estimated_end(one) for one in estimated_ends(found)],
            as_of=request.known_at or self._pages.as_of(request.month, call.now, request.point_nos),
        )

    def _planned(self, call: Call, request: RegistersAt | EstimatedEndsAsked) -> list[PlanPiece]:
        """The plan of points as far as the caller may see them, as it was known at an instant where one is asked for."""
        if request.known_at is None:
            return self._making.planned(call, request.month, request.point_nos)
        asked = MetersIn(month=request.month, point_nos=request.point_nos, known_at=request.known_at)
        pieces = self._making.due(call, asked).pieces
        return [one for one in pieces if one.point_no in request.point_nos and call.sees(one.org, one.account_no)]

    def _pieces(self, month: str, point_no: str) -> list[PlanPiece]:
        pieces = self._store.pieces(month, point_no)
        if not pieces:
            raise not_planned(month, point_no)
        return pieces

    def resolve(self, call: Call, request: Resolve) -> Reviewed:
        self._store.lock_month(request.month)
        pieces = self._pieces(request.month, request.point_no)
        piece = next((one for one in pieces if one.piece == request.piece), None)
        if piece is None:
            raise not_planned(request.month, request.point_no)
        quantity = request.quantity or ALWAYS[piece.register][0]
        read_at = piece.from_at if request.side == "start" else piece.to_at
        check_digits(request.shown.e4, piece)
        check_due(read_at, call.now)
        entered = Manual(piece.meter_no, quantity, request.band, read_at, request.shown.e4)
        month = Month.of(request.month)
        found = self._making.evaluated(month, pieces, entered=[entered])
        row = found.row_of(pieces.index(piece), quantity, request.band)
        if row is None:
            raise not_planned(request.month, request.point_no)
        if not request.confirmed:
            check_plausible(found, row, request.side, request.shown.e4)
        self._store.enter(entered, piece, request.reason, call.actor, call.now)
        if read_at == month.period.end and piece.account_no is not None:
            self._units.entered(call, month, piece.org)
        suspicious = reads_of(found, {})[row]
        if request.confirmed and suspicious.status == "held" and _may_accept(found.rules.get(suspicious.rule)):
            self._store.accept(suspicious, request.reason, call.actor, call.now)
        return self._remade(call, pieces, piece, quantity, request.band)

    def accept(self, call: Call, request: Accept) -> Reviewed:
        self._store.lock_month(request.month)
        pieces = self._pieces(request.month, request.point_no)
        piece = next((one for one in pieces if one.piece == request.piece), pieces[0])
        quantity = request.quantity or ALWAYS[piece.register][0]
        read = self._store.read(request.month, request.point_no, request.piece, quantity, request.band)
        if read is None:
            raise not_planned(request.month, request.point_no)
        rule = in_force(Month.of(request.month).first_day).get(read.rule)
        if read.status != "held" or read.energy_wh is None or not _may_accept(rule):
            raise NothingToAccept(
                text(
                    "该示数未挂起，或因示数缺失、倒走而挂起；此类须录入示数，不能仅凭确认放行。",
                    "The read is not held, or a register is missing or runs backwards; enter the register instead.",
                ),
                rule=read.rule,
                status=read.status,
            )
        self._store.accept(read, request.reason, call.actor, call.now)
        return self._remade(call, pieces, piece, quantity, request.band)


def _may_accept(rule: Rule | None) -> bool:
    return rule is not None and rule.may_accept

"""Messages and operations about a clerk's word on a read (示数复核): a register entered by hand, a suspicious value confirmed."""

from typing import Annotated

from denghuo.kernel.contract import Api, Call, DatasetRef, Event, Label, Message, command
from denghuo.kernel.fields import MonthText, PointNo, Reason
from denghuo.kernel.problem import Problem
from denghuo.kernel.values import Register
from denghuo.service.reading.api.month import EnergyCorrected
from denghuo.service.reading.api.read import MonthReadRow, NotPlanned
from denghuo.service.reading.api.unit import UnitRead
from denghuo.service.reading.api.vocabulary import Band, Piece, Quantity, Side


class Resolve(Message):
    """A register that a clerk enters at the beginning or the end of a piece, in place of a missing or a wrong one."""

    month: MonthText
    point_no: PointNo
    piece: Piece = 1
    quantity: Quantity | None = None
    band: Band = "total"
    side: Side = "end"
    shown: Annotated[Register, Label("示数", "Register")]
    reason: Reason
    confirmed: Annotated[bool, Label("已现场核实", "Checked on site")] = False


class Accept(Message):
    """A clerk's word that a suspicious value is right. It holds for these registers only."""

    month: MonthText
    point_no: PointNo
    piece: Piece = 1
    quantity: Quantity | None = None
    band: Band = "total"
    reason: Reason


class Reviewed(Message):
    """The read after the review, and the dataset of the month that now holds it."""

    read: MonthReadRow
    energy: DatasetRef


class ReadCorrected(Event, name="reading.read.corrected", version=1):
    """A clerk entered or accepted a read, so what was made of it may change."""

    point_no: str
    account_no: str | None
    month: str


class Implausible(Problem, noun="reading", status=409, zh="示数不合理", en="The register is implausible"):
    """Fields: shown, lowest, highest, rule. Enter it again with `confirmed` after a check on site."""


class TooManyDigits(Problem, noun="reading", status=422, zh="示数位数超过表计", en="More digits than the register has"):
    """Fields: shown, integer_digits, decimal_digits."""


class NotYet(Problem, noun="reading", status=409, zh="抄表时点未到", en="Not yet due"):
    """A register cannot be entered before its time. Fields: read_at."""


class NothingToAccept(Problem, noun="reading", status=409, zh="该示数无需或不能确认", en="Nothing to accept"):
    """The read is not held, or it is held because a register is missing, which no word can replace. Fields: rule, status."""


class ReviewOperations(Api):
    """A clerk's word on a read."""

    @command(
        permit="reading.review",
        problems=(NotPlanned, NotYet, Implausible, TooManyDigits),
        emits=(ReadCorrected, EnergyCorrected, UnitRead),
    )
    def resolve(self, call: Call, request: Resolve) -> Reviewed:
        """Enters a register by hand, with the reason. The raw value stays; the read is made anew from the entered one."""

    @command(permit="reading.review", problems=(NotPlanned, NothingToAccept), emits=(ReadCorrected, EnergyCorrected))
    def accept(self, call: Call, request: Accept) -> Reviewed:
        """Confirms a suspicious value, with the reason, so that it is billed."""

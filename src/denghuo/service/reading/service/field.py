"""Field reading (现场补抄): orders of what stayed held, entries from the road, and the office's word on them.

Entries come late, twice and from clocks that are wrong. Each is kept under the number that the phone gave it; which one counts
hangs on when it was taken and on what the office has done since, never on the order in which they arrive.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SHANGHAI, Month, midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Multiplier, Register
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import (
    ENTRY_STATES,
    DecideFieldEntry,
    EntryOutcome,
    FieldEntry,
    FieldEntryReceived,
    FieldEntryRow,
    FieldOrder,
    FieldOrderRef,
    FieldOrderRow,
    FieldOrdersFound,
    FieldOrderShown,
    FieldOrdersMade,
    FieldPhoto,
    FieldPhotoRef,
    FieldSynced,
    FindFieldOrders,
    KeepFieldPhoto,
    MakeFieldOrders,
    MyFieldOrder,
    MyFieldOrders,
    MyFieldOrdersFound,
    NoSuchFieldOrder,
    NothingToDecide,
    PhotoFaulty,
    PhotoKept,
    ReaderMayNotDecide,
    Reviewed,
    SyncField,
)
from denghuo.service.reading.batch import Manual, PlanPiece, reads_of
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.rules.field import Expected, field_check, shows, warnings_of
from denghuo.service.reading.service.expected import channels_of_orders
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.special_plan import SpecialPlans
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.service.units import Units
from denghuo.service.reading.store import ReadingStore
from denghuo.service.reading.store.books import BookStore
from denghuo.service.reading.store.field import FieldStore, Row

ORDERS_MAX = 500
"""What a reader's phone takes along: more than a day's walk."""
_MEDIA = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
Remade = Callable[[Call, Sequence[PlanPiece], PlanPiece, str, str], Reviewed]


class FieldReading:
    def __init__(
        self,
        work: Work,
        ask: Ask,
        store: ReadingStore,
        taking: Taking,
        making: Making,
        units: Units,
        plans: SpecialPlans,
        remade: Remade,
    ) -> None:
        self._ask = ask
        self._work, self._reads, self._taking, self._making, self._units = work, store, taking, making, units
        self._plans, self._remade = plans, remade
        self._store, self._books = FieldStore(work), BookStore(work)

    # -- orders ----------------------------------------------------------------------------------------------------------

    def make(self, call: Call, request: MakeFieldOrders) -> FieldOrdersMade:
        self._reads.lock_month(request.month)
        held = self._store.held(request.month, request.org)
        by_piece = {key: list(rows) for key, rows in groupby(held, key=lambda row: (row["point_no"], row["piece"]))}
        points = sorted({point_no for point_no, _ in by_piece})
        month = Month.of(request.month)
        pieces = self._reads.pieces_of(request.month, points)
        due = [one for one in pieces if (one.point_no, one.piece) in by_piece and one.to_at <= call.now]
        channels = channels_of_orders(self._making, self._taking, call, month, pieces, by_piece)
        places = {row["point_no"]: row for row in self._books.points(points, call.today)}
        rows = [
            {
                **{
                    name: getattr(one, name) for name in ("month", "point_no", "piece", "meter_no", "account_no", "org")
                },
                **{name: getattr(one, name) for name in ("multiplier", "integer_digits", "decimal_digits")},
                "read_at": one.to_at,
                "book": places[one.point_no]["book"] if one.point_no in places else one.route,
                "place": places[one.point_no]["place"] if one.point_no in places else None,
                "channels": channels[one.point_no, one.piece],
            }
            for one in due
        ]
        made = self._store.make(rows, call.actor, call.now)
        unassigned = self._store.unassigned(request.month, call.today)
        return FieldOrdersMade(made=made, known=len(rows) - made, unassigned=unassigned)

    def mine(self, call: Call, request: MyFieldOrders) -> MyFieldOrdersFound:
        rows = self._store.of_reader(call.actor, call.today, ORDERS_MAX)
        entries = self._by_order(rows)
        addresses = self._addresses(call, {row["account_no"] for row in rows if row["account_no"]})
        shown = [
            MyFieldOrder.model_validate(
                _order(row, entries.get(row["order_no"], [])) | {"address": addresses.get(row["account_no"])}
            )
            for row in rows
        ]
        return MyFieldOrdersFound(rows=shown, as_of=call.now)

    def _addresses(self, call: Call, accounts: set[str]) -> dict[str, str]:
        asked = AccountNumbers(numbers=sorted(accounts))
        found = self._ask(CustomerApi).accounts(call.only("customer.read"), asked).rows if accounts else []
        return {one.account_no: one.address for one in found}

    def find(self, call: Call, request: FindFieldOrders) -> FieldOrdersFound:
        rows, total = self._store.find(request, call.today)
        shown = [FieldOrderRow.model_validate({name: row[name] for name in FieldOrderRow.model_fields}) for row in rows]
        following = str(shown[-1].order_no) if len(shown) == request.limit else None
        return FieldOrdersFound(rows=shown, total=total, next=following, as_of=call.now)

    def shown(self, call: Call, request: FieldOrderRef) -> FieldOrderShown:
        row = self._store.one(request.order_no, call.today)
        if row is None:
            raise _no_such(request.order_no)
        entries = self._store.entries([request.order_no])
        counted = next((one for one in entries if one["state"] == "counted"), None)
        with_photo = [one for one in (counted, *entries) if one is not None and one["photo_no"]]
        return FieldOrderShown.model_validate(
            _order(row, entries)
            | {
                "counted": counted["entry_no"] if counted and row["state"] != "settled" else None,
                "photo_no": with_photo[0]["photo_no"] if with_photo else None,
                "entries": [_entry(one) for one in entries],
                "as_of": call.now,
            }
        )

    def _by_order(self, rows: Sequence[Row]) -> Mapping[int, list[Row]]:
        found: dict[int, list[Row]] = {}
        for entry in self._store.entries([row["order_no"] for row in rows]):
            found.setdefault(entry["order_no"], []).append(entry)
        return found

    # -- from the road ---------------------------------------------------------------------------------------------------

    def keep_photo(self, call: Call, request: KeepFieldPhoto) -> PhotoKept:
        order = self._store.one(request.order_no, call.today)
        if order is None:
            raise _no_such(request.order_no)
        try:
            content = base64.b64decode(request.content, validate=True)
        except binascii.Error:
            content = b""
        media_type = next((kind for begin, kind in _MEDIA.items() if content.startswith(begin)), None)
        if media_type is None:
            raise PhotoFaulty(
                text("照片须为 JPEG 或 PNG 文件，请重拍。", "A photo is a JPEG or PNG file; take it again."),
                photo_no=request.photo_no,
            )
        self._store.keep_photo(request, order["org"], call.actor, media_type, content, call.now)
        return PhotoKept(photo_no=request.photo_no)

    def photo(self, call: Call, request: FieldPhotoRef) -> FieldPhoto:
        row = self._store.photo(request.photo_no)
        if row is None:
            raise _no_such(request.photo_no)
        return FieldPhoto(
            photo_no=row["photo_no"],
            reader=row["reader"],
            media_type=row["media_type"],
            content=base64.b64encode(bytes(row["content"])).decode(),
        )

    def sync(self, call: Call, request: SyncField) -> FieldSynced:
        outcomes = []
        # The latest first, so that an earlier one of the same order is told at once that it does not count.
        for entry in sorted(request.entries, key=lambda one: (one.taken_at, one.entry_no), reverse=True):
            outcome = self._taken(call, entry)
            said = ENTRY_STATES.entries[outcome]
            outcomes.append(
                EntryOutcome(entry_no=entry.entry_no, order_no=entry.order_no, outcome=outcome, said=TextPair(**said))
            )
        return FieldSynced(outcomes=outcomes, as_of=call.now)

    def _taken(self, call: Call, entry: FieldEntry) -> Any:
        """Keeps an entry and gives what became of it; of one that is known, what has become of it."""
        if not self._store.lock(entry.order_no):
            return "unknown"
        known = self._store.entry(entry.entry_no)
        if known is not None:
            return known["state"]
        order = self._store.one(entry.order_no, call.today)
        assert order is not None  # it is locked
        warnings = self._warnings(order, entry)
        counted = self._store.counted(entry.order_no)
        check = field_check(order["read_at"].astimezone(SHANGHAI).date())
        if not order["read_at"] <= entry.taken_at <= call.now + timedelta(seconds=check.ahead_s):
            state = "clock"
        elif warnings is None:
            state = "digits"
        elif warnings and not (entry.confirmed and (entry.reason or "").strip()):
            state = "unconfirmed"
        elif order["state"] in ("settled", "accepted"):
            state = "settled"
        elif counted is not None and counted["taken_at"] >= entry.taken_at:
            state = "older"
        else:
            state = "counted"
            if counted is not None:
                self._store.supersede(counted["entry_no"])
        self._store.keep(entry, order["org"], call.actor, warnings or [], state, call.now)
        if state == "counted":
            self._store.set_state(entry.order_no, "entered")
            self._work.emit(
                FieldEntryReceived(order_no=entry.order_no, org=order["org"], month=order["month"], reader=call.actor)
            )
        return state

    @staticmethod
    def _warnings(order: Row, entry: FieldEntry) -> list[str] | None:
        """What is implausible; None where the meter cannot show it, or other registers than those asked for were entered."""
        asked = {(one["quantity"], one["band"]): one for one in order["channels"]}
        if sorted(asked) != sorted((one.quantity, one.band) for one in entry.registers):
            return None
        check = field_check(order["read_at"].astimezone(SHANGHAI).date())
        at = order["read_at"] if entry.shown_as == "frozen" else entry.taken_at
        found: list[str] = []
        for one in entry.registers:
            expected = _expected(order, asked[one.quantity, one.band])
            if not shows(one.shown.e4, expected):
                return None
            found += warnings_of(one.shown.e4, at, expected, check)
        return list(dict.fromkeys(found))

    # -- the office's word -----------------------------------------------------------------------------------------------

    def accept(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        order, entry = self._to_decide(call, request)
        if order["plan_no"] is None:
            self._accepted(call, order, entry, request.reason)
        else:
            at = order["read_at"] if entry["shown_as"] == "frozen" else entry["taken_at"]
            self._plans.entered(order, _registers(entry), at)
        self._store.decide(request.entry_no, "accepted", request.reason, call.actor, call.now)
        self._store.set_state(order["order_no"], "accepted")
        return self.shown(call, FieldOrderRef(order_no=order["order_no"]))

    def _accepted(self, call: Call, order: Row, entry: Row, reason: str) -> None:
        """Enters what was read into the month and makes its read anew."""
        self._reads.lock_month(order["month"])
        month, pieces = Month.of(order["month"]), self._reads.pieces(order["month"], order["point_no"])
        piece = next(one for one in pieces if one.piece == order["piece"])
        # What shows on a day is that day's register: the convention of every reading by hand.
        seen = max(midnight(entry["taken_at"].astimezone(SHANGHAI).date()), order["read_at"])
        at = order["read_at"] if entry["shown_as"] == "frozen" else seen
        words = f"现场补抄 {order['order_no']}（{entry['reader']}）：{reason}"
        registers = _registers(entry)
        for quantity, band, shown in registers:
            manual = Manual(piece.meter_no, quantity, band, at, shown.e4)
            self._reads.enter(manual, piece, words, call.actor, call.now)
        if at == month.period.end and piece.account_no is not None:
            self._units.entered(call, month, piece.org)
        found, rules = self._making.evaluated(month, pieces), in_force(month.first_day)
        for read in reads_of(found, {}):
            mine = (read.piece, read.quantity, read.band) in {(piece.piece, *one[:2]) for one in registers}
            rule = rules.get(read.rule)
            if mine and read.status == "held" and read.energy_wh is not None and rule and rule.may_accept:
                self._reads.accept(read, words, call.actor, call.now)
        self._remade(call, pieces, piece, *registers[0][:2])

    def refuse(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        order, _ = self._to_decide(call, request)
        self._store.decide(request.entry_no, "refused", request.reason, call.actor, call.now)
        self._store.set_state(order["order_no"], "open")
        return self.shown(call, FieldOrderRef(order_no=order["order_no"]))

    def _to_decide(self, call: Call, request: DecideFieldEntry) -> tuple[Row, Row]:
        entry = self._store.entry(request.entry_no)
        if entry is None:
            raise _no_such(request.entry_no)
        self._store.lock(entry["order_no"])
        entry = self._store.entry(request.entry_no) or entry
        order = self._store.one(entry["order_no"], call.today)
        assert order is not None  # the entry hangs on it
        state = "settled" if order["state"] == "settled" else entry["state"]
        if state != "counted":
            raise NothingToDecide(
                text(
                    f"该录入不待审核：{ENTRY_STATES.entries[state]['zh']}。",
                    f"The entry does not wait for a word: {ENTRY_STATES.entries[state]['en']}.",
                ),
                entry_no=request.entry_no,
                state=state,
            )
        if entry["reader"] == call.actor:
            raise ReaderMayNotDecide(
                text("现场录入须由本人以外的人审核。", "Another person than the reader decides on an entry."),
                reader=entry["reader"],
            )
        return order, entry


def _registers(entry: Row) -> list[tuple[str, str, Register]]:
    """Quantity, band and what showed."""
    return [(one["quantity"], one["band"], Register.of(one["shown"])) for one in entry["registers"]]


def _expected(order: Row, channel: Mapping[str, Any]) -> Expected:
    e4 = {
        name: Register.of(channel[name]).e4 if channel[name] is not None else None
        for name in ("last", "usual_a_day", "most_a_day")
    }
    return Expected(
        order["integer_digits"],
        order["decimal_digits"],
        e4["last"],
        datetime.fromisoformat(channel["last_at"]) if channel["last_at"] else None,
        e4["usual_a_day"],
        e4["most_a_day"],
    )


def _order(row: Row, entries: Sequence[Row]) -> dict[str, Any]:
    check = field_check(row["read_at"].astimezone(SHANGHAI).date())
    refused = next((one["remark"] for one in entries if one["state"] == "refused"), None)
    names = set(FieldOrder.model_fields) - {"multiplier", "times", "rollover_e4", "refused_for"}
    return {name: row[name] for name in names} | {
        "multiplier": Multiplier(row["multiplier"]),
        "times": check.times,
        "rollover_e4": check.rollover_e4,
        "refused_for": refused if row["state"] == "open" else None,
    }


def _entry(row: Row) -> FieldEntryRow:
    shown = "；".join(one["shown"] for one in row["registers"])
    return FieldEntryRow.model_validate(
        {name: row[name] for name in FieldEntryRow.model_fields if name != "shown"} | {"shown": shown}
    )


def _no_such(number: object) -> NoSuchFieldOrder:
    return NoSuchFieldOrder(
        text(
            f"没有编号为 {number} 的补抄记录，或不在您的管辖范围内。",
            f"There is nothing of field reading under {number}, or it is outside your scope.",
        ),
        number=str(number),
    )

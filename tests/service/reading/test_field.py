"""Field reading: orders of what stayed held, entries from the road with their conflicts, and the office's word."""

import base64
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from denghuo.kernel.contract import Call
from denghuo.service.reading.api import (
    DecideBookChange,
    DecideFieldEntry,
    FieldEntry,
    FieldOrderRef,
    FieldOrderShown,
    FieldPhotoRef,
    FindFieldOrders,
    KeepFieldPhoto,
    MakeFieldOrders,
    MyFieldOrder,
    MyFieldOrders,
    NoSuchFieldOrder,
    NothingToDecide,
    PhotoFaulty,
    ProposeBookChange,
    ReaderMayNotDecide,
    Resolve,
    SyncField,
)
from tests.service.bindings import NOW
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, PERIOD, address_of, installation, month_of, steady

PERMITS = frozenset({"reading.read", "reading.field", "reading.review", "reading.route", "reading.approve_route"})
READER = Call(actor="reader", now=NOW + timedelta(hours=3), permits=PERMITS, scope=("1405810",), channel="phone")
CLERK = replace(READER, actor="clerk")
MANAGER = replace(READER, actor="manager")
HOME, OTHER = "5810100000019", "5810100000027"
TERMS = [{"account_no": HOME, "tariff_class": "resident", "contract_w": 8_000}]
SEEN = PERIOD.end + timedelta(hours=10)
PHOTO = base64.b64encode(b"\xff\xd8\xff\xe0 a meter").decode()


@pytest.fixture
def made(bench: Make) -> Bench:
    """Two homes: one was collected all month, the other until the tenth only."""
    found = bench([installation("P1", "M1", account_no=HOME), installation("P2", "M2", account_no=OTHER)], TERMS)
    found.receive(month_of("M1", steady()[:10]), month_of("M2", steady()))
    found.run()
    change = found.api.propose_book_change(
        CLERK, ProposeBookChange(book="TG001", reader="reader", effective_from=CLERK.today, reason="抄表派工")
    )
    found.api.approve_book_change(MANAGER, DecideBookChange(change_no=change.change_no, remark="同意派工"))
    done = found.api.make_field_orders(CLERK, MakeFieldOrders(month=MONTH))
    assert (done.made, done.known, done.unassigned) == (1, 0, 0)
    return found


def order(made: Bench) -> MyFieldOrder:
    (found,) = made.api.my_field_orders(READER, MyFieldOrders()).rows
    return found


def entry(order_no: int, shown: str = "245.00", at: datetime = SEEN, **words: Any) -> FieldEntry:
    given = {
        "entry_no": str(uuid.uuid4()),
        "order_no": order_no,
        "shown_as": "frozen",
        "registers": [{"quantity": "active_fwd", "band": "total", "shown": shown}],
        "taken_at": at,
    }
    return FieldEntry.model_validate(given | words)


def sync(made: Bench, *entries: FieldEntry, call: Call = READER) -> dict[str, str]:
    found = made.api.sync_field(call, SyncField(entries=list(entries)))
    return {one.entry_no: one.outcome for one in found.outcomes}


def outcome(made: Bench, one: FieldEntry, call: Call = READER) -> str:
    return sync(made, one, call=call)[one.entry_no]


def shown(made: Bench, order_no: int) -> FieldOrderShown:
    return made.api.field_order(CLERK, FieldOrderRef(order_no=order_no))


def accept(made: Bench, entry_no: str, call: Call = CLERK) -> FieldOrderShown:
    return made.api.accept_field_entry(call, DecideFieldEntry(entry_no=entry_no, reason="照片与示数一致"))


def test_what_stayed_held_goes_to_the_reader_of_its_book_with_what_an_entry_is_held_against(made: Bench) -> None:
    found = order(made)
    (channel,) = found.channels
    assert (found.meter_no, found.state, found.reader, found.book) == ("M1", "open", "reader", "TG001")
    assert found.read_at == PERIOD.end
    # The reader has to find the meter; the office sees the address of a customer masked, and not here.
    assert found.address == address_of(HOME)
    assert "address" not in shown(made, found.order_no).model_dump()
    # 100 kWh at the first and 5 a day until the tenth; 8 kW pass 192 kWh a day.
    assert (channel.rule, str(channel.last), str(channel.usual_a_day)) == ("missing", "145.00", "5.00")
    assert (str(channel.most_a_day), channel.collected) == ("192.00", None)
    again = made.api.make_field_orders(CLERK, MakeFieldOrders(month=MONTH, org="1405810.01"))
    assert (again.made, again.known) == (0, 1)
    assert made.api.my_field_orders(replace(READER, actor="substitute"), MyFieldOrders()).rows == []


def test_an_entry_is_looked_at_by_another_person_and_makes_the_read(made: Bench) -> None:
    one = entry(
        order(made).order_no, photo_no=str(uuid.uuid4()), latitude="35.7980", longitude="112.9230", accuracy_m=12
    )
    photo = KeepFieldPhoto(photo_no=one.photo_no or "", order_no=one.order_no, content=PHOTO)
    assert made.api.keep_field_photo(READER, photo).photo_no == one.photo_no
    assert outcome(made, one) == "counted"
    waiting = shown(made, one.order_no)
    assert (waiting.state, waiting.counted, waiting.photo_no) == ("entered", one.entry_no, one.photo_no)
    assert made.api.field_photo(CLERK, FieldPhotoRef(photo_no=one.photo_no or "")).content == PHOTO
    with pytest.raises(ReaderMayNotDecide):
        accept(made, one.entry_no, READER)
    done = accept(made, one.entry_no)
    assert (done.state, done.entries[0].state, done.entries[0].decided_by) == ("accepted", "accepted", "clerk")
    read = made.one(point_no="P1")
    assert (read.status, read.rule, read.method, str(read.end)) == ("valid", "manual", "manual", "245.00")
    assert made.api.my_field_orders(READER, MyFieldOrders()).rows == []
    with pytest.raises(NothingToDecide):
        accept(made, one.entry_no)
    # Sent once more, long after: nothing changes, and the phone learns what became of it.
    assert outcome(made, one) == "accepted"


def test_what_the_meter_shows_later_is_the_register_of_that_day_and_the_reading_day_lies_on_the_line(
    made: Bench,
) -> None:
    """145 kWh on the tenth and 255 kWh seen on the third of May: too far apart to lie on a line, so it stays held; but a meter
    read on the reading day itself stands for its midnight."""
    call = replace(READER, now=SEEN + timedelta(days=2))
    late = entry(order(made).order_no, "255.00", SEEN + timedelta(days=2), shown_as="current")
    assert outcome(made, late, call) == "counted"
    accept(made, late.entry_no, replace(call, actor="clerk"))
    assert made.one(point_no="P1").status == "held"
    again = made.api.make_field_orders(CLERK, MakeFieldOrders(month=MONTH))
    assert again.made == 1
    same_day = entry(order(made).order_no, "245.00", shown_as="current")
    assert outcome(made, same_day) == "counted"
    accept(made, same_day.entry_no)
    assert str(made.one(point_no="P1").energy) == "145"


def test_of_two_entries_the_later_counts_whichever_comes_first(made: Bench) -> None:
    number = order(made).order_no
    first, second = entry(number, "244.00", SEEN), entry(number, "245.00", SEEN + timedelta(minutes=5))
    call = replace(READER, actor="substitute")
    assert outcome(made, second, call) == "counted"
    assert outcome(made, first) == "older"
    third = entry(number, "246.00", SEEN + timedelta(minutes=9))
    assert outcome(made, third) == "counted"
    assert outcome(made, second, call) == "superseded"
    assert shown(made, number).counted == third.entry_no
    both = entry(number, "247.00", SEEN + timedelta(minutes=20)), entry(number, "246.50", SEEN + timedelta(minutes=15))
    assert sync(made, *both) == {both[0].entry_no: "counted", both[1].entry_no: "older"}


def test_what_the_office_has_settled_meanwhile_stays_and_the_entry_is_kept(made: Bench) -> None:
    one = entry(order(made).order_no)
    fixed = Resolve(month=MONTH, point_no="P1", shown="246.00", reason="用户来电报数")
    made.api.resolve(CLERK, fixed)
    assert outcome(made, one) == "settled"
    found = shown(made, one.order_no)
    assert (found.state, found.counted, [row.state for row in found.entries]) == ("settled", None, ["settled"])
    assert str(made.one(point_no="P1").end) == "246.00"


def test_the_office_settles_what_waits_for_its_word(made: Bench) -> None:
    one = entry(order(made).order_no)
    assert outcome(made, one) == "counted"
    made.api.resolve(CLERK, Resolve(month=MONTH, point_no="P1", shown="246.00", reason="用户来电报数"))
    with pytest.raises(NothingToDecide):
        accept(made, one.entry_no)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"at": READER.now + timedelta(minutes=6)}, "clock"),
        ({"at": PERIOD.end - timedelta(seconds=1)}, "clock"),
        ({"shown": "144.99"}, "unconfirmed"),
        ({"shown": "144.99", "confirmed": True}, "unconfirmed"),
        ({"shown": "144.99", "confirmed": True, "reason": "已换表"}, "counted"),
        ({"shown": "245.005"}, "digits"),
        ({"registers": [{"quantity": "active_rev", "band": "total", "shown": "1.00"}]}, "digits"),
        ({"order_no": 999}, "unknown"),
    ],
)
def test_an_entry_that_cannot_count_is_kept_and_the_reader_told_why(
    made: Bench, words: dict[str, Any], expected: str
) -> None:
    number = order(made).order_no
    one = entry(**{"order_no": number, **words})
    assert outcome(made, one) == expected
    assert len(shown(made, number).entries) == (expected != "unknown")
    assert order(made).state == ("entered" if expected == "counted" else "open")


def test_a_refused_entry_goes_back_to_the_road_with_the_reason(made: Bench) -> None:
    one = entry(order(made).order_no)
    sync(made, one)
    word = DecideFieldEntry(entry_no=one.entry_no, reason="照片看不清，请重拍")
    assert made.api.refuse_field_entry(CLERK, word).state == "open"
    assert (order(made).state, order(made).refused_for) == ("open", "照片看不清，请重拍")
    assert outcome(made, one) == "refused"
    again = entry(one.order_no, at=SEEN + timedelta(minutes=30))
    assert outcome(made, again) == "counted"
    assert order(made).refused_for is None


def test_orders_are_found_by_state_reader_and_unit(made: Bench) -> None:
    def found(**filters: Any) -> list[str]:
        return [row.meter_no for row in made.api.field_orders(CLERK, FindFieldOrders(**filters)).rows]

    assert found(month=MONTH, state="open", reader="reader", org="1405810", book="TG001") == ["M1"]
    assert found(state="entered") == found(reader="substitute") == found(month="2026-03") == []
    number = order(made).order_no
    for other in (replace(CLERK, scope=("1405810.02",)),):
        assert made.api.field_orders(other, FindFieldOrders()).rows == []
        with pytest.raises(NoSuchFieldOrder):
            made.api.field_order(other, FieldOrderRef(order_no=number))


def test_photos_are_kept_once_and_stay_out_of_the_journal(made: Bench) -> None:
    photo_no, number = str(uuid.uuid4()), order(made).order_no
    for content in (PHOTO, base64.b64encode(b"\xff\xd8\xff another").decode()):
        made.api.keep_field_photo(READER, KeepFieldPhoto(photo_no=photo_no, order_no=number, content=content))
    assert made.api.field_photo(CLERK, FieldPhotoRef(photo_no=photo_no)).content == PHOTO
    for faulty in ("not base64", base64.b64encode(b"<svg>").decode()):
        with pytest.raises(PhotoFaulty):
            made.api.keep_field_photo(
                READER, KeepFieldPhoto(photo_no=str(uuid.uuid4()), order_no=number, content=faulty)
            )
    with made.database.connection() as connection:
        rows = connection.execute(
            "SELECT request->>'content' FROM reading.journal WHERE operation = 'reading.keep_field_photo'"
        ).fetchall()
    assert len(rows) == 2 and all(row[0].startswith("sha256:") for row in rows)


def test_of_a_meter_that_showed_nothing_an_entry_is_held_against_the_record_of_its_hanging(bench: Make) -> None:
    hung = PERIOD.start + timedelta(days=14, hours=10)
    found = bench([installation("P1", "M1", account_no=HOME, from_at=hung, start_e4=30_000)], TERMS)
    found.run()
    found.api.make_field_orders(CLERK, MakeFieldOrders(month=MONTH))
    (row,) = found.api.field_orders(CLERK, FindFieldOrders(month=MONTH)).rows
    (channel,) = shown(found, row.order_no).channels
    assert (str(channel.last), channel.last_at, channel.usual_a_day) == ("3.00", hung, None)

"""Routes, reading books and reads taken again on site."""

from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Call
from denghuo.service.reading.api import (
    BookChange,
    BookChangeRef,
    BookChangesFound,
    BooksFound,
    BooksOn,
    DecideBookChange,
    DecideFieldEntry,
    FieldOrderRef,
    FieldOrdersFound,
    FieldOrderShown,
    FieldOrdersMade,
    FieldPhoto,
    FieldPhotoRef,
    FieldSynced,
    FindBookChanges,
    FindFieldOrders,
    FindRoutes,
    KeepFieldPhoto,
    MakeFieldOrders,
    MapOf,
    MyFieldOrders,
    MyFieldOrdersFound,
    NewRouteCycle,
    PhotoKept,
    ProposeBookChange,
    Route,
    RouteRef,
    RoutesFound,
    StaffBalance,
    StaffBalanced,
    StateBooks,
    StateCycles,
    SyncField,
    WalkFound,
    WalkMap,
    WalkOf,
)
from denghuo.service.reading.api.book import BookOperations
from denghuo.service.reading.api.field import FieldOperations
from denghuo.service.reading.api.route import RouteOperations
from denghuo.service.reading.service.parts.part import ReadingPart


class WalkPart(ReadingPart, RouteOperations, BookOperations, FieldOperations):
    """Answers on routes, books and field reading."""

    def propose_book_change(self, call: Call, request: ProposeBookChange) -> BookChange:
        return self._books.propose(call, request)

    def approve_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        return self._books.approve(call, request)

    def refuse_book_change(self, call: Call, request: DecideBookChange) -> BookChange:
        return self._books.refuse(call, request)

    def state_books(self, call: Call, request: StateBooks) -> BatchTaken:
        return self._books.state(call, request)

    def book_change(self, call: Call, request: BookChangeRef) -> BookChange:
        return self._books.change(call, request)

    def book_changes(self, call: Call, request: FindBookChanges) -> BookChangesFound:
        return self._books.changes(call, request)

    def books(self, call: Call, request: BooksOn) -> BooksFound:
        return self._books.books(call, request)

    def walk(self, call: Call, request: WalkOf) -> WalkFound:
        return self._books.walk(call, request)

    def walk_map(self, call: Call, request: MapOf) -> WalkMap:
        return self._books.map(call, request)

    def staff_balance(self, call: Call, request: StaffBalance) -> StaffBalanced:
        return self._books.balance(call, request)

    def make_field_orders(self, call: Call, request: MakeFieldOrders) -> FieldOrdersMade:
        return self._field.make(call, request)

    def my_field_orders(self, call: Call, request: MyFieldOrders) -> MyFieldOrdersFound:
        return self._field.mine(call, request)

    def keep_field_photo(self, call: Call, request: KeepFieldPhoto) -> PhotoKept:
        return self._field.keep_photo(call, request)

    def sync_field(self, call: Call, request: SyncField) -> FieldSynced:
        return self._field.sync(call, request)

    def field_orders(self, call: Call, request: FindFieldOrders) -> FieldOrdersFound:
        return self._field.find(call, request)

    def field_order(self, call: Call, request: FieldOrderRef) -> FieldOrderShown:
        return self._field.shown(call, request)

    def field_photo(self, call: Call, request: FieldPhotoRef) -> FieldPhoto:
        return self._field.photo(call, request)

    def accept_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        return self._field.accept(call, request)

    def refuse_field_entry(self, call: Call, request: DecideFieldEntry) -> FieldOrderShown:
        return self._field.refuse(call, request)

    def routes(self, call: Call, request: FindRoutes) -> RoutesFound:
        return self._routes.find(call, request)

    def route(self, call: Call, request: RouteRef) -> Route:
        return self._routes.route(call, request.route)

    def change_cycle(self, call: Call, request: NewRouteCycle) -> Route:
        return self._routes.change(call, request)

    def state_cycles(self, call: Call, request: StateCycles) -> BatchTaken:
        return self._routes.state(call, request)

"""The bill of a running month, asked together and rated as bills are (在途电费)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from itertools import groupby

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import Energy, Money, Multiplier, Register
from denghuo.service.billing import show
from denghuo.service.billing.api import BillSoFar, NothingSoFar, ShownRegister, SoFar
from denghuo.service.billing.batch import PURCHASE_ROLES, SUB_METER, SUPPLY_ROLES, Entry, Piece, Terms
from denghuo.service.billing.calendar import calendars_of
from denghuo.service.billing.covered import months_from
from denghuo.service.billing.cycle import platform_call, tariffs_of, tenures
from denghuo.service.billing.forecast import (
    HISTORY_DAYS,
    ONE_DAY,
    Channel,
    days_of,
    doubtful,
    followed,
    foreseen,
    grown,
    pieces_until,
    read_until,
)
from denghuo.service.billing.own_curves import OwnCurves
from denghuo.service.billing.past_errors import past_error
from denghuo.service.billing.rating import Draft, Rating, Span, Use
from denghuo.service.billing.review import Finding
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.special.said import special_of, subs_of_others
from denghuo.service.billing.spot import Spot, by_points
from denghuo.service.billing.stage_curves import stage_pieces, whole
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.used import Used
from denghuo.service.contract.api import Contract, ContractApi, TermsIn
from denghuo.service.customer.api import Account
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import Point, PointApi, PointsOf
from denghuo.service.reading.api import RULES, AnyMonth, NotPlanned, PointMonthRef, ReadingApi, RegistersAt
from denghuo.service.tariff.api import TariffDocument

AccountsOf = Callable[[list[str]], Mapping[str, Account]]
REACTIVE = ("reactive_fwd", "reactive_rev")
BANDS = ("sharp", "peak", "flat", "valley", "deep")
MONTHS_BEFORE = -(-HISTORY_DAYS // 28)


class Running:
    """One account's running month within what the caller may see."""

    def __init__(
        self, ask: Ask, call: Call, account_no: str, kind: str, month: str | None, store: BillingStore
    ) -> None:
        self._ask, self._call = ask, call
        self._account_no, self._kind = account_no, kind
        self._given, self._store = month, store

    @cached_property
    def month(self) -> Month:
        """The month that was asked for, or the newest of which registers were received."""
        if self._given is not None:
            return Month.of(self._given)
        received = self._ask(ReadingApi).months(platform_call(self._call), AnyMonth()).rows
        if not received:
            raise self.nothing("no_month", text("尚未接收任何示数。", "No registers were received yet."))
        return Month.of(received[0].month)

    def nothing(self, why: str, said: Text) -> NothingSoFar:
        return NothingSoFar(said, account_no=self._account_no, kind=self._kind, month=self._given, why=why)

    # -- what is known ----------------------------------------------------------------------------------------------------

    @cached_property
    def terms(self) -> list[Terms]:
        """The contract's terms on days of the month, or since the last reading once `reach` was told of it."""
        held = self._terms_in(self.month)
        if not held:
            raise self.nothing(
                "no_contract", text(f"{self.month} 没有有效的合同。", f"No contract is in force in {self.month}.")
            )
        return held

    def _terms_in(self, month: Month) -> list[Terms]:
        asked = TermsIn(month=str(month), account_nos=[self._account_no])
        rows = self._ask(ContractApi).terms_in(self._call.only("contract.read"), asked).rows
        held = [_terms(one) for one in rows if one.kind == self._kind]
        return sorted(held, key=lambda one: one.effective_from)

    def reach(self, since: Month) -> None:
        """The last reading was before the month: the account is read every two, and what was used since then counts."""
        months = months_from(since, self.month.previous) if since < self.month else []
        if months:
            earlier = {one.effective_from: one for month in months for one in self._terms_in(month)}
            self.terms = sorted((earlier | {one.effective_from: one for one in self.terms}).values(), key=_begins)
            self.tariffs = tariffs_of(self._ask, self._call, self.month, first=since)

    @cached_property
    def tariffs(self) -> Tariffs:
        return tariffs_of(self._ask, self._call, self.month)

    @cached_property
    def curves(self) -> OwnCurves:
        return OwnCurves(self._ask, platform_call(self._call), self.month, self.tariffs, self.terms)

    @cached_property
    def rating(self) -> Rating:
        subsidised = self._store.year_use.subsidised_of(str(self.month))
        tenure = tenures(self._ask, self._call)
        call = platform_call(self._call)
        calendars = calendars_of(self._ask, call, until=call.today)
        return Rating(
            self.month,
            self.tariffs,
            tenure,
            subsidised=subsidised,
            market_of=self.spot.of,
            calendar_of=lambda tariff, month: calendars(month).of(tariff),
        )

    def _entry(self, pieces: Sequence[Piece]) -> Entry:
        return Entry(self._account_no, self._kind, tuple(self.terms), tuple(pieces))

    def spans(self, pieces: Sequence[Piece]) -> list[Span]:
        """The stages of the days that the pieces are of, to the month's end; none where they cannot be rated."""
        return self.rating.spans(self._entry(pieces))

    def whole(self, pieces: Sequence[Piece]) -> bool:
        """Whether all days have one row of terms and one tariff."""
        return whole(self._entry(pieces), self.spans(pieces), self.month)

    @cached_property
    def spot(self) -> Spot:
        return Spot(self._ask, platform_call(self._call), self.month)

    def settled_until(self, pieces: Sequence[Piece], last: date) -> date | None:
        """The midnight until which curves and spot prices are there, where the contract is settled by points."""
        said = self.terms[-1].special
        special = special_of(said) if said and self.terms[-1].settlement_mode == "market" else None
        if special is None or special.market_node is None or not by_points(special):
            return None
        areas = {
            one.area
            for one in self.tariffs
            if self.terms[-1].tariff_code in (None, one.code) and "market" in one.settlements
        }
        found = [self.spot.until(pieces, special.market_node, area, last) for area in sorted(areas)]
        return max((day for day in found if day is not None), default=None)

    def points(self) -> list[Point]:
        """The points that count for the contract: those of the account, and sub-meters that other accounts have behind its main
        meter. They stand on its bill, so they are asked for by the platform, whoever asks for the account."""
        wanted = SUPPLY_ROLES if self._kind == "supply" else PURCHASE_ROLES
        found = self._ask(PointApi).points_of(self._call.only("point.read"), PointsOf(account_no=self._account_no))
        behind = subs_of_others(self.terms)
        others = [
            point.model_copy(update={"role": SUB_METER})
            for account_no in dict.fromkeys(behind.values())
            for point in self._ask(PointApi).points_of(platform_call(self._call), PointsOf(account_no=account_no)).rows
            if point.point_no in behind and point.role in SUPPLY_ROLES
        ]
        return [point for point in found.rows if point.role in wanted] + others

    def _reading(self, point: Point) -> Call:
        """As whom a point's registers are asked for."""
        own = point.account_no == self._account_no
        return self._call.only("reading.read") if own else platform_call(self._call)

    def channels(self, month: Month, points: Sequence[Point], quantities: Sequence[tuple[str, str]]) -> list[Channel]:
        """The registers of these points in a month; a register that a meter does not have is left out.

        Raises:
            NotPlanned: a point has no reading plan in the month.
        """
        there = self._there(month, points) if len(quantities) > 1 and points else set()
        found = []
        for point in points:
            for at, (quantity, band) in enumerate(quantities):
                if at and quantity != "demand" and (point.point_no, quantity, band) not in there:
                    continue
                asked = PointMonthRef.model_validate(
                    {"point_no": point.point_no, "month": str(month), "quantity": quantity, "band": band}
                )
                try:
                    days = self._ask(ReadingApi).point_month(self._reading(point), asked).days
                except NotPlanned:
                    if at == 0:
                        raise
                    continue
                found.append(Channel(point.point_no, quantity, band, point.multiplier.number, days, point.role))
        return found

    def _there(self, month: Month, points: Sequence[Point]) -> set[tuple[str, str, str]]:
        """Point, quantity and band of the energy registers that there are: asked at once, instead of each in vain."""
        day = max(min(self._call.today, month.next.first_day - ONE_DAY), month.first_day + ONE_DAY)
        found: set[tuple[str, str, str]] = set()
        for reading, same in groupby(points, self._reading):
            asked = RegistersAt(month=str(month), day=day, point_nos=[point.point_no for point in same])
            rows = self._ask(ReadingApi).registers_at(reading, asked).rows
            found |= {(row.point_no, row.quantity, row.band) for row in rows}
        return found

    def past_error(self, told: Draft, days_known: int) -> TextPair | None:
        """How good the last forecasts of such contracts were; of what is bought none are measured."""
        if self._kind != "supply":
            return None
        return past_error(self._store, str(self.month), told.terms.tariff_class, days_known)

    # -- what follows -----------------------------------------------------------------------------------------------------

    def rated(self, pieces: Sequence[Piece], until: date, use: Use, newest: date) -> Draft:
        """The bill of the days before a midnight. newest: that until which they are known.

        Raises:
            NothingSoFar: what holds a bill holds an estimate.
        """
        terms = [
            replace(one, effective_to=min(one.effective_to or until, until))
            for one in self.terms
            if one.effective_from < until
        ]
        entry = Entry(self._account_no, self._kind, tuple(terms), tuple(pieces))
        if self.whole(pieces):
            stages = None
        else:
            call = platform_call(self._call)
            stages = stage_pieces(self._ask, call, self.month, self.rating, [entry], until=newest)
        outcome = self.rating.outcome(entry, use, stages)
        if isinstance(outcome, Finding):
            raise self.nothing(outcome.code, text(outcome.reason.zh, outcome.reason.en))
        return outcome


def so_far(
    store: BillingStore, ask: Ask, call: Call, accounts_of: AccountsOf, asked: SoFar, own: bool = False
) -> BillSoFar:
    """The bill so far and the month's end. own: the caller is the holder.

    Raises:
        NothingSoFar: no register, no contract, no price, or a read that is held.
    """
    number, kind = asked.account_no, asked.kind
    running = Running(ask, call, number, kind, asked.month, store)
    if own and number not in call.accounts:
        raise running.nothing("no_contract", text("不是您的户号。", "It is not an account of yours."))
    use = store.year_use.used([number], str(running.month)).get(number, Used()) if kind == "supply" else Used()
    account = accounts_of([number]).get(number)
    return _told(running, use, account.name if account else None, call)


def _told(running: Running, use: Use, name: str | None, call: Call) -> BillSoFar:
    month = running.month
    points = running.points()
    channels = _channels(running, month, points)
    since = min((one.midnights[0].day for one in channels if one.midnights), default=month.first_day)
    running.reach(Month.holding(since))
    terms = running.terms
    first = max(min(since, month.first_day), terms[0].effective_from)
    ends = min(month.next.first_day, terms[-1].effective_to or date.max)
    newest = read_until(channels, min(call.today, ends))
    pieces = None if newest is None or newest <= first else pieces_until(terms[0].account_no, channels, first, newest)
    curved = None if not pieces else running.curves.until(pieces, [span.tariff for span in running.spans(pieces)])
    if newest is not None and curved is not None and first < curved < newest:
        # The registers are ahead of the curve that says when they turned.
        newest, pieces = curved, pieces_until(terms[0].account_no, channels, first, curved)
    priced = running.settled_until(pieces, newest) if newest is not None and pieces else None
    if newest is not None and priced is not None and first < priced < newest:
        newest, pieces = priced, pieces_until(terms[0].account_no, channels, first, priced)
    pieces = running.curves.divided(pieces, newest) if newest is not None and pieces else None
    if newest is None or not pieces:
        raise running.nothing(
            "no_reading",
            text(
                f"{month} 尚无可用的零点示数，或其间有示数待核。",
                f"There is no usable register of {month} yet, or a read in it waits for a person.",
            ),
        )
    until_now = running.rated(pieces, newest, use, newest)
    running.spot.frozen = True
    missing = [newest + ONE_DAY * step for step in range((ends - newest).days)]
    history = _history(running, points, channels, first, newest) if missing else {}
    rest = foreseen(history, missing)
    later = grown if running.whole(pieces) else followed
    at_end = [
        running.rated(later(pieces, wh, ends), ends, use, newest) if missing else until_now
        for wh in (rest.low, rest.expected, rest.high)
    ]
    remarks = [_waiting(rule) for rule in doubtful(channels, newest)]
    return _shown(running, until_now, at_end, newest, missing, len(history), name, remarks, call)


def _channels(running: Running, month: Month, points: Sequence[Point]) -> list[Channel]:
    try:
        return running.channels(month, points, registers_of(running.terms[-1], running.tariffs))
    except NotPlanned:
        raise running.nothing(
            "not_planned",
            text(
                f"{month} 的抄表计划尚未生成，生成后即可估算。",
                f"The reading plan of {month} is not made yet; after that an estimate can be told.",
            ),
        ) from None


def registers_of(terms: Terms, tariffs: Sequence[TariffDocument]) -> list[tuple[str, str]]:
    """Quantity and band of the registers that a tariff of the contract's class may ask for, active energy first."""
    wanted = "active_fwd" if terms.kind == "supply" else "active_rev"
    may = [one for one in tariffs if one.kind == terms.kind and terms.tariff_class in one.classes]
    found = [(wanted, "total")]
    if any(one.time_of_use for one in may):
        found += [(wanted, band) for band in BANDS]
    if any(one.power_factor is not None for one in may):
        found += [(one, "total") for one in REACTIVE]
    if any(one.basic is not None or one.charges for one in may):
        found.append(("demand", "total"))
    return found


def _history(
    running: Running, points: Sequence[Point], channels: Sequence[Channel], first: date, newest: date
) -> dict[date, int]:
    """Daily energies of this month and of the months before it that are known."""
    history = days_of(channels, first, newest)
    before = running.month
    for _ in range(MONTHS_BEFORE):
        before = before.previous
        quantity = next(one.quantity for one in channels if one.active)
        try:
            earlier = running.channels(before, points, [(quantity, "total")])
        except NotPlanned:
            break
        history |= days_of(earlier, before.first_day, before.next.first_day)
    return {day: history[day] for day in sorted(history)[-HISTORY_DAYS:]}


def _begins(terms: Terms) -> date:
    return terms.effective_from


def _terms(one: Contract) -> Terms:
    """Terms as rating takes them."""
    return Terms(
        contract_no=one.contract_no,
        account_no=one.account_no,
        org=one.org,
        kind=one.kind,
        tariff_class=one.tariff_class,
        tariff_code=one.tariff_code,
        voltage_kv=one.voltage_kv,
        contract_w=None if one.contract_kw is None else one.contract_kw.w,
        capacity_va=None if one.capacity_kva is None else one.capacity_kva.va,
        pv_w=None if one.pv_kw is None else one.pv_kw.w,
        settlement_mode=one.settlement_mode,
        pf_standard=one.pf_standard,
        special=None if one.special is None else one.special.model_dump_json(exclude_defaults=True),
        effective_from=one.effective_from,
        effective_to=one.effective_to,
    )


# --- what is shown ---------------------------------------------------------------------------------------------------------


def _shown(
    running: Running,
    so_far: Draft,
    at_end: Sequence[Draft],
    newest: date,
    missing: Sequence[date],
    history_days: int,
    name: str | None,
    remarks: Sequence[TextPair],
    call: Call,
) -> BillSoFar:
    _, expected, _ = (one.rated.total for one in at_end)
    # More energy can cost less where a discount begins: the band holds all three.
    low, high = min(one.rated.total for one in at_end), max(one.rated.total for one in at_end)
    energies = [Energy(one.rated.energy_wh) for one in at_end]
    registers = [_register(piece) for piece in so_far.entry.pieces]
    through = newest - ONE_DAY
    return BillSoFar(
        account_no=so_far.entry.account_no,
        name=name,
        kind=so_far.entry.kind,  # type: ignore[arg-type]  # the kind that was asked for
        tariff_class=so_far.terms.tariff_class,  # type: ignore[arg-type]  # text of the contract
        tariff_code=so_far.tariff.code,
        tariff_title=so_far.tariff.title,
        month=str(running.month),
        from_on=so_far.first_day,
        through_on=through,
        read_at=midnight(newest),
        days_known=(newest - so_far.first_day).days,
        days_left=len(missing),
        estimated_days=max(piece.days_estimated for piece in so_far.entry.pieces),
        energy=Energy(so_far.rated.energy_wh),
        amount=so_far.rated.total,
        low_energy=energies[0],
        expected_energy=energies[1],
        high_energy=energies[2],
        low_amount=low,
        expected_amount=expected,
        high_amount=high,
        history_days=history_days,
        said=_said(running.month, so_far.rated.total, through, (low, expected, high), len(missing)),
        lines=[show.shown_line(at, line, registers) for at, line in enumerate(so_far.rated.lines, 1)],
        past_error=running.past_error(so_far, (newest - so_far.first_day).days) if missing else None,
        remarks=[*remarks, *(TextPair(zh=str(one["zh"]), en=str(one["en"])) for one in so_far.remarks)],
        as_of=call.now,
    )


def _waiting(rule: str) -> TextPair:
    said = RULES.entries[rule]
    return TextPair(
        zh=f"有示数待核（{said['zh']}），估算按所抄示数。",
        en=f"A register waits for a person ({said['en'].lower()}); the estimate takes it as it stands.",
    )


def _said(month: Month, amount: Money, through: date, band: tuple[Money, Money, Money], left: int) -> TextPair:
    if not left:
        return TextPair(
            zh=f"{month} 已抄至月末，电费约 {amount} 元，以发行的账单为准。",
            en=f"{month} is read to its end: about {amount} yuan. The bill that is issued counts.",
        )
    low, expected, high = band
    return TextPair(
        zh=f"截至 {through} 约 {amount} 元；全月预计 {expected} 元，多半在 {low} 至 {high} 元之间。估算不作为缴费依据。",
        en=f"About {amount} yuan through {through}; the month is expected at {expected} yuan, most likely between {low} and {high}."
        " An estimate: nothing of it is owed.",
    )


def _register(piece: Piece) -> ShownRegister:
    return ShownRegister(
        point_no=piece.point_no,
        meter_no=piece.meter_no,
        piece=piece.piece,
        quantity=piece.quantity,
        band=piece.band,  # type: ignore[arg-type]  # a band of the reading contract
        from_at=piece.from_at,
        to_at=piece.to_at,
        start=None if piece.start_e4 is None else Register(piece.start_e4),
        end=None if piece.end_e4 is None else Register(piece.end_e4),
        multiplier=Multiplier(piece.multiplier),
        energy=None if piece.energy_wh is None or piece.quantity == "demand" else Energy(piece.energy_wh),
        status=piece.status,
        method=piece.method,
        days_estimated=piece.days_estimated,
    )

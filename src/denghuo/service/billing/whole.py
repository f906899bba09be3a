"""Whole bills by columns (列式出账): what `rating` and `store.bills` make of a contract one by one, for many at once.

Figures come from the engine; registers, terms and remarks are written by templates over columns, character for character what the
rules' way stores. Lines have no explanation of their own: the rules give it from what is kept (explained.py). Whatever the columns
do not carry, from a reading that is held to a second part of the month, is left to the rules by its place.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy, Register
from denghuo.service.billing.batch import SUB_METER
from denghuo.service.billing.columns import MonthPart
from denghuo.service.billing.covered import months_from
from denghuo.service.billing.engine import Contracts, Group, RatedGroup, metered
from denghuo.service.billing.engine.plan import Source
from denghuo.service.billing.engine.texts import decimals, joined, listed, quoted
from denghuo.service.billing.kept import rating_head
from denghuo.service.billing.lines import STATUSES, RatingRemark, RatingSubject
from denghuo.service.billing.rating import FIRST, KIND_DIGITS, months_missing, remark_json
from denghuo.service.billing.rules import Tariffs, chosen
from denghuo.service.billing.rules.quantities import billed_without_bands, not_rated_here, wanted_quantity
from denghuo.service.billing.tree import canonical
from denghuo.service.tariff.api import BANDS, QUANTITIES, TariffDocument

pc: Any = pyarrow.compute
Int = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_USE: Any = [
    ("account_no", pa.string()),
    ("year_wh", pa.int64()),
    ("year_months", pa.int64()),
    ("earlier_wh", pa.int64()),
    ("earlier_months", pa.int64()),
]
USE = pa.schema(_USE)
"""Energy of earlier months by account: of the calendar year with a bit for each month that is known (1 = January; 0: a reading runs
over the turn of the year), and of the last twelve months with their number."""
UNIT = "kWh"
_AT = pa.timestamp("us", "UTC")
_USED = "used_before_wh"
_IDENTIFIER = "^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$"
_OTHER = {"active_fwd": "active_rev", "active_rev": "active_fwd"}


@dataclass(frozen=True)
class ColumnBills:
    """Bills of a part of a month in the order of their contracts.

    bills, basis, lines: rows of the tables of these names as far as rating decides on them; a line's `source` is a place in
    `sources`. places: which contracts of the part they are; left: which belong to the rules. tariffs: those they were rated by.
    """

    bills: pa.Table
    basis: pa.Table
    lines: pa.Table
    sources: Sequence[Source]
    places: Int
    left: Int
    tariffs: Sequence[TariffDocument]

    def without(self, rows: Sequence[int]) -> "ColumnBills":
        """The bills but those in these rows."""
        if not rows:
            return self
        kept = np.delete(np.arange(len(self.bills)), list(rows))
        bills = self.bills.take(kept)
        lines = self.lines.filter(pc.is_in(self.lines["bill_no"], value_set=bills["bill_no"].combine_chunks()))
        return replace(self, bills=bills, basis=self.basis.take(kept), lines=lines, places=self.places[kept])

    def joined(self, other: "ColumnBills") -> "ColumnBills":
        """These bills and others of the same part."""
        sources = list(dict.fromkeys([*self.sources, *other.sources]))
        moved = pa.array([sources.index(one) for one in other.sources], pa.int64())
        at = other.lines.column_names.index("source")
        lines = other.lines.set_column(at, "source", moved.take(other.lines["source"].combine_chunks()))
        return ColumnBills(
            pa.concat_tables([self.bills, other.bills]),
            pa.concat_tables([self.basis, other.basis]),
            pa.concat_tables([self.lines, lines]),
            sources,
            np.append(self.places, other.places),
            np.intersect1d(self.left, other.left),
            [*self.tariffs, *(one for one in other.tariffs if one not in self.tariffs)],
        )


def bills_by_columns(
    part: MonthPart,
    month: Month,
    use: pa.Table,
    tariffs: Tariffs,
    skipped: Iterable[tuple[str, str]] = (),
) -> ColumnBills:
    """The bills of a part of a month. use: of its accounts (`USE`). skipped: accounts and kinds that are the rules' in any case."""
    heads = part.heads
    used = used_by(use, heads["account_no"])
    before = pa.table({"account_no": use["account_no"], "energy_wh": use["year_wh"]})
    left = _left_by_kind(part, heads, skipped)
    found: ColumnBills | None = None
    for first, covered in _read_from(part, month):
        contracts = Contracts(metered(part.terms, part.energy, before, month, first), month, tariffs.areas, first)
        made = _Made(part, first, month, used["year_wh"], used["year_months"])
        for rated in contracts.rated(_tariff_of(tariffs, first, several=first < month)):
            made.take(rated)
        made.rated &= covered & ~left
        bills = made.finished(heads)
        found = bills if found is None else found.joined(bills)
    assert found is not None  # the month itself is among them
    return found


def _read_from(part: MonthPart, month: Month) -> list[tuple[Month, Flags]]:
    """The first months that readings cover, and which contracts are read from there on: nearly all from the month itself, those of
    routes read every two months from the one before."""
    earlier = pc.fill_null(pc.less(part.energy["from_at"], pa.scalar(month.period.start, _AT)), False)
    long = part.of_any(np.asarray(earlier.to_numpy(zero_copy_only=False), dtype=np.bool_))
    found = [(month, ~long)]
    if long.any():
        begins = pa.scalar(month.previous.period.start, _AT)
        whole = pc.fill_null(pc.equal(part.energy["from_at"], begins), False)
        at = np.asarray(whole.to_numpy(zero_copy_only=False), dtype=np.bool_)
        older = pc.fill_null(pc.less(part.energy["from_at"], begins), False).to_numpy(zero_copy_only=False)
        found.append((month.previous, part.of_any(at) & ~part.of_any(np.asarray(older, dtype=np.bool_))))
    return found


def used_by(use: pa.Table, accounts: Any) -> dict[str, Int]:
    """The columns of `USE` for accounts in their order; zero where nothing is known."""
    found = pc.index_in(accounts, use["account_no"])
    return {
        name: np.asarray(pc.fill_null(use[name].take(found), 0).to_numpy(), dtype=np.int64) for name in USE.names[1:]
    }


def _tariff_of(tariffs: Tariffs, month: Month, several: bool) -> Callable[[Group], TariffDocument | None]:
    """The tariff of a group on the first day of a month. several: readings run over the end of it, which the market cannot have."""

    def tariff_of(group: Group) -> TariffDocument | None:
        if several and group.settlement == "market":
            return None
        tariff = chosen(
            tariffs,
            tariff_class=group.tariff_class,
            kind=group.kind,
            settlement=group.settlement,
            on=month.first_day,
            code=group.tariff_code,
            area=group.area,
        )
        # A contract may name a tariff that is not for its class: the rules say so.
        fits = (
            tariff is not None
            and tariff.kind == group.kind
            and group.tariff_class in tariff.classes
            and group.settlement in tariff.settlements
        )
        return tariff if fits else None

    return tariff_of


def _left_by_kind(part: MonthPart, heads: pa.Table, skipped: Iterable[tuple[str, str]]) -> Flags:
    """Contracts with a register that the rules look at, of a class with a basic charge, or skipped."""
    energy = part.energy
    wh = energy["energy_wh"]
    odd = pc.or_(pc.equal(energy["status"], "held"), pc.fill_null(pc.less(wh, 0), True))
    odd = pc.or_(odd, pc.equal(energy["role"], SUB_METER))
    # What the rules' models do not take.
    for name in ("point_no", "meter_no"):
        odd = pc.or_(odd, pc.invert(pc.match_substring_regex(energy[name], _IDENTIFIER)))
    for name, words in (("quantity", QUANTITIES), ("band", BANDS), ("status", STATUSES)):
        odd = pc.or_(odd, pc.invert(pc.is_in(energy[name], value_set=pa.array(list(words.entries)))))
    odd = pc.or_(odd, pc.or_(pc.less(energy["multiplier"], 1), pc.less(energy["piece"], 1)))
    left = part.of_any(odd.to_numpy())
    left |= pc.starts_with(heads["tariff_class"], "two_part").to_numpy()
    named = set(skipped)
    if named:
        pairs = zip(heads["account_no"].to_pylist(), heads["kind"].to_pylist(), strict=True)
        left |= np.fromiter((pair in named for pair in pairs), np.bool_, len(part))
    return left


class _Made:
    """What the groups of a part give, put together by the place of the contract."""

    def __init__(self, part: MonthPart, first: Month, month: Month, year_wh: Int, year_months: Int) -> None:
        """first: the first of the months that the readings cover."""
        count = len(part)
        self._part, self._month, self._year_wh, self._year_months = part, month, year_wh, year_months
        self._first = first
        self.rated = np.zeros(count, dtype=np.bool_)
        self._amount, self._energy, self._days, self._before = np.zeros((4, count), dtype=np.int64)
        self._illustrative = np.zeros(count, dtype=np.bool_)
        self._tariff = np.zeros(count, dtype=np.int64)
        self._remarks = np.zeros(count, dtype=np.int64)
        self._tariffs: list[TariffDocument] = []
        self._words = _Words()
        self._kinds: list[tuple[str, str, str | None, int | None, int, int]] = []
        self._sources: dict[Source, int] = {}
        self._lines: list[Int] = []

    def take(self, rated: RatedGroup) -> None:
        if rated.figures is None or rated.plan is None or rated.estimated_days is None:
            return
        places, figures = rated.places, rated.figures
        self.rated[places] = ~rated.left
        if rated.plan.annual and self._first < self._month:
            # What was taken over of a month that this reading covers the rules leave out.
            inside = sum(1 << one.month for one in months_from(self._first, self._month.previous))
            self.rated[places] &= (self._year_months[places] & inside) == 0
        if rated.plan.by_readings:
            # A reading over the turn of the year began the year before it: the rules say when.
            self.rated[places] &= (self._year_months[places] & 1) == 0
        self._amount[places], self._energy[places] = figures.amount_fen, figures.energy_wh
        self._days[places] = rated.estimated_days
        if rated.plan.annual:
            self._before[places] = self._year_wh[places]
        if rated.tariff not in self._tariffs:
            self._tariffs.append(rated.tariff)
        self._tariff[places] = self._tariffs.index(rated.tariff)
        self._take_lines(rated)
        self._take_remarks(rated, rated.plan.annual)

    @property
    def _of_the_year(self) -> bool:
        return self._first.year == self._month.year

    def _take_lines(self, rated: RatedGroup) -> None:
        assert rated.figures is not None  # the caller looked
        # As on a bill by rules: components in order, funds after all others.
        lines = sorted(rated.figures.lines, key=lambda line: line.component.group == "fund")
        if not lines:
            return
        first = len(self._kinds)
        for line in lines:
            source = self._sources.setdefault(line.source, len(self._sources))
            band = None if line.band == "total" else line.band
            self._kinds.append((line.component.code, line.component.group, band, line.tier, line.price_e8, source))
        present = np.stack([line.present & ~rated.left for line in lines])
        numbers = np.cumsum(present, axis=0)
        contract, kind = np.nonzero(present.T)
        quantity = np.stack([line.quantity_wh for line in lines])[kind, contract]
        amount = np.stack([line.amount_fen for line in lines])[kind, contract]
        self._lines.append(np.stack([rated.places[contract], numbers[kind, contract], kind + first, quantity, amount]))
        for at, line in enumerate(lines):
            if line.source.illustrative:
                self._illustrative[rated.places[present[at]]] = True

    def _take_remarks(self, rated: RatedGroup, annual: bool) -> None:
        """Months of the tier year that are not known, meters without bands, energy that is not billed: as the rules say it."""
        places = rated.places
        missing = np.zeros(len(places), dtype=np.int64)
        if annual:
            every = sum(1 << number for number in range(1, self._first.month)) if self._of_the_year else 0
            missing = every & ~self._year_months[places]
        other = _OTHER[wanted_quantity(rated.tariff)]
        beside = self._part.of_any(pc.equal(self._part.energy["quantity"], other).to_numpy())[places]
        key = 2 * missing + beside
        for one in np.unique(key).tolist():
            said = self._said(one >> 1, other if one & 1 else None)
            self._remarks[places[key == one]] = self._words.number(said)
        for at, meters in rated.without_bands.items():
            if not rated.left[at]:
                said = self._said(int(missing[at]), other if beside[at] else None, meters)
                self._remarks[places[at]] = self._words.number(said)

    def _said(self, missing: int, other: str | None, meters: Sequence[str] = ()) -> str:
        remarks: list[Mapping[str, object]] = []
        if missing:
            numbers = [number for number in range(1, 13) if missing >> number & 1]
            remarks.append(months_missing([Month(self._month.year, number) for number in numbers]))
        rated: list[RatingRemark] = [billed_without_bands(meters)] if meters else []
        if other is not None:
            rated.append(not_rated_here(other))
        return json.dumps([*remarks, *map(remark_json, rated)], ensure_ascii=False)

    # -- tables ------------------------------------------------------------------------------------------------------------

    def finished(self, heads: pa.Table) -> ColumnBills:
        places = np.flatnonzero(self.rated)
        own = heads.take(places)
        first = self._part.first_energy[places]
        accounts, org = own["account_no"].combine_chunks(), own["org"].combine_chunks()
        digits = pc.if_else(
            pc.equal(own["kind"].combine_chunks(), "supply"), KIND_DIGITS["supply"], KIND_DIGITS["purchase"]
        )
        numbers = joined(f"{self._month.year:04d}{self._month.month:02d}", accounts, digits, FIRST)
        before = self._before[places]
        last_day = self._month.next.first_day - timedelta(days=1)
        tariff = pa.array(self._tariff[places])
        bills = {
            "bill_no": numbers,
            "month": _same(str(self._month), len(places)),
            **{
                name: own[name].combine_chunks()
                for name in ("account_no", "org", "kind", "contract_no", "tariff_class")
            },
            "tariff_code": _taken([one.code for one in self._tariffs], pa.string(), tariff),
            "tariff_version": _taken([one.version for one in self._tariffs], pa.int64(), tariff),
            "tariff_title": _taken([one.title.model_dump_json() for one in self._tariffs], pa.string(), tariff),
            "voltage": own["voltage_kv"].combine_chunks(),
            **{name: own[name].combine_chunks() for name in ("contract_w", "capacity_va", "pv_w")},
            "area_no": self._part.energy["area_no"].take(first).combine_chunks(),
            "from_on": _same(self._first.first_day, len(places)),
            "to_on": _same(last_day, len(places)),
            "energy_wh": pa.array(self._energy[places]),
            "used_before_wh": pa.array(before),
            "amount_fen": pa.array(self._amount[places]),
            "estimated_days": pa.array(self._days[places]),
            "illustrative": pa.array(self._illustrative[places]),
            "remarks": self._words.column.take(pa.array(self._remarks[places])),
        }
        basis = {
            "bill_no": numbers,
            "org": org,
            "account_no": accounts,
            "registers": _registers(self._part, places),
            "rating": _rating(own, before, self._first, self._month),
        }
        return ColumnBills(
            pa.table(bills),
            pa.table(basis),
            self._line_table(numbers, org, accounts, places),
            list(self._sources),
            places,
            np.flatnonzero(~self.rated),
            self._tariffs,
        )

    def _line_table(self, numbers: Any, org: Any, accounts: Any, places: Int) -> pa.Table:
        rows = np.concatenate([np.zeros((5, 0), dtype=np.int64), *self._lines], axis=1)
        rows = rows[:, self.rated[rows[0]]]
        rows = rows[:, np.argsort(rows[0], kind="stable")]
        owner = pa.array(np.searchsorted(places, rows[0]))
        kind = pa.array(rows[2])
        code, group, band, tier, price, source = zip(*self._kinds, strict=True) if self._kinds else ((),) * 6
        return pa.table(
            {
                "bill_no": numbers.take(owner),
                "line": pa.array(rows[1]),
                "org": org.take(owner),
                "account_no": accounts.take(owner),
                "code": _taken(code, pa.string(), kind),
                "group": _taken(group, pa.string(), kind),
                "band": _taken(band, pa.string(), kind),
                "tier": _taken(tier, pa.int64(), kind),
                "quantity_milli": pa.array(rows[3]),
                "price_e8": _taken(price, pa.int64(), kind),
                "amount_fen": pa.array(rows[4]),
                "source": _taken(source, pa.int64(), kind),
            }
        )


@dataclass
class _Words:
    """Texts that many rows share, each once."""

    places: dict[str, int] = field(default_factory=lambda: {"[]": 0})

    def number(self, said: str) -> int:
        return self.places.setdefault(said, len(self.places))

    @property
    def column(self) -> Any:
        return pa.array(list(self.places), pa.string())


def _taken(values: Sequence[object], kind: pa.DataType, places: Any) -> Any:
    return pa.array(values, kind).take(places)


def _same(value: str | date, count: int) -> Any:
    return pa.repeat(pa.scalar(value), count)


def _instants(column: Any) -> list[datetime]:
    return [one for one in column.dictionary.to_pylist() if one is not None]


def _registers(part: MonthPart, places: Int) -> Any:
    """As `pieces.piece_json` writes the registers of each contract."""
    rows, starts = part.energy_of(places)
    instants = {name: rows[name].combine_chunks().dictionary_encode() for name in ("from_at", "to_at")}
    shown = {
        name: pa.array([one.isoformat() for one in _instants(column)], pa.string()).take(column.indices)
        for name, column in instants.items()
    }

    def text(name: str) -> Any:
        return quoted(rows[name].combine_chunks())

    def number(name: str) -> Any:
        return rows[name].combine_chunks().cast(pa.string())

    def decimal(name: str, kind: type[Energy] | type[Register]) -> Any:
        return pc.fill_null(joined('"', decimals(rows[name].combine_chunks(), kind), '"'), "null")

    items = joined(
        '{"band":', text("band"), ',"days_estimated":', number("days_estimated"), ',"end":', decimal("end_e4", Register),
        ',"energy":', decimal("energy_wh", Energy), ',"from_at":"', shown["from_at"], '","meter_no":', text("meter_no"),
        ',"method":', text("method"), ',"multiplier":"', number("multiplier"), '","piece":', number("piece"),
        ',"point_no":', text("point_no"), ',"quantity":', text("quantity"), ',"rule":', text("rule"),
        ',"start":', decimal("start_e4", Register), ',"status":', text("status"), ',"to_at":"', shown["to_at"], '"}',
    )  # fmt: skip
    return listed(items, starts)


def _rating(heads: pa.Table, before: Int, begins: Month, month: Month) -> Any:
    """As `kept.rating_part` writes what each contract was rated from beside its registers."""
    names = ("kind", "tariff_class", "settlement_mode", "voltage_kv", "pf_standard")
    keys = joined(*[part for name in names for part in (quoted(heads[name].combine_chunks().cast(pa.string())), ",")])
    encoded = keys.dictionary_encode()
    at = np.unique(encoded.indices.to_numpy(), return_index=True)[1]
    days: dict[str, Any] = {}
    if begins < month:
        last_day = month.next.first_day - timedelta(days=1)
        read = len(months_from(begins, month))
        days = {"first_day": begins.first_day, "last_day": last_day, "reading_months": read}
    # In the order of their names: account, contract, what few contracts differ in, use of the tier year, and the rest.
    first: list[str] = []
    last: list[str] = []
    for row in heads.take(at).select(names).to_pylist():
        subject = RatingSubject(
            kind=row["kind"],
            tariff_class=row["tariff_class"],
            settlement=row["settlement_mode"],
            voltage=row["voltage_kv"],
            month=str(month),
            pieces=[],
            standard=row["pf_standard"],
            **days,
        )
        said = rating_head(subject)
        first.append(_members({name: value for name, value in said.items() if name < _USED}))
        last.append(_members({name: value for name, value in said.items() if name > _USED}))
    used = pa.array(np.maximum(before, 0))
    shown = pc.if_else(pc.greater(used, 0), joined(f',"{_USED}":', used.cast(pa.string())), "")
    return joined(
        '{"account_no":', quoted(heads["account_no"].combine_chunks()), ',"contract_no":',
        quoted(heads["contract_no"].combine_chunks()), pa.array(first, pa.string()).take(encoded.indices), shown,
        pa.array(last, pa.string()).take(encoded.indices), "}",
    )  # fmt: skip


def _members(values: Mapping[str, object]) -> str:
    """Members of a JSON object that follow others."""
    return f",{canonical(values).decode()[1:-1]}" if values else ""

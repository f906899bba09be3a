"""Points of a market customer's bill (市场结算点) from their sources: published prices, curves of the meters, the register."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from denghuo_verify.charges import billed_days
from denghuo_verify.clock import SLOTS
from denghuo_verify.curves import Disagrees, Values, on_days, shared_over, whole_slots
from denghuo_verify.energy import WH, by_meter, places_of
from denghuo_verify.figures import ZERO, half_up, number
from denghuo_verify.files import Unreadable
from denghuo_verify.report import Finding, finding
from denghuo_verify.stages import ONE_DAY, midnight

E8 = Decimal("0.00000001")
COLUMNS = ["node", "series", "day", "time", "price"]
Prices = Mapping[tuple[str, str, str], Sequence[Decimal]]
"""Yuan per kWh in the order of the day, by node, series and day."""


def prices_of(path: Path) -> Prices:
    """A file of spot prices as the platform hands it out (`tariff.spot_file`).

    Raises:
        Unreadable: it is none.
    """
    found: dict[tuple[str, str, str], dict[str, Decimal]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            if next(rows, []) != COLUMNS:
                raise ValueError("the columns are not " + ", ".join(COLUMNS))
            for node, series, day, time, price in rows:
                found.setdefault((node, series, day), {})[time] = Decimal(price)
    except (OSError, ValueError, ArithmeticError) as error:
        raise Unreadable(f"{path} 不是现货价格文件：{error}", f"{path} is no file of spot prices: {error}") from None
    return {key: [of_day[time] for time in sorted(of_day)] for key, of_day in found.items()}


def points_differ(document: Mapping[str, Any], prices: Prices | None, tariffs: Sequence[Any]) -> Iterator[Finding]:
    """Compares prices and energies of all points with what is given of their sources; the rest is taken as it stands."""
    rating = document["bill"]["rating"]
    for at, stage in enumerate(rating.get("stages") or [rating], 1):
        market = stage.get("market") or {}
        if market.get("slots") is None:
            continue
        first, last = billed_days(stage)
        days = [first + ONE_DAY * step for step in range((last - first).days + 1)]
        where = f"points {at}"
        if prices is not None:
            yield from _prices_differ(where, market, prices, days)
        if document.get("curves"):
            code = stage.get("tariff_code", document["bill"]["tariff_code"])
            tariff = next(one for one in tariffs if one["code"] == code)
            yield from _energies_differ(where, stage, document, days, places_of(tariff))


def taken_as_stated(document: Mapping[str, Any], prices: Prices | None) -> Iterator[Finding]:
    """Sources of points that were not given."""
    rating = document["bill"]["rating"]
    if all((one.get("market") or {}).get("slots") is None for one in rating.get("stages") or [rating]):
        return
    if prices is None:
        yield Finding(
            "points",
            "各点电价按账单所载核对，以 --prices 给出现货价格文件即可逐点核对",
            "the prices of points are taken as they stand; give the file of spot prices (--prices) to compare each",
        )
    if not document.get("curves"):
        yield Finding(
            "points",
            "各点电量按账单所载核对，以 --readings 给出含曲线的示数文件即可由曲线核算",
            "the energies of points are taken as they stand; give the readings file with curves (--readings) to compute them",
        )


def _prices_differ(where: str, market: Mapping[str, Any], prices: Prices, days: Sequence[date]) -> Iterator[Finding]:
    right: dict[str, list[Decimal]] = {}
    for series in ("day_ahead", "real_time"):
        stated = market["slots"].get(f"{series}_price_e8") or []
        if not stated:
            continue
        right[series] = []
        for day in days:
            of_day = prices.get((market.get("node", ""), series, day.isoformat()), [])
            if len(of_day) not in (24, 48, 96):
                yield Finding(
                    where, f"价格文件没有 {day} 的 {series} 价格", f"the price file has no {series} price of {day}"
                )
                return
            right[series] += [price for price in of_day for _ in range(SLOTS // len(of_day))]
        for at, (one, other) in enumerate(zip(stated, right[series], strict=False)):
            if one * E8 != other:
                place = f"{where} {series} {days[at // SLOTS]} #{at % SLOTS}"
                yield finding(
                    place, "点电价与价格文件不符", "the price of a point is not that of the file", one * E8, other
                )
                return
        if len(stated) != len(right[series]):
            yield Finding(where, "点数与账单日数不符", "the points are not those of the days of the bill")
    if market.get("balance_price") is not None and right.get("real_time"):
        mean = half_up(sum(right["real_time"], ZERO) / len(right["real_time"]), 8)
        if number(market["balance_price"]) != mean:
            yield finding(
                where, "月度平衡价格不符", "the balance has another price", number(market["balance_price"]), mean
            )


def _energies_differ(
    where: str, stage: Mapping[str, Any], document: Mapping[str, Any], days: Sequence[date], places: int
) -> Iterator[Finding]:
    apart = {part["point_no"] for part in stage.get("parts") or []}
    begin, end = midnight(days[0]), midnight(days[-1] + ONE_DAY)
    mine = [
        one
        for one in document["readings"]
        if one["quantity"] == "active_fwd"
        and one["point_no"] not in apart
        and begin <= datetime.fromisoformat(one["from_at"])
        and datetime.fromisoformat(one["to_at"]) <= end
    ]
    curves = [one for one in document["curves"] if one["quantity"] == "active_fwd"]
    known = {one["meter_no"]: on_days(one, days) for one in curves}
    guessed = {
        one["meter_no"]: on_days({**one, "values": one["estimated"]}, days) for one in curves if one.get("estimated")
    }
    energy = [ZERO] * (len(days) * SLOTS)
    for rows in by_meter(mine):
        totals = [one for one in rows if one["band"] == "total"] or rows
        register = sum((half_up(number(one["energy"]), places) for one in totals), ZERO)
        try:
            meter_no = rows[0]["meter_no"]
            found = _of_meter(register, rows[0], known.get(meter_no, {}), guessed.get(meter_no, {}), days)
        except Disagrees as reason:
            yield Finding(f"{where} {rows[0]['meter_no']}", reason.zh, reason.en)
            return
        energy = [one + more for one, more in zip(energy, found, strict=True)]
    stated = stage["market"]["slots"]["actual_wh"]
    for at, (one, right) in enumerate(zip(stated, energy, strict=False)):
        if one * WH != right:
            place = f"{where} {days[at // SLOTS]} #{at % SLOTS}"
            yield finding(place, "点电量与曲线不符", "the energy of a point is not that of the curve", one * WH, right)
            return
    if len(stated) != len(energy):
        yield Finding(where, "点数与账单日数不符", "the points are not those of the days of the bill")


def _of_meter(
    register: Decimal,
    total: Mapping[str, Any],
    curve: Mapping[date, Values],
    guessed: Mapping[date, Values],
    days: Sequence[date],
) -> list[Decimal]:
    """kWh of each point: the register shared by its curve, missing points filled with what it has beyond the curve: by what stands
    in for all of them, where something does."""
    seen: dict[str, Decimal] = {}
    missing: dict[str, int] = {}
    given: dict[str, Decimal] = {}
    expected, filled, highest = 0, 0, None
    for at, day in enumerate(days):
        values: Values = curve.get(day, [None] * SLOTS)
        guesses: Values = guessed.get(day, [None] * SLOTS)
        inside = whole_slots(total, day)
        expected += len(inside)
        there = [value for value in values if value is not None]
        if there and len(there) < SLOTS:
            highest = max([*there, *([] if highest is None else [highest])])
        for slot, (value, guess) in enumerate(zip(values, guesses, strict=True)):
            name, stands_in = str(at * SLOTS + slot), guess if slot in inside else None
            seen[name] = ZERO if value is None or stands_in is not None else value
            missing[name] = int(slot in inside and (value is None or stands_in is not None))
            given[name] = ZERO if stands_in is None else stands_in
            filled += stands_in is not None
    told = 0 < sum(missing.values()) == filled
    return list(shared_over(register, seen, missing, expected, highest, given if told else None).values())

"""Rates of the United States Utility Rate Database (URDB, openei.org) as tariffs of the model.

A URDB rate gives a price to each period and a period to each hour of each month's weekdays and weekends. The model gives a price to
each band of a document in force. So a rate becomes one document for each run of months with the same hours and prices, and the
periods of a run become its bands in the order of their prices. Energy and demand may follow different periods: a band is then what
both have in common. What the model cannot say is refused by name, never left out.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy, Price, parse_decimal, round_half_up
from denghuo.service.tariff.api import Finding, TariffDocument
from denghuo.service.tariff.rules.reading import Unreadable

DOLLARS = TextPair(zh="单价为美元。", en="Prices are in US dollars.")
BANDS_OF = {1: (), 2: ("peak", "valley"), 3: ("peak", "flat", "valley"), 4: ("sharp", "peak", "flat", "valley")}
BANDS_OF[5] = ("sharp", "peak", "flat", "valley", "deep")
HOURS = 24
PASSED_OVER = frozenset({"sell", "unit", "name", "max", "rate", "adj"})
UNSAID = (
    "mincharge",
    "minmonthlycharge",
    "annualmincharge",
    "demandratchetpercentage",
    "demandreactivepowercharge",
    "coincidentratestructure",
    "lookbackpercent",
)
"""What changes a bill and has no place in the model; a rate that states one with a value is refused."""
Hours = tuple[tuple[tuple[int, int], ...], ...]
"""The (energy period, demand period) of each hour, of weekdays and of weekends."""


@dataclass(frozen=True)
class _Run:
    """Consecutive months with the same hours and prices."""

    first: date
    after: date
    hours: Hours
    flat_demand: Price | None


def read_urdb(
    text: str,
    *,
    start: date | None = None,
    end: date | None = None,
    daily: Literal["days", "average"] = "days",
) -> list[TariffDocument]:
    """The tariffs of a URDB rate in the order of their days.

    start, end: the days from and up to which, the end not included; as the rate says where they are None. A rate without an end
    needs one, because its prices follow the months.
    daily: whether a charge per day is charged by days, or as 365/12 days of each month.

    Raises:
        Unreadable: with a finding for what is no rate or cannot be said in the model.
    """
    return _Reader(_body(text), start, end, daily).documents()


def _body(text: str) -> Mapping[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        body = json.loads(text, parse_float=str, parse_int=str, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _refused("/", "不是合法的 JSON", f"not JSON: {str(error)[:200]}") from None
    if not isinstance(body, dict):
        raise _refused("/", "应是一个费率对象", "a rate is one object")
    return body


class _Reader:
    def __init__(self, body: Mapping[str, Any], start: date | None, end: date | None, daily: str) -> None:
        self._body = body
        self._daily = daily
        self._label = self._words("label") or "rate"
        if not re.fullmatch(r"[0-9A-Za-z_.-]{1,48}", self._label):
            raise _refused("/label", f"标识 {self._label[:60]} 不合要求", f"label {self._label[:60]} is out of form")
        self._start = start or self._day("startdate", 0)
        self._end = end or self._day("enddate", 1)
        for name in UNSAID:
            if self._stated(body.get(name)):
                raise _refused(f"/{name}", "模型不支持该项", "the model cannot say this")
        self._energy = self._structure("energyratestructure")
        self._demand = self._structure("demandratestructure") or [[{"rate": "0"}]]
        self._flat = self._structure("flatdemandstructure")
        if not self._energy:
            raise _refused("/energyratestructure", "缺少电度价格", "the energy prices are missing")

    def documents(self) -> list[TariffDocument]:
        return [self._document(run) for run in self._runs()]

    # -- fields -----------------------------------------------------------------------------------------------------------

    def _words(self, name: str) -> str:
        value = self._body.get(name)
        return value.strip() if isinstance(value, str) else ""

    @staticmethod
    def _stated(value: Any) -> bool:
        return value not in (None, "", [], "0", "0.0") and not (
            isinstance(value, list) and all(item in ("0", "0.0") for item in value)
        )

    def _day(self, name: str, after: int) -> date:
        try:
            return date.fromisoformat(self._words(name)[:10]) + timedelta(days=after)
        except (ValueError, OverflowError):
            raise _refused(f"/{name}", "缺少日期", "the date is missing; give one") from None

    def _structure(self, name: str) -> list[list[Mapping[str, Any]]]:
        periods = self._body.get(name) or []
        if not isinstance(periods, list) or not all(
            isinstance(tiers, list) and tiers and all(isinstance(tier, dict) for tier in tiers) for tiers in periods
        ):
            raise _refused(f"/{name}", "应是时段与分档的列表", "is a list of periods, each a list of tiers")
        for at, tiers in enumerate(periods):
            if name != "energyratestructure" and len(tiers) > 1:
                raise _refused(f"/{name}/{at}", "不支持分档的需量电价", "tiers of demand cannot be said in the model")
            for tier in tiers:
                unit = tier.get("unit", "kWh" if name == "energyratestructure" else "kW")
                if unit not in ("kWh", "kW"):
                    raise _refused(
                        f"/{name}/{at}/unit", f"不支持的单位 {unit}", f"unit {unit} cannot be said in the model"
                    )
                if unknown := set(tier) - PASSED_OVER:
                    raise _refused(f"/{name}/{at}", f"未知的项 {min(unknown)}", f"unknown entry {min(unknown)}")
        return periods

    def _schedule(self, name: str, periods: int) -> list[list[int]]:
        rows = self._body.get(name)
        if rows is None and periods == 1:
            return [[0] * HOURS] * 12
        if (
            not isinstance(rows, list)
            or len(rows) != 12
            or not all(isinstance(row, list) and len(row) == HOURS for row in rows)
        ):
            raise _refused(f"/{name}", "应为 12 个月各 24 小时", "is 12 months of 24 hours")
        return [[self._period(f"/{name}/{at}", cell, periods) for cell in row] for at, row in enumerate(rows)]

    @staticmethod
    def _period(where: str, cell: Any, periods: int) -> int:
        if isinstance(cell, str) and cell.isascii() and cell.isdigit() and len(cell) < 4 and int(cell) < periods:
            return int(cell)
        raise _refused(where, f"没有时段 {str(cell)[:20]}", f"there is no period {str(cell)[:20]}")

    def _price(self, where: str, tier: Mapping[str, Any]) -> Price:
        return _decimal(where, tier.get("rate", "0")) + _decimal(where, tier.get("adj", "0"))

    # -- runs of months ---------------------------------------------------------------------------------------------------

    def _runs(self) -> list[_Run]:
        energy = [self._schedule(f"energy{days}schedule", len(self._energy)) for days in ("weekday", "weekend")]
        demand = [self._schedule(f"demand{days}schedule", len(self._demand)) for days in ("weekday", "weekend")]
        if not self._start < self._end <= self._start + timedelta(days=366 * 30):
            raise _refused(
                "/enddate", "失效日应晚于生效日，且不超过 30 年", "the end must lie after the start, within 30 years"
            )
        runs: list[_Run] = []
        day = self._start
        while day < self._end:
            after = min(Month.holding(day).next.first_day, self._end)
            at = day.month - 1
            hours = tuple(tuple(zip(energy[kind][at], demand[kind][at], strict=True)) for kind in range(2))
            run = _Run(day, after, hours, self._flat_demand(at))
            if runs and (runs[-1].hours, runs[-1].flat_demand) == (run.hours, run.flat_demand):
                runs[-1] = _Run(runs[-1].first, after, hours, run.flat_demand)
            else:
                runs.append(run)
            day = after
        return runs

    def _flat_demand(self, at: int) -> Price | None:
        if not self._flat:
            return None
        months = self._body.get("flatdemandmonths")
        cell = months[at] if isinstance(months, list) and len(months) == 12 else "0"
        period = self._period("/flatdemandmonths", cell, len(self._flat))
        return self._price("/flatdemandstructure", self._flat[period][0])

    # -- documents --------------------------------------------------------------------------------------------------------

    def _document(self, run: _Run) -> TariffDocument:
        pairs = sorted({pair for day in run.hours for pair in day}, key=self._rank, reverse=True)
        if len(pairs) not in BANDS_OF:
            raise _refused(
                "/energyweekdayschedule", f"{len(pairs)} 个时段超过 5 个", f"{len(pairs)} periods are more than 5 bands"
            )
        bands: dict[tuple[int, int], str | None] = dict(zip(pairs, BANDS_OF[len(pairs)] or (None,), strict=True))
        name = self._words("name") or self._label
        title = TextPair(zh=name[:200], en=name[:200])
        number = f"URDB {self._label}"
        limits = self._limits(pairs)
        prices = [
            {
                "price": self._price("/energyratestructure", tier),
                "band": band,
                "tier": number_ + 1 if limits else None,
            }
            for (energy, _), band in bands.items()
            for number_, tier in enumerate(self._energy[energy])
        ]
        return TariffDocument.model_validate(
            {
                "code": f"urdb.{self._label.lower()}",
                "title": title,
                "area": "US",
                "area_title": {"zh": "美国", "en": "United States"},
                "classes": ["general_single_part"],
                "voltages": ["0.38"],
                "effective_from": run.first,
                "effective_to": run.after,
                "sources": [
                    {"number": number, "title": self._words("utility")[:200], "address": self._words("uri")[:400]}
                ],
                "components": [
                    {
                        "code": "energy",
                        "title": {"zh": "电度电价", "en": "Energy"},
                        "prices": prices,
                        "document": number,
                    }
                ],
                "seasons": self._seasons(run, bands, number) if len(pairs) > 1 else [],
                "tiers": {"period": "monthly", "tables": [{"up_to": limits}]} if limits else None,
                "charges": [*self._fixed(number), *self._demands(run, bands, number)],
                "days": "calendar",
                "rounding": {"quantity_places": 3},
                "note": DOLLARS,
            }
        )

    def _rank(self, pair: tuple[int, int]) -> tuple[int, int, int, int]:
        energy, demand = pair
        return (
            self._price("/energyratestructure", self._energy[energy][0]).e8,
            self._price("/demandratestructure", self._demand[demand][0]).e8,
            *pair,
        )

    def _limits(self, pairs: Sequence[tuple[int, int]]) -> list[Energy]:
        """The limits of the tiers of a month, which must be those of every period."""
        found = {tuple(str(tier.get("max", "")) for tier in self._energy[energy][:-1]) for energy, _ in pairs}
        if len(found) > 1:
            raise _refused(
                "/energyratestructure", "各时段的分档不同", "periods have different tiers, which the model cannot say"
            )
        return [Energy(round_half_up(_decimal("/energyratestructure/max", limit).e8, 10**5)) for limit in found.pop()]

    def _seasons(self, run: _Run, bands: Mapping[tuple[int, int], str | None], number: str) -> list[dict[str, Any]]:
        weekday, weekend = run.hours
        if weekday == weekend:
            return [self._season(("每日", "every day"), [], weekday, bands, number)]
        return [
            self._season(("星期一至五", "Monday to Friday"), [1, 2, 3, 4, 5], weekday, bands, number),
            self._season(("星期六、日", "Saturday and Sunday"), [6, 7], weekend, bands, number),
        ]

    @staticmethod
    def _season(
        title: tuple[str, str],
        weekdays: list[int],
        hours: Sequence[tuple[int, int]],
        bands: Mapping[tuple[int, int], str | None],
        number: str,
    ) -> dict[str, Any]:
        windows: dict[str | None, list[dict[str, str]]] = {}
        start = 0
        for hour in range(1, HOURS + 1):
            if hour == HOURS or hours[hour] != hours[start]:
                window = {"start": f"{start:02d}:00", "end": f"{hour:02d}:00"}
                windows.setdefault(bands[hours[start]], []).append(window)
                start = hour
        return {
            "title": {"zh": title[0], "en": title[1]},
            "weekdays": weekdays,
            "bands": [{"band": band, "windows": parts} for band, parts in windows.items()],
            "document": number,
        }

    # -- charges ----------------------------------------------------------------------------------------------------------

    def _fixed(self, number: str) -> list[dict[str, Any]]:
        stated = self._body.get("fixedchargefirstmeter", self._body.get("fixedmonthlycharge", "0"))
        price, unit = _decimal("/fixedchargefirstmeter", stated or "0"), self._words("fixedchargeunits") or "$/month"
        per = {"$/month": "month", "$/day": "day", "$/year": "month"}.get(unit)
        if per is None:
            raise _refused(
                "/fixedchargeunits", f"不支持的单位 {unit[:20]}", f"unit {unit[:20]} cannot be said in the model"
            )
        if unit == "$/year":
            price = Price(round_half_up(price.e8, 12))
        if per == "day" and self._daily == "average":
            per, price = "month", Price(round_half_up(price.e8 * 365, 12))
        return [_charge("customer_charge", ("固定电费", "Customer charge"), per, price, None, number)] if price else []

    def _demands(self, run: _Run, bands: Mapping[tuple[int, int], str | None], number: str) -> list[dict[str, Any]]:
        charges = []
        if run.flat_demand:
            title = ("最大需量电费", "Demand charge")
            charges.append(_charge("demand_charge", title, "demand", run.flat_demand, None, number))
        periods: dict[int, list[str | None]] = {}
        for (_, demand), band in bands.items():
            periods.setdefault(demand, []).append(band)
        for demand, held in periods.items():
            price = self._price("/demandratestructure", self._demand[demand][0])
            if not price:
                continue
            if len(held) > 1:
                raise _refused(
                    f"/demandratestructure/{demand}",
                    "该需量时段跨越多个电度时段",
                    "this demand period lies over several energy periods, which the model cannot say",
                )
            if held[0] is None and run.flat_demand:  # one period all day: the same demand as the flat charge
                charges[0] = {**charges[0], "price": run.flat_demand + price}
                continue
            charges.append(
                _charge("demand_charge", ("分时需量电费", "Demand charge of a band"), "demand", price, held[0], number)
            )
        return charges


def _charge(code: str, title: tuple[str, str], per: str, price: Price, band: str | None, number: str) -> dict[str, Any]:
    return {
        "code": code,
        "title": {"zh": title[0], "en": title[1]},
        "per": per,
        "band": band,
        "price": price,
        "document": number,
    }


def _decimal(where: str, value: Any) -> Price:
    """A number of the rate, which may be written with an exponent."""
    try:
        number = Decimal(str(value))
        if not number.is_finite() or abs(number) > 10**9:
            raise ValueError(f"{str(value)[:40]} is out of reason")
        return Price(parse_decimal(f"{number:f}", 8))
    except (InvalidOperation, ValueError) as error:
        said = str(error)[:120] if isinstance(error, ValueError) else "not a number"
        raise _refused(where, f"值 {str(value)[:40]} 不合要求", f"{str(value)[:40]}: {said}") from None


def _refused(where: str, zh: str, en: str) -> Unreadable:
    return Unreadable([Finding(where=where, severity="error", message=TextPair(zh=zh, en=en))])

"""An adjustment bill (退补账单): months rated as they were billed and as they should have been, and the difference of each item."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from denghuo_verify.charges import Line, charged
from denghuo_verify.energy import NoBill
from denghuo_verify.figures import ZERO, number, rounded
from denghuo_verify.rating import Expected
from denghuo_verify.registers import readings_differ
from denghuo_verify.report import Finding, finding
from denghuo_verify.stages import Terms, days_of, rated_once, reversal

CORRECTED = "corrected"
Key = tuple[str, str | None, int | None]


def is_adjustment(bill: Terms) -> bool:
    return "segments" in bill["rating"]


def adjusted_bill(bill: Terms, own: Terms, further: Sequence[Terms]) -> Expected:
    """What must stand on an adjustment bill. own: the tariff under which it stands; further: those that `rating.tariffs` names.

    Raises:
        NoBill: a month cannot be rated by these terms, prices and readings.
    """
    rating = bill["rating"]
    named = {
        (one["code"], one["version"]): tariff for one, tariff in zip(rating.get("tariffs", []), further, strict=True)
    }
    named[rating["tariff_code"], rating["tariff_version"]] = own
    lines: list[Line] = []
    energy = ZERO
    for segment in rating["segments"]:
        was, now = side(segment["was"], named), side(segment["now"], named)
        lines += differences(was, now)
        energy += now.energy - was.energy
    lines += [_stated(one) for one in rating.get("stated", [])]
    energy += Decimal(rating.get("stated_wh", 0)) / 1000
    found = Expected(energy, [], lines)
    return reversal(found) if bill.get("reverses") is not None else found


def side(one: Terms, named: Mapping[tuple[str, int], Terms]) -> Expected:
    """A month as it stands on one side."""
    keys = [(two["code"], two["version"]) for two in one["rating"].get("tariffs", [])]
    for code, version in [(one["tariff_code"], one["tariff_version"]), *keys]:
        if (code, version) not in named:
            raise NoBill(f"文件没有电价 {code} 第 {version} 版", f"the file has no tariff {code} of version {version}")
    return rated_once(
        one, one["registers"], named[one["tariff_code"], one["tariff_version"]], [named[key] for key in keys]
    )


def differences(was: Expected, now: Expected) -> list[Line]:
    """A line for each item, band and tier of which the amount differs; what is new follows."""
    before, after = _by_key(was.lines), _by_key(now.lines)
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key, []), after.get(key, [])
        amount = _amount(new) - _amount(old)
        if amount == 0:
            continue
        one = (new or old)[0]
        prices = {line.price for line in [*old, *new]}
        found.append(
            Line(
                one.code,
                one.group,
                amount,
                one.document_no,
                one.unit,
                _quantity(new) - _quantity(old),
                prices.pop() if len(prices) == 1 else None,
                one.band,
                one.tier,
                one.illustrative,
            )
        )
    return found


def _by_key(lines: Sequence[Line]) -> dict[Key, list[Line]]:
    found: dict[Key, list[Line]] = {}
    for line in lines:
        found.setdefault((line.code, line.band, line.tier), []).append(line)
    return found


def _amount(lines: Sequence[Line]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)


def _quantity(lines: Sequence[Line]) -> Decimal:
    return sum((line.quantity or ZERO for line in lines), ZERO)


def _stated(one: Terms) -> Line:
    """A line that rests on what was found. Where it has a price and an energy, the amount follows from them."""
    price = None if one.get("price") is None else number(one["price"])
    quantity = None if one.get("quantity_milli") is None else Decimal(one["quantity_milli"]) / 1000
    follows = price is not None and quantity is not None and one["unit"] == "kWh"
    return Line(
        one["code"],
        one["group"],
        charged(price, quantity) if follows and price is not None and quantity is not None else number(one["amount"]),
        one["document_no"],
        one["unit"],
        quantity,
        price,
        one.get("band"),
        one.get("tier"),
        one.get("illustrative", False),
    )


# --- what else must hold ----------------------------------------------------------------------------------------------------


def head_differs(bill: Terms, tariff: Terms) -> Iterator[Finding]:
    """The head must say what was rated: same account, contract, kind, tariff; the month is the last one of the case."""
    rating = bill["rating"]
    segments = rating["segments"]
    pairs: list[tuple[str, Any, Any]] = [
        (name, bill[name], rating[name])
        for name in ("account_no", "contract_no", "kind", "month", "tariff_code", "tariff_version")
    ]
    pairs.append(("tariff_code", bill["tariff_code"], tariff["code"]))
    if segments:
        pairs.append(("month", bill["month"], segments[-1]["month"]))
    for segment in segments:
        where = f"segment {segment['month']}"
        for name in ("was", "now"):
            of_side = segment[name]["rating"]
            first, last = days_of(of_side)
            pairs += [
                (f"{where}.{name}.account_no", of_side.get("account_no", ""), rating["account_no"]),
                (f"{where}.{name}.kind", of_side.get("kind", "supply"), rating["kind"]),
                (f"{where}.{name}.month", of_side["month"], segment["month"]),
                (f"{where}.{name}.first_day", first.isoformat(), segment["first_day"]),
                (f"{where}.{name}.last_day", last.isoformat(), segment["last_day"]),
            ]
    for name, found, right in pairs:
        if found != right:
            yield Finding(f"bill.{name}", f"{name} 与计费条件不符", f"{name} differs", str(found), str(right))


def segments_differ(bill: Terms) -> Iterator[Finding]:
    """Registers that were put right must follow from those that were billed by the factor and the share of days that are stated;
    all others are the same on both sides."""
    for segment in bill["rating"]["segments"]:
        yield from readings_differ(segment["was"]["registers"])
        yield from readings_differ(segment["now"]["registers"])
        where = f"segment {segment['month']}"
        was, now = (segment[name]["registers"] for name in ("was", "now"))
        if [_register(one) for one in was] != [_register(one) for one in now]:
            yield Finding(where, "更正前后的示数不是同一组", "the registers before and after are not the same ones")
            continue
        stated = {_register(one): one for one in segment["corrections"]}
        for before, after in zip(was, now, strict=True):
            correction = stated.get(_register(before))
            energy = number(before["energy"])
            right = energy if correction is None else corrected(energy, correction["factor"], correction["share"])
            if correction is None and after["method"] == CORRECTED:
                continue
            if number(after["energy"]) != right:
                yield finding(
                    f"{where} {before['meter_no']}",
                    f"{segment['month']} 表 {before['meter_no']} 的应计电量不符",
                    f"{segment['month']}: the energy due of meter {before['meter_no']} differs",
                    number(after["energy"]),
                    right,
                )


def taken_as_stated(bill: Terms) -> Iterator[Finding]:
    """What this program cannot compute and takes as it stands."""
    for segment in bill["rating"]["segments"]:
        yield Finding(
            f"segment {segment['month']}",
            f"{segment['month']} 的原计以账单 {segment['bill_no']} 为准，可下载该账单的核验文件对照",
            f"what was billed for {segment['month']} is that of bill {segment['bill_no']}; compare with its own file",
        )
        stated = {_register(one) for one in segment["corrections"]}
        for one in segment["now"]["registers"]:
            if one["method"] == CORRECTED and _register(one) not in stated:
                yield Finding(
                    f"segment {segment['month']} {one['meter_no']}",
                    f"{segment['month']} 表 {one['meter_no']} 的应计电量为查实值，按所载数值核对",
                    f"{segment['month']}: the energy due of meter {one['meter_no']} was found out and is taken as it stands",
                )
    for at, one in enumerate(bill["rating"].get("stated", []), 1):
        if one.get("price") is None or one.get("quantity_milli") is None or one["unit"] != "kWh":
            yield Finding(
                f"stated {at}",
                f"{one['title']['zh']} {one['amount']} 元为查实项目，按所载数值核对",
                f"{one['title']['en']} of {one['amount']} yuan was found out and is taken as it stands",
            )


def corrected(energy: Decimal, factor: str, share: str) -> Decimal:
    """The energy due: the share that is in the case, to whole Wh, times the factor less one, and what was billed."""
    counted = rounded(Fraction(energy) * Fraction(share), 3)
    return energy + rounded(Fraction(counted) * (Fraction(factor) - 1), 3)


def _register(one: Terms) -> tuple[Any, ...]:
    return tuple(one[name] for name in ("meter_no", "piece", "quantity", "band", "from_at"))

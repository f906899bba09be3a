"""Old and new bill line by line: what of their difference comes from which component, by their own arithmetic.

A line of the old bill counts as it says only where its quantity times its price is its amount, to a fen; otherwise its difference
is unexplained. Quantities change at the old price, prices at our quantity, so the parts add up to the difference exactly.
"""

from collections.abc import Iterator, Mapping, Sequence

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money, Price, round_half_up
from denghuo.service.billing.parallel.sides import Cause, Figures, OldSide, OurSide, value_fen
from denghuo.service.billing.rules.power_factor import adjustment_percent
from denghuo.service.billing.rules.words import band_name, milli, percent

STANDARDS = (80, 85, 90)
FACTOR = "power_factor"
LOSSES = frozenset({"line_loss", "transformer_loss", "loss"})
Key = tuple[str | None, int | None]


def by_lines(old: OldSide, ours: OurSide) -> list[Cause]:
    """The causes of ours less the old amount; they add up to it. Lines that agree give none."""
    theirs, mine = _by_component(old.lines), _by_component(ours.lines)
    causes: list[Cause] = []
    for code in dict.fromkeys([*mine, *theirs]):
        here, there = mine.get(code, []), theirs.get(code, [])
        if not here or not there:
            causes.append(_missing(code, here, there, ours))
        elif ours.groups.get(code) == FACTOR or code == FACTOR:
            causes += _factor(code, here, there, old, ours)
        else:
            causes += _component(code, here, there, ours)
    stated = sum(line.amount_fen for line in old.lines)
    if stated != old.amount_fen:
        said = TextPair(
            zh=f"旧账单各行合计 {Money(stated)} 元，与其金额 {Money(old.amount_fen)} 元不符。",
            en=f"The lines of the old bill are {Money(stated)} yuan, its amount is {Money(old.amount_fen)}.",
        )
        causes.append(Cause("unexplained", stated - old.amount_fen, said))
    return causes


def _by_component(lines: Sequence[Figures]) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {}
    for line in lines:
        found.setdefault(line.component, []).append(line)
    return found


def _sum(lines: Sequence[Figures]) -> int:
    return sum(line.amount_fen for line in lines)


def _missing(code: str, here: Sequence[Figures], there: Sequence[Figures], ours: OurSide) -> Cause:
    amount = _sum(here) - _sum(there)
    cause = {"basic": "basic_charge", FACTOR: FACTOR}.get(ours.groups.get(code, ""), "missing_component")
    if code in LOSSES:
        cause = "loss"
    side = ("旧账单没有", "not on the old bill") if here else ("只在旧账单上", "on the old bill only")
    return Cause(
        cause,
        amount,
        TextPair(
            zh=f"项目 {code} {side[0]}，{Money(abs(amount))} 元。",
            en=f"Component {code} is {side[1]}: {Money(abs(amount))} yuan.",
        ),
    )


# --- a component on both bills --------------------------------------------------------------------------------------------


def _component(code: str, here: Sequence[Figures], there: Sequence[Figures], ours: OurSide) -> Iterator[Cause]:
    mine, theirs = _keyed(here), _keyed(there)
    broken = next((line for line in there if not _sound(line)), None)
    if mine is None or theirs is None or broken is not None or _cut(mine) != _cut(theirs):
        yield from _unsound(code, broken, _sum(here) - _sum(there))
        return
    kind = _kind_of(code, ours)
    shifted = _shifted(mine, theirs)
    for key in dict.fromkeys([*mine, *theirs]):
        new, old = mine.get(key), theirs.get(key)
        yield from _line(code, key, new, old, kind, shifted.get(key[0], False))


def _keyed(lines: Sequence[Figures]) -> Mapping[Key, Figures] | None:
    """Lines by band and tier; lines of the same that have one price are added, of several they cannot be told apart."""
    found: dict[Key, Figures] = {}
    for line in lines:
        key = (line.band, line.tier)
        before = found.get(key)
        if before is None:
            found[key] = line
        elif before.price_e8 == line.price_e8:
            found[key] = Figures(
                line.component,
                *key,
                (before.quantity_milli or 0) + (line.quantity_milli or 0),
                line.price_e8,
                before.amount_fen + line.amount_fen,
            )
        else:
            return None
    return found


def _cut(lines: Mapping[Key, Figures]) -> tuple[bool, bool]:
    """Whether the lines of a component are cut by bands, and by tiers."""
    return any(band is not None for band, _ in lines), any(tier is not None for _, tier in lines)


def _sound(line: Figures) -> bool:
    """Whether the line's amount is its quantity times its price, to a fen."""
    if line.quantity_milli is None or line.price_e8 is None:
        return False
    return abs(value_fen(line.quantity_milli, line.price_e8) - line.amount_fen) <= 1


def _unsound(code: str, line: Figures | None, amount: int) -> Iterator[Cause]:
    if amount == 0:
        return
    if line is None:
        said = TextPair(
            zh=f"项目 {code} 两边的时段、阶梯划分不同，无法逐行比对。",
            en=f"Component {code} is cut into bands and tiers otherwise on either bill; its lines do not match.",
        )
    elif line.quantity_milli is None or line.price_e8 is None:
        said = TextPair(
            zh=f"旧账单 {code} 一行没有电量或单价，金额无法核对。",
            en=f"A line {code} of the old bill has no quantity or price from which its amount would follow.",
        )
    else:
        said = TextPair(
            zh=f"旧账单 {code} 一行金额 {Money(line.amount_fen)} 元，不等于其电量乘单价。",
            en=f"A line {code} of the old bill is {Money(line.amount_fen)} yuan, not its quantity times its price.",
        )
    yield Cause("unexplained", amount, said)


def _kind_of(code: str, ours: OurSide) -> str | None:
    """The cause that all differences of a component have; None where quantity and price tell."""
    if code in LOSSES:
        return "loss"
    return "basic_charge" if ours.groups.get(code) == "basic" else None


def _shifted(mine: Mapping[Key, Figures], theirs: Mapping[Key, Figures]) -> dict[str | None, bool]:
    """By band: whether both bills have the same energy in it, but in other tiers."""
    bands = {band for band, tier in [*mine, *theirs] if tier is not None}

    def total(lines: Mapping[Key, Figures], band: str | None) -> int:
        return sum(line.quantity_milli or 0 for (at, _), line in lines.items() if at == band)

    return {band: total(mine, band) == total(theirs, band) for band in bands}


def _line(
    code: str, key: Key, new: Figures | None, old: Figures | None, kind: str | None, shifted: bool
) -> Iterator[Cause]:
    price = (old or new).price_e8  # type: ignore[union-attr]  # one of the two is there
    assert price is not None
    quantities = (new.quantity_milli or 0 if new else 0), (old.quantity_milli or 0 if old else 0)
    new_price = new.price_e8 if new and new.price_e8 is not None else price
    amounts = (new.amount_fen if new else 0), (old.amount_fen if old else 0)
    at_old = value_fen(quantities[0], price)
    moved = at_old - value_fen(quantities[1], price)
    priced = value_fen(quantities[0], new_price) - at_old
    rest = amounts[0] - amounts[1] - moved - priced
    name = _name(code, key)
    if quantities[0] != quantities[1]:
        cause = kind or ("tiers" if shifted else "quantity")
        yield Cause(
            cause,
            moved,
            TextPair(
                zh=f"{name[0]}：旧 {milli(quantities[1])}，新 {milli(quantities[0])}，按单价 {Price(price)}"
                f" 相差 {Money(moved)} 元。",
                en=f"{name[1]}: old {milli(quantities[1])}, new {milli(quantities[0])}, at {Price(price)}"
                f" a difference of {Money(moved)} yuan.",
            ),
        )
    if new_price != price:
        yield Cause(
            kind or "price",
            priced,
            TextPair(
                zh=f"{name[0]}：单价旧 {Price(price)}，新 {Price(new_price)}，按 {milli(quantities[0])}"
                f" 相差 {Money(priced)} 元。",
                en=f"{name[1]}: price old {Price(price)}, new {Price(new_price)}, on {milli(quantities[0])}"
                f" a difference of {Money(priced)} yuan.",
            ),
        )
    if rest:
        yield _rest(name, rest)


def _rest(name: tuple[str, str], rest: int) -> Cause:
    """What the line's arithmetic leaves: a rounding where it is a fen a line on either side."""
    if abs(rest) <= 2:
        said = TextPair(zh=f"{name[0]}：进位差 {Money(rest)} 元。", en=f"{name[1]}: rounding, {Money(rest)} yuan.")
        return Cause("rounding", rest, said)
    said = TextPair(zh=f"{name[0]}：仍差 {Money(rest)} 元。", en=f"{name[1]}: {Money(rest)} yuan are left.")
    return Cause("unexplained", rest, said)


def _name(code: str, key: Key) -> tuple[str, str]:
    band, tier = key
    zh, en = code, code
    if tier is not None:
        zh, en = f"{zh} 第{tier}档", f"{en}, tier {tier}"
    if band is not None:
        said = band_name(band)
        zh, en = f"{zh} {said[0]}段", f"{en}, {said[1]}"
    return zh, en


# --- power factor ----------------------------------------------------------------------------------------------------------


def _factor(
    code: str, here: Sequence[Figures], there: Sequence[Figures], old: OldSide, ours: OurSide
) -> Iterator[Cause]:
    """The adjustment is a percent of the other charges: of the old ones by our percent, by another standard, or by the percent
    that the old bill states."""
    amount = _sum(here) - _sum(there)
    if amount == 0:
        return
    base = sum(line.amount_fen for line in old.lines if line.component in ours.in_base)
    ways: list[tuple[int, str, str]] = [
        (line.quantity_milli // 10, "调整基数不同，比例相同", "on another base, at the same percent")
        for line in here
        if line.quantity_milli is not None
    ]
    if ours.factor is not None:
        ways += [
            (
                adjustment_percent(standard, ours.factor),
                f"旧账单按标准 0.{standard}",
                f"the old bill is by standard 0.{standard}",
            )
            for standard in STANDARDS
        ]
    ways += [
        (line.quantity_milli // 10, "旧账单的调整比例不同", "the old bill has another percent")
        for line in there
        if line.quantity_milli is not None
    ]
    for number, zh, en in ways:
        if abs(round_half_up(base * number, 10_000) - _sum(there)) <= 1:
            shown = f"{Money(base)} × {percent(number)}% = {Money(_sum(there))}"
            said = TextPair(
                zh=f"功率因数调整：{zh}，旧 {shown} 元，相差 {Money(amount)} 元。",
                en=f"Power factor: {en}; old {shown} yuan, a difference of {Money(amount)} yuan.",
            )
            yield Cause(FACTOR, amount, said)
            return
    said = TextPair(
        zh=f"功率因数调整 {code}：旧 {Money(_sum(there))} 元无法由其基数 {Money(base)} 元得出。",
        en=f"Power factor {code}: {Money(_sum(there))} yuan of the old bill do not follow from its base {Money(base)}.",
    )
    yield Cause("unexplained", amount, said)

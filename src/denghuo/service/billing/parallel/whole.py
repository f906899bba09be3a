"""Our bill rated again with what the old one says: a cause is found where exactly the old amount comes out.

Without the lines of an old bill its amount alone must be met, so nothing is fitted: each way is one that is named beforehand (the
old quantity, another tariff, other prices, no tier position, no losses, no power factor, no basic charge, a component left out),
is rated as a whole by the rules of real bills, and counts only to the fen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money, round_half_up
from denghuo.service.billing.change import opened, scaled
from denghuo.service.billing.lines import CannotRate, Rated, RatingSubject
from denghuo.service.billing.parallel.lines import FACTOR, STANDARDS
from denghuo.service.billing.parallel.sides import Cause, OldSide, OurSide
from denghuo.service.billing.plans import UNTOLD
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.words import milli
from denghuo.service.tariff.api import TariffDocument


@dataclass(frozen=True)
class Way:
    """How the old system may have billed: what is rated in the place of our bill, in words."""

    code: str
    subject: RatingSubject
    tariff: TariffDocument
    zh: str
    en: str


def by_whole(old: OldSide, ours: OurSide) -> list[Cause] | None:
    """The causes of ours less the old amount, or None where no way gives it."""
    if ours.subject is None or ours.tariff is None or ours.rated is None:
        return None
    start = _with_energy(old, ours, ours.subject, ours.tariff, ours.rated)
    if start is None:
        return None
    subject, rated, causes = start
    if rated.total.fen == old.amount_fen:
        return causes
    for way in _ways(old, ours, subject, ours.tariff, rated):
        found = _rated(way.subject, way.tariff, ours, strict=True)
        if found is not None and found.total != rated.total and found.total.fen == old.amount_fen:
            return [*causes, _cause(way, rated, found)]
    rest = rated.total.fen - old.amount_fen
    if rounded_once(rated) == old.amount_fen:
        said = ("旧账单各行不取整，合计后一次取整", "The old bill rounds its total once, not each line")
        return [*causes, _rounding(rest, *said)]
    if abs(rest) <= len(rated.lines):
        said = (f"{len(rated.lines)} 行，每行不超过 1 分", f"{len(rated.lines)} lines, at most a fen each")
        return [*causes, _rounding(rest, *said)]
    return None


def of_class(old: OldSide, ours: OurSide) -> list[Cause] | None:
    """Where the old bill names another class: the cause, if our bill by a tariff of that class is exactly the old amount."""
    if ours.subject is None or ours.tariff is None or ours.rated is None:
        return None
    if old.tariff_class is None or old.tariff_class == ours.subject.tariff_class:
        return None
    for way in _other_tariffs(old, ours, ours.subject):
        found = _rated(way.subject, way.tariff, ours, strict=True)
        if found is not None and found.total.fen == old.amount_fen and _same_energy(old, found):
            return [_cause(way, ours.rated, found)]
    return None


def lossless(old: OldSide, ours: OurSide) -> bool:
    """Whether the old energy is ours without losses, exactly."""
    if ours.subject is None or ours.tariff is None or old.energy_wh is None:
        return False
    found = [_rated(subject, ours.tariff, ours) for subject, _, _ in _without_losses(ours.subject)]
    return any(one is not None and one.energy_wh == old.energy_wh for one in found)


def rounded_once(rated: Rated) -> int:
    """The total in fen if lines were not rounded: exact products of those that have quantity and price."""
    exact = sum(
        (
            Fraction(line.quantity_milli * line.price.e8, 10**9)
            if line.quantity_milli is not None and line.price is not None and line.unit == "kWh"
            else Fraction(line.amount.fen)
            for line in rated.lines
        ),
        Fraction(0),
    )
    return round_half_up(exact.numerator, exact.denominator)


def _same_energy(old: OldSide, found: Rated) -> bool:
    return old.energy_wh is None or old.energy_wh == found.energy_wh


def _with_energy(
    old: OldSide, ours: OurSide, subject: RatingSubject, tariff: TariffDocument, rated: Rated
) -> tuple[RatingSubject, Rated, list[Cause]] | None:
    """Our bill at the old energy: from losses that the old bill lacks, or from the quantity itself."""
    if _same_energy(old, rated):
        return subject, rated, []
    for lossless, zh, en in _without_losses(subject):
        found = _rated(lossless, tariff, ours)
        if found is not None and _same_energy(old, found):
            return lossless, found, [_cause(Way("loss", lossless, tariff, zh, en), rated, found)]
    if old.energy_wh is None or rated.energy_wh <= 0 or subject.parts:
        return None
    moved = scaled(subject, tariff, old.energy_wh, rated.energy_wh)
    found = _rated(moved, tariff, ours)
    if found is None or not _same_energy(old, found):
        return None
    energy = milli(rated.energy_wh), milli(old.energy_wh)
    way = Way(
        "quantity", moved, tariff, f"旧电量 {energy[1]}，新 {energy[0]} 千瓦时", f"old {energy[1]}, new {energy[0]} kWh"
    )
    return moved, found, [_cause(way, rated, found)]


def _rated(subject: RatingSubject, tariff: TariffDocument, ours: OurSide, strict: bool = False) -> Rated | None:
    """strict: a bill that the rules themselves remark on as a guess is none."""
    others = {code: opened(one) for code, one in ours.others.items()}
    try:
        found = rate(subject, opened(tariff), others)
    except CannotRate:
        return None
    return None if strict and any(one.code in UNTOLD for one in found.remarks) else found


def _cause(way: Way, was: Rated, now: Rated) -> Cause:
    difference = was.total.fen - now.total.fen
    return Cause(
        way.code,
        difference,
        TextPair(
            zh=f"{way.zh}：重算得 {now.total} 元，与本系统 {was.total} 元相差 {Money(difference)} 元。",
            en=f"{way.en}: computed again {now.total} yuan, ours is {was.total}, a difference of {Money(difference)}.",
        ),
    )


def _rounding(rest: int, zh: str, en: str) -> Cause:
    return Cause(
        "rounding", rest, TextPair(zh=f"进位差 {Money(rest)} 元（{zh}）。", en=f"Rounding, {Money(rest)} yuan ({en}).")
    )


# --- ways ---------------------------------------------------------------------------------------------------------------------


def _ways(old: OldSide, ours: OurSide, subject: RatingSubject, tariff: TariffDocument, rated: Rated) -> Iterator[Way]:
    yield from _other_tariffs(old, ours, subject)
    for version in ours.versions():
        words = f"按第 {version.version} 版电价", f"By version {version.version} of the tariff"
        yield Way("price", subject, version, *words)
    if tariff.tiers is not None:
        yield from _tiers(old, subject, tariff)
    for lossless, zh, en in _without_losses(subject):
        yield Way("loss", lossless, tariff, zh, en)
    if tariff.power_factor is not None:
        yield from _factors(subject, tariff)
    if tariff.basic is not None:
        without = tariff.model_copy(update={"basic": None})
        yield Way("basic_charge", subject, without, "不计基本电费", "Without the basic charge")
    yield from _components(subject, tariff, rated)


def _other_tariffs(old: OldSide, ours: OurSide, subject: RatingSubject) -> Iterator[Way]:
    """Tariffs of the old bill's class; where it tells none, of each class."""
    for tariff in ours.tariffs():
        for tariff_class in tariff.classes:
            same = ours.tariff is not None and (tariff.code, tariff_class) == (ours.tariff.code, subject.tariff_class)
            if same or tariff.kind != subject.kind or old.tariff_class not in (None, tariff_class):
                continue
            settled = subject.settlement in tariff.settlements
            settlement = subject.settlement if settled else tariff.settlements[0]
            changed = subject.model_copy(update={"tariff_class": tariff_class, "settlement": settlement})
            title = tariff.title
            yield Way("tariff_class", changed, tariff, f"按“{title.zh}”计费", f"Billed by “{title.en}”")


def _tiers(old: OldSide, subject: RatingSubject, tariff: TariffDocument) -> Iterator[Way]:
    used = old.used_before_wh
    if used is not None and used != subject.used_before_wh:
        words = (
            f"本年前期电量按旧账单 {milli(used)} 千瓦时",
            f"Used before in the tier year: {milli(used)} kWh, as the old bill says",
        )
        yield Way("tiers", subject.model_copy(update={"used_before_wh": used}), tariff, *words)
    changes: list[tuple[dict[str, int | list[int]], str, str]] = [
        ({"used_before_wh": 0, "used_tiers_wh": []}, "阶梯不累计前期电量", "Tiers without the energy before"),
        ({"tier_extra_wh": 0}, "没有多人口增量", "Without the room of a larger household"),
        ({"tier_months": 12}, "阶梯按全年十二个月", "Tiers of all twelve months"),
        ({"reading_months": 1}, "阶梯按一个月", "Tiers of one month"),
        ({"free_months": 0}, "没有免费电量", "Without free energy"),
    ]
    for change, zh, en in changes:
        yield Way("tiers", subject.model_copy(update=change), tariff, zh, en)


def _without_losses(subject: RatingSubject) -> Iterator[tuple[RatingSubject, str, str]]:
    if subject.losses:
        yield subject.model_copy(update={"losses": []}), "不计变损", "Without transformer losses"
    if subject.line_losses:
        yield subject.model_copy(update={"line_losses": []}), "不计线损", "Without line losses"
    if subject.losses and subject.line_losses:
        yield subject.model_copy(update={"losses": [], "line_losses": []}), "不计变损、线损", "Without losses"


def _factors(subject: RatingSubject, tariff: TariffDocument) -> Iterator[Way]:
    without = tariff.model_copy(update={"power_factor": None})
    yield Way(FACTOR, subject, without, "不计功率因数调整", "Without the power factor")
    for standard in STANDARDS:
        changed = subject.model_copy(update={"standard": standard})
        yield Way(FACTOR, changed, tariff, f"功率因数标准 0.{standard}", f"Power factor by standard 0.{standard}")


def _components(subject: RatingSubject, tariff: TariffDocument, rated: Rated) -> Iterator[Way]:
    """Our tariff with a component left out, or all government funds."""
    billed = {line.code for line in rated.lines}
    left_out = [({one.code}, one.title) for one in tariff.components if one.code in billed]
    funds = {one.code for one in tariff.components if one.group == "fund" and one.code in billed}
    if len(funds) > 1:
        left_out.append((funds, TextPair(zh="政府性基金", en="government funds")))
    for codes, title in left_out:
        kept = [one for one in tariff.components if one.code not in codes]
        if kept:
            without = tariff.model_copy(update={"components": kept})
            yield Way("missing_component", subject, without, f"缺少“{title.zh}”", f"Without “{title.en}”")

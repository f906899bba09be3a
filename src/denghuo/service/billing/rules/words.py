"""Steps of an explanation, and the sentences made from their values in Chinese and English."""

from collections.abc import Iterable
from datetime import timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.values import Money, Price, decimal_text
from denghuo.service.billing.lines import MeteredPiece, RatingRemark, Step, StepKind
from denghuo.service.tariff.api import BANDS, QUANTITIES

QUARTER_HOUR = timedelta(minutes=15)
METHODS = {
    "actual": ("实抄", "read"),
    "manual": ("手工补抄", "read by hand"),
    "self_read": ("客户自报", "reported by the customer"),
    "sender": ("对方估计", "estimated by its sender"),
    "interpolated": ("插值估算", "interpolated"),
    "daily_average": ("按日均估算", "estimated by daily average"),
    "corrected": ("退补更正", "corrected by a case"),
    "curve": ("按15分钟曲线", "from the 15-minute curve"),
}
_UNITS = {"kWh": "千瓦时", "kW": "千瓦", "kVA": "千伏安", "kvarh": "千乏时"}


def pair(zh: str, en: str) -> TextPair:
    """A text in both languages."""
    return TextPair(zh=zh, en=en)


def step(kind: StepKind, values: dict[str, str], zh: str, en: str, rule: str | None = None) -> Step:
    """A step; `rule` names the rules that it follows, ids with spaces between."""
    if rule is not None:
        values["rule"] = rule
    return Step(kind=kind, values=values, text=pair(zh, en))


def sentence(steps: Iterable[Step]) -> TextPair:
    """The sentence of a line: that of its steps."""
    kept = list(steps)
    return pair("".join(one.text.zh for one in kept), "".join(one.text.en for one in kept).rstrip())


def remark(code: str, zh: str, en: str, review: bool = False) -> RatingRemark:
    """What is said beside a rated bill. review: a person is to look at it."""
    return RatingRemark(code=code, text=pair(zh, en), review=review)


def milli(number: int) -> str:
    """Wh as kWh text, without needless decimals."""
    return decimal_text(number, 3, 0)


def percent(number: int) -> str:
    """0.01 % as text."""
    return decimal_text(number, 2, 0)


def unit_zh(unit: str) -> str:
    """A unit as Chinese texts write it."""
    return _UNITS.get(unit, unit)


def band_name(band: str | None) -> tuple[str, str]:
    """A band in Chinese and in English; all bands together without one."""
    entry = BANDS.entries[band or "total"]
    return entry["zh"], entry["en"].lower()


def registers(piece: MeteredPiece, billed_milli: int, unit: str) -> Step:
    """Registers, multiplier and the quantity of one metered row."""
    value = piece.value_milli or 0
    name = QUANTITIES.entries[piece.quantity]
    method = METHODS.get(piece.method, (piece.method, piece.method))
    values = {
        "point_no": piece.point_no,
        "meter_no": piece.meter_no,
        "quantity": piece.quantity,
        "band": piece.band,
        "multiplier": str(piece.multiplier),
        "metered": milli(value),
        "billed": milli(billed_milli),
        "unit": unit,
        "status": piece.status,
        "method": piece.method,
        "estimated_days": str(piece.estimated_days),
    }
    if piece.start is not None:
        values["start"] = str(piece.start)
    if piece.end is not None:
        values["end"] = str(piece.end)
    zh_band, en_band = band_name(piece.band) if piece.band != "total" else ("", "")
    rule = None
    shown = f"{milli(value)} {unit}"
    zh = f"表 {piece.meter_no} {zh_band}{name['zh']}："
    en = f"Meter {piece.meter_no}, {' '.join(filter(None, (en_band, name['en'].lower())))}: "
    if piece.began_at is not None:
        began, ended = (one.astimezone(SHANGHAI) for one in (piece.began_at, piece.began_at + QUARTER_HOUR))
        values["began_at"], span = began.isoformat(timespec="minutes"), f"{began:%Y-%m-%d %H:%M}-{ended:%H:%M}"
        rule = "basic.demand.curve"
        zh += f"{milli(value)} {unit_zh(unit)}（{span} 这15分钟的平均值，全月最大，取自曲线）"
        en += f"{shown} (the average of {span}, the largest of the month, from the curve)"
    elif piece.start is None or piece.end is None:
        zh += f"{milli(value)} {unit_zh(unit)}（{method[0]}）"
        en += f"{shown} ({method[1]})"
    else:
        rule = "quantity.register"
        # 1e-4 units times the multiplier are tenths of a milli-unit.
        turned = (piece.end.e4 - piece.start.e4) * piece.multiplier.number
        times = f" × {piece.multiplier}" if piece.multiplier.number != 1 else ""
        if abs(turned - 10 * value) <= 10:
            inner = f"({piece.end} - {piece.start})" if times else f"{piece.end} - {piece.start}"
            zh += f"{inner}{times} = {milli(value)} {unit_zh(unit)}"
            en += f"{inner}{times} = {shown}"
        elif piece.end < piece.start:
            rule = "quantity.rollover"
            zh += f"示数由 {piece.start} 过零至 {piece.end}{times} = {milli(value)} {unit_zh(unit)}"
            en += f"the register passed zero from {piece.start} to {piece.end}{times} = {shown}"
        else:
            zh += f"起码 {piece.start}，止码 {piece.end}，按{method[0]}计 {milli(value)} {unit_zh(unit)}"
            en += f"from {piece.start} to {piece.end}, {method[1]}, {shown}"
    if piece.method == "self_read":
        zh += "，示数为客户自报"
        en += ", registers as the customer reported them"
    if billed_milli != value:
        zh += f"，计费取整 {milli(billed_milli)} {unit_zh(unit)}"
        en += f", billed as {milli(billed_milli)} {unit}"
    if piece.status == "estimated":
        zh += f"，其中估算 {piece.estimated_days} 天" if piece.estimated_days else "，为估算值"
        en += f", {piece.estimated_days} days estimated" if piece.estimated_days else ", estimated"
    if piece.piece > 1:
        rule = f"{rule} quantity.pieces" if rule else "quantity.pieces"
    return step("registers", values, zh + "。", en + ". ", rule)


def charge(quantity_milli: int, unit: str, price: Price, amount: Money, factor: str = "") -> tuple[Step, str]:
    """quantity x price (x days) = amount, as a step and as the arithmetic of the line."""
    arithmetic = f"{milli(quantity_milli)} {unit} × {price}{factor} = {amount}"
    values = {"quantity": milli(quantity_milli), "unit": unit, "price": str(price), "amount": str(amount)}
    if factor:
        values["factor"] = factor.strip(" ×")
    return (
        step("charge", values, f"金额：{arithmetic} 元。", f"Amount: {arithmetic} yuan. "),
        arithmetic,
    )

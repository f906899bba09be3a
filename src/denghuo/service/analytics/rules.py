"""Rules of analysis: sentences for facts that happened, and how figures are put together."""

from collections.abc import Mapping
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money

METHODS: dict[str, tuple[str, str]] = {
    "cash": ("现金", "cash"),
    "card": ("刷卡", "card"),
    "qr": ("扫码", "QR code"),
    "online": ("线上", "online"),
    "bank": ("银行代收", "bank"),
    "debit": ("银行代扣", "direct debit"),
}


def grouped(number: int) -> str:
    return f"{number:,}"


def yuan(amount: str | None, fen: bool) -> str:
    """Decimal text of yuan or of fen as grouped yuan."""
    try:
        money = Money(int(amount or "0")) if fen else Money.of(amount or "0")
    except ValueError:
        return "—"
    sign, digits = ("-" if money.fen < 0 else ""), abs(money.fen)
    return f"{sign}{digits // 100:,}.{digits % 100:02d}"


def sentence(event_type: str, data: Mapping[str, Any], unit: str, unit_en: str) -> tuple[str, TextPair] | None:
    """(kind, sentence) of an event that the wall shows; None for one it does not."""

    def whole(name: str) -> int:
        value = data.get(name)
        return value if isinstance(value, int) else 0

    month = str(data.get("month", ""))
    match event_type:
        case "billing.bills.issued.v1":
            amount, count = yuan(str(data.get("amount", "0")), fen=False), grouped(whole("count"))
            return "issued", TextPair(
                zh=f"{month} 电费发行第 {whole('run_no')} 批：{count} 张，{amount} 元",
                en=f"{month} issue {whole('run_no')}: {count} bills, {amount} yuan",
            )
        case "ledger.bills.posted.v1":
            amount, count = yuan(str(data.get("amount_fen", "0")), fen=True), grouped(whole("count"))
            return "posted", TextPair(
                zh=f"{month} 第 {whole('run_no')} 批入账：{count} 笔，{amount} 元",
                en=f"{month} issue {whole('run_no')} posted: {count} items, {amount} yuan",
            )
        case "payment.payment.taken.v1":
            amount = yuan(str(data.get("amount_fen", "0")), fen=True)
            method = METHODS.get(str(data.get("method")), ("其他", "other"))
            return "paid", TextPair(
                zh=f"{unit}收款 {amount} 元（{method[0]}）", en=f"{unit_en}: {amount} yuan by {method[1]}"
            )
        case "reading.registers.received.v1":
            return "read", TextPair(
                zh=f"{month} 示数入库 {grouped(whole('taken'))} 条，更正 {grouped(whole('corrected'))} 条",
                en=f"{month}: {grouped(whole('taken'))} registers received, {grouped(whole('corrected'))} corrected",
            )
        case "reading.read.corrected.v1":
            point = str(data.get("point_no", ""))
            return "read", TextPair(
                zh=f"{month} 计量点 {point} 示数人工核定", en=f"{month}: read of {point} settled by a clerk"
            )
        case "point.meter.exchanged.v1":
            point = str(data.get("point_no", ""))
            return "exchanged", TextPair(zh=f"计量点 {point} 换表", en=f"Meter at {point} exchanged")
    return None

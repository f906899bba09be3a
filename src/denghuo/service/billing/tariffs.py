"""Which tariff a question means, asked of the tariff service."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.billing.api import Try, TryOnBill
from denghuo.service.billing.misfits import Misfit, refused
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import (
    AskUnitArea,
    CheckTariff,
    InForce,
    TariffApi,
    TariffDocument,
    TariffNotFound,
    TariffRef,
    covers,
)

EXAMPLES = "/examples"
FINDINGS_SHOWN = 10


def tried(ask: Ask, call: Call, request: Try | TryOnBill, on: date) -> tuple[TariffDocument, bool]:
    """The tariff of a trial, in force on a day where no version is named, and whether it is a draft.

    Raises:
        NotTriable: none was named, the text is no tariff, or nothing of that code is in force in the month.
    """
    asking = call.only("tariff.read")
    if request.tariff_text:
        return _read(ask, asking, request.tariff_text), True
    if request.tariff_code is None:
        raise refused(
            [
                Misfit(
                    "tariff_code", "", text("请选择电价，或粘贴电价文件。", "Choose a tariff, or paste a tariff file.")
                )
            ]
        )
    return stored(ask, asking, request.tariff_code, request.tariff_version, on)


def stored(ask: Ask, call: Call, code: str, version: int | None, on: date) -> tuple[TariffDocument, bool]:
    """A version of a stored tariff, or the published one that is in force on a day; and whether it is a draft.

    Raises:
        NotTriable: there is none.
    """
    if version is not None:
        try:
            found = ask(TariffApi).tariff(call, TariffRef(code=code, version=version))
        except TariffNotFound as unknown:
            raise refused([Misfit("tariff_version", str(version), unknown.detail)]) from None
        return found.document.model_copy(update={"version": found.head.version}), found.head.status != "published"
    in_force = ask(TariffApi).in_force(call, InForce(on=on)).tariffs
    document = next((one for one in in_force if one.code == code), None)
    if document is None:
        raise refused(
            [
                Misfit(
                    "tariff_code",
                    code,
                    text(
                        f"该电价在 {on} 没有已发布的版本，请改月份或指定版本。",
                        f"No published version of it is in force on {on}; take another month, or name a version.",
                    ),
                )
            ]
        )
    return document, False


def price_area(ask: Ask, call: Call, row: Mapping[str, Any], area: str) -> TextPair | None:
    """By which unit the account of a bill was in the area of its tariff when the bill was rated; None where no unit says so."""
    asked = AskUnitArea(on=row["to_on"], org=row["org"], known_at=row["rated_at"])
    told = ask(TariffApi).unit_area(Call.system(call.now, actor=call.actor), asked)
    if told.area is None or told.area_title is None or not covers(area, told.area):
        return None
    return TextPair(
        zh=f"{told.area_title.zh}（{told.area}），按单位 {told.by_unit}，自 {told.from_day} 起",
        en=f"{told.area_title.en} ({told.area}), by unit {told.by_unit}, from {told.from_day}",
    )


def _read(ask: Ask, call: Call, words: str) -> TariffDocument:
    """A draft as it was pasted. Its own examples may be wrong or missing: that is for the day on which it is published."""
    checked = ask(TariffApi).check(call, CheckTariff(text=words))
    errors = [one for one in checked.findings if one.severity == "error" and not one.where.startswith(EXAMPLES)]
    if checked.document is None or errors:
        raise refused(
            [
                Misfit(
                    "tariff_text",
                    one.where,
                    text(f"{one.where}：{one.message.zh}。", f"{one.where}: {one.message.en}."),
                )
                for one in (errors or checked.findings)[:FINDINGS_SHOWN]
            ]
        )
    return checked.document

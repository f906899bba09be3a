"""Bills as they are stored: a draft, what it was rated from and its lines, column by column."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from denghuo.service.billing.kept import rating_part
from denghuo.service.billing.lines import BillLine
from denghuo.service.billing.pieces import piece_json
from denghuo.service.billing.rating import Draft
from denghuo.service.billing.tree import canonical

BILL_COLUMNS = (
    "bill_no",
    "month",
    "account_no",
    "org",
    "kind",
    "state",
    "contract_no",
    "tariff_class",
    "tariff_code",
    "tariff_version",
    "tariff_title",
    "voltage",
    "contract_w",
    "capacity_va",
    "pv_w",
    "area_no",
    "from_on",
    "to_on",
    "energy_wh",
    "used_before_wh",
    "amount_fen",
    "estimated_days",
    "illustrative",
    "remarks",
    "rated_at",
)
BASIS_COLUMNS = ("bill_no", "org", "account_no", "registers", "rating")
LINE_FIGURES = ("code", "group", "band", "tier", "quantity_milli", "price_e8", "amount_fen")
"""What stands of a line in columns of its own, beside its explanation."""
LINE_COLUMNS = ("bill_no", "line", "org", "account_no", *LINE_FIGURES, "detail")


def bill_row(month: str, draft: Draft, at: datetime) -> tuple[Any, ...]:
    """A draft as it is stored (`BILL_COLUMNS`)."""
    terms, rated = draft.terms, draft.rated
    return (
        draft.bill_no,
        month,
        draft.entry.account_no,
        terms.org,
        draft.entry.kind,
        "rated",
        terms.contract_no,
        terms.tariff_class,
        rated.tariff_code,
        rated.tariff_version,
        draft.tariff.title.model_dump_json(),
        terms.voltage_kv,
        terms.contract_w,
        terms.capacity_va,
        terms.pv_w,
        draft.entry.pieces[0].area_no,
        draft.first_day,
        draft.last_day,
        rated.energy_wh,
        draft.used_before_wh,
        rated.total.fen,
        rated.estimated_days,
        rated.illustrative,
        json.dumps(draft.remarks, ensure_ascii=False),
        at,
    )


def basis_row(draft: Draft) -> tuple[Any, ...]:
    """What a draft was rated from, as it is stored (`BASIS_COLUMNS`)."""
    return (
        draft.bill_no,
        draft.terms.org,
        draft.entry.account_no,
        canonical([piece_json(piece) for piece in draft.entry.pieces]).decode(),
        canonical(rating_part(draft.stages)).decode(),
    )


def line_rows(draft: Draft) -> Iterable[tuple[Any, ...]]:
    """The lines of a draft as they are stored (`LINE_COLUMNS`)."""
    terms = draft.terms
    for number, line in enumerate(draft.rated.lines, 1):
        yield line_row(draft.bill_no, number, terms.org, draft.entry.account_no, line)


def line_row(bill_no: str, number: int, org: str, account_no: str, line: BillLine) -> tuple[Any, ...]:
    """A line as it is stored (`LINE_COLUMNS`)."""
    return (bill_no, number, org, account_no, *line_figures(line), line.model_dump_json())


def line_figures(line: BillLine) -> tuple[Any, ...]:
    """The columns `LINE_FIGURES` of a line."""
    price = None if line.price is None else line.price.e8
    return (line.code, line.group, line.band, line.tier, line.quantity_milli, price, line.amount.fen)

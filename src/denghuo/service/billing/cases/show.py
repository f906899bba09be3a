"""Cases as they are read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.case import CASE_CAUSES, Case, CaseRow, CaseSegment
from denghuo.service.billing.lines import BillLine
from denghuo.service.billing.show import shown_line
from denghuo.service.customer.api import Account

Row = Mapping[str, Any]


def case_row(row: Row, names: Mapping[str, Account]) -> CaseRow:
    """A case as a list shows it. names: the accounts that the caller may see."""
    return CaseRow.model_validate(_head(row, names))


def case(
    row: Row, segments: Sequence[Row], lines: Sequence[BillLine], names: Mapping[str, Account], now: datetime
) -> Case:
    """A case with its segments and its lines explained. names: the accounts that the caller may see."""
    more = {name: row[name] for name in ("reason", "evidence", "facts", "approval_no", "decided_by", "decided_at")}
    return Case.model_validate(
        _head(row, names)
        | more
        | {
            "said": _said(row, segments),
            "segments": [_segment(one) for one in segments],
            "lines": [shown_line(number, line, []) for number, line in enumerate(lines, 1)],
            "as_of": now,
        }
    )


def _head(row: Row, names: Mapping[str, Account]) -> dict[str, Any]:
    account = names.get(row["account_no"])
    kept = {name: row[name] for name in CaseRow.model_fields if name not in ("name", "energy", "amount")}
    figures = {"energy": Energy(row["energy_wh"]), "amount": Money(row["amount_fen"])}
    return kept | figures | {"name": account.name if account else None}


def _segment(one: Row) -> CaseSegment:
    return CaseSegment(
        month=one["month"],
        bill_no=one["bill_no"],
        was_energy=Energy(one["was_wh"]),
        now_energy=Energy(one["now_wh"]),
        energy=Energy(one["now_wh"] - one["was_wh"]),
        was_amount=Money(one["was_fen"]),
        now_amount=Money(one["now_fen"]),
        amount=Money(one["now_fen"] - one["was_fen"]),
    )


def _said(row: Row, segments: Sequence[Row]) -> TextPair:
    """What was put right, month by month; the cause where no month is rated again."""
    each = [(one["month"], one["segment"]["why"]) for one in segments if one["segment"] and one["segment"]["why"]]
    if not each:
        return TextPair(**CASE_CAUSES.entries[row["cause"]])
    return TextPair(
        zh="".join(f"{month}：{''.join(step['text']['zh'] for step in why)}" for month, why in each),
        en=" ".join(f"{month}: {''.join(step['text']['en'] for step in why).strip()}" for month, why in each),
    )

"""The guard before the issue (账单冲击保护): the causes of a bill out of the ordinary are tested, and its holder is told that it is
being looked at, before a person lets it pass. Once a bill: the key of the notice carries the bill and its amount."""

import json
from collections.abc import Sequence
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.values import Money
from denghuo.service.billing.again import Again
from denghuo.service.billing.api.shock import CauseResult, CausesExamined, ShockCause
from denghuo.service.billing.change import Part, parts_of
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.shock import Examined, Neighbours, leading, of_the_read, of_the_record, results
from denghuo.service.billing.store import BillingStore, Hold
from denghuo.service.host.binding import Ask
from denghuo.service.notice.api import NewNotice, NoticeApi, Send
from denghuo.service.tariff.api import TariffNotFound

TOLD = ("spike", "bill_jump", "outlier_amount", "over_capacity")
"""Findings of which the holder is told: the bill is far higher than expected."""
EXAMINED = (*TOLD, "drop", "zero_use", "new_tariff", "estimated_share")
AT_ONCE = 100
TEMPLATE = "bill_under_review"
_NAMES: dict[ShockCause, str] = {
    "tariff": "tariff",
    "read": "read",
    "record": "record",
    "weather": "weather",
    "behaviour": "use",
}
"""Which template tells a cause: each in whole sentences."""
Row = dict[str, Any]


class Guard:
    """call: the platform's own."""

    def __init__(self, work: Work, store: BillingStore, ask: Ask, call: Call) -> None:
        self._store, self._find, self._ask, self._call = store, BillingFinder(work), ask, call
        self._again = Again(ask, call)

    def examine(self, month: str, exception_nos: Sequence[str] | None = None) -> CausesExamined:
        """Tests what was not tested yet, at most so many, and tells the holders; of these exceptions where given."""
        holds = self._store.held.unexamined(month, EXAMINED, AT_ONCE, exception_nos)
        by_bill: dict[str, list[Hold]] = {}
        for hold in holds:
            by_bill.setdefault(hold.bill_no or "", []).append(hold)
        rows: list[Any] = []
        notices: list[NewNotice] = []
        for bill_no, of_bill in by_bill.items():
            row = self._find.bill(bill_no, issued=False)
            if row is None:
                continue
            before, difference, found = self._tested(row)
            tell = row["kind"] == "supply" and any(hold.code in TOLD for hold in of_bill)
            if tell:
                notices.append(_notice(row, difference, found))
            said = json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False)
            told_at = self._call.now if tell else None
            fen = None if difference is None else difference.fen
            rows += [(before, fen, said, self._call.now, told_at, hold.exception_no) for hold in of_bill]
        if notices:
            self._ask(NoticeApi).send(self._call, Send(notices=notices))
        self._store.held.examined(rows)
        return CausesExamined(month=month, examined=len(rows), told=len(notices), again=len(holds) == AT_ONCE)

    def _tested(self, row: Row) -> tuple[str | None, Money | None, list[CauseResult]]:
        number = self._find.bill_before(row["account_no"], row["kind"], row["month"])
        before = None if number is None else self._find.bill(number, issued=True)
        parts = None if before is None else self._parts(before, row)
        history = self._again.history(row["contract_no"])
        near = self._find.neighbours(row, str(Month.of(row["month"]).previous if before is None else before["month"]))
        found = results(
            Examined(
                parts=parts,
                read=of_the_read(row, before),
                record=of_the_record(row, before, history.history if history else ()),
                before_wh=0 if before is None else before["energy_wh"],
                now_wh=row["energy_wh"],
                neighbours=Neighbours(**near),
            )
        )
        difference = None if before is None else Money(row["amount_fen"] - before["amount_fen"])
        return number, difference, found

    def _parts(self, before: Row, row: Row) -> list[Part] | None:
        try:
            return parts_of(self._again.side(before), self._again.side(row))
        except (CannotRate, TariffNotFound):
            return None


def _notice(row: Row, difference: Money | None, found: Sequence[CauseResult]) -> NewNotice:
    lead = leading(found)
    parameters = {"month": row["month"], "account_no": row["account_no"], "amount": str(Money(row["amount_fen"]))}
    template = TEMPLATE
    if lead is not None and difference is not None:
        template = f"{TEMPLATE}_{_NAMES[lead.cause]}"
        parameters["difference"] = str(difference)
    return NewNotice(
        template=template,
        account_no=row["account_no"],
        org=row["org"],
        parameters=parameters,
        key=f"held-{row['bill_no']}-{row['amount_fen']}",
    )

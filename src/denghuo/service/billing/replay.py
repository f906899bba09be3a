"""Bills computed again (账单重算核对): an issued bill by the rules from what was kept with it, compared to the last character.

A bill is never changed after its issue, and with it are kept its registers, the terms it was rated from and the tariffs as they
were. So what comes out is what was known when the bill was issued, whatever was corrected since.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.replay import Difference, MonthReplayed, Replayed, ReplayMonth
from denghuo.service.billing.explained import computed_again
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.lines import BillLine, CannotRate, Rated
from denghuo.service.billing.proving import Prover
from denghuo.service.billing.store.rows import LINE_FIGURES, line_figures

DIFFERENCES_SHOWN = 100
_TOLD = ("unit", "document_no", "illustrative")
"""What is stored of a line without an explanation beside its figures."""
Row = Mapping[str, Any]


class Replayer:
    """Computes bills again; each tariff is read once."""

    def __init__(self, find: BillingFinder, prover: Prover, call: Call) -> None:
        self._find, self._prover, self._call = find, prover, call
        self._tariff = cache(self._prover.tariff)

    def bill(self, row: Row) -> Replayed:
        """An issued bill, as its table has it."""
        return self._replayed(row, self._find.whole_lines([row["bill_no"]])[row["bill_no"]])

    def page(self, request: ReplayMonth) -> MonthReplayed:
        rows, total = self._find.replayable(request.month, request.seed, request.after, request.limit)
        lines = self._find.whole_lines([row["bill_no"] for row in rows])
        found = [self._replayed(row, lines[row["bill_no"]]) for row in rows]
        return MonthReplayed(
            month=request.month,
            checked=len(found),
            identical=sum(one.outcome == "identical" for one in found),
            not_kept=sum(one.outcome == "not_kept" for one in found),
            rows=[one for one in found if one.outcome == "differs"],
            total=total,
            next=rows[-1]["place"] if len(rows) == request.limit else None,
            as_of=self._call.now,
        )

    def _replayed(self, row: Row, lines: Sequence[Row]) -> Replayed:
        computed: Rated | None = None
        if row["rating"] is None:
            outcome, differences = "not_kept", []
        else:
            try:
                computed = computed_again(row, self._tariff)
                differences = list(differences_of(row, lines, computed))
            except CannotRate as refusal:
                differences = [
                    Difference(where="bill", kept=str(Money(row["amount_fen"])), computed=refusal.detail["zh"])
                ]
            outcome = "differs" if differences else "identical"
        return Replayed(
            bill_no=row["bill_no"],
            account_no=row["account_no"],
            month=row["month"],
            kind=row["kind"],
            outcome=outcome,  # type: ignore[arg-type]  # one of the three
            said=_said(outcome, len(lines), len(differences)),
            line_count=len(lines),
            amount=Money(row["amount_fen"]),
            computed=None if computed is None else computed.total,
            differences=differences[:DIFFERENCES_SHOWN],
            as_of=self._call.now,
        )


def differences_of(row: Row, lines: Sequence[Row], rated: Rated) -> Iterator[Difference]:
    """What stands on a bill (its row and those of its lines) and comes out otherwise."""
    figures = (
        ("energy", Energy(row["energy_wh"]), Energy(rated.energy_wh)),
        ("amount", Money(row["amount_fen"]), rated.total),
        ("estimated_days", row["estimated_days"], rated.estimated_days),
        ("illustrative", row["illustrative"], rated.illustrative),
        ("lines", len(lines), len(rated.lines)),
    )
    yield from (_difference(name, kept, computed) for name, kept, computed in figures if kept != computed)
    for kept, computed in zip(lines, rated.lines, strict=False):
        where = f"line {kept['line']} ({computed.code})"
        yield from _fields(where, dict(zip(LINE_FIGURES, line_figures(computed), strict=True)), kept)
        if kept["detail"] is None:
            yield from _fields(where, {name: getattr(computed, name) for name in _TOLD}, kept)
        else:
            # Through the model: what was added to it since with a default is no difference.
            yield from _fields(where, _whole(computed), _whole(BillLine.model_validate(kept["detail"])))


def _whole(line: BillLine) -> dict[str, Any]:
    return line.model_dump(mode="json")


def _fields(where: str, computed: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[Difference]:
    for name, value in computed.items():
        if kept[name] != value:
            yield _difference(f"{where}.{name}", kept[name], value)


def _difference(where: str, kept: Any, computed: Any) -> Difference:
    return Difference(where=where, kept=_shown(kept), computed=_shown(computed))


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _said(outcome: str, lines: int, differences: int) -> TextPair:
    if outcome == "identical":
        return TextPair(
            zh=f"按账单所存示数、条款和电价重算，{lines} 行明细逐字一致。",
            en=f"Computed again from the registers, terms and prices kept with it: all {lines} lines are the same.",
        )
    if outcome == "not_kept":
        return TextPair(
            zh="该账单早于计费依据的留存，不能重算核对。",
            en="The bill is older than the keeping of its terms and cannot be computed again.",
        )
    return TextPair(
        zh=f"重算结果有 {differences} 处与账单不同，请交技术人员核查。",
        en=f"{differences} figures or texts come out otherwise; have it looked into.",
    )

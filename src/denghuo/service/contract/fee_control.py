"""Fee control (费控): its rows and what may be agreed. It has days of its own beside those of the terms."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa
from psycopg.types.range import Range

from denghuo.data.processing.bulk import arrow_rows
from denghuo.data.processing.work import Work
from denghuo.kernel.problem import text
from denghuo.service.contract.api import FEE_CONTROL, AgreeFeeControl, FeeControl, FeeControlRefused, NewContract

_COLUMNS = ("contract_no", "account_no", "org", "valid", "way", "protected", "recorded_at")


class FeeControls:
    """The rows of fee control, one for a contract on a day."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def begin(self, contracts: Sequence[NewContract], orgs: Mapping[str, str], at: datetime) -> None:
        """Fee control of contracts that were signed with it. orgs: unit by account."""
        if contracts:
            self._work.copy_in(
                "fee_control",
                _COLUMNS,
                (
                    (
                        item.contract_no,
                        item.account_no,
                        orgs[item.account_no],
                        Range(item.effective_from, item.effective_to, "[)"),
                        item.fee_control,
                        bool(item.protected),
                        at,
                    )
                    for item in contracts
                ),
            )

    def of(self, contract_no: str) -> list[FeeControl]:
        """Newest first."""
        rows = self._work.rows(
            "SELECT lower(valid) AS effective_from, upper(valid) AS effective_to, way, protected, reason FROM fee_control"
            " WHERE contract_no = %s ORDER BY lower(valid) DESC",
            (contract_no,),
        )
        return [FeeControl(**row) for row in rows]

    def agree(self, request: AgreeFeeControl, kind: str, terms: tuple[date, date | None], at: datetime) -> None:
        """terms: the first day of the contract, and the first day on which it has ended.

        Raises:
            FeeControlRefused: not a supply contract, or a day on which it cannot begin.
        """
        known = self.of(request.contract_no)
        newest = known[0] if known else None
        self._may(request, kind, terms, newest)
        if newest is not None and request.effective_from == newest.effective_from:
            self._work.run(
                "DELETE FROM fee_control WHERE contract_no = %s AND lower(valid) = %s",
                (request.contract_no, request.effective_from),
            )
        self.end(request.contract_no, request.effective_from)
        if request.way is not None:
            self._work.run(
                "INSERT INTO fee_control (contract_no, account_no, org, valid, way, protected, reason, recorded_at)"
                " SELECT contract_no, account_no, org, daterange(%s, NULL), %s, %s, %s, %s FROM contract"
                " WHERE contract_no = %s",
                (request.effective_from, request.way, request.protected, request.reason, at, request.contract_no),
            )

    def _may(
        self, request: AgreeFeeControl, kind: str, terms: tuple[date, date | None], newest: FeeControl | None
    ) -> None:
        day, (first, end) = request.effective_from, terms
        if kind != "supply":
            self._refuse(request, "way", "购售电合同没有费控。", "A purchase contract has no fee control.")
        if day < first or (end is not None and day >= end):
            self._refuse(
                request,
                "effective_from",
                f"合同自 {first} 起{f'、至 {end} 止' if end else ''}，请在其间选择生效日期。",
                f"The contract begins on {first}{f' and ends on {end}' if end else ''}; choose a day in between.",
            )
        if newest is None and request.way is None:
            self._refuse(request, "way", "该合同没有费控，无需取消。", "The contract has no fee control to end.")
        if newest is not None and day < newest.effective_from:
            self._refuse(
                request,
                "effective_from",
                f"现行费控自 {newest.effective_from} 起，新的约定不能更早。",
                f"Fee control was agreed from {newest.effective_from}; another cannot begin before it.",
            )

    def _refuse(self, request: AgreeFeeControl, field: str, zh: str, en: str) -> None:
        raise FeeControlRefused(
            text(zh, en), contract_no=request.contract_no, field=field, value=getattr(request, field)
        )

    def end(self, contract_no: str, on: date) -> None:
        """Ends what holds on the day or begins later."""
        self._work.run("DELETE FROM fee_control WHERE contract_no = %s AND lower(valid) >= %s", (contract_no, on))
        self._work.run(
            "UPDATE fee_control SET valid = daterange(lower(valid), %s) WHERE contract_no = %s AND valid @> %s::date",
            (on, contract_no, on),
        )

    def published(self, on: date) -> pa.Table:
        """The rows of `contract.fee_control` of a day: contracts without terms on it have ended."""
        return arrow_rows(
            self._work,
            FEE_CONTROL,
            "SELECT account_no, org, tariff_class, way, protected, lower(fee_control.valid) FROM fee_control"
            " JOIN terms USING (contract_no, account_no, org) WHERE fee_control.valid @> %(on)s::date"
            " AND terms.valid @> %(on)s::date ORDER BY account_no",
            {"on": on},
        )

"""An issued bill as it is rated again: its own registers and use of the tier year, the contract's terms of its days."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.values import Money
from denghuo.service.billing.batch import Entry, Piece, Terms
from denghuo.service.billing.change import Side
from denghuo.service.billing.kept import part_tariffs, stages_of, stored, stored_subject
from denghuo.service.billing.lines import RatingSubject
from denghuo.service.billing.pieces import piece_of
from denghuo.service.billing.rating import Rating, Use
from denghuo.service.billing.tenure import Tenure, tenure_of
from denghuo.service.contract.api import ContractApi, ContractHistory, ContractNotFound, ContractRef
from denghuo.service.contract.api import Terms as Agreed
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import TariffApi, TariffDocument, TariffRef

_SPECIAL = (
    "reading_months",
    "tier_extra_wh",
    "tier_closing",
    "tier_since",
    "standard",
    "transformers",
    "parts",
    "losses",
    "line_losses",
    "customer_energy_wh",
    "customer_capacity_va",
    "standard_lowered",
    "free_months",
    "free_as",
    "free_evidence",
    "agency_case",
    "charging_station",
    "market",
    "generation",
    "exported_wh",
    "calendar",
)
Row = Mapping[str, Any]
"""A bill as it is stored."""


class Again:
    """Rates bills of accounts that the caller may see again; each contract and tariff is asked for once."""

    def __init__(self, ask: Ask, call: Call) -> None:
        self._ask, self._call = ask, call
        self.tariff = cache(self._tariff)
        self.history = cache(self._terms)

    def side(self, row: Row) -> Side:
        """A bill with the tariff versions that it was issued by.

        Raises:
            TariffNotFound: one of the versions is not kept.
        """
        tariff = self.tariff(row["tariff_code"], row["tariff_version"])
        pieces = [piece_of(row, piece) for piece in row["registers"]]
        stages = stages_of(row["rating"] or {}, pieces, tariff, self.tariff)
        return Side(self.subject(row, tariff), tariff, Money(row["amount_fen"]), self.others(row), stages)

    def others(self, row: Row) -> Mapping[str, TariffDocument]:
        """The tariffs by code that parts of a bill were billed by, as at its end."""
        if not any(stage.get("parts") for stage in stored(row["rating"] or {})):
            return {}
        tariff = self.tariff(row["tariff_code"], row["tariff_version"])
        return part_tariffs(row["rating"] or {}, row["to_on"], tariff, self.tariff)

    def subject(
        self, row: Row, tariff: TariffDocument, use: Use | None = None, pieces: Sequence[Piece] | None = None
    ) -> RatingSubject:
        """What a bill was rated from, as any tariff may rate it. use: where given, the tier year of that tariff counts it;
        else the tier year stands as it did on the bill. pieces: in the place of the bill's registers. A month in stages stands as
        a whole, on the terms of its last stage."""
        rating = Rating(Month.of(row["month"]), [], self._tenure)
        terms = self._terms_of(row, tariff)
        own = pieces if pieces is not None else [piece_of(row, piece) for piece in row["registers"]]
        entry = Entry(row["account_no"], row["kind"], terms, tuple(own))
        subject, _, _ = rating.subject(entry, use or {}, tariff)
        subject = subject.model_copy(update=_special(row["rating"] or {}))
        if use is not None:
            return subject
        return subject.model_copy(update={"used_before_wh": max(row["used_before_wh"], 0)})

    def _tariff(self, code: str, version: int) -> TariffDocument:
        asking = self._call.only("tariff.read")
        return self._ask(TariffApi).tariff(asking, TariffRef(code=code, version=version)).document

    def _terms(self, contract_no: str) -> ContractHistory | None:
        try:
            return self._ask(ContractApi).terms_of(
                self._call.only("contract.read"), ContractRef(contract_no=contract_no)
            )
        except ContractNotFound:
            return None

    def _tenure(self, terms: Terms) -> Tenure:
        history = self.history(terms.contract_no)
        return tenure_of(history.history, terms) if history else Tenure(date.min, None)

    def _terms_of(self, row: Row, tariff: TariffDocument) -> tuple[Terms, ...]:
        """The terms that hold on days of the bill; class and voltage are those of the bill."""
        history = self.history(row["contract_no"])
        agreed = sorted(history.history, key=lambda one: one.effective_from) if history else []
        held = [
            one
            for one in agreed
            if one.effective_from <= row["to_on"] and (one.effective_to is None or one.effective_to > row["from_on"])
        ]
        return tuple(_held(row, one, tariff) for one in held) or (_held(row, None, tariff),)


def _special(rating: Mapping[str, Any]) -> dict[str, Any]:
    """What few contracts have, as it was when the bill was rated."""
    last = stored(rating)[-1]
    if not last:
        return {}
    subject = stored_subject(last, [])
    return {name: getattr(subject, name) for name in _SPECIAL if name in last}


def _held(row: Row, agreed: Agreed | None, tariff: TariffDocument) -> Terms:
    """Terms as the rating takes them; what the contract no longer tells is taken from the bill."""
    return Terms(
        contract_no=row["contract_no"],
        account_no=row["account_no"],
        org=row["org"],
        kind=row["kind"],
        tariff_class=row["tariff_class"],
        tariff_code=row["tariff_code"],
        voltage_kv=row["voltage"],
        contract_w=agreed.contract_kw.w if agreed and agreed.contract_kw else row["contract_w"],
        capacity_va=agreed.capacity_kva.va if agreed and agreed.capacity_kva else row["capacity_va"],
        pv_w=row["pv_w"],
        settlement_mode=agreed.settlement_mode if agreed else tariff.settlements[0],
        pf_standard=agreed.pf_standard if agreed else None,
        # What a bill had of them was kept with it.
        special=None,
        effective_from=agreed.effective_from if agreed else row["from_on"],
        effective_to=agreed.effective_to if agreed else None,
    )

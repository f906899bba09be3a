"""Cases that state what is owed (窃电、违约用电、其他退补): the lines of a claim as lines of an adjustment bill. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from denghuo.kernel.contract import Message
from denghuo.service.billing import claims
from denghuo.service.billing.api.case import OpenCase
from denghuo.service.billing.api.claim import Breach, Refund, Theft
from denghuo.service.billing.lines import BillLine, Claim, ClaimLine

Facts = TypeVar("Facts", bound=Message)


@dataclass(frozen=True)
class Stated:
    """A claim that a case makes."""

    claim: Claim

    @property
    def energy_wh(self) -> int:
        return self.claim.energy_wh or 0

    def lines_for(self, row: Mapping[str, Any], case: OpenCase) -> Sequence[BillLine]:
        """Its lines under the tariff of the last bill that it is linked to."""
        return [_line(one, row, case) for one in self.claim.lines]


def stated(case: OpenCase) -> Stated | None:
    """The claim of a case; None where its months are rated again.

    Raises:
        NotTriable: a fact of it does not fit.
    """
    if case.cause == "theft":
        return Stated(claims.theft(_part(Theft, case)))
    if case.cause == "breach":
        return Stated(claims.breach(_part(Breach, case)))
    if case.cause == "refund":
        return Stated(claims.refund(_part(Refund, case)))
    return None


def _part(form: type[Facts], case: OpenCase) -> Facts:
    """The facts of an operation, which a case holds among its own."""
    return form.model_validate({name: getattr(case, name) for name in form.model_fields})


def _line(one: ClaimLine, row: Mapping[str, Any], case: OpenCase) -> BillLine:
    return BillLine(
        code=one.code,
        title=one.title,
        group="adjustment",
        band=one.band,
        quantity_milli=one.quantity_milli,
        unit=one.unit,
        price=one.price,
        amount=one.amount,
        tariff_code=row["tariff_code"],
        tariff_version=row["tariff_version"],
        document_no=one.document_no,
        first_day=case.from_on,
        last_day=case.to_on,
        steps=one.steps,
        sentence=one.sentence,
        arithmetic=one.arithmetic,
    )

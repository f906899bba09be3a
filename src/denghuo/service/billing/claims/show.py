"""A claim as it is answered."""

from datetime import datetime

from denghuo.kernel.values import Energy
from denghuo.service.billing.api import WorkedOut
from denghuo.service.billing.api.bill import Counted
from denghuo.service.billing.api.claim import ClaimRow
from denghuo.service.billing.lines import Claim, ClaimLine


def shown(claim: Claim, now: datetime) -> WorkedOut:
    """A claim as its reader sees it."""
    return WorkedOut(
        amount=claim.total,
        energy=None if claim.energy_wh is None else Energy(claim.energy_wh),
        lines=[_row(number, line) for number, line in enumerate(claim.lines, 1)],
        as_of=now,
    )


def _row(number: int, line: ClaimLine) -> ClaimRow:
    return ClaimRow(
        line=number,
        code=line.code,
        name=line.title,
        group=line.group,
        band=line.band,
        quantity=None if line.quantity_milli is None else Counted(line.quantity_milli),
        unit=line.unit,
        price=line.price,
        amount=line.amount,
        sentence=line.sentence,
        arithmetic=line.arithmetic,
        rule=line.rule,
        document_no=line.document_no,
        steps=line.steps,
    )

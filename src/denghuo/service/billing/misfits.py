"""What was typed and does not fit: all of it is named at once, each with what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from denghuo.kernel.problem import Text, text
from denghuo.service.billing.api import NotTriable


@dataclass(frozen=True)
class Misfit:
    """What was typed and does not fit: the field of the request, its value, what is wrong and what to do."""

    field: str
    value: str
    what: Text


def refused(misfits: Sequence[Misfit]) -> NotTriable:
    """The problem that names every misfit; it is called by the first."""
    first = misfits[0].what
    return NotTriable(
        text(first["zh"], first["en"]),
        errors=[{"field": one.field, "value": one.value, **one.what} for one in misfits],
    )

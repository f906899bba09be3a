"""From when and until when an account counts in a tier year (阶梯年起止): from its opening or the change to its class, until it is
closed or changes its class. Pure."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from denghuo.service.billing.batch import Terms
from denghuo.service.contract.api import Terms as Agreed


class Tenure(NamedTuple):
    """The days on which a contract has the class of its terms without a break; `until`: the first day without it."""

    since: date
    until: date | None


TenureOf = Callable[[Terms], Tenure]


def tenure_of(history: Sequence[Agreed], terms: Terms) -> Tenure:
    """The days around those of `terms` on which a contract has their class."""
    return Tenure(class_since(history, terms), class_until(history, terms))


def class_until(history: Sequence[Agreed], terms: Terms) -> date | None:
    """The first day on which a contract no longer has the class of `terms`; None where it is not known to end.

    鲁发改价格〔2019〕509号: a change of class, a change of customer and a closing are settled by actual months.
    """
    until = terms.effective_from
    for agreed in sorted(history, key=lambda one: one.effective_from):
        if agreed.effective_to is not None and agreed.effective_to <= until:
            continue
        # The terms may be cut to the days of an estimate; what is agreed is not.
        if agreed.effective_from > until or agreed.tariff_class != terms.tariff_class:
            break
        if agreed.effective_to is None:
            return None
        until = agreed.effective_to
    return terms.effective_to if until == terms.effective_from else until


def class_since(history: Sequence[Agreed], terms: Terms) -> date:
    """The first day from which a contract has had the class of `terms` without a break.

    鲁发改价格〔2019〕509号: where an account is opened or changed within a tier year, the months count from there.
    """
    since = terms.effective_from
    for agreed in sorted(history, key=lambda one: one.effective_from, reverse=True):
        if agreed.effective_from >= since:
            continue
        if agreed.effective_to != since or agreed.tariff_class != terms.tariff_class:
            break
        since = agreed.effective_from
    return since

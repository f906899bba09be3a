"""Since when an account counts in a tier year (阶梯年起算): from its opening, or from the change to its class. Pure."""

from collections.abc import Callable, Sequence
from datetime import date

from denghuo.service.billing.batch import Terms
from denghuo.service.contract.api import Terms as Agreed

Opened = Callable[[Terms], date]
"""Tells the first day from which a contract has had the class of its terms without a break."""


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

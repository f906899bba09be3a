"""What rating takes and gives, from the month's datasets and from the peers' replies about one account, ready to be compared."""

from collections.abc import Sequence
from typing import Any

from tests.service.bindings import NOW

from denghuo.kernel.contract import Call
from denghuo.service.billing.batch import Entry, MonthInputs, month_inputs
from denghuo.service.billing.cycle import rate_entries, with_curves
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.special.others import EntriesOf
from denghuo.service.billing.special.said import special_of
from denghuo.service.billing.store import BillingStore
from denghuo.service.contract.api import ContractApi, PublishTerms
from denghuo.service.host.binding import Directory
from denghuo.service.reading.api import MonthRef, ReadingApi

CALL = Call.system(NOW)


def inputs_of_month(directory: Directory, month: str) -> MonthInputs:
    """The entries of the whole month, read as a cycle reads them."""
    with directory.hosted["billing"].store.work("billing", CALL) as work:
        directory(ReadingApi).plan_month(CALL, MonthRef(month=month))
        energy = directory(ReadingApi).read_month(CALL, MonthRef(month=month)).energy
        terms = directory(ContractApi).publish_terms(CALL, PublishTerms(month=month))
        return month_inputs(work.datasets, terms, with_curves(work, directory, CALL, month, terms, energy))


def drafts_of(
    directory: Directory,
    month: str,
    entries: Sequence[Entry],
    entries_of: EntriesOf,
    tariffs: Tariffs,
) -> dict[tuple[str, str], Any]:
    """The draft bill of each entry, or the reason why there is none, by account and kind."""
    with directory.hosted["billing"].store.work("billing", CALL, read_only=True) as work:
        drafts, held = rate_entries(BillingStore(work), directory, CALL, month, entries, entries_of, tariffs)
    found: dict[tuple[str, str], Any] = {
        (draft.entry.account_no, draft.entry.kind): (
            draft.bill_no,
            said(draft.entry),
            draft.first_day,
            draft.last_day,
            draft.used_before_wh,
            draft.stages,
            draft.rated,
            draft.remarks,
        )
        for draft in drafts
    }
    return found | {(one.account_no, one.kind): one for one in held}


def said(entry: Entry) -> tuple[Any, ...]:
    """An entry with its special terms as values: the dataset and a reply write them down in their own ways."""
    terms = [
        {name: getattr(one, name) for name in one.__slots__ if name != "special"}
        | {"special": special_of(one.special) if one.special else None}
        for one in entry.terms
    ]
    return entry.account_no, entry.kind, terms, entry.pieces

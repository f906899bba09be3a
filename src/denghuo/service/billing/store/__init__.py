"""Queries on the billing schema, by subject."""

from denghuo.data.processing.work import Work
from denghuo.service.billing.store.bills import UNISSUED, Bills, ToReview
from denghuo.service.billing.store.cases import Cases
from denghuo.service.billing.store.checks import Checks
from denghuo.service.billing.store.cycles import STAGE_NAMES, Cycles, CycleState, StageRow
from denghuo.service.billing.store.estimates import Estimates
from denghuo.service.billing.store.held import HOLD, Finished, Held, Hold, finished
from denghuo.service.billing.store.holders import HolderChanges
from denghuo.service.billing.store.proofs import Proofs
from denghuo.service.billing.store.recalculations import Recalculations
from denghuo.service.billing.store.replaced import Replaced
from denghuo.service.billing.store.resting import RestingBills
from denghuo.service.billing.store.units import AWAITED, NO_FIGURES, UNDER_WAY, UnitRun, Units
from denghuo.service.billing.store.year_use import YearUse

__all__ = [
    "AWAITED",
    "HOLD",
    "NO_FIGURES",
    "STAGE_NAMES",
    "UNDER_WAY",
    "UNISSUED",
    "BillingStore",
    "CycleState",
    "Finished",
    "Hold",
    "StageRow",
    "ToReview",
    "UnitRun",
    "finished",
]


class BillingStore:
    """The store of one unit of work."""

    def __init__(self, work: Work) -> None:
        self.cycles, self.bills, self.held = Cycles(work), Bills(work), Held(work)
        self.proofs, self.estimates, self.checks = Proofs(work), Estimates(work), Checks(work)
        self.cases, self.holders = Cases(work), HolderChanges(work)
        self.units, self.replaced = Units(work), Replaced(work)
        self.recalculations, self.year_use = Recalculations(work), YearUse(work)
        self.resting = RestingBills(work)

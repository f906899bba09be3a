"""Billing: implementation of the contract."""

from denghuo.service.billing.api import BillingApi
from denghuo.service.billing.service.again import AgainPart
from denghuo.service.billing.service.bill import BillPart
from denghuo.service.billing.service.case import CasePart
from denghuo.service.billing.service.cycle import CyclePart
from denghuo.service.billing.service.exception import ExceptionPart
from denghuo.service.billing.service.follow import FollowPart
from denghuo.service.billing.service.parallel import ParallelPart
from denghuo.service.billing.service.population import PopulationPart
from denghuo.service.billing.service.question import QuestionPart


class BillingService(
    CyclePart,
    BillPart,
    QuestionPart,
    CasePart,
    AgainPart,
    ExceptionPart,
    PopulationPart,
    ParallelPart,
    FollowPart,
    BillingApi,
):
    """Every operation, part by part as the contract is put together."""

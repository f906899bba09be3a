"""Rating rules (计费规则): one contract, one month, one tariff in; explained bill lines out. Pure, and integers only."""

from denghuo.service.billing.rules.choice import Tariffs, choose, chosen
from denghuo.service.billing.rules.examples import example_faults
from denghuo.service.billing.rules.rating import rate
from denghuo.service.billing.rules.stages import Stage, rate_stages

__all__ = ["Stage", "Tariffs", "choose", "chosen", "example_faults", "rate", "rate_stages"]

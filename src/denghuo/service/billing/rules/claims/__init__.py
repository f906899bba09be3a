"""What is asked or given outside the month's bill, computed on demand by a clerk or an inspector (违约金、违约用电、窃电、退补、
赔偿、临时用电).

Pure: values in, an explained Claim out; each line names the rule that it rests on (`rules.registry`). A positive amount is owed by
the customer. Energies are Wh, amounts fen, prices 1e-8 yuan, exactly; each line is rounded once, half up.
"""

from denghuo.service.billing.rules.claims.breach import (
    over_quota,
    sealed_equipment,
    stolen_by_load,
    stolen_by_share,
    theft,
    touched_metering,
    unauthorised_capacity,
    unauthorised_supply,
    wrong_category,
)
from denghuo.service.billing.rules.claims.compensation import outage_compensation
from denghuo.service.billing.rules.claims.late_fee import Debt, LateFeeTerms, late_fee, late_fee_terms
from denghuo.service.billing.rules.claims.making import PricedEnergy
from denghuo.service.billing.rules.claims.refund import correction_claim, factor_corrected, settled, stated
from denghuo.service.billing.rules.claims.temporary import (
    Load,
    temporary_refund,
    temporary_settlement,
    temporary_supply,
)

__all__ = [
    "Debt",
    "LateFeeTerms",
    "Load",
    "PricedEnergy",
    "correction_claim",
    "factor_corrected",
    "late_fee",
    "late_fee_terms",
    "outage_compensation",
    "over_quota",
    "sealed_equipment",
    "settled",
    "stated",
    "stolen_by_load",
    "stolen_by_share",
    "temporary_refund",
    "temporary_settlement",
    "temporary_supply",
    "theft",
    "touched_metering",
    "unauthorised_capacity",
    "unauthorised_supply",
    "wrong_category",
]

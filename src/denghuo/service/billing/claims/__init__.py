"""From the facts that a clerk or an inspector states to an explained claim (退补与违约计算), by the rules of `rules.claims`.

A function for each operation: its request in, the Claim out; what does not fit is a NotTriable with field, value and remedy.
Pure, but for a tariff that temporary supply names.
"""

from denghuo.service.billing.claims.amounts import late_fee, outage_compensation, refund
from denghuo.service.billing.claims.breach import breach, theft
from denghuo.service.billing.claims.correction import quantity_correction
from denghuo.service.billing.claims.show import shown
from denghuo.service.billing.claims.temporary import temporary_supply

__all__ = [
    "breach",
    "late_fee",
    "outage_compensation",
    "quantity_correction",
    "refund",
    "shown",
    "temporary_supply",
    "theft",
]

"""Bills under what was corrected since (更正影响): prices of a month, spot prices, holidays and temperatures.

A bill that was issued is never changed: these lists name what cancel-and-rebill (全减另发) or a case of back-billing would put
right. Bills that were taken back, what takes them back and adjustments are left out.
"""

from denghuo.service.billing.corrected.days import DaysCorrected
from denghuo.service.billing.corrected.prices import PricesCorrected
from denghuo.service.billing.corrected.spot import SpotPricesCorrected

__all__ = ["DaysCorrected", "PricesCorrected", "SpotPricesCorrected"]

"""Rules of tariffs: reading a tariff file, checking it, showing it, comparing two."""

from denghuo.service.tariff.rules.checking import check
from denghuo.service.tariff.rules.comparing import differences
from denghuo.service.tariff.rules.reading import Unreadable, file_text, read_text
from denghuo.service.tariff.rules.showing import price_rows, tier_rows, time_rows

__all__ = ["Unreadable", "check", "differences", "file_text", "price_rows", "read_text", "tier_rows", "time_rows"]

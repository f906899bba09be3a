"""Rules of tariffs: reading a tariff file, checking it, showing it, comparing two; what is published of the areas; and the tariffs
of a month from its price table."""

from denghuo.service.tariff.rules.checking import check
from denghuo.service.tariff.rules.clock import DayFacts, spans_of_day
from denghuo.service.tariff.rules.comparing import differences
from denghuo.service.tariff.rules.composing import carried_into, compose
from denghuo.service.tariff.rules.days import SATURDAY, days_of_month, months_touched, needs_of, read_days
from denghuo.service.tariff.rules.frames import TRANSMISSION_FROM, frames
from denghuo.service.tariff.rules.price_table import read_price_table
from denghuo.service.tariff.rules.purchase import purchase_notices
from denghuo.service.tariff.rules.reading import Unreadable, faulty, file_text, read_text
from denghuo.service.tariff.rules.showing import price_rows, tier_rows, time_rows
from denghuo.service.tariff.rules.spot_table import file_of, mean_of, read_spot
from denghuo.service.tariff.rules.urdb import read_urdb

__all__ = [
    "SATURDAY",
    "TRANSMISSION_FROM",
    "DayFacts",
    "Unreadable",
    "carried_into",
    "check",
    "compose",
    "days_of_month",
    "differences",
    "faulty",
    "file_of",
    "file_text",
    "frames",
    "mean_of",
    "months_touched",
    "needs_of",
    "price_rows",
    "purchase_notices",
    "read_days",
    "read_price_table",
    "read_spot",
    "read_text",
    "read_urdb",
    "spans_of_day",
    "tier_rows",
    "time_rows",
]

"""What a bill file may hold. Whatever stands there beside it is a rule that this program does not know, and is said to be one.

A form is a set of words, a range of whole numbers, a list of one form, a mapping of keys to forms (`?key` may be absent or null),
or one of the words below.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from denghuo_verify.figures import number

TEXT, WHOLE, FIGURE, FLAG, WORDS, HASH = "text", "whole", "figure", "flag", "words", "hash"
GAPPY, FRACTION = "figure or null", "fraction"
DAY, MONTH, INSTANT = "day", "month", "instant"
Form = str | range | frozenset[str] | list[Any] | dict[str, Any]
STEP: Form = {"kind": TEXT, "values": WORDS, "text": WORDS}
_FRACTION = re.compile(r"-?[0-9]{1,200}/[1-9][0-9]{0,199}\Z")
_HEX = re.compile(r"(?:[0-9a-f]{32}){1,2}\Z")
_YEAR = "(?:19|2[0-9])[0-9]{2}"
_DAY, _MONTH = re.compile(_YEAR + r"-[0-9]{2}-[0-9]{2}\Z"), re.compile(_YEAR + r"-(?:0[1-9]|1[0-2])\Z")
_INSTANT = re.compile(_YEAR + r"-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")

TIER, MONTHS, STANDARD = range(1, 10), range(1, 13), range(80, 91, 5)
COUNT = range(0, 2**31)
MILLI = range(0, 2**63)
SIGNED = range(-(2**63), 2**63)

BANDS = frozenset({"total", "sharp", "peak", "flat", "valley", "deep"})
AGENCY_CASES = frozenset({"returned", "own_coal_plant", "high_energy"})
KINDS = frozenset({"supply", "purchase"})
GROUPS = frozenset({"energy", "basic", "power_factor", "fund", "purchase", "adjustment"})
UNITS = frozenset({"kWh", "kW", "kVA", "%", "kvarh", "d", "month", "time"})
CAUSES = frozenset({"ratio", "wiring", "meter", "reading", "tariff", "tier_year", "theft", "breach", "refund"})
QUANTITIES = frozenset({"active_fwd", "active_rev", "reactive_fwd", "reactive_rev", "demand"})

PRICE: Form = {
    "price": FIGURE,
    "?voltages": [TEXT],
    "?band": BANDS,
    "?tier": TIER,
    "?document": TEXT,
    "?illustrative": FLAG,
    "?note": WORDS,
}
TARIFF: Form = {
    "code": TEXT,
    "title": WORDS,
    "area": TEXT,
    "area_title": WORDS,
    "?kind": KINDS,
    "classes": [TEXT],
    "?settlements": [TEXT],
    "voltages": [TEXT],
    "?default": FLAG,
    "effective_from": DAY,
    "sources": [{"number": TEXT, "?title": TEXT, "?address": TEXT}],
    "components": [
        {
            "code": TEXT,
            "title": WORDS,
            "?group": GROUPS,
            "prices": [PRICE],
            "?floats": FLAG,
            "?some_tiers": FLAG,
            "?in_power_factor_base": FLAG,
            "document": TEXT,
        }
    ],
    "?seasons": [
        {
            "title": WORDS,
            "?months": [MONTHS],
            "?days": TEXT,
            "?weekdays": [WHOLE],
            "?holidays": [TEXT],
            "?holiday_days_from": WHOLE,
            "?temperature_from": WHOLE,
            "?temperature_days": WHOLE,
            "?temperature_at": TEXT,
            "?overlay": FLAG,
            "bands": [{"band": BANDS, "?windows": [{"start": TEXT, "end": TEXT}], "?ratio": FIGURE, "?of": BANDS}],
            "?document": TEXT,
        }
    ],
    "?tiers": {
        "period": frozenset({"annual", "monthly", "per_kva", "per_kw"}),
        "tables": [{"?months": [MONTHS], "up_to": [FIGURE]}],
        "?year_starts": MONTHS,
        "?year_by": frozenset({"calendar", "reading"}),
        "?households": [{"persons_from": WHOLE, "per_month": FIGURE}],
        "?document": TEXT,
    },
    "?basic": {
        "by": frozenset({"capacity", "demand"}),
        "prices": [PRICE],
        "?demand": {
            "?free_share": FIGURE,
            "?excess_times": range(1, 6),
            "?above": frozenset({"dated", "free_share", "contract"}),
            "?floor_share": FIGURE,
        },
        "?charging_stations": {"until": DAY, "document": TEXT},
        "?discount": {"energy_per_kva": FIGURE, "price_share": FIGURE, "document": TEXT},
        "document": TEXT,
    },
    "?charges": [
        {
            "code": TEXT,
            "title": WORDS,
            "per": frozenset({"month", "day", "demand"}),
            "?band": BANDS,
            "price": FIGURE,
            "document": TEXT,
        }
    ],
    "?free_energy": {"per_month": FIGURE, "document": TEXT},
    "?agency_multiple": {"?share": FIGURE, "?components": [TEXT], "cases": [AGENCY_CASES], "document": TEXT},
    "?subsidy": {
        "?on": frozenset({"generation", "export"}),
        "?years": range(1, 41),
        "?hours": COUNT,
        "document": TEXT,
    },
    "?power_factor": {
        "?standards": [{"standard": STANDARD, "?capacity_from": FIGURE, "?voltages": [TEXT]}],
        "?with_basic_charge": FLAG,
        "?reward": FLAG,
        "document": TEXT,
    },
    "?days": frozenset({"dated", "calendar", "thirty"}),
    "?rounding": {"?quantity_places": range(0, 4), "?price_places": range(2, 9)},
    "?examples": "any",
    "?note": WORDS,
}
MARKET: Form = {
    "document": TEXT,
    "?slots": {
        "?contract_wh": [SIGNED],
        "?contract_price_e8": [SIGNED],
        "?day_ahead_wh": [SIGNED],
        "?day_ahead_price_e8": [SIGNED],
        "actual_wh": [SIGNED],
        "real_time_price_e8": [SIGNED],
        "?estimated": [MILLI],
        "?by_estimates": [MILLI],
    },
    "?node": TEXT,
    "?contracts": [{"document": TEXT, "quantity_wh": MILLI, "price": FIGURE}],
    "?balance_price": FIGURE,
    "?package": {
        "title": WORDS,
        "document": TEXT,
        "?fixed": {f"?{band}": FIGURE for band in sorted(BANDS)},
        "?fixed_share": FIGURE,
        "?fee": FIGURE,
        "?floor": FIGURE,
        "?cap": FIGURE,
    },
    "?green": [{"quantity_wh": MILLI, "price": FIGURE, "document": TEXT}],
}
LOSS: Form = {
    "transformer_no": TEXT,
    "?capacity_va": MILLI,
    "?no_load_w": MILLI,
    "?load_w": MILLI,
    "?no_load_current": FIGURE,
    "?impedance": FIGURE,
    "?copper_share": FIGURE,
    "?table": [{"?up_to_wh": MILLI, "active_wh": MILLI, "reactive_varh": MILLI}],
    "?active_wh": MILLI,
    "?reactive_varh": MILLI,
    "?hours": range(1, 745),
    "?days": range(1, 31),
    "?month_days": range(28, 32),
    "?behind_wh": MILLI,
    "?behind_varh": MILLI,
    "?behind_each": [MILLI],
    "?bears_remainder": FLAG,
}
TERMS: dict[str, Form] = {
    "?contract_no": TEXT,
    "?account_no": TEXT,
    "?kind": KINDS,
    "tariff_class": TEXT,
    "?settlement": TEXT,
    "voltage": TEXT,
    "month": MONTH,
    "?used_before_wh": MILLI,
    "?used_tiers_wh": [MILLI],
    "?tier_months": MONTHS,
    "?reading_months": MONTHS,
    "?tier_extra_wh": MILLI,
    "?tier_since": DAY,
    "?tier_closing": {"billed_months": MONTHS, "?billed_extra_wh": MILLI},
    "?spans": [{"first_day": DAY, "last_day": DAY, "?capacity_va": MILLI, "?contract_w": MILLI}],
    "?standard": STANDARD,
    "?transformers": [
        {
            "transformer_no": TEXT,
            "capacity_va": MILLI,
            "?state": frozenset({"running", "hot_standby", "cold_standby", "sealed", "paused", "half"}),
            "first_day": DAY,
            "?last_day": DAY,
            "?interlock": TEXT,
        }
    ],
    "?parts": [
        {
            "point_no": TEXT,
            "way": frozenset({"meter", "parallel", "quantity", "ratio"}),
            "?tariff_code": TEXT,
            "?tariff_class": TEXT,
            "?settlement": TEXT,
            "?quantity_wh": MILLI,
            "?ratio": FIGURE,
            "?take_from": frozenset({"flat", "each"}),
            "?other_account": FLAG,
            "?resale": frozenset({"one_shift", "two_shifts", "three_shifts", "farming"}),
        }
    ],
    "?losses": [LOSS],
    "?line_losses": [{"line_no": TEXT, "?share": FIGURE, "?active_wh": MILLI, "?deduct": FLAG}],
    "?customer_energy_wh": MILLI,
    "?customer_capacity_va": MILLI,
    "?standard_lowered": FLAG,
    "?free_months": range(0, 13),
    "?free_as": frozenset({"five_guarantee", "low_income"}),
    "?free_evidence": TEXT,
    "?agency_case": AGENCY_CASES,
    "?charging_station": FLAG,
    "?market": MARKET,
    "?exported_wh": MILLI,
    "?calendar": {
        "?days": [
            {
                "day": DAY,
                "kind": frozenset({"workday", "rest_day", "holiday"}),
                "?holiday": TEXT,
                "?holiday_days": COUNT,
                "?maxima": [range(-90, 91)],
            }
        ],
        "documents": [TEXT],
    },
    "?generation": {
        "generated_wh": MILLI,
        "?subsidised_before_wh": MILLI,
        "capacity_w": MILLI,
        "connected_on": DAY,
    },
}
STAGE: Form = {**TERMS, "first_day": DAY, "last_day": DAY, "tariff_code": TEXT, "tariff_version": COUNT}
RATING: Form = {
    **TERMS,
    "?first_day": DAY,
    "?last_day": DAY,
    "?stages": [STAGE],
    "?tariffs": [{"code": TEXT, "version": COUNT}],
}
LINE: dict[str, Any] = {
    "line": COUNT,
    "code": TEXT,
    "group": GROUPS,
    "?band": BANDS,
    "?tier": TIER,
    "?quantity": FIGURE,
    "unit": frozenset({"kWh", "kW", "kVA", "%", "d", "month"}),
    "?price": FIGURE,
    "amount": FIGURE,
    "document_no": TEXT,
    "illustrative": FLAG,
}
BILL: dict[str, Any] = {
    "bill_no": TEXT,
    "account_no": TEXT,
    "contract_no": TEXT,
    "month": MONTH,
    "kind": KINDS,
    "tariff_class": TEXT,
    "tariff_code": TEXT,
    "tariff_version": COUNT,
    "from_on": DAY,
    "to_on": DAY,
    "issued_on": DAY,
    "due_on": DAY,
    "run_no": COUNT,
    "energy": FIGURE,
    "amount": FIGURE,
    "estimated_days": COUNT,
    "illustrative": FLAG,
    "?reverses": TEXT,
    "rating": RATING,
    "lines": [LINE],
}
REGISTERS: Form = [
    {
        "point_no": TEXT,
        "meter_no": TEXT,
        "piece": COUNT,
        "quantity": QUANTITIES,
        "band": BANDS,
        "from_at": INSTANT,
        "to_at": INSTANT,
        "?start": FIGURE,
        "?end": FIGURE,
        "multiplier": FIGURE,
        "energy": FIGURE,
        "status": frozenset({"valid", "estimated"}),
        "method": TEXT,
        "days_estimated": COUNT,
        "rule": TEXT,
    }
]
SIDE: Form = {"registers": REGISTERS, "rating": RATING, "tariff_code": TEXT, "tariff_version": COUNT}
ADJUSTMENT: dict[str, Any] = {
    **BILL,
    "lines": [{**LINE, "unit": UNITS}],
    "rating": {
        "account_no": TEXT,
        "contract_no": TEXT,
        "kind": KINDS,
        "month": MONTH,
        "case_no": TEXT,
        "cause": CAUSES,
        "tariff_code": TEXT,
        "tariff_version": COUNT,
        "segments": [
            {
                "month": MONTH,
                "bill_no": TEXT,
                "first_day": DAY,
                "last_day": DAY,
                "was": SIDE,
                "now": SIDE,
                "corrections": [
                    {
                        "meter_no": TEXT,
                        "piece": COUNT,
                        "quantity": QUANTITIES,
                        "band": BANDS,
                        "from_at": INSTANT,
                        "factor": FRACTION,
                        "share": FRACTION,
                    }
                ],
                "why": [STEP],
            }
        ],
        "?stated": [
            {
                "code": TEXT,
                "title": WORDS,
                "group": GROUPS,
                "?band": BANDS,
                "?tier": TIER,
                "?quantity_milli": SIGNED,
                "unit": UNITS,
                "?price": FIGURE,
                "amount": FIGURE,
                "tariff_code": TEXT,
                "tariff_version": COUNT,
                "document_no": TEXT,
                "illustrative": FLAG,
                "?note": WORDS,
                "first_day": DAY,
                "last_day": DAY,
                "steps": [STEP],
                "sentence": WORDS,
                "arithmetic": TEXT,
            }
        ],
        "?stated_wh": SIGNED,
        "?tariffs": [{"code": TEXT, "version": COUNT}],
    },
}
CURVES: Form = [
    {
        "meter_no": TEXT,
        "quantity": frozenset({"active_fwd", "active_rev"}),
        "minutes": range(15, 16),
        "from": DAY,
        "values": [GAPPY],
        "?estimated": [GAPPY],
    }
]
ESTIMATES: Form = {
    "energy": FIGURE,
    "?per_mille": range(0, 1001),
    "parts": [
        {
            "?meter_no": TEXT,
            "quantity": frozenset({"active_fwd", "active_rev"}),
            "thing": frozenset({"band", "point", "amount"}),
            "method": TEXT,
            "?slots": COUNT,
            "energy": FIGURE,
        }
    ],
}
PROOF: Form = {
    "salt": HASH,
    "index": COUNT,
    "path": [HASH],
    "run": {"month": MONTH, "run_no": COUNT, "issued_on": DAY, "bills": COUNT, "root": HASH},
    "?day": {"issued_on": DAY, "index": COUNT, "runs": COUNT, "path": [HASH], "root": HASH},
}


def strange(value: Any, form: Form, where: str) -> Iterator[str]:
    """The places at which a value holds what the form does not know."""
    if isinstance(form, dict):
        if not isinstance(value, dict):
            yield where
            return
        known = {key.lstrip("?"): key for key in form}
        yield from (f"{where}.{key}" for key in value if key not in known)
        for key, written in known.items():
            if value.get(key) is not None:
                yield from strange(value[key], form[written], f"{where}.{key}")
            elif written == key:
                yield f"{where}.{key}"
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield where
            return
        for place, item in enumerate(value):
            yield from strange(item, form[0], f"{where}[{place}]")
    elif not _fits(value, form):
        yield where


def _fits(value: Any, form: str | range | frozenset[str]) -> bool:
    if isinstance(form, frozenset):
        return isinstance(value, str) and value in form
    if isinstance(form, range):
        return isinstance(value, int) and not isinstance(value, bool) and value in form
    if form in (DAY, MONTH, INSTANT, HASH):
        return isinstance(value, str) and _written(value, form)
    if form == FRACTION:
        return isinstance(value, str) and bool(_FRACTION.match(value))
    if form == TEXT:
        return isinstance(value, str)
    if form == FLAG:
        return isinstance(value, bool)
    if form == WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    if form == WORDS:
        return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
    if form == GAPPY:
        return value is None or _fits(value, FIGURE)
    if form == FIGURE:
        try:
            number(value)
        except ValueError:
            return False
        return True
    return form == "any"


def _written(value: str, form: str) -> bool:
    if form == HASH:
        return bool(_HEX.match(value))
    if form == MONTH:
        return bool(_MONTH.match(value))
    try:
        if form == INSTANT:
            return bool(_INSTANT.match(value)) and bool(datetime.fromisoformat(value))
        return bool(_DAY.match(value)) and bool(date.fromisoformat(value))
    except ValueError:
        return False

"""What a bill file may hold. Whatever stands there beside it is a rule that this program does not know, and is said to be one.

A form is a set of words, a list of one form, a mapping of keys to forms (`?key` may be absent or null), or one of TEXT, WHOLE,
FIGURE, FLAG and WORDS.
"""

from collections.abc import Iterator
from typing import Any

from denghuo_verify.figures import number

TEXT, WHOLE, FIGURE, FLAG, WORDS = "text", "whole", "figure", "flag", "words"
Form = str | frozenset[str] | list[Any] | dict[str, Any]

BANDS = frozenset({"total", "sharp", "peak", "flat", "valley", "deep"})
KINDS = frozenset({"supply", "purchase"})
GROUPS = frozenset({"energy", "basic", "power_factor", "fund", "purchase", "adjustment"})
QUANTITIES = frozenset({"active_fwd", "active_rev", "reactive_fwd", "reactive_rev", "demand"})

PRICE: Form = {
    "price": FIGURE,
    "?voltages": [TEXT],
    "?band": BANDS,
    "?tier": WHOLE,
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
    "effective_from": TEXT,
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
            "?months": [WHOLE],
            "?days": TEXT,
            "?holidays": [TEXT],
            "?temperature_from": WHOLE,
            "?overlay": FLAG,
            "bands": [{"band": BANDS, "?windows": [{"start": TEXT, "end": TEXT}], "?ratio": FIGURE}],
            "?document": TEXT,
        }
    ],
    "?tiers": {
        "period": frozenset({"annual", "monthly"}),
        "tables": [{"?months": [WHOLE], "up_to": [FIGURE]}],
        "?year_starts": WHOLE,
        "?document": TEXT,
    },
    "?basic": {
        "by": frozenset({"capacity", "demand"}),
        "prices": [PRICE],
        "?demand": {
            "?free_share": FIGURE,
            "?excess_times": WHOLE,
            "?above": frozenset({"free_share", "contract"}),
            "?floor_share": FIGURE,
        },
        "?discount": {"energy_per_kva": FIGURE, "price_share": FIGURE, "document": TEXT},
        "document": TEXT,
    },
    "?power_factor": {
        "?standards": [{"standard": WHOLE, "?capacity_from": FIGURE, "?voltages": [TEXT]}],
        "?with_basic_charge": FLAG,
        "?reward": FLAG,
        "document": TEXT,
    },
    "?days": frozenset({"calendar", "thirty"}),
    "?rounding": {"?quantity_places": WHOLE, "?price_places": WHOLE},
    "?examples": "any",
    "?note": WORDS,
}
RATING: Form = {
    "?contract_no": TEXT,
    "?account_no": TEXT,
    "?kind": KINDS,
    "tariff_class": TEXT,
    "?settlement": TEXT,
    "voltage": TEXT,
    "month": TEXT,
    "?first_day": TEXT,
    "?last_day": TEXT,
    "?used_before_wh": WHOLE,
    "?used_tiers_wh": [WHOLE],
    "?tier_months": WHOLE,
    "?reading_months": WHOLE,
    "?tier_extra_wh": WHOLE,
    "?spans": [{"first_day": TEXT, "last_day": TEXT, "?capacity_va": WHOLE, "?contract_w": WHOLE}],
    "?standard": WHOLE,
}
BILL: Form = {
    "bill_no": TEXT,
    "account_no": TEXT,
    "contract_no": TEXT,
    "month": TEXT,
    "kind": KINDS,
    "tariff_class": TEXT,
    "tariff_code": TEXT,
    "tariff_version": WHOLE,
    "from_on": TEXT,
    "to_on": TEXT,
    "issued_on": TEXT,
    "due_on": TEXT,
    "run_no": WHOLE,
    "energy": FIGURE,
    "amount": FIGURE,
    "estimated_days": WHOLE,
    "illustrative": FLAG,
    "?reverses": TEXT,
    "rating": RATING,
    "lines": [
        {
            "line": WHOLE,
            "code": TEXT,
            "group": GROUPS,
            "?band": BANDS,
            "?tier": WHOLE,
            "?quantity": FIGURE,
            "unit": frozenset({"kWh", "kW", "kVA", "%"}),
            "?price": FIGURE,
            "amount": FIGURE,
            "document_no": TEXT,
            "illustrative": FLAG,
        }
    ],
}
REGISTERS: Form = [
    {
        "point_no": TEXT,
        "meter_no": TEXT,
        "piece": WHOLE,
        "quantity": QUANTITIES,
        "band": BANDS,
        "from_at": TEXT,
        "to_at": TEXT,
        "?start": FIGURE,
        "?end": FIGURE,
        "multiplier": FIGURE,
        "energy": FIGURE,
        "status": frozenset({"valid", "estimated"}),
        "method": TEXT,
        "days_estimated": WHOLE,
        "rule": TEXT,
    }
]
PROOF: Form = {
    "salt": TEXT,
    "index": WHOLE,
    "path": [TEXT],
    "run": {"month": TEXT, "run_no": WHOLE, "issued_on": TEXT, "bills": WHOLE, "root": TEXT},
    "day": {"issued_on": TEXT, "index": WHOLE, "runs": WHOLE, "path": [TEXT], "root": TEXT, "final": FLAG},
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
    elif not (value in form if isinstance(form, frozenset) and isinstance(value, str) else _fits(value, form)):
        yield where


def _fits(value: Any, form: Form) -> bool:
    if form == TEXT:
        return isinstance(value, str)
    if form == FLAG:
        return isinstance(value, bool)
    if form == WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    if form == WORDS:
        return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
    if form == FIGURE:
        try:
            number(value)
        except ValueError:
            return False
        return True
    return form == "any"

"""How an interruption under fee control goes on (费控停复电): what is to be done next, and what an ended switching makes of it."""

from datetime import date, datetime, time
from typing import Literal

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import SwitchAction
from denghuo.service.payment.api import InterruptionState

DAY_BEGINS = time(9)
"""From when on a customer is called and disconnected: at night nobody could pay or ask."""

Next = Literal["tell", "call", "ask", "withdraw", "look", "reconnect", "end", "wait"]
_UNPAID: dict[InterruptionState, Next] = {"new": "tell", "noticed": "call", "called": "ask", "asked": "look"}
_PAID: dict[InterruptionState, Next] = {
    "new": "end",
    "noticed": "end",
    "called": "end",
    "held": "end",
    "asked": "withdraw",
    "off": "reconnect",
    "unknown": "reconnect",
}
_OFF: dict[str, InterruptionState] = {"done": "off", "unknown": "unknown", "refused": "held"}


def next_of(state: InterruptionState, paid: bool) -> Next:
    """What is to be done; `wait` for an event where it is nothing."""
    if state == "restoring":
        return "look"
    return (_PAID if paid else _UNPAID).get(state, "wait")


def after(state: InterruptionState, action: SwitchAction, outcome: str) -> InterruptionState | None:
    """What an ended switching makes of it; None: nothing. Told late or twice, it says nothing new."""
    if action == "off" and state == "asked":
        return _OFF.get(outcome, "noticed")
    if action == "on" and state in ("off", "unknown", "restoring"):
        if outcome == "done":
            return "closed"
        return "off" if state == "restoring" else None
    return None


def morning(day: date) -> datetime:
    """When the work of a day begins."""
    return datetime.combine(day, DAY_BEGINS, SHANGHAI)

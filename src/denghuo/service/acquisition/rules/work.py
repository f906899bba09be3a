"""What to do about a terminal whose meters were not collected."""

from denghuo.service.acquisition.api import CauseCode, Step

VISIT_AFTER_DAYS = 3
"""So many days of silence while it is connected, and somebody goes there."""
STEP_OF: dict[CauseCode, Step] = {
    "offline": "check_channel",
    "wrong_day": "set_clock",
    "denied": "check_records",
    "no_data": "check_records",
    "bad_frame": "check_protocol",
    "no_cipher": "connect_keys",
}


def step_of(cause: CauseCode, days: int) -> Step:
    """The likely next step: what the cause says; silence is asked again until it has lasted."""
    known = STEP_OF.get(cause)
    return known or ("visit" if days >= VISIT_AFTER_DAYS else "ask_again")

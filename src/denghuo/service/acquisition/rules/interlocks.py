"""What stands against switching a customer off (停电闭锁): each block is a sentence that names its reason."""

from collections.abc import Sequence
from datetime import date

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.api import Guard, SwitchAction


def blocks(
    action: SwitchAction, meter_no: str, org: str, day: date, guards: Sequence[Guard], protected: bool
) -> list[Text]:
    """Nothing stands against switching on. `protected`: by the contract. A guard of a unit holds for what lies below it."""
    if action == "on":
        return []
    found = [text("供用电合同约定为保电用户", "the contract says that the customer is protected")] if protected else []
    for guard in guards:
        if _holds(guard, meter_no, org, day):
            until = (
                (f"至 {guard.last_day}", f"through {guard.last_day}") if guard.last_day else ("", "until it is ended")
            )
            found.append(
                text(
                    f"{_NAMES[guard.kind]['zh']}（{guard.reason}，自 {guard.first_day}{until[0]}）",
                    f"{_NAMES[guard.kind]['en']} ({guard.reason}, from {guard.first_day} {until[1]})",
                )
            )
    return found


_NAMES = {
    "protected": text("保电用户", "protected customer"),
    "holiday": text("节假日不停电", "no disconnection on a holiday"),
    "storm": text("灾害天气不停电", "no disconnection in a storm"),
}


def _holds(guard: Guard, meter_no: str, org: str, day: date) -> bool:
    of_it = guard.meter_no == meter_no if guard.meter_no else org == guard.org or org.startswith(f"{guard.org}.")
    return of_it and guard.first_day <= day and (guard.last_day is None or day <= guard.last_day)

"""Rules of the acquisition service: what is shown of a frame, what the records take, when a meter is asked again."""

from denghuo.service.acquisition.rules.alarms import (
    ROUTED_KINDS,
    ROUTED_TO,
    SILENT_KINDS,
    Gathered,
    Group,
    Route,
    route_on,
)
from denghuo.service.acquisition.rules.due import FIRST_RETRY, LONGEST_RETRY, deadline_of, midnight_after
from denghuo.service.acquisition.rules.frames import shown
from denghuo.service.acquisition.rules.interlocks import blocks
from denghuo.service.acquisition.rules.notices import KIND_OF_TEMPLATE, PRESET, Terms, terms_on, untold
from denghuo.service.acquisition.rules.parameters import (
    PARAMETERS,
    Attribute,
    Identifier,
    Named,
    Unit,
    parameter_value,
    parts_of_value,
)
from denghuo.service.acquisition.rules.possible import ORDERS_OF
from denghuo.service.acquisition.rules.records import Verdict, endpoint_refused, judge_meters, judge_terminals
from denghuo.service.acquisition.rules.registers import counted, registers_of, wrong_registers
from denghuo.service.acquisition.rules.times import rates_of
from denghuo.service.acquisition.rules.work import step_of

__all__ = [
    "FIRST_RETRY",
    "KIND_OF_TEMPLATE",
    "LONGEST_RETRY",
    "ORDERS_OF",
    "PARAMETERS",
    "PRESET",
    "ROUTED_KINDS",
    "ROUTED_TO",
    "SILENT_KINDS",
    "Attribute",
    "Gathered",
    "Group",
    "Identifier",
    "Named",
    "Route",
    "Terms",
    "Unit",
    "Verdict",
    "blocks",
    "counted",
    "deadline_of",
    "endpoint_refused",
    "judge_meters",
    "judge_terminals",
    "midnight_after",
    "parameter_value",
    "parts_of_value",
    "rates_of",
    "registers_of",
    "route_on",
    "shown",
    "step_of",
    "terms_on",
    "untold",
    "wrong_registers",
]

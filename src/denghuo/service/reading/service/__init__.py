"""Reading: implementation of the contract."""

from denghuo.service.reading.api import ReadingApi
from denghuo.service.reading.service.parts.curve import CurvePart
from denghuo.service.reading.service.parts.imports import ImportPart
from denghuo.service.reading.service.parts.own import OwnPart
from denghuo.service.reading.service.parts.read import ReadPart
from denghuo.service.reading.service.parts.self_read import SelfReadPart
from denghuo.service.reading.service.parts.special_plan import SpecialPlanPart
from denghuo.service.reading.service.parts.walk import WalkPart


class ReadingService(
    ImportPart,
    OwnPart,
    ReadPart,
    WalkPart,
    SelfReadPart,
    SpecialPlanPart,
    CurvePart,
    ReadingApi,
):
    """Every operation, part by part as the contract is put together."""

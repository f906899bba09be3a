"""Acquisition: implementation of the contract."""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.service.acquisition.api import FIELDS_MAX, AcquisitionApi, Decode, Decoded
from denghuo.service.acquisition.protocol.catalogue import bytes_of, explained
from denghuo.service.acquisition.rules import shown
from denghuo.service.host.binding import Ask


class AcquisitionService(AcquisitionApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work

    def decode(self, call: Call, request: Decode) -> Decoded:
        raw = bytes_of(request.text)
        return shown(raw, explained(raw, request.protocol), FIELDS_MAX)

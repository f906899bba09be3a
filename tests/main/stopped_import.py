"""The command line above four known meters, in pieces of a day, which ends itself by a signal within a step of an import:
`stopped_import.py STEP SIGNAL COMMAND ...`. The step is done by then and not yet committed; 0 lets it run to its end."""

import os
import signal
import sys

from tests.service.reading.county import installation, points_of

from denghuo.main import composition, main
from denghuo.service.point.api import PointApi
from denghuo.service.reading.foreign import file_read
from denghuo.service.reading.service.parts.imports import ImportPart

METERS = [installation(f"P{number}", f"M{number}") for number in range(1, 5)]
SPOIL = int(sys.argv.pop(1)), signal.Signals[sys.argv.pop(1)]

composition.SERVICES[PointApi] = points_of(METERS)
file_read.ROWS_EACH = 96
advance = ImportPart.advance_import
steps = 0


def spoilt(self, call, request):  # type: ignore[no-untyped-def]
    global steps
    steps += 1
    reply = advance(self, call, request)
    if steps == SPOIL[0]:
        os.kill(os.getpid(), SPOIL[1])
    return reply


ImportPart.advance_import = spoilt  # type: ignore[method-assign]
main()

"""A whole frame that another carries: a meter's behind a terminal, a local module's behind a concentrator."""

import importlib
from collections.abc import Callable, Sequence
from functools import cache

from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.part import Part

# In the order in which they are tried. They carry each other, so they are looked up when the first frame comes.
PROTOCOLS = ("dlt645", "dlt698", "cjt188", "gdw3762")


@cache
def _explains() -> Sequence[Callable[[bytes], list[Part]]]:
    return [importlib.import_module(f"{__package__}.{name}").explain for name in PROTOCOLS]


def carried(octets: bytes, at: int) -> tuple[Part, ...]:
    """The fields of the one frame that `octets` are, which begin at `at` of the frame around them; none where they are no frame."""
    for explain in _explains():
        try:
            return tuple(part.moved(at) for part in explain(octets))
        except BadFrame:
            continue
    return ()

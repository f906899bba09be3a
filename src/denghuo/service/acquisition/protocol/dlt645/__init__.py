"""DL/T 645, the protocol of Chinese electricity meters: the edition of 2007 and that of 1997 for old meters.

Data identifiers are tables (data/*.csv). Frames, messages, identifiers, load records and the view of a frame each have a
module; this one offers what callers need.
"""

from denghuo.service.acquisition.protocol.dlt645.explain import explain
from denghuo.service.acquisition.protocol.dlt645.frame import FRAMING, Frame, decode, decode_all, encode
from denghuo.service.acquisition.protocol.dlt645.identifiers import Identifier, build, identifier, items
from denghuo.service.acquisition.protocol.dlt645.load import Point, points, record
from denghuo.service.acquisition.protocol.dlt645.messages import Message, edition, frame_of, message
from denghuo.service.acquisition.protocol.fields import Item

__all__ = [
    "FRAMING",
    "Frame",
    "Identifier",
    "Item",
    "Message",
    "Point",
    "build",
    "decode",
    "decode_all",
    "edition",
    "encode",
    "explain",
    "frame_of",
    "identifier",
    "items",
    "message",
    "points",
    "record",
]

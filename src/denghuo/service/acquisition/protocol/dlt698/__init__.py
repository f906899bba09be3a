"""DL/T 698.45, the object-oriented protocol between master, terminals and meters (面向对象的用电信息数据交换协议).

Layers as the standard has them: frames with two checksums and fragments (link), messages (apdu) by one grammar, data with
their types, and the objects that messages speak of as tables (data/*.csv).
"""

from denghuo.service.acquisition.protocol.dlt698.apdu import Apdu
from denghuo.service.acquisition.protocol.dlt698.apdu import decode as decode_apdu
from denghuo.service.acquisition.protocol.dlt698.apdu import encode as encode_apdu
from denghuo.service.acquisition.protocol.dlt698.explain import explain, explain_apdu
from denghuo.service.acquisition.protocol.dlt698.link import (
    FRAMING,
    Assembly,
    Link,
    assembled,
    confirmation,
    decode,
    encode,
    fcs16,
    fragments,
)
from denghuo.service.acquisition.protocol.dlt698.objects import name_of, scale_of

__all__ = [
    "FRAMING",
    "Apdu",
    "Assembly",
    "Link",
    "assembled",
    "confirmation",
    "decode",
    "decode_apdu",
    "encode",
    "encode_apdu",
    "explain",
    "explain_apdu",
    "fcs16",
    "fragments",
    "name_of",
    "scale_of",
]

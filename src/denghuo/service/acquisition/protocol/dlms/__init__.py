"""DLMS/COSEM (IEC 62056), the protocol of meters that are read without a terminal between, and of meters abroad.

Layers as the standard has them: frames of HDLC or of the TCP wrapper, messages (apdu) by one grammar, associations, data
with their types, the objects that messages speak of as tables (data/*.csv), and a client that reads a meter (client).
"""

from denghuo.service.acquisition.protocol.dlms.apdu import Apdu
from denghuo.service.acquisition.protocol.dlms.apdu import decode as decode_apdu
from denghuo.service.acquisition.protocol.dlms.apdu import encode as encode_apdu
from denghuo.service.acquisition.protocol.dlms.explain import explain_apdu, explain_hdlc, explain_wrapper
from denghuo.service.acquisition.protocol.dlms.objects import name_of, scale_of, unit_of

__all__ = [
    "Apdu",
    "decode_apdu",
    "encode_apdu",
    "explain_apdu",
    "explain_hdlc",
    "explain_wrapper",
    "name_of",
    "scale_of",
    "unit_of",
]

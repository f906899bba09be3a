"""Messages and operations about frames: what a person pastes and what it is made of (报文解析)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.acquisition.protocol.fault import BadFrame

TEXT_MAX = 24_576
"""Letters of a text of frames: 8,192 bytes with a space behind each."""
FIELDS_MAX = 4_000

PROTOCOLS = Dictionary(
    "acquisition.protocol",
    {
        "auto": text("自动识别", "Found out"),
        "hdlc": text("DLMS/COSEM（HDLC）", "DLMS/COSEM over HDLC"),
        "dlt698": text("DL/T 698.45 面向对象", "DL/T 698.45 object-oriented"),
        "gdw3761": text("Q/GDW 376.1 主站与终端", "Q/GDW 376.1 terminal"),
        "dlt645": text("DL/T 645 电能表", "DL/T 645 meter"),
        "cjt188": text("CJ/T 188 水热气表", "CJ/T 188 water, heat and gas meter"),
        "gdw3762": text("Q/GDW 376.2 本地通信模块", "Q/GDW 376.2 local module"),
        "dlms": text("DLMS/COSEM（TCP）", "DLMS/COSEM over TCP"),
        "iec102": text("IEC 60870-5-102 电能量终端", "IEC 60870-5-102 energy terminal"),
        "iec104": text("IEC 60870-5-104 厂站", "IEC 60870-5-104 station"),
        "modbus": text("Modbus RTU", "Modbus RTU"),
        "modbus_tcp": text("Modbus TCP", "Modbus TCP"),
        "dlt698_apdu": text("DL/T 698.45 应用层", "DL/T 698.45 APDU"),
        "dlms_apdu": text("DLMS/COSEM 应用层", "DLMS/COSEM APDU"),
    },
)
Protocol = Literal[
    "hdlc",
    "dlt698",
    "gdw3761",
    "dlt645",
    "cjt188",
    "gdw3762",
    "dlms",
    "iec102",
    "iec104",
    "modbus",
    "modbus_tcp",
    "dlt698_apdu",
    "dlms_apdu",
]
ProtocolCode = Annotated[Protocol, Label("规约", "Protocol", dictionary=PROTOCOLS.name)]
ProtocolAsked = Annotated[Literal["auto", Protocol], Label("规约", "Protocol", dictionary=PROTOCOLS.name)]
StartByte = Annotated[int, Field(ge=0), Label("起始字节", "First byte")]
EndByte = Annotated[int, Field(ge=0), Label("止于字节", "Up to byte")]


class Decode(Message):
    """Bytes as hexadecimal digits, with or without spaces, commas, 0x or \\x; one frame, or several with noise around them."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX), Label("报文", "Frame")]
    protocol: ProtocolAsked = "auto"


class FrameField(Message):
    """Bytes [start, end) of the text: a field `depth` levels inside its frame. The fields it is made of follow it."""

    start: StartByte
    end: EndByte
    depth: Annotated[int, Field(ge=0), Label("层次", "Level")]
    name: Annotated[TextPair, Label("名称", "Field")]
    value: Annotated[TextPair, Label("值", "Value")]
    unit: Annotated[str, Label("单位", "Unit")]


class DecodedFrame(Message):
    """One frame at bytes [start, end); without a protocol: bytes that belong to no frame."""

    protocol: ProtocolCode | None
    start: StartByte
    end: EndByte
    fields: list[FrameField]


class Decoded(Message):
    """The bytes as they were understood, and the pieces they are made of, in order. `left_off`: fields beyond those shown."""

    bytes: Annotated[str, Label("字节", "Bytes")]
    size: Annotated[int, Label("字节数", "Bytes in all")]
    frames: list[DecodedFrame]
    left_off: Annotated[int, Label("未列出的字段", "Fields left off")]


class DecodeOperations(Api):
    """Frames, field by field."""

    @query(permit="acquisition.decode", problems=(BadFrame,))
    def decode(self, call: Call, request: Decode) -> Decoded:
        """Tells frames field by field, each with its bytes (报文解析), and keeps nothing. Refuses bytes with no whole frame."""

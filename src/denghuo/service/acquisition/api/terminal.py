"""Messages and operations about terminals, the meters behind them and their connections (终端与通道)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AreaNo, AsOf, Instant, MeterNo, OrganisationCode, Reason
from denghuo.kernel.problem import NotFound, Problem, text

TERMINAL_PROTOCOLS = Dictionary(
    "acquisition.terminal_protocol",
    {
        "gdw3761": text("Q/GDW 376.1", "Q/GDW 376.1"),
        "dlt698": text("DL/T 698.45", "DL/T 698.45"),
        "dlms": text("DLMS/COSEM（TCP）", "DLMS/COSEM over TCP"),
        "hdlc": text("DLMS/COSEM（HDLC）", "DLMS/COSEM over HDLC"),
        "iec104": text("IEC 60870-5-104", "IEC 60870-5-104"),
        "dlt645": text("DL/T 645（串口服务器）", "DL/T 645 behind a gateway"),
        "mqtt": text("MQTT", "MQTT"),
        "modbus": text("Modbus（TCP）", "Modbus over TCP"),
    },
)
TerminalProtocol = Annotated[
    Literal["gdw3761", "dlt698", "dlms", "hdlc", "iec104", "dlt645", "mqtt", "modbus"],
    Label("规约", "Protocol", dictionary=TERMINAL_PROTOCOLS.name),
]
CHANNELS = Dictionary(
    "acquisition.channel",
    {
        "cellular": text("移动公网", "Public cellular"),
        "private_radio": text("无线专网", "Private radio"),
        "fibre": text("光纤专网", "Fibre"),
        "ethernet": text("以太网", "Ethernet"),
    },
)
ChannelCode = Annotated[
    Literal["cellular", "private_radio", "fibre", "ethernet"], Label("通道", "Channel", dictionary=CHANNELS.name)
]
TERMINAL_STATES = Dictionary(
    "acquisition.terminal_state",
    {"registered": text("待投运", "Registered"), "in_use": text("投运", "In use"), "stopped": text("停运", "Stopped")},
    tones={"registered": "plain", "in_use": "good", "stopped": "warning"},
)
TerminalState = Annotated[
    Literal["registered", "in_use", "stopped"], Label("运行状态", "State", dictionary=TERMINAL_STATES.name)
]
LINKS = Dictionary(
    "acquisition.link",
    {"online": text("在线", "Online"), "offline": text("离线", "Offline"), "never": text("从未上线", "Never seen")},
    tones={"online": "good", "offline": "danger", "never": "plain"},
)
Link = Annotated[Literal["online", "offline", "never"], Label("连接", "Link", dictionary=LINKS.name)]
ENDS = Dictionary(
    "acquisition.end",
    {
        "closed": text("终端断开", "The terminal closed"),
        "logged_out": text("终端退出登录", "The terminal logged out"),
        "silent": text("超时未通信", "Silent for too long"),
        "replaced": text("被新连接取代", "A newer connection took over"),
        "refused": text("登录被拒绝", "Login refused"),
        "flood": text("报文过多", "Too many frames"),
        "noise": text("杂散字节过多", "Too much noise"),
        "bad_frames": text("错误报文过多", "Too many bad frames"),
        "stopped": text("前置停机", "The front stopped"),
        "broker": text("消息服务器断开", "The MQTT broker was lost"),
    },
    tones={
        "flood": "danger",
        "noise": "danger",
        "bad_frames": "danger",
        "broker": "danger",
        "silent": "warning",
        "replaced": "notice",
    },
)
EndCode = Annotated[
    Literal[
        "closed", "logged_out", "silent", "replaced", "refused", "flood", "noise", "bad_frames", "stopped", "broker"
    ],
    Label("断开原因", "Ended by", dictionary=ENDS.name),
]
TerminalNo = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{9}|[0-9]{12})$"),
    Label("终端地址", "Terminal"),
    Field(examples=["140500001"]),
]
Endpoint = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}$"),
    Label("网络地址", "Network address"),
    Field(examples=["10.8.0.15:4059"]),
]
CountWh = Annotated[int, Field(ge=1, le=1_000_000_000), Label("每计数电量（Wh）", "Energy of a count (Wh)")]
RegisterTable = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True),
    Label("寄存器表", "Register table"),
    Field(examples=["name,function,register,type,order,decimals,unit\nactive_fwd,3,0,u32,ABCD,2,kWh"]),
]
TerminalName = Annotated[
    str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), Label("终端名称", "Name")
]
Vendor = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True), Label("厂家", "Vendor")]
MeasuringPoint = Annotated[int, Field(ge=1, le=2040), Label("测量点号", "Measuring point")]
MeterAddress = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{12}$"), Label("通信地址", "Meter address"), Field(examples=["000000000001"])
]


class NewTerminal(Message):
    """A terminal of the records. `terminal_no`: its address, 9 digits for Q/GDW 376.1 (region 4, address 5), 12 for 698.45.

    A direct meter (DLMS/COSEM), a station of gateway meters (IEC 60870-5-104) or a gateway to a bus of DL/T 645-2007 meters has 12
    digits of the company's own and is dialled at `endpoint`; terminals dial us and have none. `count_wh`: what a count of a station
    is worth, as its messages do not say. Modbus meters are dialled likewise, on their own or behind a gateway, each with its unit
    (1 to 247) for an address; `registers` says which registers hold their energy, as the maker's table of points has it: CSV with
    names `active_fwd`, `active_rev`, `active_fwd.peak`.
    """

    terminal_no: TerminalNo
    protocol: TerminalProtocol
    name: TerminalName
    vendor: Vendor
    channel: ChannelCode
    org: OrganisationCode
    area_no: AreaNo | None = None
    endpoint: Endpoint | None = None
    count_wh: CountWh | None = None
    registers: RegisterTable | None = None


class RegisterTerminals(Message):
    terminals: Annotated[list[NewTerminal], Field(min_length=1, max_length=ITEMS_MAX)]


class NewTerminalMeter(Message):
    """A meter behind a terminal, at one of its measuring points."""

    terminal_no: TerminalNo
    number: MeasuringPoint
    meter_no: MeterNo
    address: MeterAddress


class AssignMeters(Message):
    meters: Annotated[list[NewTerminalMeter], Field(min_length=1, max_length=ITEMS_MAX)]


class AmendTerminal(Message):
    """What of a terminal's record changes; what is left out stays."""

    terminal_no: TerminalNo
    name: TerminalName | None = None
    vendor: Vendor | None = None
    channel: ChannelCode | None = None
    endpoint: Endpoint | None = None
    registers: RegisterTable | None = None
    state: Annotated[
        Literal["in_use", "stopped"] | None, Label("运行状态", "State", dictionary=TERMINAL_STATES.name)
    ] = None
    reason: Reason


class Terminal(Message):
    """A terminal and its newest connection. `clock_offset_s`: how far its clock is ahead of ours."""

    terminal_no: TerminalNo
    protocol: TerminalProtocol
    name: TerminalName
    vendor: Vendor
    channel: ChannelCode
    org: OrganisationCode
    area_no: AreaNo | None
    endpoint: Endpoint | None
    count_wh: CountWh | None
    registers: RegisterTable | None
    state: TerminalState
    link: Link
    peer: Annotated[str | None, Label("对端地址", "Peer")]
    connected_at: Annotated[Instant | None, Label("上线时间", "Connected at")]
    heard_at: Annotated[Instant | None, Label("最近通信", "Last heard")]
    ended_by: EndCode | None
    logins: Annotated[int, Label("登录次数", "Logins")]
    frames_in: Annotated[int, Label("收报文", "Frames in")]
    frames_out: Annotated[int, Label("发报文", "Frames out")]
    clock_offset_s: Annotated[int | None, Label("时钟偏差（秒）", "Clock offset (s)")]
    meters: Annotated[int, Label("电能表数", "Meters")]


class FindTerminals(Page):
    """A search by (part of) an address or name; pages by address."""

    keyword: Annotated[str, StringConstraints(max_length=64), Label("地址或名称", "Address or name")] = ""
    link: Link | None = None
    protocol: TerminalProtocol | None = None
    vendor: Vendor | None = None
    channel: ChannelCode | None = None
    org: OrganisationCode | None = None


class TerminalsFound(Message):
    rows: list[Terminal]
    total: Annotated[int, Label("合计", "Total")]
    online: Annotated[int, Label("在线", "Online")]
    meters: Annotated[int, Label("电能表数", "Meters")]
    next: str | None
    as_of: AsOf


class TerminalRef(Message):
    terminal_no: TerminalNo


class TerminalMeter(Message):
    number: MeasuringPoint
    meter_no: MeterNo
    address: MeterAddress


class TerminalDetail(Message):
    terminal: Terminal
    meters: list[TerminalMeter]
    as_of: AsOf


class FindStrangers(Page):
    """Pages by address."""


class Stranger(Message):
    """An address that logged in and is in no record."""

    terminal_no: Annotated[str, Label("终端地址", "Terminal")]
    protocol: TerminalProtocol
    peer: Annotated[str, Label("对端地址", "Peer")]
    tries: Annotated[int, Label("登录次数", "Logins")]
    first_at: Annotated[Instant, Label("首次", "First")]
    heard_at: Annotated[Instant, Label("最近", "Last")]


class StrangersFound(Message):
    rows: list[Stranger]
    next: str | None
    as_of: AsOf


class TerminalNotFound(NotFound, noun="acquisition", status=404, zh="未找到该终端", en="No such terminal"):
    """Fields: terminal_no. Raised also for a terminal outside the caller's organisation scope."""


class OutsideScope(
    Problem, noun="acquisition", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"
):
    """Fields: org."""


class OrderNotPossible(
    Problem, noun="acquisition", status=422, zh="该规约没有此命令", en="The protocol has no such order"
):
    """Fields: terminal_no, kind, protocol."""


class RecordRefused(
    Problem, noun="acquisition", status=422, zh="终端或电能表不能登记", en="The terminal or meter cannot be registered"
):
    """Fields: field, value."""


class EndpointTaken(Problem, noun="acquisition", status=409, zh="网络地址已被占用", en="The network address is taken"):
    """Fields: terminal_no, endpoint, taken_by (none where another unit has it)."""


class NotDialled(Problem, noun="acquisition", status=422, zh="终端不由前置主动连接", en="The terminal is not dialled"):
    """Fields: terminal_no, endpoint."""


class TerminalOperations(Api):
    """Terminals, the meters behind them and who connected without being registered."""

    @command(permit="acquisition.register", problems=(OutsideScope,))
    def register_terminals(self, call: Call, request: RegisterTerminals) -> BatchTaken:
        """Takes up to 1,000 terminals into the records. One that is known with other content is refused, the rest is taken."""

    @command(permit="acquisition.register", problems=(OutsideScope, RecordRefused))
    def register_terminal(self, call: Call, request: NewTerminal) -> Terminal:
        """Takes one terminal into the records, as `register_terminals` does; what is wrong with it is said at once."""

    @command(permit="acquisition.register", problems=(TerminalNotFound, RecordRefused))
    def assign_meter(self, call: Call, request: NewTerminalMeter) -> TerminalDetail:
        """Puts one meter at a measuring point of a terminal."""

    @command(permit="acquisition.register")
    def assign_meters(self, call: Call, request: AssignMeters) -> BatchTaken:
        """Puts meters at measuring points of terminals. A meter or point that is taken otherwise is refused."""

    @command(permit="acquisition.register", problems=(TerminalNotFound, NotDialled, EndpointTaken, RecordRefused))
    def amend_terminal(self, call: Call, request: AmendTerminal) -> Terminal:
        """Changes a terminal's record, or takes it out of use and back."""

    @query(permit="acquisition.read")
    def find_terminals(self, call: Call, request: FindTerminals) -> TerminalsFound:
        """Finds terminals with their connections by address, name, link, protocol, vendor, channel and unit."""

    @query(permit="acquisition.read", problems=(TerminalNotFound,))
    def terminal(self, call: Call, request: TerminalRef) -> TerminalDetail:
        """One terminal, its connection and the meters behind it."""

    @query(permit="acquisition.register")
    def strangers(self, call: Call, request: FindStrangers) -> StrangersFound:
        """Addresses that logged in and are in no record (未建档终端); for callers that see the whole company."""

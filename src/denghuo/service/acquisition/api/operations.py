"""The operations of the acquisition service."""

from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Api, Call, command, query
from denghuo.service.acquisition.api.alarm import (
    Alarm,
    AlarmClosed,
    AlarmDetail,
    AlarmNotFound,
    AlarmRef,
    AlarmsFound,
    AlarmsRaised,
    CloseAlarm,
    EventsFound,
    EventsTaken,
    FindAlarms,
    FindEvents,
    TakeEvents,
)
from denghuo.service.acquisition.api.collection import (
    AnswerReads,
    AskSuccess,
    CollectedTaken,
    CollectionStarted,
    CurvesCollected,
    DayNotOver,
    FindLeft,
    FindReads,
    LeftFound,
    MeterNotCollected,
    NotMonthEnd,
    OnDemandRead,
    ReadNotFound,
    ReadNow,
    ReadRef,
    ReadsAnswered,
    ReadsFound,
    RegistersCollected,
    StartCollection,
    SuccessBoard,
    TakeCollected,
)
from denghuo.service.acquisition.api.decode import Decode, Decoded
from denghuo.service.acquisition.api.order import (
    AnswerOrders,
    FindOrders,
    Order,
    OrderClock,
    OrderEvents,
    OrderNotFound,
    OrderRef,
    OrdersAnswered,
    OrdersFound,
)
from denghuo.service.acquisition.api.roll_out import (
    FindMembers,
    FindRollOuts,
    MembersFound,
    NothingToRollOut,
    ReasonedRollOut,
    RollOut,
    RollOutNotFound,
    RollOutRef,
    RollOutsFound,
    StartRollOut,
    WrongRollOutState,
    WrongTimes,
)
from denghuo.service.acquisition.api.switching import (
    EndGuard,
    FindGuards,
    FindSwitchings,
    Guard,
    GuardNotFound,
    GuardRefused,
    GuardsFound,
    RequestSwitching,
    SetGuard,
    Switching,
    SwitchingBlocked,
    SwitchingEnded,
    SwitchingNotFound,
    SwitchingOpen,
    SwitchingRef,
    SwitchingsFound,
)
from denghuo.service.acquisition.api.terminal import (
    AmendTerminal,
    AssignMeters,
    FindStrangers,
    FindTerminals,
    NotDialled,
    OutsideScope,
    RegisterTerminals,
    StrangersFound,
    Terminal,
    TerminalDetail,
    TerminalNotFound,
    TerminalRef,
    TerminalsFound,
)
from denghuo.service.acquisition.api.work import FindWork, WorkFound
from denghuo.service.acquisition.protocol.fault import BadFrame


class AcquisitionApi(Api, noun="acquisition", version=1):
    """Operations on terminals and on what the field sends."""

    @query(permit="acquisition.decode", problems=(BadFrame,))
    def decode(self, call: Call, request: Decode) -> Decoded:
        """Tells frames field by field, each with its bytes (报文解析), and keeps nothing. Refuses bytes with no whole frame."""

    @command(permit="acquisition.register", problems=(OutsideScope,))
    def register_terminals(self, call: Call, request: RegisterTerminals) -> BatchTaken:
        """Takes up to 1,000 terminals into the records. One that is known with other content is refused, the rest is taken."""

    @command(permit="acquisition.register")
    def assign_meters(self, call: Call, request: AssignMeters) -> BatchTaken:
        """Puts meters at measuring points of terminals. A meter or point that is taken otherwise is refused."""

    @command(permit="acquisition.register", problems=(TerminalNotFound, NotDialled))
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

    @command(permit="acquisition.collect", problems=(DayNotOver, NotMonthEnd))
    def start_collection(self, call: Call, request: StartCollection) -> CollectionStarted:
        """Makes a past day's values due for all meters of terminals in use, and asks again for what is missing (补采)."""

    @command(permit="acquisition.front", emits=(RegistersCollected, CurvesCollected))
    def take_collected(self, call: Call, request: TakeCollected) -> CollectedTaken:
        """Takes what a front collected: marks what is done, plans the next try of the rest, and publishes the values."""

    @command(permit="acquisition.call", problems=(MeterNotCollected,))
    def read_now(self, call: Call, request: ReadNow) -> OnDemandRead:
        """Asks a meter for its present registers through its terminal (召测). The answer follows; offline it fails at once."""

    @query(permit="acquisition.read", problems=(ReadNotFound,))
    def on_demand_read(self, call: Call, request: ReadRef) -> OnDemandRead:
        """A read on demand, with its answer once that is there."""

    @query(permit="acquisition.read")
    def on_demand_reads(self, call: Call, request: FindReads) -> ReadsFound:
        """The newest reads on demand."""

    @command(permit="acquisition.front")
    def answer_reads(self, call: Call, request: AnswerReads) -> ReadsAnswered:
        """Keeps what terminals answered to reads on demand, or why they did not."""

    @query(permit="acquisition.read")
    def success(self, call: Call, request: AskSuccess) -> SuccessBoard:
        """The success rate of a day by unit, terminal, vendor or channel, with causes (采集成功率)."""

    @query(permit="acquisition.read")
    def collection_work(self, call: Call, request: FindWork) -> WorkFound:
        """Terminals with meters that were not collected, the main cause and the likely next step (采集运维)."""

    @query(permit="acquisition.read")
    def left(self, call: Call, request: FindLeft) -> LeftFound:
        """The meters of a day that were not collected, and why (采集缺数)."""

    @command(permit="acquisition.front", emits=(AlarmsRaised,))
    def take_events(self, call: Call, request: TakeEvents) -> EventsTaken:
        """Takes what terminals told of events. The same meter, kind and begin told again changes nothing but adds its end."""

    @query(permit="acquisition.read")
    def alarms(self, call: Call, request: FindAlarms) -> AlarmsFound:
        """Alarms of meters and terminals, the newest first (告警)."""

    @query(permit="acquisition.read", problems=(AlarmNotFound,))
    def alarm(self, call: Call, request: AlarmRef) -> AlarmDetail:
        """One alarm with its events."""

    @query(permit="acquisition.read")
    def events(self, call: Call, request: FindEvents) -> EventsFound:
        """Events as they were told, with those that raise no alarm (事件)."""

    @command(permit="acquisition.alarm", problems=(AlarmNotFound, AlarmClosed))
    def acknowledge_alarm(self, call: Call, request: AlarmRef) -> Alarm:
        """Says that somebody looks into an alarm (告警确认)."""

    @command(permit="acquisition.alarm", problems=(AlarmNotFound, AlarmClosed))
    def close_alarm(self, call: Call, request: CloseAlarm) -> Alarm:
        """Ends an alarm with what was found. A later event of its kind raises another."""

    @command(permit="acquisition.call", problems=(TerminalNotFound,))
    def order_events(self, call: Call, request: OrderEvents) -> Order:
        """Asks a terminal for the events that it keeps (召读事件). The answer follows; offline it fails at once."""

    @command(permit="acquisition.call", problems=(TerminalNotFound,))
    def check_clock(self, call: Call, request: OrderClock) -> Order:
        """Asks a terminal for its clock (核对时钟). The answer follows; offline it fails at once."""

    @command(permit="acquisition.set", problems=(TerminalNotFound,))
    def set_clock(self, call: Call, request: OrderClock) -> Order:
        """Sets a terminal's clock and reads it again (对时). The answer follows; offline it fails at once."""

    @query(permit="acquisition.read", problems=(OrderNotFound,))
    def order(self, call: Call, request: OrderRef) -> Order:
        """An order, with its answer once that is there."""

    @query(permit="acquisition.read")
    def orders(self, call: Call, request: FindOrders) -> OrdersFound:
        """The newest orders to terminals (下行命令)."""

    @command(permit="acquisition.front", emits=(SwitchingEnded,))
    def answer_orders(self, call: Call, request: AnswerOrders) -> OrdersAnswered:
        """Keeps what terminals answered to orders, or why they did not."""

    @command(permit="acquisition.set", problems=(OutsideScope, NothingToRollOut, WrongTimes))
    def start_roll_out(self, call: Call, request: StartRollOut) -> RollOut:
        """Orders a group of terminals to do one thing (批量下发); what changes something waits for a second person."""

    @query(permit="acquisition.read")
    def roll_outs(self, call: Call, request: FindRollOuts) -> RollOutsFound:
        """The newest roll-outs."""

    @query(permit="acquisition.read", problems=(RollOutNotFound,))
    def roll_out(self, call: Call, request: RollOutRef) -> RollOut:
        """One roll-out with its counts."""

    @query(permit="acquisition.read", problems=(RollOutNotFound,))
    def roll_out_members(self, call: Call, request: FindMembers) -> MembersFound:
        """The terminals of a roll-out and what became of each."""

    @command(permit="acquisition.set", problems=(RollOutNotFound, WrongRollOutState))
    def halt_roll_out(self, call: Call, request: ReasonedRollOut) -> RollOut:
        """Stops a roll-out; orders that are on their way are still answered."""

    @command(permit="acquisition.set", problems=(RollOutNotFound, WrongRollOutState))
    def resume_roll_out(self, call: Call, request: ReasonedRollOut) -> RollOut:
        """Goes on with a halted roll-out: what failed is tried again, what is done stays."""

    @command(permit="acquisition.front", problems=(RollOutNotFound,))
    def advance_roll_out(self, call: Call, request: RollOutRef) -> RollOut:
        """Takes over what was answered and gives the next orders."""

    @command(permit="acquisition.switch", problems=(MeterNotCollected, SwitchingBlocked, SwitchingOpen))
    def request_switching(self, call: Call, request: RequestSwitching) -> Switching:
        """Asks for a customer to be switched off or on (远程停复电); interlocks hold now and again when a second person agrees."""

    @query(permit="acquisition.read", problems=(SwitchingNotFound,))
    def switching(self, call: Call, request: SwitchingRef) -> Switching:
        """One switching, with where the switch was read to be."""

    @query(permit="acquisition.read")
    def switchings(self, call: Call, request: FindSwitchings) -> SwitchingsFound:
        """The newest switchings."""

    @command(permit="acquisition.guard", problems=(OutsideScope, GuardRefused))
    def set_guard(self, call: Call, request: SetGuard) -> Guard:
        """Forbids disconnection on some days: of a protected customer, on holidays, in a storm (停电闭锁)."""

    @command(permit="acquisition.guard", problems=(GuardNotFound, GuardRefused))
    def end_guard(self, call: Call, request: EndGuard) -> Guard:
        """Ends a guard on a day; what it forbade before stays on record."""

    @query(permit="acquisition.read")
    def guards(self, call: Call, request: FindGuards) -> GuardsFound:
        """Guards against disconnection, the newest first."""

"""Bills as they are found and shown, the events and datasets of their issue."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, StringConstraints

from denghuo.kernel.contract import (
    Api,
    Call,
    DatasetRef,
    DatasetSchema,
    Dictionary,
    Event,
    Label,
    Message,
    Page,
    command,
    query,
)
from denghuo.kernel.fields import (
    AccountNo,
    AreaNo,
    AsOf,
    BillNo,
    ContractNo,
    Document,
    MeterNo,
    MonthText,
    OrganisationCode,
    PointNo,
    TariffClass,
    TariffCode,
    TextPair,
    Voltage,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import ApparentPower, Energy, Money, Multiplier, Power, Price, Register, Value
from denghuo.service.billing.api.resting import BillEstimates
from denghuo.service.billing.api.reversal import ChainedBill, NotReversible, ReversalAsked, ReversalRequest, ReverseBill
from denghuo.service.billing.lines import STATUSES, UNITS, Step
from denghuo.service.tariff.api import QUANTITIES, Band, Group, TierNumber

BILL_KINDS = Dictionary(
    "billing.kind",
    {"supply": text("电费账单", "Supply bill"), "purchase": text("上网电费结算单", "Purchase statement")},
)
BillKind = Annotated[Literal["supply", "purchase"], Label("账单类型", "Kind", dictionary=BILL_KINDS.name)]
BILL_STATES = Dictionary(
    "billing.state",
    {
        "rated": text("已算费", "Rated"),
        "held": text("异常待处理", "Held"),
        "passed": text("审核通过", "Passed"),
        "issued": text("已发行", "Issued"),
        "reversed": text("已冲销", "Reversed"),
    },
    tones={"rated": "plain", "held": "danger", "passed": "notice", "issued": "good", "reversed": "warning"},
)
BillState = Annotated[
    Literal["rated", "held", "passed", "issued", "reversed"], Label("账单状态", "State", dictionary=BILL_STATES.name)
]
CaseNo = Annotated[str, StringConstraints(pattern=r"^TB[0-9]{10}$"), Label("退补编号", "Case no.")]
HolderName = Annotated[str | None, Label("户名", "Name", mask="name")]
SupplyAddress = Annotated[str | None, Label("用电地址", "Address", mask="address")]

BILLS = DatasetSchema(
    "billing.bills",
    1,
    {
        "bill_no": "text",
        "account_no": "text",
        "org": "text",
        "kind": "text",
        "month": "text",
        "tariff_class": "text",
        "tariff_code": "text",
        "area_no": "text",
        "energy_wh": "int64",
        "amount_fen": "int64",
        "issued_on": "date",
        "due_on": "date",
        "estimated_days": "int32",
        "reverses": "text",
    },
    text("已发行账单", "Issued bills"),
)
BILL_LINES = DatasetSchema(
    "billing.lines",
    1,
    {
        "bill_no": "text",
        "line": "int32",
        "code": "text",
        "group": "text",
        "band": "text",
        "tier": "int32",
        "quantity_milli": "int64",
        "price_e8": "int64",
        "amount_fen": "int64",
    },
    text("已发行账单明细", "Lines of issued bills"),
)


class BillsIssued(Event, name="billing.bills.issued", version=1):
    """Bills of a month were issued. A month may be issued in several runs: what was held follows later.

    bills, lines: the rows of this run. amount: yuan text, supply bills less purchase statements.
    """

    month: str
    run_no: int
    bills: DatasetRef
    lines: DatasetRef
    count: int
    amount: Money


class FindBills(Page):
    """Bills in the order of account and number; `keyword` is an account or bill number or the beginning of one."""

    month: MonthText | None = None
    keyword: Annotated[str, Label("户号或账单编号", "Account or bill no.")] = ""
    account_no: AccountNo | None = None
    state: BillState | None = None
    kind: BillKind | None = None
    org: OrganisationCode | None = None
    tariff_class: TariffClass | None = None


class MyBills(Page):
    kind: BillKind | None = None


class BillRow(Message):
    bill_no: BillNo
    account_no: AccountNo
    name: HolderName
    org: OrganisationCode
    month: MonthText
    kind: BillKind
    tariff_class: TariffClass
    energy: Annotated[Energy, Label("电量", "Energy")]
    amount: Annotated[Money, Label("金额", "Amount")]
    state: BillState
    issued_on: Annotated[date | None, Label("发行日期", "Issued on")]
    due_on: Annotated[date | None, Label("缴费截止", "Due on")]
    estimated_days: Annotated[int, Label("估算天数", "Days estimated")]
    illustrative: Annotated[bool, Label("含示例价", "Illustrative prices")]
    reverses: Annotated[BillNo | None, Label("冲销账单", "Reverses")]
    case_no: CaseNo | None = None


class BillsFound(Message):
    rows: list[BillRow]
    total: int
    next: str | None
    energy: Annotated[Energy, Label("售电量合计", "Energy sold in all")]
    amount: Annotated[Money, Label("应收合计", "Receivable in all")]
    purchase_energy: Annotated[Energy, Label("购电量合计", "Energy bought in all")]
    purchase_amount: Annotated[Money, Label("应付合计", "Payable in all")]
    as_of: AsOf


class BillRef(Message):
    bill_no: BillNo


class ShownRegister(Message):
    """One register over one piece of the month, as it stands on the bill (抄表信息)."""

    point_no: PointNo
    meter_no: MeterNo
    piece: Annotated[int, Label("分段", "Piece")]
    quantity: Annotated[str, Label("计量量", "Quantity", dictionary=QUANTITIES.name)]
    band: Band
    from_at: Annotated[AwareDatetime, Label("起", "From")]
    to_at: Annotated[AwareDatetime, Label("止", "To")]
    start: Annotated[Register | None, Label("起示数", "Previous register")]
    end: Annotated[Register | None, Label("止示数", "Current register")]
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    status: Annotated[str, Label("抄表状态", "Read status", dictionary=STATUSES.name)]
    method: Annotated[str, Label("取得方式", "Method", dictionary="reading.method")]
    days_estimated: Annotated[int, Label("估算天数", "Days estimated")]


class Counted(Value):
    """A billed quantity in the unit that stands beside it: kWh, kW, kVA or a share in percent."""

    __slots__ = ()
    places, kind, unit = 3, "decimal", ""


class ShownLine(Message):
    """A line of a bill with how it came about, shaped for a page: registers, quantity, price, document, arithmetic."""

    line: Annotated[int, Label("行号", "Line")]
    code: Annotated[str, Label("项目代码", "Code")]
    name: Annotated[TextPair, Label("收费项目", "Item")]
    group: Group
    band: Band | None
    tier: TierNumber | None
    quantity: Annotated[Counted | None, Label("计费数量", "Quantity")]
    unit: Annotated[str, Label("单位", "Unit", dictionary=UNITS.name)]
    price: Annotated[Price | None, Label("单价", "Price")]
    amount: Annotated[Money, Label("金额", "Amount")]
    sentence: Annotated[TextPair, Label("说明", "Explanation")]
    arithmetic: Annotated[str, Label("算式", "Arithmetic")]
    document_no: Annotated[str, Label("依据文号", "Document no.")]
    tariff_code: TariffCode
    tariff_version: Annotated[int, Label("电价版本", "Price version")]
    illustrative: Annotated[bool, Label("示例价", "Illustrative price")]
    note: Annotated[TextPair | None, Label("价格说明", "Note on the price")]
    first_day: Annotated[date | None, Label("分段起日", "Stage from")] = None
    last_day: Annotated[date | None, Label("分段止日", "Stage to")] = None
    registers: list[ShownRegister]
    steps: list[Step]


class AveragePrice(Message):
    """What an item of the bill, or with `band` all items of a band, come to on average. For reading: a bill is never computed
    from averages."""

    line: Annotated[int, Label("行号", "Line")]
    name: Annotated[TextPair | None, Label("收费项目", "Item")]
    band: Band | None
    energy: Annotated[Energy, Label("电量", "Energy")]
    amount: Annotated[Money, Label("金额", "Amount")]
    average: Annotated[Price, Label("每千瓦时均价", "Average per kWh")]


class Held(Message):
    """Why a bill is held, or what a rule only notes, as it stands on the bill."""

    exception_no: Annotated[str, Label("异常编号", "Exception no.")]
    title: Annotated[TextPair, Label("异常", "Exception")]
    reason: Annotated[TextPair, Label("原因", "Reason")]
    open: Annotated[bool, Label("待处理", "Open")]
    noted: Annotated[bool, Label("仅提示", "Noted only")] = False


class Bill(Message):
    """A bill explained. `lines` carry their derivation; `remarks` say what a reader must know (estimates, missing months).
    averages: by item, then by band where the bill has bands; empty without energy.

    estimates: what of it rests on estimates, where anything does.
    price_area: by which unit the customer is in the area of the tariff, where units have price areas.
    case_no: of an adjustment bill, the case that it settles. chain: the bills of this account, month and kind where one of them was
    taken back or adjusted, else empty. reversal: the newest request to
    take this bill back; a customer's session does not see it.
    """

    bill_no: BillNo
    account_no: AccountNo
    name: HolderName
    address: SupplyAddress
    org: OrganisationCode
    unit_name: Annotated[TextPair | None, Label("供电单位", "Unit")]
    month: MonthText
    kind: BillKind
    state: BillState
    contract_no: ContractNo
    tariff_class: TariffClass
    tariff_code: TariffCode
    tariff_version: Annotated[int, Label("电价版本", "Price version")]
    tariff_title: Annotated[TextPair | None, Label("电价名称", "Tariff")]
    price_area: Annotated[TextPair | None, Label("价区", "Price area")] = None
    voltage: Voltage | None
    contract_power: Annotated[Power | None, Label("合同容量", "Contract power")]
    capacity: Annotated[ApparentPower | None, Label("运行容量", "Capacity")]
    pv_power: Annotated[Power | None, Label("发电容量", "Generating power")]
    area_no: AreaNo | None
    from_on: Annotated[date, Label("起抄日期", "From")]
    to_on: Annotated[date, Label("止抄日期", "To")]
    energy: Annotated[Energy, Label("计费电量", "Energy billed")]
    used_before: Annotated[Energy, Label("本年前期电量", "Energy before in the tier year")]
    amount: Annotated[Money, Label("合计金额", "Total")]
    estimated_days: Annotated[int, Label("估算天数", "Days estimated")]
    illustrative: Annotated[bool, Label("含示例价", "Illustrative prices")]
    registers: list[ShownRegister]
    lines: list[ShownLine]
    average_price: Annotated[Price | None, Label("平均电价（每千瓦时）", "Average price per kWh")] = None
    averages: list[AveragePrice] = []
    remarks: Annotated[list[TextPair], Label("备注", "Remarks")]
    held: list[Held]
    issued_on: Annotated[date | None, Label("发行日期", "Issued on")]
    due_on: Annotated[date | None, Label("缴费截止", "Due on")]
    reverses: Annotated[BillNo | None, Label("冲销账单", "Reverses")]
    reversed_by: Annotated[BillNo | None, Label("被冲销于", "Reversed by")]
    replaces: Annotated[BillNo | None, Label("另发自", "Replaces")] = None
    replaced_by: Annotated[BillNo | None, Label("另发为", "Replaced by")] = None
    case_no: CaseNo | None = None
    estimates: BillEstimates | None = None
    chain: list[ChainedBill] = []
    reversal: ReversalRequest | None = None
    run_no: Annotated[int | None, Label("发行批次", "Issue no.")]
    rated_at: Annotated[AwareDatetime, Label("算费时间", "Rated at")]
    as_of: AsOf


class Summarise(Message):
    month: MonthText
    org: OrganisationCode | None = None


class SummaryRow(Message):
    kind: BillKind
    tariff_class: TariffClass
    count: Annotated[int, Label("户数", "Bills")]
    issued: Annotated[int, Label("已发行", "Issued")]
    held: Annotated[int, Label("异常", "Held")]
    energy: Annotated[Energy, Label("电量", "Energy")]
    amount: Annotated[Money, Label("金额", "Amount")]


class MonthSummary(Message):
    """Rows by kind and class. Energy and amounts are those of issued bills."""

    month: MonthText
    rows: list[SummaryRow]
    supply_count: Annotated[int, Label("电费账单", "Supply bills")]
    supply_energy: Annotated[Energy, Label("售电量", "Energy sold")]
    supply_amount: Annotated[Money, Label("应收电费", "Amount receivable")]
    purchase_count: Annotated[int, Label("结算单", "Purchase statements")]
    purchase_energy: Annotated[Energy, Label("购电量", "Energy bought")]
    purchase_amount: Annotated[Money, Label("应付购电费", "Amount payable")]
    held: Annotated[int, Label("异常待处理", "Held")]
    as_of: AsOf


class BillNotFound(NotFound, noun="billing", status=404, zh="未找到该账单", en="No such bill"):
    """Fields: bill_no or account_no. Raised also for a bill outside the caller's scope."""


class NotIssued(Problem, noun="billing", status=409, zh="账单尚未发行", en="The bill is not issued yet"):
    """Fields: bill_no, state."""


class BillOperations(Api):
    """Bills as they were issued, and taken back."""

    @query(permit="billing.read")
    def bills(self, call: Call, request: FindBills) -> BillsFound:
        """Bills by month, account, state, kind, unit and class; a customer's session sees its own issued bills."""

    @query(permit="billing.read", problems=(BillNotFound,))
    def bill(self, call: Call, request: BillRef) -> Bill:
        """One bill with every line explained: registers, multiplier, quantity, price version, document, arithmetic."""

    @query(permit="billing.own")
    def my_bills(self, call: Call, request: MyBills) -> BillsFound:
        """The issued bills of the signed-in customer, newest first."""

    @query(permit="billing.own", problems=(BillNotFound,))
    def my_bill(self, call: Call, request: BillRef) -> Bill:
        """One issued bill of the signed-in customer, explained."""

    @query(permit="billing.own", problems=(BillNotFound, NotIssued))
    def my_bill_document(self, call: Call, request: BillRef) -> Document:
        """An issued bill of the signed-in customer as a PDF, with the holder's name and address."""

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def bill_document(self, call: Call, request: BillRef) -> Document:
        """An issued bill as a PDF in Chinese and English; name and address are masked towards staff."""

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def bill_file(self, call: Call, request: BillRef) -> Document:
        """An issued bill as a bill file that anyone can verify offline: figures, registers, tariff, proof; no name or address."""

    @query(permit="billing.own", problems=(BillNotFound, NotIssued))
    def my_bill_file(self, call: Call, request: BillRef) -> Document:
        """An issued bill of the signed-in customer as a bill file that anyone can verify offline."""

    @query(permit="billing.read", problems=(BillNotFound, NotIssued))
    def readings_file(self, call: Call, request: BillRef) -> Document:
        """The registers of an issued bill, and the 15-minute curves that bands or a demand were taken from, as known then."""

    @query(permit="billing.own", problems=(BillNotFound, NotIssued))
    def my_readings_file(self, call: Call, request: BillRef) -> Document:
        """The registers of an issued bill of the signed-in customer, and the 15-minute curves that were divided by."""

    @query(permit="billing.read")
    def month_summary(self, call: Call, request: Summarise) -> MonthSummary:
        """Counts, energy and amount of a month by class of use, within the caller's units."""

    @command(permit="billing.reverse", problems=(BillNotFound, NotReversible))
    def reverse_bill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        """Asks that an issued bill be taken back as a whole (全减). Once another person agrees its reversal is issued."""

    @command(permit="billing.reverse", problems=(BillNotFound, NotReversible))
    def rebill(self, call: Call, request: ReverseBill) -> ReversalAsked:
        """Asks that an issued bill be taken back and the account's month be billed again from today's data (全减另发)."""

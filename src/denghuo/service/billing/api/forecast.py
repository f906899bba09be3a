"""A running month as its bill would be (在途电费): the bill so far, and the forecast of the month's end with its band."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, DatasetRef, DatasetSchema, Event, Label, Message, command, query
from denghuo.kernel.fields import AccountNo, AsOf, Instant, MonthText, TariffClass, TariffCode, TextPair
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Energy, Money, Percent
from denghuo.service.billing.api.bill import BillKind, HolderName, ShownLine


class SoFar(Message):
    """Without `month` the newest month of which registers were received."""

    account_no: AccountNo
    kind: BillKind = "supply"
    month: MonthText | None = None


class MySoFar(Message):
    """Without `account_no` the first account of the session; without `month` the newest of which registers were received."""

    account_no: AccountNo | None = None
    kind: BillKind = "supply"
    month: MonthText | None = None


class BillSoFar(Message):
    """An estimate, never a bill: nothing of it is owed.

    energy, amount: of the days from `from_on` to `through_on`, both included, by the rules and prices of bills; `read_at` is the
    newest midnight at which all meters were read, `estimated_days` those of its days that lie between reads. low, expected, high:
    the whole month at its end, with the days that are missing as the account's own days of the last eight weeks were
    (`history_days` of them): expected by the mean of the same weekday, low and high by the days that nine of ten exceed and that
    nine of ten do not exceed. `days_left` = 0: the month is read to its end, and all three are the bill so far.
    """

    account_no: AccountNo
    name: HolderName
    kind: BillKind
    tariff_class: TariffClass
    tariff_code: TariffCode
    tariff_title: Annotated[TextPair, Label("电价", "Tariff")]
    month: MonthText
    from_on: Annotated[date, Label("自", "From")]
    through_on: Annotated[date, Label("至", "Through")]
    read_at: Annotated[Instant, Label("最新示数时间", "Newest register")]
    days_known: Annotated[int, Label("已计天数", "Days so far")]
    days_left: Annotated[int, Label("剩余天数", "Days left")]
    estimated_days: Annotated[int, Label("其中估算天数", "Of them estimated")]
    energy: Annotated[Energy, Label("本月至今电量", "Energy so far")]
    amount: Annotated[Money, Label("本月至今电费（估）", "Bill so far (estimate)")]
    expected_energy: Annotated[Energy, Label("全月预计电量", "Energy expected")]
    low_energy: Annotated[Energy, Label("全月电量低值", "Energy, low")]
    high_energy: Annotated[Energy, Label("全月电量高值", "Energy, high")]
    expected_amount: Annotated[Money, Label("全月预计电费（估）", "Month's bill expected (estimate)")]
    low_amount: Annotated[Money, Label("预计低值", "Low")]
    high_amount: Annotated[Money, Label("预计高值", "High")]
    history_days: Annotated[int, Label("参考天数", "Days of history")]
    said: Annotated[TextPair, Label("说明", "In words")]
    lines: Annotated[list[ShownLine], Label("本月至今明细", "Lines so far")]
    past_error: Annotated[TextPair | None, Label("上次预测误差", "How far the last forecasts were off")] = None
    remarks: Annotated[list[TextPair], Label("备注", "Remarks")]
    as_of: AsOf


class NothingSoFar(
    Problem, noun="billing", status=409, zh="还不能估算本月电费", en="Nothing can be told of the month yet"
):
    """Fields: account_no, kind, month, why (no_month, no_contract, not_planned, no_reading, or the code of what holds a bill)."""


# --- all accounts of a day ---------------------------------------------------------------------------------------------------


class EstimateDay(Message):
    """Without `month` the newest of which registers were received. `everyone`: not only the accounts under fee control."""

    month: MonthText | None = None
    everyone: Annotated[bool, Label("全部用户", "All accounts")] = False


class EstimateAccounts(Message):
    """Of accounts under fee control or not. Without `month` the newest of which registers were received."""

    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]
    month: MonthText | None = None


class DayEstimated(Message):
    """What a day's estimate of contracts gave. `without`: contracts whose register was not read at that midnight, or waits for
    a person, or that have no price; an estimate of an earlier day stays theirs. `through_on` None: nothing was read after the
    month's first midnight, or nobody was asked about."""

    month: MonthText | None
    through_on: Annotated[date | None, Label("至", "Through")]
    estimated: Annotated[int, Label("已测算户数", "Contracts estimated")]
    by_rules: Annotated[int, Label("逐户计算户数", "Of them one by one")]
    without: Annotated[int, Label("未测算户数", "Without an estimate")]
    again: bool = False
    as_of: AsOf


ESTIMATES = DatasetSchema(
    "billing.estimates",
    1,
    {
        "account_no": "text",
        "kind": "text",
        "org": "text",
        "tariff_class": "text",
        "month": "text",
        "through_on": "date",
        # days of the month with a contract until then
        "days": "int32",
        "energy_wh": "int64",
        "amount_fen": "int64",
        "estimated_at": "instant",
    },
    text("未出账电费测算", "Estimates of what is not billed yet"),
)


class EstimatesMade(Event, name="billing.estimates.made", version=1):
    """Contracts were estimated anew. fee_control: the accounts under fee control on that day as `contract.fee_control`, where all
    of them were asked about. Estimates of contracts that are not among these stay as they were."""

    month: str
    through_on: date
    estimates: DatasetRef
    fee_control: DatasetRef | None
    made_at: Instant


class EstimatesOf(Message):
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]


class Unbilled(Message):
    """What an account used of a month and was not billed for yet, as estimated. Once the month is billed there is none."""

    account_no: AccountNo
    kind: BillKind
    month: MonthText
    through_on: Annotated[date, Label("至", "Through")]
    energy: Annotated[Energy, Label("未出账电量（估）", "Energy not billed yet (estimate)")]
    amount: Annotated[Money, Label("未出账电费（估）", "Not billed yet (estimate)")]
    estimated_at: Annotated[Instant, Label("测算时间", "Estimated at")]


class EstimatesFound(Message):
    rows: list[Unbilled]


# --- how good the forecasts were ---------------------------------------------------------------------------------------------


class MeasureForecast(Message):
    month: MonthText


class ForecastMeasured(Message):
    """A step of the measurement: how many accounts it looked at. The last step publishes the errors."""

    month: MonthText
    accounts: Annotated[int, Label("户数", "Accounts")]
    published: Annotated[bool, Label("已公布", "Published")] = False
    again: bool


class AskForecastErrors(Message):
    """Without `month` all months that were measured."""

    month: MonthText | None = None


class ForecastError(Message):
    """The forecasts of a month with so many days of it known, against the bills, over a sample of accounts: of one tariff
    class, or of all of them (`tariff_class` None).

    median_error, ninth_error: half and nine tenths of the accounts were not further off, by share of the bill. within: bills
    that lay within their band. bias: by how much all forecasts together were above the bills.
    """

    row_key: Annotated[str, Label("键", "Key")]
    month: MonthText
    tariff_class: TariffClass | None
    days_known: Annotated[int, Label("已知天数", "Days known")]
    accounts: Annotated[int, Label("抽样户数", "Accounts sampled")]
    median_error: Annotated[Percent, Label("误差中位数", "Median error")]
    ninth_error: Annotated[Percent, Label("九成误差不超过", "Nine of ten within")]
    within: Annotated[Percent | None, Label("落入区间", "Within the band")]
    expected: Annotated[Money, Label("预测合计", "Forecast in all")]
    billed: Annotated[Money, Label("已发行合计", "Billed in all")]
    bias: Annotated[Percent | None, Label("合计偏差", "Bias")]


class ForecastErrors(Message):
    rows: list[ForecastError]
    as_of: AsOf


FORECAST_ERRORS = DatasetSchema(
    "billing.forecast_errors",
    1,
    {
        "month": "text",
        "days_known": "int32",
        # null: of all classes
        "tariff_class": "text",
        "accounts": "int32",
        # shares in 0.01 %
        "median_e2": "int64",
        "ninth_e2": "int64",
        "within_e2": "int64",
        "bias_e2": "int64",
        "published_at": "instant",
    },
    text("预测误差公布", "Published errors of forecasts"),
)


class AskPublishedErrors(Message):
    """Of all months."""


class PublishedError(Message):
    """As `ForecastError`, without amounts: for everybody."""

    row_key: Annotated[str, Label("键", "Key")]
    month: MonthText
    tariff_class: TariffClass | None
    class_title: Annotated[TextPair, Label("用户类别", "Class of customers")]
    days_known: Annotated[int, Label("已知天数", "Days known")]
    accounts: Annotated[int, Label("抽样户数", "Accounts sampled")]
    median_error: Annotated[Percent, Label("误差中位数", "Median error")]
    ninth_error: Annotated[Percent, Label("九成误差不超过", "Nine of ten within")]
    within: Annotated[Percent, Label("落入区间", "Within the band")]
    bias: Annotated[Percent, Label("合计偏差", "Bias")]
    published_at: Annotated[Instant, Label("公布时间", "Published at")]


class PublishedErrors(Message):
    rows: list[PublishedError]
    as_of: AsOf


class ForecastOperations(Api):
    """The bill of a running month, estimated, and how good such estimates were."""

    @query(permit="billing.read", problems=(NothingSoFar,))
    def bill_so_far(self, call: Call, request: SoFar) -> BillSoFar:
        """The bill of a running month so far, and what it will be at the month's end, with a band. An estimate, marked as one."""

    @query(permit="billing.own", problems=(NothingSoFar,))
    def my_bill_so_far(self, call: Call, request: MySoFar) -> BillSoFar:
        """The same of an account of the signed-in customer."""

    @command(permit="billing.advance", emits=(EstimatesMade,))
    def estimate_day(self, call: Call, request: EstimateDay) -> DayEstimated:
        """Estimates what accounts under fee control used of the running month and were not billed for yet: a job of every day."""

    @command(permit="billing.recalculate", emits=(EstimatesMade,))
    def estimate_accounts(self, call: Call, request: EstimateAccounts) -> DayEstimated:
        """The same of some accounts, whether under fee control or not, within the caller's units."""

    @query(permit="billing.read")
    def unbilled(self, call: Call, request: EstimatesOf) -> EstimatesFound:
        """The newest estimates of up to 1,000 accounts, of months that were not billed yet."""

    @command(permit="billing.advance")
    def measure_forecast(self, call: Call, request: MeasureForecast) -> ForecastMeasured:
        """Compares what was forecast of a billed month with its bills: a step of the job worker, called until none waits."""

    @query(permit="billing.read")
    def forecast_errors(self, call: Call, request: AskForecastErrors) -> ForecastErrors:
        """How far forecasts were from the bills, month by month."""

    @query(permit="billing.own")
    def published_errors(self, call: Call, request: AskPublishedErrors) -> PublishedErrors:
        """The same as it is published every month, for customers: shares alone, of the whole company."""

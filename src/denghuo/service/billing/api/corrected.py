"""Bills under what was corrected (更正影响): which were made by prices or days that were published anew since."""

from datetime import date
from typing import Annotated

from denghuo.kernel.contract import Api, Call, Label, Message, Page, query
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, MonthText, TariffCode, TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.api.bill import BillKind, BillState
from denghuo.service.tariff.api import (
    AreaCode,
    DayPeriod,
    DayTableKind,
    NoSuchDayTable,
    NoSuchPriceTable,
    NoSuchSpotTable,
)
from denghuo.service.tariff.api.table import Issue


class FindCorrectedBills(Page):
    """Bills by versions that a correction of a month's price table replaces, in the order of their numbers; without `issue` by the
    newest correction. A correction that is still a draft is looked at in the same way, before anybody publishes it."""

    area: AreaCode
    month: MonthText
    issue: Issue | None = None


class FindBillsBySpotPrices(Page):
    """Bills of a month that were rated by the spot prices of nodes before an issue of them was published; without `issue` the
    newest one. A draft is looked at in the same way, before anybody publishes it."""

    area: AreaCode
    month: MonthText
    issue: Issue | None = None


class FindBillsByDays(Page):
    """Bills that were rated before a table of days was published and whose bands hang on its days; without `issue` the newest."""

    kind: DayTableKind
    area: AreaCode
    period: DayPeriod
    issue: Issue | None = None


class CorrectedBill(Message):
    """A bill by what was replaced, and what it comes to by the corrected prices or days. corrected: None
    where the bill does not follow from them, as `said` tells."""

    bill_no: BillNo
    account_no: AccountNo
    month: MonthText
    kind: BillKind
    state: BillState
    issued_on: Annotated[date | None, Label("发行日期", "Issued on")]
    tariff_code: TariffCode
    tariff_version: Annotated[int, Label("原版本", "Billed by version")]
    corrected_version: Annotated[int, Label("更正版本", "Corrected by version")]
    amount: Annotated[Money, Label("账单金额", "Amount of the bill")]
    corrected: Annotated[Money | None, Label("更正后金额", "By the corrected prices")]
    difference: Annotated[Money | None, Label("差额", "Difference")]
    said: Annotated[TextPair, Label("说明", "Explanation")]


class CorrectedBills(Message):
    """A page of them. issued, issued_amount: all issued bills that still stand by what was replaced; not_issued: those that wait
    for their issue and are to be calculated again before."""

    rows: list[CorrectedBill]
    issued: Annotated[int, Label("已发行账单", "Bills issued")]
    issued_amount: Annotated[Money, Label("已发行金额", "Amount issued")]
    not_issued: Annotated[int, Label("未发行账单", "Bills not issued")]
    total: int
    next: str | None
    as_of: AsOf


class CorrectedOperations(Api):
    """Bills beside those by what was published after them. Nothing is kept."""

    @query(permit="billing.read", problems=(NoSuchPriceTable,))
    def corrected_bills(self, call: Call, request: FindCorrectedBills) -> CorrectedBills:
        """The bills by prices that a correction of a month's price table replaces: how many and how much was issued, and what each
        comes to by the corrected prices. Nothing is stored."""

    @query(permit="billing.read", problems=(NoSuchSpotTable,))
    def bills_by_spot_prices(self, call: Call, request: FindBillsBySpotPrices) -> CorrectedBills:
        """The bills that were rated before an issue of spot prices by those of its nodes, and what each comes to by the prices that
        stand with it. Nothing is stored."""

    @query(permit="billing.read", problems=(NoSuchDayTable,))
    def bills_by_days(self, call: Call, request: FindBillsByDays) -> CorrectedBills:
        """The bills that were rated before a table of holidays or temperatures was published and whose hours hang on its days, and
        what each comes to by what is known today. Nothing is stored."""

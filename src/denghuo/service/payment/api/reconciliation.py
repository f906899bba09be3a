"""Reconciliation (对账) of payments, ledger and bank files, and the state of collection."""

from datetime import date
from typing import Annotated

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import (
    AsOf,
    MonthText,
)
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money, Percent
from denghuo.service.payment.api.counter import Method


class AskReconciliation(Message):
    """Compares payments, ledger and bank files over a day or a calendar month (one of them)."""

    day: Annotated[date | None, Label("收费日", "Business day")] = None
    month: Annotated[MonthText | None, Label("收费月份", "Month of payment")] = None


CAUSES = Dictionary(
    "payment.cause",
    {
        "not_posted": text("已收款未入账（入账作业进行中或中断）", "Taken but not in the ledger yet"),
        "not_reversed": text("已冲正未冲账", "Reversed here, not in the ledger yet"),
        "amount": text("金额不一致", "Amounts differ"),
        "account": text("户号不一致", "Account numbers differ"),
        "ledger_only": text("仅账上有", "Only in the ledger"),
        "bank_total": text("与银行文件合计不一致", "Differs from the bank file's total"),
        "suspense": text("户号不明，已转暂存", "Unknown account, in suspense"),
    },
    tones={"not_posted": "notice", "suspense": "warning", "amount": "danger", "ledger_only": "danger"},
)


class Difference(Message):
    subject: Annotated[str, Label("单据", "Document")]
    account_no: Annotated[str | None, Label("户号", "Account no.")]
    here: Annotated[Money | None, Label("收费金额", "Payment")]
    there: Annotated[Money | None, Label("对方金额", "Other side")]
    cause: Annotated[str, Label("原因", "Cause", dictionary=CAUSES.name)]


class ReconciledSide(Message):
    method: Method
    count: Annotated[int, Label("收费笔数", "Payments")]
    amount: Annotated[Money, Label("收费金额", "Payments amount")]
    ledger_count: Annotated[int, Label("账务笔数", "Ledger")]
    ledger_amount: Annotated[Money, Label("账务金额", "Ledger amount")]
    bank_amount: Annotated[Money | None, Label("银行文件金额", "Bank files amount")]
    difference: Annotated[Money, Label("差额", "Difference")]


class Reconciliation(Message):
    """`agrees` when amounts agree on all sides; money in suspense is listed though it agrees."""

    start: Annotated[date, Label("起始日期", "From")]
    end: Annotated[date, Label("截止日期（不含）", "To (exclusive)")]
    rows: list[ReconciledSide]
    differences: list[Difference]
    difference_count: Annotated[int, Label("差异笔数", "Differences")]
    agrees: Annotated[bool, Label("对账相符", "Agrees")]
    as_of: AsOf


class AskCollection(Message):
    """How far the collection of a month's bills is. Without a month: the newest month with bills."""

    month: MonthText | None = None


class CollectionRow(Message):
    method: Method
    count: Annotated[int, Label("笔数", "Count")]
    amount: Annotated[Money, Label("金额", "Amount")]


class Collection(Message):
    """receivable, collected and percent are the ledger's; rows are the payments taken today and so far, by method."""

    month: MonthText | None
    receivable: Annotated[Money, Label("应收", "Receivable")]
    collected: Annotated[Money, Label("实收", "Collected")]
    outstanding: Annotated[Money, Label("未收", "Outstanding")]
    percent: Annotated[Percent | None, Label("电费回收率", "Recovery rate")]
    today_count: Annotated[int, Label("今日笔数", "Payments today")]
    today_amount: Annotated[Money, Label("今日收款", "Taken today")]
    pending: Annotated[int, Label("待入账笔数", "To be posted")]
    rows: list[CollectionRow]
    as_of: AsOf

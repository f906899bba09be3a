"""Metrics (指标): each figure of the company defined once, as data; the wall screen, the home page and reports all read these.

A formula is one SQL text over the warehouse. It gives additive parts by unit and key: columns `org`, `key`, `value` and, for a
ratio, `whole`; so a total, a station's figure and a ranking come from the same text, and a ratio of sums is never an average of
ratios. The caller's scope is applied around the formula, in one place, so no formula can forget it. Sums are cast back to
BIGINT, which raises on overflow; nothing is a double.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import Energy, Money, Percent, Price, Value, round_half_up

Unit = Literal["count", "energy", "money", "percent", "price"]


@dataclass(frozen=True)
class Metric:
    """A figure. `key`: what its rows are told apart by beside the unit; empty for a plain figure. `sources` are tables or views."""

    code: str
    name: Text
    meaning: Text
    unit: Unit
    owner: str
    sources: tuple[str, ...]
    formula: str
    key: str = ""

    @property
    def is_ratio(self) -> bool:
        return self.unit in ("percent", "price")


@dataclass(frozen=True)
class Parts:
    """A row of a formula: integers that may be added to those of other rows."""

    org: str
    key: str
    value: int | None
    whole: int | None


class Rows(Protocol):
    """What formulas run on: the warehouse."""

    def rows(self, query: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]: ...

    def has(self, name: str) -> bool: ...


def parts_of(metric: Metric, warehouse: Rows, month: str, scope: Sequence[str]) -> list[Parts]:
    """The formula's rows within the scope (organisation prefixes); none where a source is not there yet."""
    if not scope or not all(warehouse.has(source) for source in metric.sources):
        return []
    whole = "whole" if metric.is_ratio else "CAST(NULL AS BIGINT)"
    rows = warehouse.rows(
        f"WITH figure AS ({metric.formula}) SELECT org, coalesce(CAST(key AS VARCHAR), '') AS key, value, {whole} AS whole"
        " FROM figure WHERE in_scope(org, $scope) ORDER BY org, key",
        {"scope": list(scope)} | ({"month": month} if "$month" in metric.formula else {}),
    )
    return [Parts(row["org"], row["key"], row["value"], row["whole"]) for row in rows]


def total(metric: Metric, parts: Sequence[Parts]) -> Value | int | None:
    """The figure of rows taken together; None where there is nothing to tell, or a ratio has no whole."""
    known = [part for part in parts if part.value is not None]
    if not known:
        return None
    value, whole = sum(part.value or 0 for part in known), sum(part.whole or 0 for part in known)
    match metric.unit:
        case "count":
            return value
        case "money":
            return Money(value)
        case "energy":
            return Energy(value)
        case "percent":
            return Percent.of_parts(value, whole)
        case "price":
            return average_price(value, whole)


def average_price(amount_fen: int, energy_wh: int) -> Price | None:
    """Fen for Wh as yuan a kWh, rounded to 1e-4 yuan; None without energy."""
    if energy_wh <= 0:
        return None
    return Price(round_half_up(amount_fen * 100_000, energy_wh) * 10_000)


_ISSUED = "state IN ('issued', 'reversed')"

METRICS: tuple[Metric, ...] = (
    Metric(
        "accounts",
        text("用电户数", "Accounts"),
        text("在册（未销户）的用电户与发电户。", "Accounts that are not closed, generators included."),
        "count",
        "customer",
        ("customer.account",),
        "SELECT org, NULL AS key, count(*) AS value FROM customer.account WHERE status = 'active' GROUP BY org",
    ),
    Metric(
        "accounts_by_class",
        text("各类用电户数", "Accounts by class"),
        text("在册户按用电类别计数。", "Accounts that are not closed, by tariff class."),
        "count",
        "customer",
        ("customer.account",),
        "SELECT org, tariff_class AS key, count(*) AS value FROM customer.account WHERE status = 'active'"
        " GROUP BY org, tariff_class",
        key="tariff_class",
    ),
    Metric(
        "read_rate",
        text("抄表成功率", "Reads obtained"),
        text(
            "当月应抄计量点中，示数有效或已按规则估计的比例；待核的不计。",
            "Of the points planned for the month, those whose read is valid or estimated by rule; held ones do not count.",
        ),
        "percent",
        "reading",
        ("reading.month_energy",),
        "SELECT org, NULL AS key, count(*) FILTER (WHERE obtained) AS value, count(*) AS whole FROM ("
        "SELECT org, point_no, bool_and(status <> 'held') AS obtained FROM reading.month_energy"
        " WHERE month = $month AND role IN ('sale', 'sub_meter', 'export', 'full_feed_in') GROUP BY org, point_no) GROUP BY org",
    ),
    Metric(
        "reads_estimated",
        text("估计示数", "Reads estimated"),
        text(
            "当月按规则估计的计量点数，账单上均有标记。", "Points whose read was estimated by rule; each bill says so."
        ),
        "count",
        "reading",
        ("reading.month_energy",),
        "SELECT org, NULL AS key, count(DISTINCT point_no) FILTER (WHERE status = 'estimated') AS value"
        " FROM reading.month_energy WHERE month = $month AND role IN ('sale', 'sub_meter', 'export', 'full_feed_in') GROUP BY org",
    ),
    Metric(
        "bills",
        text("已发行账单", "Bills issued"),
        text("当月已发行的电费账单与上网结算单。", "Supply bills and purchase statements issued for the month."),
        "count",
        "billing",
        ("billing.bill",),
        "SELECT org, NULL AS key, count(*) AS value FROM billing.bill WHERE month = $month AND state = 'issued' GROUP BY org",
    ),
    Metric(
        "energy_sold",
        text("售电量", "Energy sold"),
        text(
            "当月已发行电费账单的电量，冲销的抵减。", "Energy of the supply bills issued for the month, less reversals."
        ),
        "energy",
        "billing",
        ("billing.bill",),
        "SELECT org, NULL AS key, CAST(sum(energy_wh) AS BIGINT) AS value FROM billing.bill"
        f" WHERE month = $month AND kind = 'supply' AND {_ISSUED} GROUP BY org",
    ),
    Metric(
        "energy_by_class",
        text("各类售电量", "Energy sold by class"),
        text("售电量按用电类别。", "Energy sold, by tariff class."),
        "energy",
        "billing",
        ("billing.bill",),
        "SELECT org, tariff_class AS key, CAST(sum(energy_wh) AS BIGINT) AS value FROM billing.bill"
        f" WHERE month = $month AND kind = 'supply' AND {_ISSUED} GROUP BY org, tariff_class",
        key="tariff_class",
    ),
    Metric(
        "energy_bought",
        text("购电量", "Energy bought"),
        text("当月上网电费结算单的电量（光伏）。", "Energy of the purchase statements issued for the month (solar)."),
        "energy",
        "billing",
        ("billing.bill",),
        "SELECT org, NULL AS key, CAST(sum(energy_wh) AS BIGINT) AS value FROM billing.bill"
        f" WHERE month = $month AND kind = 'purchase' AND {_ISSUED} GROUP BY org",
    ),
    Metric(
        "receivable",
        text("应收电费", "Receivable"),
        text("当月入账的电费账单金额。", "Amount of the month's supply bills in the ledger."),
        "money",
        "ledger",
        ("ledger.item",),
        "SELECT org, NULL AS key, CAST(sum(amount_fen) AS BIGINT) AS value FROM ledger.item"
        " WHERE month = $month AND kind = 'supply' GROUP BY org",
    ),
    Metric(
        "received",
        text("实收电费", "Received"),
        text("当月电费账单已收的金额。", "What was paid on the month's supply bills."),
        "money",
        "ledger",
        ("ledger.item",),
        "SELECT org, NULL AS key, CAST(sum(paid_fen) AS BIGINT) AS value FROM ledger.item"
        " WHERE month = $month AND kind = 'supply' GROUP BY org",
    ),
    Metric(
        "outstanding",
        text("未收电费", "Outstanding"),
        text("应收减实收。", "Receivable less received."),
        "money",
        "ledger",
        ("ledger.item",),
        "SELECT org, NULL AS key, CAST(sum(amount_fen - paid_fen) AS BIGINT) AS value FROM ledger.item"
        " WHERE month = $month AND kind = 'supply' GROUP BY org",
    ),
    Metric(
        "recovery_rate",
        text("电费回收率", "Recovery rate"),
        text("实收除以应收。", "Received of receivable."),
        "percent",
        "ledger",
        ("ledger.item",),
        "SELECT org, NULL AS key, CAST(sum(paid_fen) AS BIGINT) AS value, CAST(sum(amount_fen) AS BIGINT) AS whole"
        " FROM ledger.item WHERE month = $month AND kind = 'supply' GROUP BY org",
    ),
    Metric(
        "average_price",
        text("售电均价", "Average price"),
        text("当月电费账单金额除以售电量。", "Amount of the month's supply bills by energy sold."),
        "price",
        "billing",
        ("billing.bill",),
        "SELECT org, NULL AS key, CAST(sum(amount_fen) AS BIGINT) AS value, CAST(sum(energy_wh) AS BIGINT) AS whole"
        f" FROM billing.bill WHERE month = $month AND kind = 'supply' AND {_ISSUED} GROUP BY org",
    ),
    Metric(
        "purchase_payable",
        text("应付购电费", "Payable for energy bought"),
        text("当月上网电费结算单的金额。", "Amount of the purchase statements issued for the month."),
        "money",
        "billing",
        ("billing.bill",),
        "SELECT org, NULL AS key, CAST(sum(amount_fen) AS BIGINT) AS value FROM billing.bill"
        f" WHERE month = $month AND kind = 'purchase' AND {_ISSUED} GROUP BY org",
    ),
    Metric(
        "held",
        text("待处理异常", "Held exceptions"),
        text("当月核算中待人工处理的异常。", "Exceptions of the month that wait for a person."),
        "count",
        "billing",
        ("billing.hold",),
        "SELECT org, NULL AS key, count(*) FILTER (WHERE state = 'open') AS value FROM billing.hold WHERE month = $month"
        " GROUP BY org",
    ),
    Metric(
        "held_by_code",
        text("各类待处理异常", "Held exceptions by kind"),
        text("待处理异常按类型。", "Held exceptions, by kind."),
        "count",
        "billing",
        ("billing.hold",),
        "SELECT org, code AS key, count(*) AS value FROM billing.hold WHERE month = $month AND state = 'open'"
        " GROUP BY org, code",
        key="billing.hold",
    ),
    Metric(
        "receipts_by_method",
        text("各渠道实收", "Receipts by method"),
        text("入账且未冲正的收款，按结算方式。", "Receipts in the ledger that were not reversed, by method."),
        "money",
        "ledger",
        ("ledger.receipt",),
        "SELECT org, method AS key, CAST(sum(amount_fen) AS BIGINT) AS value FROM ledger.receipt"
        " WHERE reversal_no IS NULL GROUP BY org, method",
        key="payment.method",
    ),
    Metric(
        "line_loss",
        text("综合线损率", "Line loss"),
        text(
            "可算台区的供电量合计减售电量合计，除以供电量合计。",
            "Over the areas that can be told: what came in less what was sold, of what came in.",
        ),
        "percent",
        "loss",
        ("loss.area_month",),
        "SELECT org, NULL AS key, CAST(sum(loss_wh) AS BIGINT) AS value, CAST(sum(supply_wh) AS BIGINT) AS whole"
        " FROM loss.area_month WHERE month = $month AND loss_wh IS NOT NULL GROUP BY org",
    ),
    Metric(
        "area_loss",
        text("台区线损率", "Area loss"),
        text("台区供电量减售电量，除以供电量。", "An area's supply less its sales, of its supply."),
        "percent",
        "loss",
        ("loss.area_month",),
        "SELECT org, area_no AS key, loss_wh AS value, supply_wh AS whole FROM loss.area_month"
        " WHERE month = $month AND loss_wh IS NOT NULL",
        key="area_no",
    ),
    Metric(
        "area_load",
        text("台区供电量", "Area supply"),
        text("台区关口的月度正向电量。", "Forward energy of an area's gateway over the month."),
        "energy",
        "reading",
        ("reading.month_energy",),
        "SELECT org, area_no AS key, CAST(sum(energy_wh) AS BIGINT) AS value FROM reading.month_energy"
        " WHERE month = $month AND role = 'gateway' AND quantity = 'active_fwd' GROUP BY org, area_no",
        key="area_no",
    ),
)
BY_CODE: dict[str, Metric] = {metric.code: metric for metric in METRICS}
PLAIN: tuple[Metric, ...] = tuple(metric for metric in METRICS if not metric.key)

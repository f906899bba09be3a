"""Customers, their contracts and direct debit (用户、合同与代扣)."""

from decimal import Decimal

from denghuo.data.processing.import_columns import Code, Day, Number, Truth, Words
from denghuo.data.processing.import_tables.columns import (
    ADDRESS,
    IDENTIFIER,
    KILOVOLT_AMPERE,
    KILOWATT,
    NAME,
    ORG,
    SOURCE,
    TARIFF_CLASS,
    VOLTAGE_LEVEL,
    column,
    optional,
)
from denghuo.data.processing.importing import Disagreement, Row, Shape
from denghuo.kernel.problem import text

CUSTOMERS = Shape(
    "customers",
    text("用户", "customers"),
    (
        column("account_no", IDENTIFIER, "户号", "account"),
        column("name", NAME, "户名", "name"),
        column(
            "kind",
            Code(
                {
                    "resident": text("居民", "resident"),
                    "business": text("工商业", "business"),
                    "farm": text("农业", "farm"),
                    "industry": text("大工业", "industry"),
                    "generator": text("发电", "generator"),
                }
            ),
            "用户类别",
            "kind",
        ),
        column("tariff_class", TARIFF_CLASS, "电价类别", "tariff class"),
        optional(
            "industry_code", Words(longest=4, pattern=r"[0-9]{4}", example="5212"), "行业代码", "class of GB/T 4754"
        ),
        column("address", ADDRESS, "用电地址", "address"),
        optional("phone", Words(longest=20, pattern=r"[0-9+-]+"), "电话", "telephone"),
        ORG,
        column(
            "status", Code({"active": text("正常", "active"), "closed": text("已销户", "closed")}), "状态", "status"
        ),
        column("opened_on", Day(), "立户日期", "opened on"),
        SOURCE,
    ),
    unique=(("account_no",),),
)


def contract_agrees(row: Row) -> Disagreement | None:
    """Supply states the power, two-part supply by capacity the transformer, purchase the generating capacity."""
    wanted = "contract_kw" if row["kind"] == "supply" else "pv_kw"
    if row["kind"] == "supply" and row["tariff_class"] == "two_part_capacity" and row["capacity_kva"] is None:
        wanted = "capacity_kva"
    if row[wanted] is not None:
        return None
    return Disagreement(wanted, text("此类合同必填", "a contract of this kind needs it"), text("请填写", "fill it in"))


def special_agrees(row: Row) -> Disagreement | None:
    """Households and free energy are of residents, a household has its day, and losses are of supply."""
    resident = row["kind"] == "supply" and row["tariff_class"] == "resident"
    for name in ("household_persons", "free_energy"):
        if row[name] and not resident:
            return Disagreement(
                name, text("只用于居民用电", "it is for residents only"), text("请清空", "leave it empty")
            )
    if row["household_persons"] is not None and row["household_since"] is None:
        return Disagreement(
            "household_since", text("多人口户必填", "a household needs it"), text("请填写", "fill it in")
        )
    for name in (
        "pf_use",
        "on_load_changer",
        "pf_standard",
        "line_loss_percent",
        "transformer_loss_kwh",
        "transformer_loss_kvarh",
    ):
        if row[name] is not None and row["kind"] != "supply":
            return Disagreement(
                name, text("只用于供用电合同", "it is for supply only"), text("请清空", "leave it empty")
            )
    if row["fee_control"] is not None and row["kind"] != "supply":
        return Disagreement(
            "fee_control", text("只用于供用电合同", "it is for supply only"), text("请清空", "leave it empty")
        )
    if row["protected"] and row["fee_control"] is None:
        return Disagreement(
            "protected",
            text("只用于费控用户", "it is for accounts under fee control only"),
            text("请填写费控方式或清空", "state the fee control or leave it empty"),
        )
    if row["transformer_loss_kvarh"] is not None and row["transformer_loss_kwh"] is None:
        return Disagreement(
            "transformer_loss_kwh", text("协议变损须有有功", "an agreed loss needs it"), text("请填写", "fill it in")
        )
    return None


CONTRACTS = Shape(
    "contracts",
    text("合同", "contracts"),
    (
        column("contract_no", IDENTIFIER, "合同编号", "contract"),
        column("account_no", IDENTIFIER, "户号", "account"),
        column(
            "kind",
            Code({"supply": text("供用电", "supply"), "purchase": text("购售电", "purchase")}),
            "合同类别",
            "kind",
        ),
        column("tariff_class", TARIFF_CLASS, "电价类别", "tariff class"),
        optional("contract_kw", KILOWATT, "合同功率", "contracted power"),
        optional("capacity_kva", KILOVOLT_AMPERE, "受电容量", "transformer capacity"),
        optional("pv_kw", KILOWATT, "发电容量", "generating capacity"),
        column("voltage_kv", VOLTAGE_LEVEL, "电压等级", "voltage level"),
        column(
            "settlement_mode",
            Code(
                {
                    "agency": text("代理购电", "agency purchase"),
                    "market": text("市场化", "market"),
                    "surplus_feed_in": text("余电上网", "surplus feed-in"),
                    "full_feed_in": text("全额上网", "full feed-in"),
                }
            ),
            "结算方式",
            "settlement",
        ),
        column("effective_from", Day(), "生效日期", "effective from"),
        optional(
            "pf_standard",
            Code({one: text(f"0.{one}", f"0.{one}") for one in ("90", "85", "80")}),
            "约定功率因数标准",
            "agreed power factor standard",
        ),
        optional(
            "pf_use",
            Code(
                {
                    "industry": text("工业", "industry"),
                    "non_industrial": text("非工业", "non-industrial"),
                    "pumping": text("电力排灌站", "pumping station"),
                    "agriculture": text("农业", "agriculture"),
                    "wholesale": text("趸售", "wholesale"),
                    "wholesale_industry": text("趸售（含未划出的大工业）", "wholesale with large industry"),
                }
            ),
            "力调用电性质",
            "use for the power factor standard",
        ),
        optional("on_load_changer", Truth(), "带负荷调压装置", "on-load tap changer"),
        optional(
            "household_persons", Number(least=Decimal(1), most=Decimal(99)), "家庭人口", "persons of the household"
        ),
        optional("household_since", Day(), "多人口受理日期", "day on which the household was accepted"),
        optional("free_energy", Truth(), "享受免费电量", "has free energy"),
        optional("free_until", Day(), "免费电量止日", "last day of free energy"),
        optional(
            "line_loss_percent",
            Number(places=2, least=Decimal("0.01"), most=Decimal("99.99"), unit="%"),
            "线损率",
            "line loss, share of the energy",
        ),
        optional(
            "transformer_loss_kwh", Number(places=3, unit="kWh"), "协议变损有功", "agreed transformer loss a month"
        ),
        optional(
            "transformer_loss_kvarh", Number(places=3, unit="kvarh"), "协议变损无功", "agreed reactive loss a month"
        ),
        optional(
            "fee_control",
            Code({"prepaid": text("预付费", "prepaid"), "remote": text("远程费控", "remote fee control")}),
            "费控方式",
            "fee control",
        ),
        optional("protected", Truth(), "保电用户", "protected from interruption"),
        SOURCE,
    ),
    unique=(("contract_no",),),
    checks=(contract_agrees, special_agrees),
)
DEBIT_AGREEMENTS = Shape(
    "debit_agreements",
    text("代扣协议", "direct debit agreements"),
    (
        column("account_no", IDENTIFIER, "户号", "account"),
        column("bank_code", Words(longest=12, pattern=r"[A-Z0-9]{4,12}", example="ICBC"), "银行代码", "bank"),
        column("bank_account", Words(longest=30, pattern=r"[0-9]{8,30}"), "银行账号", "bank account"),
        column("holder", NAME, "账户名", "holder of the bank account"),
        column("signed_on", Day(), "签约日期", "signed on"),
        SOURCE,
    ),
    unique=(("account_no",),),
)

"""Fee control (费控): which supply contracts are reckoned day by day against a balance, and from which day."""

from datetime import date
from typing import Annotated, Literal

from denghuo.kernel.contract import DatasetSchema, Dictionary, Event, Label, Message
from denghuo.kernel.fields import ContractNo, Reason
from denghuo.kernel.problem import Problem, text

FEE_WAYS = Dictionary(
    "contract.fee_way",
    {"prepaid": text("预付费", "Prepaid"), "remote": text("远程费控", "Remote fee control")},
)
FeeWay = Annotated[Literal["prepaid", "remote"], Label("费控方式", "Fee control", dictionary=FEE_WAYS.name)]
Protected = Annotated[bool, Label("保电用户", "Protected from interruption")]

FEE_CONTROL = DatasetSchema(
    "contract.fee_control",
    1,
    {
        "account_no": "text",
        "org": "text",
        "tariff_class": "text",
        "way": "text",
        "protected": "bool",
        "effective_from": "date",
    },
    text("费控用户", "Accounts under fee control"),
)


class FeeControl(Message):
    """A way of fee control on some days, `effective_to` being the first day without."""

    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日期", "Effective to (first day without)")]
    way: FeeWay
    protected: Protected
    reason: Annotated[str, Label("原因", "Reason")]


class AgreeFeeControl(Message):
    """Fee control from a day on; without a way it ends on that day. The day of the newest agreement itself puts that right."""

    contract_no: ContractNo
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    way: FeeWay | None = None
    protected: Protected = False
    reason: Reason


class PublishFeeControl(Message):
    on: Annotated[date, Label("日期", "On")]


class FeeControlAgreed(Event, name="contract.fee_control.agreed", version=1):
    """Fee control of an account from a day on; without a way it ends on that day."""

    account_no: str
    org: str
    tariff_class: str
    way: FeeWay | None
    protected: bool
    effective_from: date


class FeeControlRefused(Problem, noun="contract", status=409, zh="不能约定费控", en="Fee control cannot be agreed so"):
    """Nothing was changed. Fields: contract_no, field, value."""

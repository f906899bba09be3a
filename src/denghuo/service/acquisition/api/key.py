"""Messages and operations about keys of direct meters (电表密钥): which version is in force. No message has the keys themselves."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, OrganisationCode, Reason
from denghuo.kernel.problem import Problem, text
from denghuo.service.acquisition.api.collection import CauseCode
from denghuo.service.acquisition.api.terminal import OrderNotPossible, TerminalNo, TerminalNotFound

KEY_STATES = Dictionary(
    "acquisition.key_state",
    {
        "waiting": text("待审批", "Waiting for approval"),
        "refused": text("审批未通过", "Refused"),
        "ordered": text("更换中", "Being changed"),
        "in_force": text("启用", "In force"),
        "replaced": text("已更换", "Replaced"),
        "failed": text("更换失败", "Not changed"),
    },
    tones={"waiting": "notice", "ordered": "notice", "in_force": "good", "replaced": "plain", "failed": "danger"},
)
KeyState = Annotated[
    Literal["waiting", "refused", "ordered", "in_force", "replaced", "failed"],
    Label("状态", "State", dictionary=KEY_STATES.name),
]
KeyVersion = Annotated[int, Field(ge=1, le=1_000_000), Label("密钥版本", "Key version")]
CheckValue = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}$"), Label("校验值", "Check value"), Field(examples=["a1b2c3d4"])
]
Transfer = Annotated[bool, Label("下发到电表", "Change them in the meter")]


class UseKeys(Message):
    """A version of a meter's keys that lies in the safe. `transfer`: the meter is told them under those in force; otherwise it has
    them already, as it came from its maker or after a change whose end was not seen."""

    terminal_no: TerminalNo
    version: KeyVersion
    check_value: CheckValue
    transfer: Transfer = False
    reason: Reason


class MeterKey(Message):
    key_no: Annotated[int, Label("密钥编号", "Key no.")]
    terminal_no: TerminalNo
    org: OrganisationCode
    version: KeyVersion
    check_value: CheckValue
    transfer: Transfer
    state: KeyState
    cause: CauseCode | None
    reason: Annotated[str, Label("事由", "Reason")]
    asked_by: Annotated[str, Label("申请人", "Asked by", dictionary="staff")]
    asked_at: Annotated[AwareDatetime, Label("申请时间", "Asked")]
    approval_no: Annotated[int | None, Label("审批编号", "Approval no.")]
    decided_by: Annotated[str | None, Label("审批人", "Decided by", dictionary="staff")]
    since: Annotated[AwareDatetime | None, Label("启用时间", "In force since")]


class FindKeys(Page):
    """The newest first; pages by number."""

    terminal_no: TerminalNo | None = None
    state: KeyState | None = None


class KeysFound(Message):
    rows: list[MeterKey]
    next: str | None
    as_of: AsOf


class KeysOpen(Problem, noun="acquisition", status=409, zh="该表已有密钥在办", en="Its keys are being changed already"):
    """Fields: terminal_no."""


class NoKeysInForce(
    Problem, noun="acquisition", status=409, zh="该表还没有启用的密钥", en="The meter has no keys in force"
):
    """Fields: terminal_no."""


class KeyOperations(Api):
    """Keys of direct meters."""

    @command(permit="acquisition.key", problems=(TerminalNotFound, OrderNotPossible, KeysOpen, NoKeysInForce))
    def use_keys(self, call: Call, request: UseKeys) -> MeterKey:
        """Asks a second person to agree that a version of a meter's keys is used (启用密钥)."""

    @query(permit="acquisition.read")
    def keys(self, call: Call, request: FindKeys) -> KeysFound:
        """Versions of keys and which are in force."""

"""Messages about the MQTT broker that terminals speak over (消息服务器)."""

from typing import Annotated, Literal

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import AsOf, Instant
from denghuo.kernel.problem import text

BROKER_STATES = Dictionary(
    "acquisition.broker_state",
    {"online": text("已连接", "Connected"), "offline": text("未连接", "Away"), "refused": text("被拒绝", "Refused")},
    tones={"online": "good", "offline": "danger", "refused": "danger"},
)


class FindBrokers(Message):
    """All that fronts of this deployment ever connected to."""


class Broker(Message):
    """The connection of the front that holds it. `dropped`: messages that count for nothing, such as retained ones, too large ones,
    those of nobody's topic and of terminals that flood."""

    address: Annotated[str, Label("消息服务器", "MQTT broker")]
    state: Annotated[Literal["online", "offline", "refused"], Label("连接", "Link", dictionary=BROKER_STATES.name)]
    said: Annotated[str, Label("断开说明", "What it said")]
    since: Annotated[Instant, Label("自", "Since")]
    heard_at: Annotated[Instant | None, Label("最近消息", "Last message")]
    terminals: Annotated[int, Label("终端数", "Terminals")]
    losses: Annotated[int, Label("断开次数", "Losses")]
    messages_in: Annotated[int, Label("收消息", "Messages in")]
    messages_out: Annotated[int, Label("发消息", "Messages out")]
    dropped: Annotated[int, Label("丢弃消息", "Dropped")]


class BrokersFound(Message):
    rows: list[Broker]
    as_of: AsOf


class BrokerOperations(Api):
    """The broker that MQTT terminals speak over."""

    @query(permit="acquisition.read")
    def brokers(self, call: Call, request: FindBrokers) -> BrokersFound:
        """Whether the front is connected to the MQTT broker, since when, and what came and went (消息服务器)."""

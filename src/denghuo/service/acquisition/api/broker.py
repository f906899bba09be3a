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


BROKER_FAULTS = Dictionary(
    "acquisition.broker_fault",
    {
        "not_reached": text("连接不上，请核对 mqtt_broker 与网络", "Not reached: check mqtt_broker and the network"),
        "lost": text("连接中断，正在重连", "The connection was lost; it is tried again"),
        "certificate": text(
            "证书不受信任，请以 mqtt_ca 指定签发者的证书",
            "Its certificate is not trusted: set mqtt_ca to who signed it",
        ),
        "host_name": text(
            "证书属于别的主机，请核对 mqtt_broker 的主机名",
            "Its certificate is another host's: check the host of mqtt_broker",
        ),
        "tls": text(
            "TLS 握手失败，请核对 mqtt_broker 的协议与端口", "TLS failed: check scheme and port of mqtt_broker"
        ),
        "sign_in": text(
            "用户名或密码被拒绝，请核对 mqtt_user 与 mqtt_password",
            "Sign-in refused: check mqtt_user and mqtt_password",
        ),
        "rights": text(
            "订阅被拒绝，请在消息服务器为 mqtt_user 授权",
            "Subscription refused: give mqtt_user its rights at the broker",
        ),
        "declined": text("消息服务器不接受连接，见断开说明", "The broker takes no connection; see what it said"),
    },
)
BrokerFault = Annotated[
    Literal["not_reached", "lost", "certificate", "host_name", "tls", "sign_in", "rights", "declined"],
    Label("故障与处理", "Fault and remedy", dictionary=BROKER_FAULTS.name),
]


class FindBrokers(Message):
    """All that fronts of this deployment ever connected to."""


class Broker(Message):
    """The connection of the front that holds it. `fault`: why there is none, with the setting to look at.
    `dropped`: messages that count for nothing, such as retained ones, too large ones, those of nobody's topic and of terminals that
    flood."""

    address: Annotated[str, Label("消息服务器", "MQTT broker")]
    state: Annotated[Literal["online", "offline", "refused"], Label("连接", "Link", dictionary=BROKER_STATES.name)]
    fault: BrokerFault | None
    said: Annotated[str, Label("断开说明", "What it said")]
    since: Annotated[Instant, Label("状态起始时间", "Since")]
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

"""Settings (设置): defaults, one TOML file, environment `DENGHUO_*`, command line; each value knows where it came from."""

import contextlib
import difflib
import json
import pathlib
import re
import ssl
import tomllib
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import limits
import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from denghuo.kernel.problem import Problem, text

FILE_NAME = "denghuo.toml"
PREFIX = "DENGHUO_"


class SettingRefused(Problem, status=422, zh="设置有误", en="A setting is wrong"):
    """Fields: name, value, origin."""


def _hex_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
        raise ValueError("give 64 hexadecimal digits")
    return value


def _broker(value: str) -> str:
    parts = urllib.parse.urlsplit(value)
    # A port that is none raises by itself.
    plain = parts.hostname and parts.port != 0 and not parts.username and not parts.path.strip("/")
    if value and not (parts.scheme in ("mqtt", "mqtts") and plain):
        raise ValueError("give mqtt://host:1883 or mqtts://host:8883, user and password in settings of their own")
    return value


def _certificates(value: str) -> str:
    try:
        if value:
            ssl.create_default_context(cafile=value)
    except (OSError, ssl.SSLError) as error:
        raise ValueError("give a file with certificates (PEM) that this process may read") from error
    return value


def _rate(value: str) -> str:
    try:
        limits.parse(value)
    except ValueError as error:
        raise ValueError("give a rate such as 30/minute") from error
    return value


class Settings(BaseModel):
    """All settings with their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = Field(default_factory=lambda: platformdirs.user_data_dir("denghuo"))
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8420
    terminal_host: str = "127.0.0.1"
    terminal_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Where terminals connect to (前置接入), in the process that runs acquisition; port 0 picks a free one at each start."""
    terminal_limits: dict[str, float] = Field(default_factory=dict)
    """What the front bears of terminals where it is not what it bears by itself: limit -> value, such as {"connections": 5000}."""
    meter_passwords: dict[str, SecretStr] = Field(default_factory=dict)
    """Passwords (LLS) of direct meters: address -> password. In the environment as JSON."""
    mqtt_broker: Annotated[str, AfterValidator(_broker)] = ""
    """The broker that MQTT terminals speak over (消息服务器), mqtt://host:1883 or mqtts://host:8883; without one they cannot."""
    mqtt_user: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_ca: Annotated[str, AfterValidator(_certificates)] = ""
    """A file with the certificate of who signed the broker's, where this system does not trust it by itself (mqtts)."""
    mqtt_client: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,23}$")] = "denghuo"
    """The name of our session at the broker, the same for all processes of a deployment and nobody else's."""
    cipher_machine: str = ""
    """What proves orders to meters (密码机): a plug-in as `package.module:factory`, or `software`, which is for demonstrations and
    proves nothing. Without one no customer is switched off or on from afar."""
    master_key: Annotated[SecretStr, AfterValidator(_hex_key)] = SecretStr("")
    """64 hexadecimal digits that the file with the keys of direct meters (HLS) is sealed under; without them it is not used."""
    key_file: str = ""
    """That file; `meter.keys` in the data folder where it is not given. Fronts of one deployment share it."""
    key_safe: str = ""
    """A plug-in that keeps the keys of direct meters instead of the file: `package.module:factory`."""
    sandbox_payment: bool = False
    """Whether the sandbox of online payment has its pay page, which makes receipts without money: for demonstrations alone."""
    log: Literal["debug", "info", "warning", "error"] = "warning"
    dsn: SecretStr = SecretStr("")
    """A PostgreSQL server to use instead of the embedded one."""
    key: Annotated[SecretStr, AfterValidator(_hex_key)] = SecretStr("")
    """64 hexadecimal digits that the processes of one deployment share; made in the data folder where it is not given."""
    https: bool = False
    """Browsers reach this process by https, through a proxy that ends it: cookies are then sent by https alone."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Processes beside this one that compute parts of large work, such as a month's curves; 0 where this process does it alone."""
    events_kept_months: Annotated[int, Field(ge=0, le=1_200)] = 0
    """How many months before the present one events of meters and terminals are kept; 0 keeps all. Alarms stay."""
    lake_kept_months: dict[str, int] = Field(default_factory=dict)
    """How many months before the present one measured values are kept, by class: {"voltage_dv": 36}; what is not named stays."""
    sign_in_rate: Annotated[str, AfterValidator(_rate)] = "30/minute"
    """Sign-ins from one address, such as 30/minute; more where many people share an address."""
    peers: dict[str, str] = Field(default_factory=dict)
    """Services that run in other processes: noun -> base address. In the environment as JSON."""


@dataclass(frozen=True)
class Loaded:
    """Effective settings; `origin` names for each where its value came from."""

    settings: Settings
    origin: dict[str, str]

    def rows(self) -> list[tuple[str, str, str]]:
        """(name, value with secrets hidden, origin) in the order of definition."""
        return [(name, str(getattr(self.settings, name)), self.origin[name]) for name in Settings.model_fields]


def load(file: pathlib.Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]) -> Loaded:
    """Merges the sources, the later winning: defaults, file, environment, command line.

    Raises:
        SettingRefused: an unknown name, a value that does not fit, or a file that cannot be read.
    """
    values: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.model_fields, "default")
    environment: dict[str, Any] = {
        name[len(PREFIX) :].lower(): _structured(value)
        for name, value in environ.items()
        if name.startswith(PREFIX) and name[len(PREFIX) :].lower() in Settings.model_fields
    }
    folder = overrides.get("data") or environment.get("data") or Settings().data
    path = file or pathlib.Path(folder) / FILE_NAME
    sources: list[tuple[str, Mapping[str, Any]]] = [
        (f"file {path}", _read(path, required=file is not None)),
        ("environment", environment),
        ("command line", overrides),
    ]
    for source, found in sources:
        for name, value in found.items():
            if name not in Settings.model_fields:
                raise _unknown(name, source)
            values[name], origin[name] = value, source
    try:
        return Loaded(Settings.model_validate(values), origin)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise SettingRefused(
            text(
                f"设置 {name}（来自 {origin[name]}）的值 {first['input']!r} 不合要求：{first['msg']}。请改正后重试。",
                f"Setting {name} (from {origin[name]}) does not fit: {first['input']!r}: {first['msg']}. Mend it and start again.",
            ),
            name=name,
            origin=origin[name],
        ) from error


def _structured(value: str) -> Any:
    """A table in the environment is written as JSON; all else is text."""
    if value.startswith("{"):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def _read(path: pathlib.Path, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if not required:
            return {}
        reason = "not found"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = str(error)
    raise SettingRefused(
        text(
            f"无法读取设置文件 {path}：{reason}。请检查路径与 TOML 语法。",
            f"Unable to read the settings file {path}: {reason}. Check its path and TOML syntax.",
        ),
        name="settings",
        origin=str(path),
    )


def _unknown(name: str, source: str) -> SettingRefused:
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    known = near[0] if near else ", ".join(Settings.model_fields)
    return SettingRefused(
        text(
            f"{source} 中有未知设置 {name}；是否指 {known}？",
            f"Unknown setting {name} in {source}; did you mean {known}?",
        ),
        name=name,
        origin=source,
    )

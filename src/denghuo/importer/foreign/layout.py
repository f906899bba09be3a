"""How a sender's names are ours (映射): meters, channels and, for tables, columns. A mapping is a YAML file."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from denghuo.data.processing.import_files import shown
from denghuo.kernel.contract import Message
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Problem, text

Flow = Literal["active_fwd", "active_rev", "reactive_fwd", "reactive_rev"]
ColumnName = Annotated[str, Field(min_length=1, max_length=120)]
_DAY_MINUTES = 24 * 60


class TableLayout(Message):
    """The columns of a CSV or Parquet table of intervals.

    A row holds one interval (`at`, one value) or a day (`day`, a value for each of its intervals in their order; a name with {n}
    is those of a day's columns, by their number from 1). stamp: whether `at` is where an interval begins or ends. form: of
    instants or days as text, as strptime has it, where they are not written like 2026-04-01T00:15:00. channel: the column that
    names it; without one all values are of `flow`. unit: of the values. quality: the column that says how the values of a row were
    got; estimated: its words that say they are not measured.
    """

    meter: ColumnName
    values: Annotated[list[ColumnName], Field(min_length=1, max_length=_DAY_MINUTES)] | ColumnName
    at: ColumnName | None = None
    day: ColumnName | None = None
    channel: ColumnName | None = None
    flow: Flow = "active_fwd"
    unit: Annotated[str, Field(max_length=10)] = "kWh"
    minutes: Literal[1, 3, 5, 10, 15, 20, 30, 60] = 15
    stamp: Literal["begin", "end"] = "begin"
    form: Annotated[str, Field(max_length=40)] | None = None
    quality: ColumnName | None = None
    estimated: list[Annotated[str, Field(min_length=1, max_length=30)]] = []
    encoding: Literal["utf-8", "gb18030"] = "utf-8"

    @model_validator(mode="after")
    def _whole(self) -> "TableLayout":
        if (self.at is None) == (self.day is None):
            raise ValueError("name either `at`, the column of an instant, or `day`, that of a day")
        count = 1 if self.at is not None else _DAY_MINUTES // self.minutes
        if len(self.value_columns) != count:
            raise ValueError(f"a row has {count} values of {self.minutes} minutes, not {len(self.value_columns)}")
        return self

    @property
    def value_columns(self) -> list[str]:
        if isinstance(self.values, list):
            return self.values
        if "{n}" not in self.values:
            return [self.values]
        return [self.values.replace("{n}", str(number)) for number in range(1, _DAY_MINUTES // self.minutes + 1)]


class Mapping(Message):
    """What is not named is taken as it is.

    meters_by: whether a meter is named by its point (NMI, UsagePoint) or its own serial number; meters: our meter numbers by these
    names; channels: flows by the sender's names of channels; zone: of times that are told without one.
    """

    meters_by: Literal["point", "serial"] = "point"
    meters: dict[str, str] = {}
    channels: dict[str, Flow] = {}
    zone: str = Field(default=str(SHANGHAI), max_length=64)
    table: TableLayout | None = None

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{zone} is no time zone, such as Asia/Shanghai") from error
        return zone


class MappingFaulty(Problem, noun="data", status=422, zh="映射文件有误", en="The mapping file is faulty"):
    """Fields: field, value."""


def mapping_in(words: str) -> Mapping:
    """Raises MappingFaulty, which names the field."""
    try:
        return Mapping.model_validate(yaml.safe_load(words) or {})
    except yaml.YAMLError as error:
        raise MappingFaulty(text(f"不是合法的 YAML：{error}", f"It is no YAML: {error}"), field="", value="") from error
    except ValidationError as error:
        first = error.errors()[0]
        name, value = ".".join(map(str, first["loc"])), shown(first["input"])
        raise MappingFaulty(
            text(f"映射文件 {name} = {value}：{first['msg']}", f"The mapping's {name} = {value}: {first['msg']}"),
            field=name,
            value=value,
        ) from error

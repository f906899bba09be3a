"""How a sender's names are ours (映射): meters, channels and, for tables, columns. A mapping is a YAML file."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from denghuo.data.processing.import_files import shown
from denghuo.kernel.contract import Message
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import text
from denghuo.service.reading.api import Flow, MappingFaulty, MappingForm, OurChannel, OurMeter

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

    @field_validator("form")
    @classmethod
    def _can_be_read(cls, form: str | None) -> str | None:
        try:
            if form is not None:
                datetime.strptime("", form)  # noqa: DTZ007  # only whether it is a form
        except (ValueError, re.error, IndexError) as error:
            if not str(error).startswith("time data"):
                raise ValueError(f"{form} is no form of instants, such as %Y/%m/%d %H:%M ({error})") from error
        return form

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


def mapping_in(words: str) -> Mapping:
    """Raises MappingFaulty, which names the field."""
    try:
        said = yaml.safe_load(words) or {}
    except yaml.YAMLError as error:
        raise MappingFaulty(text(f"不是合法的 YAML：{error}", f"It is no YAML: {error}"), field="", value="") from error
    return _checked(said)


def _checked(said: Any) -> Mapping:
    try:
        return Mapping.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        name, value = ".".join(map(str, first["loc"])), shown(first["input"])
        raise MappingFaulty(
            text(f"映射文件 {name} = {value}：{first['msg']}", f"The mapping's {name} = {value}: {first['msg']}"),
            field=name,
            value=value,
        ) from error


# --- as a form ----------------------------------------------------------------------------------------------------------------

_OF_TABLE = frozenset(TableLayout.model_fields)


def mapping_of(form: MappingForm) -> Mapping:
    """Raises MappingFaulty, which names the field."""
    said = form.model_dump(exclude_none=True, include=set(MappingForm.model_fields))
    table = {name: said.pop(name) for name in _OF_TABLE & set(said)}
    values, estimated = _listed(table.get("values", "")), _listed(table.get("estimated", ""))
    if len(values) > 1:
        table["values"] = values
    table["estimated"] = estimated
    for name, ours in (("meters", "meter_no"), ("channels", "flow")):
        said[name] = {one["theirs"]: one[ours] for one in said[name]}
    return _checked(said | ({"table": table} if "meter" in table else {}))


def form_of(mapping: Mapping) -> MappingForm:
    said: dict[str, Any] = {"meters_by": mapping.meters_by, "zone": mapping.zone}
    if mapping.table is not None:
        table = mapping.table.model_dump(exclude_none=True, exclude={"values", "estimated"})
        values, estimated = mapping.table.values, mapping.table.estimated
        said |= table | {"values": values if isinstance(values, str) else "，".join(values)}
        said |= {"estimated": "，".join(estimated)} if estimated else {}
    return MappingForm(
        meters=[OurMeter(theirs=theirs, meter_no=ours) for theirs, ours in mapping.meters.items()],
        channels=[OurChannel(theirs=theirs, flow=flow) for theirs, flow in mapping.channels.items()],
        **said,
    )


def words_of(mapping: Mapping) -> str:
    """The file of a mapping: what is said otherwise than where nothing is said."""
    said = mapping.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=120)


def _listed(said: str) -> list[str]:
    return [part for part in (one.strip() for one in said.replace("，", ",").split(",")) if part]

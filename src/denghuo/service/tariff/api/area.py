"""Messages and operations about the published price data of areas (分省电价数据)."""

from datetime import date
from typing import Annotated

from pydantic import StringConstraints

from denghuo.kernel.contract import Api, Call, Label, Message, Nothing, query
from denghuo.kernel.fields import TariffCode, TextPair
from denghuo.service.tariff.api.tariff import NoSuchArea
from denghuo.service.tariff.season import SourceNumber


class AreaRow(Message):
    """An area of which price data ships. `complete`: tariffs that can come into force as they are; `partial`: those that lack the
    prices of the month."""

    area: Annotated[str, Label("区域代码", "Area code")]
    title: Annotated[TextPair, Label("区域", "Area")]
    documents: Annotated[str, Label("分时电价文号", "Time-of-use documents")]
    complete: Annotated[int, Label("完整电价", "Complete tariffs")]
    partial: Annotated[int, Label("待补月度价格", "Lacking monthly prices")]


class AreasFound(Message):
    rows: list[AreaRow]


class AreaRef(Message):
    """An area by its code or English name."""

    area: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{2,32}$"), Label("区域", "Area")]


class AreaDocument(Message):
    """A document on time of use of an area, and when it holds."""

    number: SourceNumber
    effective_from: Annotated[date | None, Label("生效日", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日", "Effective to")]
    floats: Annotated[TextPair | None, Label("浮动的价格项目", "Components that float")]
    note: Annotated[TextPair | None, Label("说明", "Note")]
    address: Annotated[str, Label("出处", "Address")]


class AreaTariff(Message):
    """A tariff that ships of an area."""

    code: TariffCode
    title: Annotated[TextPair, Label("电价名称", "Tariff")]
    partial: Annotated[bool, Label("待补月度价格", "Lacks monthly prices")]
    prices: Annotated[int, Label("价格数", "Prices")]
    seasons: Annotated[int, Label("时段组数", "Sets of bands")]


class AreaShown(Message):
    head: AreaRow
    documents: list[AreaDocument]
    tariffs: list[AreaTariff]


class AreaOperations(Api):
    """What is published of price areas."""

    @query(permit="tariff.read")
    def areas(self, call: Call, request: Nothing) -> AreasFound:
        """The areas of which price data ships."""

    @query(permit="tariff.read", problems=(NoSuchArea,))
    def area(self, call: Call, request: AreaRef) -> AreaShown:
        """What ships of one area: its documents and the tariffs made of them."""

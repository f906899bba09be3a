"""A tariff tried on all customers of a month (电价方案测算): who would pay more, who less, by class and use."""

from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import AccountNo, AsOf, MonthText, OrganisationCode, TariffClass, TariffCode, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Energy, Money, Percent

MOVERS_MAX = 50

USES = Dictionary(
    "billing.use",
    {
        "0": text("零电量", "No use"),
        "1-50": text("1–50 千瓦时", "1-50 kWh"),
        "51-170": text("51–170 千瓦时", "51-170 kWh"),
        "171-260": text("171–260 千瓦时", "171-260 kWh"),
        "261-400": text("261–400 千瓦时", "261-400 kWh"),
        "401-1000": text("401–1000 千瓦时", "401-1,000 kWh"),
        "1001-10000": text("1001–10000 千瓦时", "1,001-10,000 kWh"),
        "10001+": text("10000 千瓦时以上", "Over 10,000 kWh"),
    },
)
"""Use in the month, by whole kWh: the class of each kWh is the one that it ends in."""


class TryOnAll(Message):
    """Which tariff on which month. Without a version: the newest published one, or the newest draft where none is. `movers`:
    how many of those who gain and of those who lose most are listed."""

    month: MonthText
    code: TariffCode
    version: Annotated[int, Field(ge=1), Label("版本", "Version")] | None = None
    movers: Annotated[int, Field(ge=0, le=MOVERS_MAX), Label("列出户数", "Accounts listed")] = 10


class Segment(Message):
    """Contracts of a class and a range of use together: what they are charged now, what they would be."""

    row_key: Annotated[str, Label("键", "Key")]
    tariff_class: TariffClass
    use: Annotated[str, Label("月用电量", "Use in the month", dictionary=USES.name)]
    contracts: Annotated[int, Label("合同数", "Contracts")]
    now: Annotated[Money, Label("现行电费", "Now")]
    then: Annotated[Money, Label("测算电费", "Then")]
    difference: Annotated[Money, Label("增减", "Difference")]
    percent: Annotated[Percent | None, Label("增减幅度", "Change")]
    more: Annotated[int, Label("增加户数", "Pay more")]
    less: Annotated[int, Label("减少户数", "Pay less")]


class Mover(Message):
    """One contract and how its charge would change."""

    account_no: AccountNo
    org: OrganisationCode
    tariff_class: TariffClass
    energy: Annotated[Energy, Label("用电量", "Energy")]
    now: Annotated[Money, Label("现行电费", "Now")]
    then: Annotated[Money, Label("测算电费", "Then")]
    difference: Annotated[Money, Label("增减", "Difference")]


class TriedOnAll(Message):
    """`not_rated`: contracts of the tariff's classes that either tariff cannot rate; they are in no figure.

    without_bands: contracts whose meters do not give the bands of the tried tariff, so that it charges them as without.
    by_rules: contracts that were rated one by one, because they are charged more than energy.
    """

    month: MonthText
    code: TariffCode
    version: Annotated[int, Label("版本", "Version")]
    title: Annotated[TextPair, Label("电价名称", "Tariff")]
    contracts: Annotated[int, Label("测算合同数", "Contracts")]
    by_rules: Annotated[int, Label("逐户计费", "Rated one by one")]
    without_bands: Annotated[int, Label("无分时示数", "Without time-of-use registers")]
    not_rated: Annotated[int, Label("未能测算", "Not rated")]
    now: Annotated[Money, Label("现行电费", "Now")]
    then: Annotated[Money, Label("测算电费", "Then")]
    difference: Annotated[Money, Label("增减", "Difference")]
    percent: Annotated[Percent | None, Label("增减幅度", "Change")]
    more: Annotated[int, Label("增加户数", "Pay more")]
    less: Annotated[int, Label("减少户数", "Pay less")]
    same: Annotated[int, Label("不变户数", "Pay the same")]
    segments: Annotated[list[Segment], Label("分类", "Segments")]
    most_more: Annotated[list[Mover], Label("增加最多", "Pay most more")]
    most_less: Annotated[list[Mover], Label("减少最多", "Pay most less")]
    as_of: AsOf


class MonthNotRead(
    NotFound, noun="billing", status=404, zh="该月尚无核算电量", en="The month has no quantities to rate yet"
):
    """Fields: month."""


class NoTariffToTry(NotFound, noun="billing", status=404, zh="没有可测算的电价", en="No such tariff to try"):
    """Fields: code, version."""


class NobodyToTry(
    Problem, noun="billing", status=409, zh="没有适用该电价的用户", en="No contract is of the tariff's classes"
):
    """Fields: code, month."""


class PopulationOperations(Api):
    """A tariff tried on all contracts of a month."""

    @query(permit="billing.try_tariff", problems=(MonthNotRead, NoTariffToTry, NobodyToTry))
    def try_on_all(self, call: Call, request: TryOnAll) -> TriedOnAll:
        """A tariff, draft or published, tried on all contracts of a month within the caller's scope, beside the present one."""

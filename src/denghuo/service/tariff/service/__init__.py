"""Tariffs: implementation of the contract."""

from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service.area import AreasPart
from denghuo.service.tariff.service.table import TablesPart
from denghuo.service.tariff.service.tariff import TariffsPart


class TariffService(
    TariffsPart,
    AreasPart,
    TablesPart,
    TariffApi,
):
    """Every operation, part by part as the contract is put together."""

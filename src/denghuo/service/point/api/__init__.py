"""Contract of the point service (计量点管理): metering points, the meters installed at them, and the network they hang on."""

from denghuo.kernel.contract import Api
from denghuo.service.point.api.exchange import (
    Exchange as Exchange,
    ExchangeMeters as ExchangeMeters,
    ExchangeRow as ExchangeRow,
    Exchanges as Exchanges,
    FindExchanges as FindExchanges,
    MeterExchanged as MeterExchanged,
    ExchangeOperations,
)
from denghuo.service.point.api.installation import (
    INSTALLATION as INSTALLATION,
    UNIT_INSTALLATION as UNIT_INSTALLATION,
    MeterInMonth as MeterInMonth,
    MetersFound as MetersFound,
    MetersIn as MetersIn,
    PublishInstallations as PublishInstallations,
    PublishUnitInstallations as PublishUnitInstallations,
    InstallationOperations,
)
from denghuo.service.point.api.metering import (
    FindPoints as FindPoints,
    HandOver as HandOver,
    HandedOver as HandedOver,
    Installation as Installation,
    NewPoint as NewPoint,
    NotHandedOver as NotHandedOver,
    Point as Point,
    PointLife as PointLife,
    PointNotFound as PointNotFound,
    PointRef as PointRef,
    Points as Points,
    PointsByNumber as PointsByNumber,
    PointsFound as PointsFound,
    PointsOf as PointsOf,
    RegisterPoints as RegisterPoints,
    MeteringOperations,
)
from denghuo.service.point.api.network import (
    Area as Area,
    AreaDetail as AreaDetail,
    AreaNotFound as AreaNotFound,
    AreaName as AreaName,
    AreaNames as AreaNames,
    AreaNumbers as AreaNumbers,
    AreaRef as AreaRef,
    AreaRow as AreaRow,
    Areas as Areas,
    Feeder as Feeder,
    FeederRow as FeederRow,
    Feeders as Feeders,
    FindAreas as FindAreas,
    FindFeeders as FindFeeders,
    Line as Line,
    Network as Network,
    NetworkRequest as NetworkRequest,
    NetworkTaken as NetworkTaken,
    Node as Node,
    OutsideScope as OutsideScope,
    RegisterNetwork as RegisterNetwork,
    RoleCount as RoleCount,
    NetworkOperations,
)


class PointApi(
    MeteringOperations, ExchangeOperations, NetworkOperations, InstallationOperations, Api, noun="point", version=1
):
    """Operations on metering points and the network."""

"""Contract of the tariff service (电价): dated tariffs, drafted by one person, checked, and published by another."""

from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Api, Call, Nothing, command, query
from denghuo.kernel.fields import Document
from denghuo.service.tariff.api.area import AreaDocument, AreaRef, AreaRow, AreasFound, AreaShown, AreaTariff
from denghuo.service.tariff.api.calendar import (
    DAY_TABLES,
    NATION,
    AskCalendar,
    AskTemperatures,
    AskWorkingDays,
    CalendarShown,
    DayMaximum,
    DayPeriod,
    DaysFaulty,
    DaysPublished,
    DayTableDay,
    DayTableKind,
    DayTablePublished,
    DayTableRef,
    DayTableRow,
    DayTablesFound,
    DayTableShown,
    DraftDays,
    FindDayTables,
    NoSuchDayTable,
    Temperatures,
    WorkingDays,
)
from denghuo.service.tariff.api.day import AskBands, AskedDay, BandsOfDays, BandSpan
from denghuo.service.tariff.api.spot import (
    SPOT_SERIES,
    AskSpotPrices,
    DraftSpotPrices,
    FindSpotTables,
    NoSuchSpotTable,
    SpotDay,
    SpotDayRow,
    SpotFaulty,
    SpotNode,
    SpotPrices,
    SpotPricesPublished,
    SpotPublished,
    SpotSeries,
    SpotTableRef,
    SpotTableRow,
    SpotTablesFound,
    SpotTableShown,
)
from denghuo.service.tariff.api.table import (
    DraftPriceTable,
    FindPriceTables,
    NoSuchPriceTable,
    NothingToCorrect,
    PriceTableFaulty,
    PriceTablePublished,
    PriceTableRef,
    PriceTableRow,
    PriceTablesFound,
    PriceTableShown,
    TableDifference,
    TableFault,
    TableVersion,
)
from denghuo.service.tariff.api.tariff import (
    IN_FORCE_MAX,
    PRICE_UNITS,
    SEVERITIES,
    STATUSES,
    TEXT_MAX,
    AreaCode,
    CheckTariff,
    CompareTariffs,
    Difference,
    Drafted,
    DraftTariff,
    DraftWithdrawn,
    Finding,
    FindTariffs,
    InForce,
    Loaded,
    LoadPublished,
    NoSuchArea,
    NotADraft,
    OverlappingTariff,
    PartialTariff,
    PriceRow,
    PriceTableCorrected,
    PriceUnit,
    ReadUrdb,
    ReplacedVersion,
    SamePerson,
    Severity,
    Status,
    TariffDifferences,
    TariffFaulty,
    TariffFindings,
    TariffNotFound,
    TariffPublished,
    TariffRef,
    TariffRow,
    TariffsFound,
    TariffShown,
    TariffsInForce,
    TariffVersion,
    TierRow,
    TimeRow,
    UnitArea,
    UrdbFinding,
    UrdbPrice,
    UrdbTariff,
    UrdbTariffs,
    VersionNo,
)
from denghuo.service.tariff.api.unit_area import (
    AreaAssigned,
    AreaRefused,
    AskUnitAreas,
    AssignAreas,
    AssignedArea,
    PriceArea,
    UnitAreaRow,
    UnitAreas,
    UnitAreasFound,
    covers,
)
from denghuo.service.tariff.document import (
    AGENCY_CASES,
    BASIC_LINES,
    CHARGED_BY,
    CHARGES,
    COMPONENTS,
    GROUPS,
    KINDS,
    QUANTITIES,
    SETTLEMENTS,
    AgencyCase,
    AgencyMultiple,
    BasicCharge,
    Charge,
    ChargedBy,
    Component,
    DemandDiscount,
    DemandRule,
    Example,
    ExampleLine,
    ExampleQuantity,
    Exemption,
    FreeEnergy,
    Group,
    HouseholdRoom,
    Kind,
    PowerFactor,
    PriceAt,
    QuantityKind,
    Rounding,
    Settlement,
    Source,
    Standard,
    StandardFor,
    Subsidy,
    TariffDocument,
    TierNumber,
    Tiers,
    TierTable,
    floated_price,
)
from denghuo.service.tariff.season import (
    BAND_ORDER,
    BANDS,
    DAY_TYPES,
    Band,
    BandWindows,
    DayType,
    Season,
    SourceNumber,
    Window,
    seasons_on,
    share_of_flat,
)

__all__ = [
    "AGENCY_CASES",
    "BANDS",
    "BAND_ORDER",
    "BASIC_LINES",
    "CHARGED_BY",
    "CHARGES",
    "COMPONENTS",
    "DAY_TABLES",
    "DAY_TYPES",
    "GROUPS",
    "IN_FORCE_MAX",
    "KINDS",
    "NATION",
    "PRICE_UNITS",
    "QUANTITIES",
    "SETTLEMENTS",
    "SEVERITIES",
    "SPOT_SERIES",
    "STATUSES",
    "TEXT_MAX",
    "AgencyCase",
    "AgencyMultiple",
    "AreaAssigned",
    "AreaCode",
    "AreaDocument",
    "AreaRef",
    "AreaRefused",
    "AreaRow",
    "AreaShown",
    "AreaTariff",
    "AreasFound",
    "AskBands",
    "AskCalendar",
    "AskSpotPrices",
    "AskTemperatures",
    "AskUnitAreas",
    "AskWorkingDays",
    "AskedDay",
    "AssignAreas",
    "AssignedArea",
    "Band",
    "BandSpan",
    "BandWindows",
    "BandsOfDays",
    "BasicCharge",
    "CalendarShown",
    "Charge",
    "ChargedBy",
    "CheckTariff",
    "CompareTariffs",
    "Component",
    "DayMaximum",
    "DayPeriod",
    "DayTableDay",
    "DayTableKind",
    "DayTablePublished",
    "DayTableRef",
    "DayTableRow",
    "DayTableShown",
    "DayTablesFound",
    "DayType",
    "DaysFaulty",
    "DaysPublished",
    "DemandDiscount",
    "DemandRule",
    "Difference",
    "DraftDays",
    "DraftPriceTable",
    "DraftSpotPrices",
    "DraftTariff",
    "DraftWithdrawn",
    "Drafted",
    "Example",
    "ExampleLine",
    "ExampleQuantity",
    "Exemption",
    "FindDayTables",
    "FindPriceTables",
    "FindSpotTables",
    "FindTariffs",
    "Finding",
    "FreeEnergy",
    "Group",
    "HouseholdRoom",
    "InForce",
    "Kind",
    "LoadPublished",
    "Loaded",
    "NoSuchArea",
    "NoSuchDayTable",
    "NoSuchPriceTable",
    "NoSuchSpotTable",
    "NotADraft",
    "NothingToCorrect",
    "OverlappingTariff",
    "PartialTariff",
    "PowerFactor",
    "PriceArea",
    "PriceAt",
    "PriceRow",
    "PriceTableCorrected",
    "PriceTableFaulty",
    "PriceTablePublished",
    "PriceTableRef",
    "PriceTableRow",
    "PriceTableShown",
    "PriceTablesFound",
    "PriceUnit",
    "QuantityKind",
    "ReadUrdb",
    "ReplacedVersion",
    "Rounding",
    "SamePerson",
    "Season",
    "Settlement",
    "Severity",
    "Source",
    "SourceNumber",
    "SpotDay",
    "SpotDayRow",
    "SpotFaulty",
    "SpotNode",
    "SpotPrices",
    "SpotPricesPublished",
    "SpotPublished",
    "SpotSeries",
    "SpotTableRef",
    "SpotTableRow",
    "SpotTableShown",
    "SpotTablesFound",
    "Standard",
    "StandardFor",
    "Status",
    "Subsidy",
    "TableDifference",
    "TableFault",
    "TableVersion",
    "TariffApi",
    "TariffDifferences",
    "TariffDocument",
    "TariffFaulty",
    "TariffFindings",
    "TariffNotFound",
    "TariffPublished",
    "TariffRef",
    "TariffRow",
    "TariffShown",
    "TariffVersion",
    "TariffsFound",
    "TariffsInForce",
    "Temperatures",
    "TierNumber",
    "TierRow",
    "TierTable",
    "Tiers",
    "TimeRow",
    "UnitArea",
    "UnitAreaRow",
    "UnitAreas",
    "UnitAreasFound",
    "UrdbFinding",
    "UrdbPrice",
    "UrdbTariff",
    "UrdbTariffs",
    "VersionNo",
    "Window",
    "WorkingDays",
    "covers",
    "floated_price",
    "seasons_on",
    "share_of_flat",
]


class TariffApi(Api, noun="tariff", version=1):
    """Operations on tariffs."""

    @command(permit="tariff.draft", problems=(TariffFaulty,))
    def draft(self, call: Call, request: DraftTariff) -> Drafted:
        """Stores a draft as the next version of its code, or in place of the open draft of that code."""

    @query(permit="tariff.read")
    def check(self, call: Call, request: CheckTariff) -> TariffFindings:
        """Checks a tariff and says what is wrong and where; stores nothing."""

    @command(
        permit="tariff.publish",
        problems=(TariffNotFound, NotADraft, SamePerson, TariffFaulty, PartialTariff, OverlappingTariff),
        emits=(TariffPublished,),
    )
    def publish(self, call: Call, request: TariffVersion) -> TariffRow:
        """Puts a draft into force by a second person. An open-ended predecessor ends where it begins; any other overlap is
        refused."""

    @command(permit="tariff.draft", problems=(TariffNotFound, NotADraft))
    def withdraw(self, call: Call, request: TariffVersion) -> DraftWithdrawn:
        """Takes back a draft."""

    @command(permit="tariff.load", problems=(NoSuchArea, TariffFaulty, OverlappingTariff), emits=(TariffPublished,))
    def load_published(self, call: Call, request: LoadPublished) -> Loaded:
        """Takes over the published price data of an area that ships with Denghuo; a repeat changes nothing."""

    @command(permit="tariff.assign", problems=(AreaRefused,))
    def assign_area(self, call: Call, request: UnitArea) -> AreaAssigned:
        """As `assign_areas`, of one unit."""

    @command(permit="tariff.assign")
    def assign_areas(self, call: Call, request: AssignAreas) -> BatchTaken:
        """Says by which area's tariffs the customers of units are billed from a day on. What was rated before stays until it is
        calculated again."""

    @query(permit="tariff.read")
    def unit_areas(self, call: Call, request: AskUnitAreas) -> UnitAreasFound:
        """The units of the caller's scope with the price area of each on a day, and all that was said of them."""

    @query(permit="tariff.read")
    def areas(self, call: Call, request: Nothing) -> AreasFound:
        """The areas of which price data ships."""

    @query(permit="tariff.read", problems=(NoSuchArea,))
    def area(self, call: Call, request: AreaRef) -> AreaShown:
        """What ships of one area: its documents and the tariffs made of them."""

    @command(
        permit="tariff.draft",
        problems=(NoSuchArea, PriceTableFaulty, PriceTablePublished, NothingToCorrect, TariffFaulty),
    )
    def draft_price_table(self, call: Call, request: DraftPriceTable) -> PriceTableShown:
        """Reads the price table of a month and drafts the month's version of each business tariff of the area: prices from the
        table, everything else from the month before. Another draft of the month is replaced. A correction of a published table is
        compared with that table; a tariff that it does not price stays as it is."""

    @command(
        permit="tariff.publish",
        problems=(NoSuchPriceTable, PriceTablePublished, SamePerson, NotADraft, TariffFaulty, OverlappingTariff),
        emits=(TariffPublished, PriceTableCorrected),
    )
    def publish_price_table(self, call: Call, request: PriceTableRef) -> PriceTableShown:
        """Puts all versions of a month's price table into force in one step, by a second person. Those of a correction hold from
        then on instead of those they replace; as known on a day before, the replaced ones do."""

    @query(permit="tariff.read")
    def price_tables(self, call: Call, request: FindPriceTables) -> PriceTablesFound:
        """Monthly price tables that came in."""

    @query(permit="tariff.read", problems=(NoSuchPriceTable,))
    def price_table(self, call: Call, request: PriceTableRef) -> PriceTableShown:
        """One price table with what differs from the month before, or from the table it corrects, in words."""

    @command(permit="tariff.draft", problems=(SpotFaulty, SpotPublished, NothingToCorrect))
    def draft_spot_prices(self, call: Call, request: DraftSpotPrices) -> SpotTableShown:
        """Reads the spot prices of days of a month and keeps them as a draft; another draft of the month is replaced."""

    @command(
        permit="tariff.publish",
        problems=(NoSuchSpotTable, SpotPublished, SamePerson),
        emits=(SpotPricesPublished,),
    )
    def publish_spot_prices(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        """Puts the days of a draft into force, by a second person; those that they correct hold no more from then on."""

    @query(permit="tariff.read")
    def spot_tables(self, call: Call, request: FindSpotTables) -> SpotTablesFound:
        """Files of spot prices that came in."""

    @query(permit="tariff.read", problems=(NoSuchSpotTable,))
    def spot_table(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        """One file of spot prices with its days; of a draft that corrects, beside what it corrects."""

    @query(permit="tariff.read")
    def spot_prices(self, call: Call, request: AskSpotPrices) -> SpotPrices:
        """The prices of a node that stand for a month, or stood as known at an instant."""

    @query(permit="tariff.read")
    def spot_file(self, call: Call, request: AskSpotPrices) -> Document:
        """The same as a file, as it can be taken in again and as the verifier reads it."""

    @command(permit="tariff.draft", problems=(DaysFaulty, DaysPublished, NothingToCorrect))
    def draft_days(self, call: Call, request: DraftDays) -> DayTableShown:
        """Reads a table of days and keeps it as a draft; another draft of the same kind, area and period is replaced."""

    @command(permit="tariff.publish", problems=(NoSuchDayTable, DaysPublished, SamePerson), emits=(DayTablePublished,))
    def publish_days(self, call: Call, request: DayTableRef) -> DayTableShown:
        """Puts a table of days into force, by a second person; the one that it corrects holds no more from then on."""

    @query(permit="tariff.read")
    def day_tables(self, call: Call, request: FindDayTables) -> DayTablesFound:
        """Tables of holidays and of temperatures that came in."""

    @query(permit="tariff.read", problems=(NoSuchDayTable,))
    def day_table(self, call: Call, request: DayTableRef) -> DayTableShown:
        """One table with its days."""

    @query(permit="tariff.read")
    def working_days(self, call: Call, request: AskWorkingDays) -> WorkingDays:
        """Which of some days are working days by the published holidays of the country, for whatever is due in working days."""

    @query(permit="tariff.read")
    def temperatures(self, call: Call, request: AskTemperatures) -> Temperatures:
        """The highest temperatures that are published of an area."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def calendar(self, call: Call, request: AskCalendar) -> CalendarShown:
        """What the bands of a tariff hang on in a month: kinds of days, holidays and heat, by the published tables."""

    @query(permit="tariff.read")
    def tariffs(self, call: Call, request: FindTariffs) -> TariffsFound:
        """Versions of tariffs in the order of code and version."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def tariff(self, call: Call, request: TariffRef) -> TariffShown:
        """One tariff as a page shows it."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def tariff_file(self, call: Call, request: TariffRef) -> Document:
        """One tariff as a tariff file (YAML), as it can be drafted again."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def bands(self, call: Call, request: AskBands) -> BandsOfDays:
        """Which band of a tariff holds at which time of given days: what an energy curve needs to become band energies."""

    @query(permit="tariff.read", problems=(TariffFaulty,))
    def read_urdb(self, call: Call, request: ReadUrdb) -> UrdbTariffs:
        """Reads a rate of the United States Utility Rate Database as tariffs; stores nothing."""

    @query(permit="tariff.read")
    def in_force(self, call: Call, request: InForce) -> TariffsInForce:
        """The published tariffs in force on a day."""

    @query(permit="tariff.read", problems=(TariffNotFound,))
    def compare(self, call: Call, request: CompareTariffs) -> TariffDifferences:
        """What differs between two versions, in words."""

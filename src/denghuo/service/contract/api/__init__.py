"""Contract of the contract service (合同管理): what utility and customer agreed on, and from which day."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import (
    Api,
    Call,
    DatasetRef,
    DatasetSchema,
    Dictionary,
    Event,
    Label,
    Message,
    Page,
    command,
    query,
)
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    ContractNo,
    Instant,
    MonthText,
    OrganisationCode,
    PointNo,
    Reason,
    TariffClass,
    TariffCode,
    TextPair,
    Voltage,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import ApparentPower, Power
from denghuo.service.contract.api.entitlement import (
    ENTITLEMENTS as ENTITLEMENTS,
    EndEntitlement as EndEntitlement,
    EntitledFound as EntitledFound,
    EntitledListRefused as EntitledListRefused,
    Entitlement as Entitlement,
    EntitlementKind as EntitlementKind,
    EntitlementNotFound as EntitlementNotFound,
    EntitlementRefused as EntitlementRefused,
    FindEntitled as FindEntitled,
    ImportEntitled as ImportEntitled,
    ListEntitled as ListEntitled,
    NewEntitlement as NewEntitlement,
)
from denghuo.service.contract.api.fee_control import (
    FEE_CONTROL as FEE_CONTROL,
    FEE_WAYS as FEE_WAYS,
    AgreeFeeControl as AgreeFeeControl,
    FeeControl as FeeControl,
    FeeControlAgreed as FeeControlAgreed,
    FeeControlRefused as FeeControlRefused,
    FeeWay as FeeWay,
    Protected as Protected,
    PublishFeeControl as PublishFeeControl,
)
from denghuo.service.contract.api.household import (
    RENEWED_AFTER_YEARS as RENEWED_AFTER_YEARS,
    FindHouseholds as FindHouseholds,
    Household as Household,
    HouseholdsFound as HouseholdsFound,
)
from denghuo.service.contract.api.special import (
    FIELDS as FIELDS,
    LOSS_WAYS as LOSS_WAYS,
    PART_WAYS as PART_WAYS,
    PF_USES as PF_USES,
    RESALES as RESALES,
    SETTLEMENTS as SETTLEMENTS,
    STANDARDS as STANDARDS,
    STATES as STATES,
    TAKEN_FROM as TAKEN_FROM,
    AgreeSpecial as AgreeSpecial,
    AppliedOn,
    BehindTransformer as BehindTransformer,
    Charging as Charging,
    ForwardEnergy as ForwardEnergy,
    GreenPower as GreenPower,
    LineLoss as LineLoss,
    LineLosses as LineLosses,
    Losses as Losses,
    LossRow as LossRow,
    LossRows as LossRows,
    Lowered as Lowered,
    Part as Part,
    PlannedEnergy as PlannedEnergy,
    RetailPrice as RetailPrice,
    RetailSpotShare as RetailSpotShare,
    Settlement as Settlement,
    SpecialRefused as SpecialRefused,
    SpecialTerms as SpecialTerms,
    Standard as Standard,
    Transformer as Transformer,
    TransformerLoss as TransformerLoss,
    Transformers as Transformers,
    Use as Use,
)


KINDS = Dictionary(
    "contract.kind", {"supply": text("供用电合同", "Supply"), "purchase": text("购售电合同", "Purchase")}
)
ContractKind = Annotated[Literal["supply", "purchase"], Label("合同类别", "Kind", dictionary=KINDS.name)]
ContractPower = Annotated[Power, Label("合同功率", "Contracted power")]
Capacity = Annotated[ApparentPower, Label("受电容量", "Capacity")]
Generation = Annotated[Power, Label("发电容量", "Generating capacity")]
EffectiveFrom = Annotated[date, Label("生效日期", "Effective from")]
EffectiveTo = Annotated[date, Label("失效日期", "Effective to (first day without)")]

TERMS = DatasetSchema(
    "contract.terms",
    2,
    {
        "contract_no": "text",
        "account_no": "text",
        "org": "text",
        "kind": "text",
        "tariff_class": "text",
        "tariff_code": "text",
        "voltage_kv": "text",
        "contract_w": "int64",
        "capacity_va": "int64",
        "pv_w": "int64",
        "settlement_mode": "text",
        "pf_standard": "int32",
        # `SpecialTerms`; null in nearly all rows
        "special": "json",
        "effective_from": "date",
        "effective_to": "date",
    },
    text("合同条款", "Terms of contracts"),
)


class NewContract(Message):
    """A contract as it is taken over or signed. Its unit is that of the account."""

    contract_no: ContractNo
    account_no: AccountNo
    kind: ContractKind
    tariff_class: TariffClass
    tariff_code: TariffCode | None = None
    voltage_kv: Voltage
    contract_kw: ContractPower | None = None
    capacity_kva: Capacity | None = None
    pv_kw: Generation | None = None
    settlement_mode: Settlement
    effective_from: EffectiveFrom
    effective_to: EffectiveTo | None = None
    special: SpecialTerms | None = None
    fee_control: FeeWay | None = None
    protected: Protected | None = None


class SignContracts(Message):
    contracts: Annotated[list[NewContract], Field(min_length=1, max_length=ITEMS_MAX)]


class Terms(Message):
    """What is agreed for a time, `effective_to` being the first day on which it no longer holds."""

    effective_from: EffectiveFrom
    effective_to: EffectiveTo | None
    tariff_class: TariffClass
    tariff_code: TariffCode | None
    voltage_kv: Voltage
    contract_kw: ContractPower | None
    capacity_kva: Capacity | None
    pv_kw: Generation | None
    settlement_mode: Settlement
    pf_standard: Standard | None
    special: SpecialTerms | None = None
    special_said: Annotated[TextPair | None, Label("专用条款", "Special terms")] = None


class Contract(Terms):
    """A contract with the terms that are in force, or else the last that were, and the fee control of today."""

    contract_no: ContractNo
    account_no: AccountNo
    org: OrganisationCode
    kind: ContractKind
    fee_control: FeeWay | None = None
    protected: Protected = False


class FindContracts(Page):
    """A search by contract or account number; pages by contract number."""

    keyword: Annotated[str, StringConstraints(max_length=64), Label("合同编号/户号", "Contract or account no.")] = ""
    kind: ContractKind | None = None
    tariff_class: TariffClass | None = None
    settlement_mode: Settlement | None = None
    fee_control: FeeWay | None = None
    org: OrganisationCode | None = None


class ContractsFound(Message):
    rows: list[Contract]
    total: Annotated[int, Label("合计", "Total")]
    next: str | None
    as_of: AsOf


class ContractsOf(Message):
    account_no: AccountNo


class Contracts(Message):
    rows: list[Contract]
    as_of: AsOf


class ContractRef(Message):
    """known_at: with the terms as they were recorded then, else as they are now."""

    contract_no: ContractNo
    known_at: Instant | None = None


class TermsIn(Message):
    """The month of up to 1,000 accounts. known_at: as it was recorded then, else as it is now."""

    month: MonthText
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]
    known_at: Instant | None = None


class TermsFound(Message):
    """Contracts with the terms of each span of the month that has terms of its own, in the order of accounts and days."""

    rows: list[Contract]
    as_of: AsOf


class MarketIn(Message):
    """Asks who is settled on the market on any of the days, both included, page by page in the order of accounts. known_at: as it
    was recorded then, else as it is now."""

    first_day: date
    last_day: date
    known_at: Instant | None = None
    after: AccountNo | None = None


class MarketAccounts(Message):
    """At most 1,000 accounts; next: the `after` of the next page, None on the last."""

    account_nos: list[AccountNo]
    next: AccountNo | None
    as_of: AsOf


class MainsOf(Message):
    """Asks behind whose main meters meters of accounts are, on any day from the first on; last_day None: without an end."""

    account_nos: Annotated[list[AccountNo], Field(max_length=1_000)]
    first_day: date
    last_day: date | None = None


class MainMeter(Message):
    """A sub-meter of one account behind the main meter of another; effective_to: the first day on which it is no longer."""

    account_no: AccountNo
    main_account_no: Annotated[AccountNo, Label("总表户号", "Account of the main meter")]
    org: OrganisationCode
    point_no: PointNo
    effective_from: date
    effective_to: date | None


class MainMeters(Message):
    """In the order of accounts, main accounts and days."""

    rows: list[MainMeter]
    as_of: AsOf


class ContractHistory(Message):
    """A contract, all its terms and all its fee control, the newest first."""

    contract: Contract
    history: list[Terms]
    fee_controls: list[FeeControl] = []
    as_of: AsOf


class ChangeTerms(Message):
    """Other terms from a day on; what is left out stays as it is. `plan_default` goes back to the class's own tariff.
    applied_on: when the customer asked for it, from which a notice is counted; today where it is left out."""

    contract_no: ContractNo
    effective_from: EffectiveFrom
    tariff_class: TariffClass | None = None
    tariff_code: TariffCode | None = None
    plan_default: Annotated[bool, Label("执行默认电价", "Default tariff")] = False
    voltage_kv: Voltage | None = None
    contract_kw: ContractPower | None = None
    capacity_kva: Capacity | None = None
    pv_kw: Generation | None = None
    settlement_mode: Settlement | None = None
    applied_on: AppliedOn | None = None
    reason: Reason


class EndContract(Message):
    contract_no: ContractNo
    effective_to: EffectiveTo
    reason: Reason


class PublishTerms(Message):
    month: MonthText


class TermsChanged(Event, name="contract.terms.changed", version=1):
    contract_no: str
    account_no: str
    effective_from: date


class ContractNotFound(NotFound, noun="contract", status=404, zh="未找到该合同", en="No such contract"):
    """Fields: contract_no. Raised also for a contract outside the caller's organisation scope."""


class TermsConflict(Problem, noun="contract", status=409, zh="条款日期冲突", en="The dates of the terms conflict"):
    """Fields: contract_no, field, value."""


class ChangeLimited(
    Problem,
    noun="contract",
    status=409,
    zh="变更未满足周期或提前申请的要求",
    en="The change comes too often or too soon",
):
    """Fields: contract_no, field, value, document, earliest: the first day on which the change can take effect."""


class ContractApi(Api, noun="contract", version=1):
    """Operations on contracts."""

    @command(permit="contract.sign")
    def sign_contracts(self, call: Call, request: SignContracts) -> BatchTaken:
        """Takes up to 1,000 contracts. An account has one contract of a kind at a time: overlap is refused, the rest is taken."""

    @command(permit="contract.change", problems=(ContractNotFound, TermsConflict, ChangeLimited), emits=(TermsChanged,))
    def change_terms(self, call: Call, request: ChangeTerms) -> ContractHistory:
        """Other terms from a day on, such as a change of tariff or capacity (变更). Days before keep what they had. How often and
        how long ahead a two-part customer changes the basis of the basic charge or the contract demand is limited."""

    @command(
        permit="contract.change",
        problems=(ContractNotFound, TermsConflict, ChangeLimited, SpecialRefused),
        emits=(TermsChanged,),
    )
    def agree_special(self, call: Call, request: AgreeSpecial) -> ContractHistory:
        """Special terms from a day on: losses, transformers and their states, sub-meters and fixed shares, households, agency
        cases. A month in which they change is billed in stages. How long ahead a two-part customer asks for a pause is limited,
        and how short or long pauses and temporary exchanges may be."""

    @command(permit="contract.change", problems=(ContractNotFound, FeeControlRefused), emits=(FeeControlAgreed,))
    def agree_fee_control(self, call: Call, request: AgreeFeeControl) -> ContractHistory:
        """Fee control of a supply contract from a day on, or its end: whether the account is estimated every day and told before
        its balance is used up. Bills are not changed by it."""

    @command(permit="contract.change")
    def list_entitled(self, call: Call, request: ListEntitled) -> BatchTaken:
        """Takes up to 1,000 households that are entitled to free energy for whole months. Bills of these months give what the
        tariff grants, once, whatever the special terms say; the same list again changes nothing."""

    @command(permit="contract.change", problems=(EntitledListRefused,))
    def import_entitled(self, call: Call, request: ImportEntitled) -> BatchTaken:
        """The same of a CSV list; `item` of a refusal is the line in the list: the heading's is 1."""

    @command(permit="contract.change", problems=(EntitlementNotFound, EntitlementRefused))
    def end_entitlement(self, call: Call, request: EndEntitlement) -> Entitlement:
        """Ends an entitlement before it expires. Bills that were issued stay as they are until they are computed anew."""

    @query(permit="contract.read")
    def entitled(self, call: Call, request: FindEntitled) -> EntitledFound:
        """Households entitled to free energy, with their evidence and who listed them, in the order in which they were listed."""

    @query(permit="contract.read")
    def households(self, call: Call, request: FindHouseholds) -> HouseholdsFound:
        """Larger households with additional room in the first tier: from the month after their acceptance, renewed every two years;
        in the order of contracts."""

    @command(permit="contract.change", problems=(ContractNotFound, TermsConflict), emits=(TermsChanged,))
    def end_contract(self, call: Call, request: EndContract) -> ContractHistory:
        """Ends a contract: from the given day on it has no terms."""

    @query(permit="contract.read")
    def find_contracts(self, call: Call, request: FindContracts) -> ContractsFound:
        """Finds contracts by number, kind, class and settlement within the caller's organisation scope."""

    @query(permit="contract.read")
    def contracts_of(self, call: Call, request: ContractsOf) -> Contracts:
        """The contracts of an account."""

    @query(permit="contract.read", problems=(ContractNotFound,))
    def terms_of(self, call: Call, request: ContractRef) -> ContractHistory:
        """One contract with all terms it has had."""

    @query(permit="contract.read")
    def terms_in(self, call: Call, request: TermsIn) -> TermsFound:
        """The terms of a few accounts that hold on any day of a month: the rows that `contract.terms` has of them."""

    @query(permit="contract.read")
    def market_accounts(self, call: Call, request: MarketIn) -> MarketAccounts:
        """Accounts with a contract that is settled on the market, whole or in part of the days."""

    @query(permit="contract.read")
    def mains_of(self, call: Call, request: MainsOf) -> MainMeters:
        """The main meters of other accounts that meters of accounts are taken off."""

    @command(permit="contract.publish")
    def publish_terms(self, call: Call, request: PublishTerms) -> DatasetRef:
        """Publishes the terms that hold on any day of a month as the dataset `contract.terms`; same terms, same reference."""

    @command(permit="contract.publish")
    def publish_fee_control(self, call: Call, request: PublishFeeControl) -> DatasetRef:
        """Publishes the accounts that are under fee control on a day as the dataset `contract.fee_control`."""

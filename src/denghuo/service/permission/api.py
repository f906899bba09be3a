"""Contract of the permission service (权限管理): organisations, roles as data, staff and their appointments to posts."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Day, OrganisationCode, Reason, TextPair, UserName
from denghuo.kernel.problem import NotFound, Problem, text

ITEMS_MAX = 1_000
BEGINNING = date(2000, 1, 1)
"""From when an organisation counts whose source states no day."""

ORGANISATION_KINDS = Dictionary(
    "permission.organisation_kind",
    {"company": text("公司", "Company"), "station": text("供电所", "Supply station")},
)
ROLES = Dictionary(
    "permission.role",
    {
        "manager": text("营销主任", "Manager"),
        "billing_accountant": text("核算员", "Billing accountant"),
        "reading_clerk": text("抄表员", "Reading clerk"),
        "cashier": text("收费员", "Cashier"),
        "ledger_accountant": text("账务员", "Ledger accountant"),
        "tariff_clerk": text("电价员", "Tariff clerk"),
        "tariff_approver": text("电价审批人", "Tariff approver"),
        "loss_analyst": text("线损专责", "Loss analyst"),
        "asset_clerk": text("资产员", "Asset clerk"),
        "administrator": text("系统管理员", "Administrator"),
        "auditor": text("审计员", "Auditor"),
        "customer": text("用电客户", "Customer"),
    },
)
STAFF_STATES = Dictionary(
    "permission.staff_state",
    {"active": text("在职", "Active"), "left": text("已离职", "Left")},
    tones={"active": "good", "left": "plain"},
)

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
OrganisationName = Annotated[
    str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True, pattern=_PLAIN), Label("名称", "Name")
]
OrganisationKind = Annotated[Literal["company", "station"], Label("类型", "Kind", dictionary=ORGANISATION_KINDS.name)]
StaffName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True, pattern=_PLAIN), Label("姓名", "Name")
]
StaffPhone = Annotated[str, StringConstraints(pattern=r"^[0-9+\-]{5,20}$"), Label("电话", "Phone", mask="phone")]
StaffState = Annotated[Literal["active", "left"], Label("状态", "State", dictionary=STAFF_STATES.name)]
RoleCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z_]{1,39}$"), Label("角色", "Role", dictionary=ROLES.name)
]
Permit = Annotated[str, StringConstraints(pattern=r"^[a-z]+\.([a-z_]+|\*)$", max_length=64), Label("权限", "Permit")]
Parent = Annotated[OrganisationCode | None, Label("上级单位", "Superior", dictionary="organisation")]
FromDay = Annotated[date, Label("起始日期", "From")]
ToDay = Annotated[date | None, Label("截止日期", "Until")]


class NewOrganisation(Message):
    """An organisation as it is from a day on. Its code begins with its superior's code and a dot, because scope is a prefix."""

    code: OrganisationCode
    name: OrganisationName
    name_en: Annotated[
        str, StringConstraints(max_length=120, strip_whitespace=True), Label("英文名称", "English name")
    ] = ""
    kind: OrganisationKind
    parent: Parent = None
    address: Annotated[str, StringConstraints(max_length=256), Label("地址", "Address")] = ""
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+\-]{0,20}$"), Label("电话", "Phone")] = ""
    from_day: FromDay = BEGINNING


class RegisterOrganisations(Message):
    organisations: Annotated[list[NewOrganisation], Field(min_length=1, max_length=ITEMS_MAX)]


class RefusedOrganisation(Message):
    """Why one organisation of a batch was not taken; the others were."""

    code: OrganisationCode
    zh: str
    en: str


class OrganisationsRegistered(Message):
    registered: int
    changed: int
    unchanged: int
    refused: list[RefusedOrganisation]


class Organisations(Message):
    """Asks for the tree as it stands on a day; without a day, today. codes: of these units alone."""

    on: Day | None = None
    codes: Annotated[list[OrganisationCode], Field(max_length=ITEMS_MAX)] | None = None


class Organisation(Message):
    code: OrganisationCode
    name: OrganisationName
    name_en: Annotated[str, Label("英文名称", "English name")]
    kind: OrganisationKind
    parent: Parent
    address: Annotated[str, Label("地址", "Address")]
    phone: Annotated[str, Label("电话", "Phone")]
    from_day: FromDay
    to_day: ToDay


class OrganisationTree(Message):
    """Organisations in the order of their codes, so that superiors come before those below them."""

    rows: list[Organisation]
    total: int
    as_of: AsOf


class RoleDefinition(Message):
    """A role and what it may do; defining a known role again replaces its permits."""

    code: RoleCode
    name: TextPair
    permits: Annotated[list[Permit], Field(max_length=200)]


class DefineRoles(Message):
    roles: Annotated[list[RoleDefinition], Field(min_length=1, max_length=100)]


class RolesDefined(Message):
    defined: int


class Roles(Message): ...


class Role(Message):
    code: RoleCode
    name: Annotated[TextPair, Label("名称", "Name")]
    permits: Annotated[list[str], Label("权限", "Permits")]
    delivered: Annotated[bool, Label("出厂设置", "As delivered")]
    holders: Annotated[int, Label("在岗人数", "Holders")]


class RolesFound(Message):
    rows: list[Role]
    total: int
    as_of: AsOf


class Engage(Message):
    """Puts a person on the staff list of an organisation; repeating it changes name, organisation or phone."""

    user_name: UserName
    name: StaffName
    org: OrganisationCode
    phone: StaffPhone | None = None


class StaffRef(Message):
    user_name: UserName


class Appoint(Message):
    """Appoints a person to a post (role at an organisation). With `delegated_by` the post of that person is lent, until a day."""

    user_name: UserName
    role: RoleCode
    org: OrganisationCode
    from_day: FromDay | None = None
    to_day: ToDay = None
    delegated_by: Annotated[UserName | None, Label("委托人", "Delegated by", dictionary="staff")] = None


class Dismiss(Message):
    """Ends an appointment with the end of a day (by default yesterday, so at once)."""

    appointment_no: Annotated[int, Label("任职编号", "Appointment no.")]
    reason: Reason


class Appointment(Message):
    appointment_no: Annotated[int, Label("任职编号", "Appointment no.")]
    user_name: UserName
    role: RoleCode
    role_name: Annotated[TextPair, Label("岗位", "Post")]
    org: OrganisationCode
    org_name: Annotated[TextPair, Label("单位名称", "Unit name")]
    from_day: FromDay
    to_day: ToDay
    delegated_by: Annotated[str | None, Label("委托人", "Delegated by", dictionary="staff")]
    current: Annotated[bool, Label("在岗", "Current")]


class AppointmentsFound(Message):
    rows: list[Appointment]
    total: int
    as_of: AsOf


class Leave(Message):
    """A person leaves: all appointments end and the person can no longer sign in."""

    user_name: UserName
    reason: Reason


class Done(Message):
    """What a command changed: nothing where it was so already."""

    changed: bool


class FindStaff(Page):
    keyword: Annotated[
        str, StringConstraints(max_length=64, pattern=_PLAIN), Label("用户名/姓名", "User name/name")
    ] = ""
    org: OrganisationCode | None = None
    role: RoleCode | None = None


class StaffMember(Message):
    user_name: UserName
    name: StaffName
    org: OrganisationCode
    org_name: Annotated[TextPair, Label("单位名称", "Unit name")]
    phone: StaffPhone | None
    state: StaffState
    roles: Annotated[list[str], Label("角色", "Roles", dictionary=ROLES.name)]
    posts: Annotated[TextPair, Label("岗位", "Posts")]


class StaffFound(Message):
    rows: list[StaffMember]
    total: int
    next: str | None
    as_of: AsOf


class PersonRef(Message):
    """A person as they act at one of their organisations; without `org` at the highest one."""

    user_name: UserName
    org: OrganisationCode | None = None


class Person(Message):
    """What sign-in needs of a person today. `permits` and `scope` are those at `org`: a post elsewhere lends nothing here."""

    user_name: UserName
    name: StaffName
    org: OrganisationCode
    org_name: Annotated[TextPair, Label("单位名称", "Unit name")]
    posts: list[Appointment]
    permits: list[str]
    scope: list[str]


class RolePermits(Message):
    code: RoleCode


class NamesWanted(Message):
    user_names: Annotated[
        list[Annotated[str, StringConstraints(max_length=64)]],
        Field(min_length=1, max_length=ITEMS_MAX),
        Label("用户名", "User names"),
    ]


class NamedPerson(Message):
    user_name: Annotated[str, Label("用户名", "User name")]
    name: Annotated[TextPair, Label("姓名", "Name")]


class NamesFound(Message):
    """The names of those who are on a staff list, or were, in the order of their user names; the platform itself among them."""

    rows: list[NamedPerson]


class Reach(Message):
    """Which users work within the caller's scope."""


class Reached(Message):
    """`everything` where the scope covers every root organisation; otherwise the users that it covers."""

    everything: bool
    user_names: list[str]


class StaffAppointed(Event, name="permission.staff.appointed", version=1):
    user_name: str
    role: str
    org: str
    from_day: date
    to_day: date | None


class StaffDismissed(Event, name="permission.staff.dismissed", version=1):
    user_name: str
    role: str
    org: str


class StaffLeft(Event, name="permission.staff.left", version=1):
    user_name: str


class StaffNotFound(NotFound, noun="permission", status=404, zh="未找到该人员", en="No such member of staff"):
    """Fields: user_name. Raised also for a person outside the caller's organisation scope."""


class AppointmentNotFound(NotFound, noun="permission", status=404, zh="未找到该任职", en="No such appointment"):
    """Fields: appointment_no."""


class OutsideReach(
    Problem, noun="permission", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"
):
    """Fields: org."""


class OrganisationUnknown(Problem, noun="permission", status=422, zh="单位不存在", en="No such organisation"):
    """Fields: org."""


class RoleUnknown(Problem, noun="permission", status=422, zh="角色不存在", en="No such role"):
    """Fields: role."""


class SelfAppointment(Problem, noun="permission", status=409, zh="不能给自己任职", en="Nobody appoints themselves"):
    """Fields: user_name."""


class DutiesConflict(Problem, noun="permission", status=409, zh="岗位职责互斥", en="The posts exclude each other"):
    """Fields: role, other."""


class DelegationRefused(Problem, noun="permission", status=409, zh="委托无效", en="The delegation is not valid"):
    """Fields: delegated_by."""


class PermissionApi(Api, noun="permission", version=1):
    """Operations on organisations, roles, staff and posts."""

    @command(permit="permission.organise")
    def register_organisations(self, call: Call, request: RegisterOrganisations) -> OrganisationsRegistered:
        """Takes up to 1,000 organisations, superiors first. Changed content starts a new version on its `from_day`."""

    @query(permit="permission.organisations")
    def organisations(self, call: Call, request: Organisations) -> OrganisationTree:
        """The organisations within the caller's scope as they stand on a day."""

    @command(permit="permission.define", problems=(OutsideReach,))
    def define_roles(self, call: Call, request: DefineRoles) -> RolesDefined:
        """Defines roles or replaces the permits of known ones; it takes effect at the next request of their holders. A role is the
        same at every unit, so only a post of the whole company defines one."""

    @query(permit="permission.read")
    def roles(self, call: Call, request: Roles) -> RolesFound:
        """All roles with their permits."""

    @query(permit="permission.person", problems=(RoleUnknown,))
    def role(self, call: Call, request: RolePermits) -> Role:
        """One role, such as the one of customers who sign in."""

    @command(permit="permission.appoint", problems=(OutsideReach, OrganisationUnknown))
    def engage(self, call: Call, request: Engage) -> Done:
        """Puts a person on the staff list."""

    @command(
        permit="permission.appoint",
        problems=(
            StaffNotFound,
            OutsideReach,
            OrganisationUnknown,
            RoleUnknown,
            SelfAppointment,
            DutiesConflict,
            DelegationRefused,
        ),
        emits=(StaffAppointed,),
    )
    def appoint(self, call: Call, request: Appoint) -> Appointment:
        """Appoints a person to a post from a day on. Repeating a standing appointment changes nothing."""

    @command(permit="permission.appoint", problems=(AppointmentNotFound, SelfAppointment), emits=(StaffDismissed,))
    def dismiss(self, call: Call, request: Dismiss) -> Done:
        """Ends an appointment at once; what was delegated from it ends as well."""

    @command(permit="permission.appoint", problems=(StaffNotFound, SelfAppointment), emits=(StaffLeft,))
    def leave(self, call: Call, request: Leave) -> Done:
        """Ends all appointments of a person who leaves."""

    @query(permit="permission.read")
    def staff(self, call: Call, request: FindStaff) -> StaffFound:
        """Staff within the caller's scope, with their present posts."""

    @query(permit="permission.read", problems=(StaffNotFound,))
    def appointments(self, call: Call, request: StaffRef) -> AppointmentsFound:
        """All appointments of a person, past ones too."""

    @query(permit="permission.person", problems=(StaffNotFound,))
    def person(self, call: Call, request: PersonRef) -> Person:
        """What a person may do today; asked by sign-in and by the to-do list, not by pages."""

    @query(permit="permission.names")
    def names(self, call: Call, request: NamesWanted) -> NamesFound:
        """What persons are called who asked, approved or edited, for pages that show records of theirs. Not bound to the caller's
        scope: who approves may work above the unit whose records they are. Who is on no staff list is left out."""

    @query(permit="permission.person")
    def reach(self, call: Call, request: Reach) -> Reached:
        """Whose deeds the caller may look at."""

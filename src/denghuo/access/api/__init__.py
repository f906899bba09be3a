"""Contract of the access module (访问模块): sign-in, sessions, second factor, credentials, audit trail, and what stands still."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr, StringConstraints

from denghuo.access.api.standstill import (
    DeliverAgain as DeliverAgain,
    FindHeldJobs as FindHeldJobs,
    FindParked as FindParked,
    HeldJobNotFound as HeldJobNotFound,
    HeldJobRow as HeldJobRow,
    HeldJobsFound as HeldJobsFound,
    JobNo as JobNo,
    ParkedEvent as ParkedEvent,
    ParkedFound as ParkedFound,
    ParkedNo as ParkedNo,
    ParkedNotFound as ParkedNotFound,
    RunAgain as RunAgain,
    StandstillOperations,
)
from denghuo.kernel.contract import PUBLIC, Call, Dictionary, Label, Message, Nothing, Page, command, query
from denghuo.kernel.fields import AccountNo, AsOf, Instant, OrganisationCode, Reason, TextPair, UserName
from denghuo.kernel.problem import NotFound, Problem, Unavailable, text

CREDENTIAL_KINDS = Dictionary(
    "access.credential_kind", {"staff": text("员工", "Staff"), "customer": text("客户", "Customer")}
)
CREDENTIAL_STATES = Dictionary(
    "access.credential_state",
    {"active": text("正常", "Active"), "locked": text("已锁定", "Locked"), "disabled": text("已停用", "Disabled")},
    tones={"active": "good", "locked": "warning", "disabled": "plain"},
)
RESULTS = Dictionary(
    "access.result",
    {"done": text("成功", "Done"), "refused": text("拒绝", "Refused")},
    tones={"done": "good", "refused": "warning"},
)

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
SignInName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, strip_whitespace=True, to_lower=True, pattern=_PLAIN),
    Label("用户名", "User name"),
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=256), Label("密码", "Password")]
NewPassword = Annotated[SecretStr, Field(min_length=1, max_length=256), Label("新密码", "New password")]
Code = Annotated[SecretStr, Field(min_length=6, max_length=6), Label("验证码", "Code")]
SessionNo = Annotated[int, Label("会话编号", "Session no.")]
Result = Annotated[Literal["done", "refused"], Label("结果", "Result", dictionary=RESULTS.name)]
Address = Annotated[str, Label("网络地址", "Network address")]
Agent = Annotated[str, Label("终端", "Client")]
AuditText = Annotated[str, StringConstraints(max_length=64, strip_whitespace=True, pattern=_PLAIN)]


class SignIn(Message):
    """Name and password; the code where the account asks for one. The session's secret goes into a cookie, never into the reply."""

    user: SignInName
    password: Password
    code: Code | None = None


class SignedIn(Message):
    user_name: str
    must_change_password: bool
    ends_at: Instant


class Place(Message):
    """An organisation at which a person holds posts, and what they are called."""

    org: OrganisationCode
    org_name: TextPair
    post_name: TextPair


class SessionView(Message):
    """Who is signed in, as the workbench reads it. `csrf` goes back in the header `X-CSRF-Token` of every command.

    places: where the person holds posts today; `take_post` goes from one to another.
    """

    actor: str
    name: str
    organisation: str
    organisation_name: str
    organisation_title: TextPair
    post: str
    post_name: TextPair
    posts: list[str]
    places: list[Place]
    permits: list[str]
    accounts: list[str]
    csrf: str
    must_change_password: bool
    second_factor: bool
    ends_at: Instant
    as_of: AwareDatetime


class TakePost(Message):
    """Acts at another organisation where the person holds a post."""

    org: OrganisationCode


class ChangePassword(Message):
    current: Annotated[SecretStr, Field(min_length=1, max_length=256), Label("当前密码", "Current password")]
    new: NewPassword


class CodeSecret(Message):
    """What an authenticator application needs. Shown once; it counts from `confirm_totp` on."""

    secret: Annotated[str, Label("密钥", "Secret", mask="identity")]
    uri: Annotated[str, Label("验证器地址", "Authenticator address", mask="identity")]


class ConfirmCode(Message):
    code: Code


class DropCode(Message):
    password: Password


class FindSessions(Page):
    """Own sessions; with `user_name` those of another person (permit access.read)."""

    user_name: UserName | None = None
    everyone: Annotated[bool, Label("全部人员", "Everyone")] = False


class SessionRow(Message):
    session_no: SessionNo
    user_name: UserName
    address: Address
    agent: Agent
    started_at: Annotated[AwareDatetime, Label("登录时间", "Signed in")]
    seen_at: Annotated[AwareDatetime, Label("最近活动", "Last seen")]
    ends_at: Annotated[AwareDatetime, Label("到期时间", "Ends")]
    current: Annotated[bool, Label("本次会话", "This session")]


class SessionsFound(Message):
    rows: list[SessionRow]
    total: int
    next: str | None
    as_of: AsOf


class EndSession(Message):
    session_no: SessionNo


class Ended(Message):
    """How many sessions ended by it."""

    ended: int


class Enrol(Message):
    """Gives a member of staff a password, or a new one. Sessions that run end."""

    user_name: UserName
    password: NewPassword
    must_change: Annotated[bool, Label("首次登录须改密码", "Must change at first sign-in")] = True
    drop_code: Annotated[bool, Label("同时取消验证码", "Drop the second factor")] = False


class EnrolCustomer(Message):
    """Gives a customer a login bound to account numbers; it sees these accounts and nothing else."""

    user_name: UserName
    password: NewPassword
    accounts: Annotated[list[AccountNo], Field(min_length=1, max_length=50), Label("绑定户号", "Accounts")]


class Enrolled(Message):
    user_name: str
    added: bool


class CredentialRef(Message):
    user_name: UserName


class Disable(Message):
    user_name: UserName
    disabled: Annotated[bool, Label("停用", "Disabled")] = True
    reason: Reason


class FindCredentials(Page):
    keyword: Annotated[AuditText, Label("用户名/姓名", "User name/name")] = ""
    kind: Annotated[Literal["staff", "customer"] | None, Label("类别", "Kind", dictionary=CREDENTIAL_KINDS.name)] = None


class Credential(Message):
    user_name: UserName
    name: Annotated[str, Label("姓名", "Name")]
    org: OrganisationCode
    kind: Annotated[Literal["staff", "customer"], Label("类别", "Kind", dictionary=CREDENTIAL_KINDS.name)]
    state: Annotated[Literal["active", "locked", "disabled"], Label("状态", "State", dictionary=CREDENTIAL_STATES.name)]
    second_factor: Annotated[bool, Label("启用验证码", "Second factor")]
    accounts: Annotated[list[str], Label("绑定户号", "Accounts")]
    locked_until: Annotated[AwareDatetime | None, Label("锁定至", "Locked until")]
    last_signed_in: Annotated[AwareDatetime | None, Label("最近登录", "Last sign-in")]
    sessions: Annotated[int, Label("在线会话", "Sessions")]


class CredentialsFound(Message):
    rows: list[Credential]
    total: int
    next: str | None
    as_of: AsOf


CHANNELS = Dictionary("access.channel", {"browser": text("浏览器", "Browser"), "system": text("系统", "Platform")})


class Audit(Page):
    """Deeds of people and of the platform, newest first."""

    actor: Annotated[AuditText, Label("操作人", "Actor")] = ""
    operation: Annotated[AuditText, Label("操作", "Operation")] = ""
    subject: Annotated[AuditText, Label("对象", "Subject")] = ""
    from_day: Annotated[date | None, Label("起始日期", "From")] = None
    to_day: Annotated[date | None, Label("截止日期", "To")] = None
    result: Annotated[Literal["done", "refused"] | None, Label("结果", "Result", dictionary=RESULTS.name)] = None
    channel: Annotated[Literal["browser", "system"] | None, Label("渠道", "Channel", dictionary=CHANNELS.name)] = None


class Deed(Message):
    """One line of the audit trail. Personal data in `request` stays sealed and shows as dots."""

    at: Annotated[AwareDatetime, Label("时间", "Time")]
    actor: Annotated[str, Label("操作人", "Actor")]
    post: Annotated[str, Label("岗位", "Post", dictionary="permission.role")]
    channel: Annotated[str, Label("渠道", "Channel", dictionary=CHANNELS.name)]
    operation: Annotated[str, Label("操作", "Operation", dictionary="application.operation")]
    subject: Annotated[str, Label("对象", "Subject")]
    result: Result
    reason: Annotated[str, Label("说明", "Remark")]
    request: Annotated[str, Label("内容", "Content")]
    trace: Annotated[str, Label("追踪号", "Trace")]
    deed_no: Annotated[str, Label("记录号", "Record no.")]


class DeedsFound(Message):
    """`total` stops counting at 10,000 per service."""

    rows: list[Deed]
    total: int
    next: str | None
    as_of: AsOf


class WrongCredentials(Problem, noun="access", status=401, zh="用户名或密码不正确", en="Wrong user name or password"):
    """The same answer, after the same time, whether the name exists or not."""


class CodeWanted(Problem, noun="access", status=401, zh="请输入验证码", en="A code is wanted"):
    """The password was right; the account asks for a one-time code besides."""


class WrongCode(Problem, noun="access", status=401, zh="验证码不正确", en="Wrong code"):
    """Wrong, expired or used before."""


class LockedOut(Problem, noun="access", status=429, zh="尝试次数过多", en="Too many failed attempts"):
    """Fields: retry_after_s. Holds for names that do not exist as well."""


class NoPost(Problem, noun="access", status=403, zh="尚未任职", en="No post"):
    """The person holds no post today."""


class EdgeOnly(Problem, noun="access", status=403, zh="只能从浏览器会话办理", en="Only from a browser session"):
    """Sign-in and what belongs to a session needs the edge."""


class WeakPassword(Problem, noun="access", status=422, zh="密码不符合要求", en="The password is too weak"):
    """Fields: errors = [{field, zh, en}]."""


class CurrentPasswordWrong(Problem, noun="access", status=422, zh="当前密码不正确", en="The current password is wrong"):
    """Fields: errors."""


class NoCodePending(Problem, noun="access", status=409, zh="没有待确认的验证器", en="No authenticator to confirm"): ...


class CodeInUse(Problem, noun="access", status=409, zh="已启用验证码", en="The second factor is in use already"): ...


class PostOutsideScope(
    Problem, noun="access", status=403, zh="任职超出本单位管辖范围", en="A post outside your organisation scope"
):
    """Fields: user_name, org of the post."""


class NotOneself(Problem, noun="access", status=409, zh="不能对自己办理", en="Not for oneself"):
    """Fields: user_name. Credentials are handed out by another person."""


class SessionNotFound(NotFound, noun="access", status=404, zh="未找到该会话", en="No such session"):
    """Fields: session_no."""


class CredentialNotFound(NotFound, noun="access", status=404, zh="未找到该登录账号", en="No such login"):
    """Fields: user_name. Raised also for a login outside the caller's organisation scope."""


class NameTaken(Problem, noun="access", status=409, zh="用户名已被使用", en="The user name is taken"):
    """Fields: user_name."""


class Busy(Unavailable, noun="access", status=503, zh="登录人数较多", en="Many people are signing in"):
    """Fields: part, retry_after_s."""


class CsrfRefused(Problem, noun="access", status=403, zh="页面令牌无效", en="The page token is not valid"):
    """The header X-CSRF-Token is missing or does not belong to the session."""


class TooLarge(Problem, noun="access", status=413, zh="请求过大", en="The request is too large"):
    """Fields: limit_bytes."""


class AccessApi(StandstillOperations, noun="access", version=1):
    """Operations on sign-in, sessions, credentials and the audit trail."""

    @command(permit=PUBLIC, problems=(WrongCredentials, CodeWanted, WrongCode, LockedOut, NoPost, EdgeOnly, Busy))
    def sign_in(self, call: Call, request: SignIn) -> SignedIn:
        """Begins a session; one that the browser had before ends."""

    @command(permit=PUBLIC, problems=(EdgeOnly,))
    def sign_out(self, call: Call, request: Nothing) -> Ended:
        """Ends the session of this browser."""

    @query(permit=PUBLIC, problems=(EdgeOnly,))
    def session(self, call: Call, request: Nothing) -> SessionView:
        """Who is signed in, at which post, with which permits."""

    @command(permit="access.self", problems=(EdgeOnly, NoPost))
    def take_post(self, call: Call, request: TakePost) -> Ended:
        """Acts at another of one's organisations from now on."""

    @command(permit="access.self", problems=(EdgeOnly, CurrentPasswordWrong, WeakPassword, LockedOut, Busy))
    def change_password(self, call: Call, request: ChangePassword) -> Ended:
        """Changes one's own password; one's other sessions end."""

    @command(permit="access.self", problems=(EdgeOnly, CodeInUse), reveals=True)
    def enrol_totp(self, call: Call, request: Nothing) -> CodeSecret:
        """Prepares a second factor for oneself; it counts once confirmed with a first code."""

    @command(permit="access.self", problems=(EdgeOnly, NoCodePending, WrongCode))
    def confirm_totp(self, call: Call, request: ConfirmCode) -> Nothing:
        """Confirms the second factor with a code of it."""

    @command(permit="access.self", problems=(EdgeOnly, CurrentPasswordWrong, LockedOut, Busy))
    def drop_totp(self, call: Call, request: DropCode) -> Nothing:
        """Gives up one's second factor."""

    @query(permit="access.self")
    def sessions(self, call: Call, request: FindSessions) -> SessionsFound:
        """Sessions that run: one's own, or with the permit access.read those of people within one's scope."""

    @command(permit="access.self", problems=(SessionNotFound,))
    def end_session(self, call: Call, request: EndSession) -> Ended:
        """Ends a session: one's own, or with the permit access.end another person's."""

    @command(
        permit="access.enrol",
        problems=(CredentialNotFound, PostOutsideScope, WeakPassword, NameTaken, NotOneself, Busy),
    )
    def enrol(self, call: Call, request: Enrol) -> Enrolled:
        """Gives a member of staff a password."""

    @command(permit="access.enrol_customer", problems=(CredentialNotFound, WeakPassword, NameTaken, Busy))
    def enrol_customer(self, call: Call, request: EnrolCustomer) -> Enrolled:
        """Gives a customer a login bound to accounts within the caller's scope."""

    @command(permit="access.enrol", problems=(CredentialNotFound,))
    def unlock(self, call: Call, request: CredentialRef) -> Nothing:
        """Lets a person try again at once after failed attempts."""

    @command(permit="access.enrol", problems=(CredentialNotFound, NotOneself))
    def disable(self, call: Call, request: Disable) -> Ended:
        """Closes a login and ends its sessions, or opens it again."""

    @query(permit="access.read")
    def credentials(self, call: Call, request: FindCredentials) -> CredentialsFound:
        """Logins within the caller's scope."""

    @query(permit="access.audit")
    def audit(self, call: Call, request: Audit) -> DeedsFound:
        """Who did what, when, on whom and with which result, over all services of this process."""

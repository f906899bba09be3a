"""Access: implementation of the contract. Sign-in and one's own credentials in authentication/, the trail in monitoring/."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import pyotp

from denghuo.access.api import (
    AccessApi,
    Audit,
    ChangePassword,
    CodeInUse,
    CodeSecret,
    ConfirmCode,
    Credential,
    CredentialNotFound,
    CredentialRef,
    CredentialsFound,
    CurrentPasswordWrong,
    DeedsFound,
    DeliverAgain,
    Disable,
    DropCode,
    EdgeOnly,
    Ended,
    EndSession,
    Enrol,
    EnrolCustomer,
    Enrolled,
    FindCredentials,
    FindHeldJobs,
    FindParked,
    FindSessions,
    HeldJobsFound,
    NameTaken,
    NoCodePending,
    NoPost,
    NotOneself,
    ParkedFound,
    PostOutsideScope,
    RunAgain,
    SessionNotFound,
    SessionRow,
    SessionsFound,
    SessionView,
    SignedIn,
    SignIn,
    TakePost,
    WeakPassword,
    WrongCode,
)
from denghuo.access.authentication import password
from denghuo.access.authentication.rules import code_step, is_live
from denghuo.access.authentication.signing_in import SigningIn
from denghuo.access.authentication.store import AccessStore, KnownCredential, KnownSession
from denghuo.access.authorization.rights import RightsDesk
from denghuo.access.keys import Keys
from denghuo.access.monitoring.audit import trail
from denghuo.access.monitoring.standstill import Standstill
from denghuo.access.visit import Visit
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.problem import NotPermitted, NotSignedIn, text
from denghuo.service.customer.api import AccountNotFound, AccountRef, CustomerApi
from denghuo.service.host.binding import Ask, Store
from denghuo.service.permission.api import FindStaff, PermissionApi, PersonRef, Reach, Reached, StaffMember

ISSUER = "Denghuo"


@dataclass(frozen=True)
class Means:
    """What access needs beyond a service: the store (for the journals of all schemas), derived keys, the desk of rights, and
    the nouns whose journals this process can read."""

    store: Store
    keys: Keys
    desk: RightsDesk
    nouns: Callable[[], Iterable[str]]


class AccessService(AccessApi):
    def __init__(self, means: Means, work: Work, ask: Ask) -> None:
        self._means = means
        self._ask = ask
        self._store = AccessStore(work)

    # -- one's own session -----------------------------------------------------------------------------------------------

    def sign_in(self, call: Call, request: SignIn) -> SignedIn:
        with password.slot():
            return SigningIn(self._means.keys, self._means.desk, self._store).sign_in(_visit(call), request)

    def sign_out(self, call: Call, request: Nothing) -> Ended:
        visit = _visit(call)
        return Ended(ended=self._store.end(visit.session_no or 0, visit.actor, call.now))

    def session(self, call: Call, request: Nothing) -> SessionView:
        visit = _visit(call)
        found = self._own(visit)
        rights = self._means.desk.of(found, call.now)
        return SessionView(
            actor=found.user_name,
            name=found.name,
            organisation=rights.org,
            organisation_name=rights.org_name.zh,
            organisation_title=rights.org_name,
            post=rights.posts[0] if rights.posts else "",
            post_name=rights.post_name,
            posts=list(rights.posts),
            places=list(rights.places),
            permits=sorted(rights.permits),
            accounts=list(rights.accounts),
            csrf=visit.csrf,
            must_change_password=found.must_change,
            second_factor=found.totp_confirmed,
            ends_at=found.ends_at,
            as_of=call.now,
        )

    def take_post(self, call: Call, request: TakePost) -> Ended:
        found = self._own(_visit(call))
        rights = self._means.desk.of(replace(found, org=request.org), call.now)
        if found.kind != "staff" or rights.org != request.org or not rights.scope:
            raise NoPost(
                text(f"您在单位 {request.org} 没有岗位。", f"You hold no post at {request.org}."), org=request.org
            )
        self._store.move(found.session_no, request.org)
        return Ended(ended=0)

    def sessions(self, call: Call, request: FindSessions) -> SessionsFound:
        others = request.everyone or (request.user_name is not None and request.user_name != call.actor)
        if others:
            _must_hold(call, "access.read")
        below = request.after_number
        if request.everyone or not others:
            rows, total = self._store.sessions(call.actor, request.everyone, (request.limit, below), call.now)
        else:
            known = self._store.credential_in_scope(request.user_name or "")
            rows, total = (
                self._store.sessions(known.user_name, False, (request.limit, below), call.now) if known else ([], 0)
            )
        mine = call.session_no if isinstance(call, Visit) else None
        return SessionsFound(
            rows=[_session_row(row, mine) for row in rows],
            total=total,
            next=str(rows[-1].session_no) if len(rows) == request.limit else None,
            as_of=call.now,
        )

    def end_session(self, call: Call, request: EndSession) -> Ended:
        found = self._store.session_of(request.session_no)
        foreign = found is not None and found.user_name != call.actor
        if foreign:
            _must_hold(call, "access.end")
        if found is None or (foreign and self._store.credential_in_scope(found.user_name) is None):
            raise SessionNotFound(
                text(
                    f"会话 {request.session_no} 不存在，或不在您的管辖范围内。",
                    f"Session {request.session_no} does not exist or is outside your scope.",
                ),
                session_no=request.session_no,
            )
        return Ended(ended=self._store.end(request.session_no, call.actor, call.now))

    # -- one's own credentials -------------------------------------------------------------------------------------------

    def change_password(self, call: Call, request: ChangePassword) -> Ended:
        visit = _visit(call)
        with password.slot():
            known = self._confirmed(visit, request.current.get_secret_value(), "current")
            new = request.new.get_secret_value()
            self._require_strong(new, known.user_name, "new")
            self._store.put_password(known.user_name, password.hashed(new), call.now)
        return Ended(ended=self._store.end_all(known.user_name, call.actor, call.now, but=visit.session_no))

    def enrol_totp(self, call: Call, request: Nothing) -> CodeSecret:
        known = self._known(_visit(call).actor)
        if known.totp_confirmed:
            raise CodeInUse(
                text("已启用验证码；更换前请先取消。", "The second factor is in use; give it up before you change it.")
            )
        secret = pyotp.random_base32()
        self._store.put_totp(known.user_name, self._means.keys.seal(known.user_name, secret), confirmed=False)
        return CodeSecret(
            secret=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=known.user_name, issuer_name=ISSUER)
        )

    def confirm_totp(self, call: Call, request: ConfirmCode) -> Nothing:
        known = self._known(_visit(call).actor)
        if known.totp is None or known.totp_confirmed:
            raise NoCodePending(text("请先生成验证器密钥。", "Prepare an authenticator first."))
        secret = self._means.keys.open(known.user_name, bytes(known.totp))
        step = code_step(secret, request.code.get_secret_value(), call.now, 0)
        if step is None:
            raise _code_not_confirmed()
        self._store.put_totp(known.user_name, bytes(known.totp), confirmed=True, step=step)
        return Nothing()

    def drop_totp(self, call: Call, request: DropCode) -> Nothing:
        with password.slot():
            known = self._confirmed(_visit(call), request.password.get_secret_value(), "password")
        self._store.put_totp(known.user_name, None, confirmed=False)
        return Nothing()

    # -- other people's credentials --------------------------------------------------------------------------------------

    def enrol(self, call: Call, request: Enrol) -> Enrolled:
        _not_oneself(call, request.user_name)
        member = self._staff_member(call, request.user_name)
        self._require_reach(call, request.user_name)
        secret = request.password.get_secret_value()
        self._require_strong(secret, request.user_name, "password")
        with password.slot():
            stored = password.hashed(secret)
        return self._enrolled(
            call,
            _credential(request.user_name, "staff", (member.name, member.org), [], stored, request.must_change),
            drop_code=request.drop_code,
        )

    def enrol_customer(self, call: Call, request: EnrolCustomer) -> Enrolled:
        # Asked with the caller's own scope: nobody hands out accounts that they do not see.
        asking = replace(call, permits=call.permits | {"customer.read"}, key=None)
        try:
            accounts = [
                self._ask(CustomerApi).account(asking, AccountRef(account_no=number)) for number in request.accounts
            ]
        except AccountNotFound as error:
            raise CredentialNotFound(error.detail, account_no=error.account_no) from error
        secret = request.password.get_secret_value()
        self._require_strong(secret, "", "password")
        with password.slot():
            stored = password.hashed(secret)
        holder = (accounts[0].name, accounts[0].org)
        return self._enrolled(
            call,
            _credential(request.user_name, "customer", holder, list(dict.fromkeys(request.accounts)), stored, False),
        )

    def unlock(self, call: Call, request: CredentialRef) -> Nothing:
        known = self._known_in_scope(request.user_name)
        self._store.forget_failures(self._means.keys.name(known.user_name))
        return Nothing()

    def disable(self, call: Call, request: Disable) -> Ended:
        _not_oneself(call, request.user_name)
        known = self._known_in_scope(request.user_name)
        self._store.put_disabled(known.user_name, request.disabled)
        ended = self._store.end_all(known.user_name, call.actor, call.now) if request.disabled else 0
        return Ended(ended=ended)

    def credentials(self, call: Call, request: FindCredentials) -> CredentialsFound:
        found, total = self._store.find_credentials(request, call.now)
        locked = self._locked([row.user_name for row in found], call.now)
        rows = [
            Credential(
                user_name=row.user_name,
                name=row.name,
                org=row.org,
                kind="customer" if row.kind == "customer" else "staff",
                state="disabled" if row.disabled else "locked" if row.user_name in locked else "active",
                second_factor=row.totp_confirmed,
                accounts=row.accounts,
                locked_until=locked.get(row.user_name),
                last_signed_in=row.last_signed_in,
                sessions=row.sessions,
            )
            for row in found
        ]
        return CredentialsFound(
            rows=rows, total=total, next=rows[-1].user_name if len(rows) == request.limit else None, as_of=call.now
        )

    def audit(self, call: Call, request: Audit) -> DeedsFound:
        reached = self._reached(call)
        actors = None if reached.everything else reached.user_names
        rows, total, after = trail(self._means.store, self._means.nouns(), call, request, actors)
        return DeedsFound(rows=rows, total=total, next=after, as_of=call.now)

    def parked(self, call: Call, request: FindParked) -> ParkedFound:
        return self._standstill(call).parked(call, request)

    def deliver_again(self, call: Call, request: DeliverAgain) -> Nothing:
        return self._standstill(call).deliver_again(call, request)

    def held_jobs(self, call: Call, request: FindHeldJobs) -> HeldJobsFound:
        return self._standstill(call).held_jobs(call, request)

    def run_again(self, call: Call, request: RunAgain) -> Nothing:
        return self._standstill(call).run_again(request)

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _standstill(self, call: Call) -> Standstill:
        """What stands still concerns the whole company: whose scope is not all of it sees nothing."""
        return Standstill(self._means.store.database, self._means.nouns() if self._reached(call).everything else ())

    def _reached(self, call: Call) -> Reached:
        return self._ask(PermissionApi).reach(call.only("permission.person"), Reach())

    def _own(self, visit: Visit) -> KnownSession:
        found = self._store.session_of(visit.session_no or 0)
        if found is None or found.ended_at or not is_live(found.started_at, found.seen_at, found.ends_at, visit.now):
            raise NotSignedIn()
        return found

    def _known(self, user_name: str) -> KnownCredential:
        known = self._store.credential(user_name)
        if known is None:
            raise _no_credential(user_name)
        return known

    def _known_in_scope(self, user_name: str) -> KnownCredential:
        known = self._store.credential_in_scope(user_name)
        if known is None:
            raise _no_credential(user_name)
        return known

    def _confirmed(self, visit: Visit, given: str, field: str) -> KnownCredential:
        """The holder's credential, once the password was given again; failures count like those of sign-in."""
        known = self._known(visit.actor)
        signing_in = SigningIn(self._means.keys, self._means.desk, self._store)
        signing_in.require_unlocked(visit, known.user_name, known)
        if not password.matches(given, known.password_hash):
            signing_in.fail(visit, known.user_name, known, "wrong")
            raise CurrentPasswordWrong(
                errors=[{"field": field, "zh": "当前密码不正确。", "en": "The current password is wrong."}]
            )
        return known

    def _require_strong(self, secret: str, user_name: str, field: str) -> None:
        weakness = password.weakness(secret, user_name)
        if weakness is not None:
            raise WeakPassword(weakness, errors=[{"field": field, **weakness}])

    def _staff_member(self, call: Call, user_name: str) -> StaffMember:
        asking = call.only("permission.read")
        found = self._ask(PermissionApi).staff(asking, FindStaff(keyword=user_name, limit=200))
        member = next((row for row in found.rows if row.user_name == user_name and row.state == "active"), None)
        if member is None:
            raise _no_credential(user_name)
        return member

    def _require_reach(self, call: Call, user_name: str) -> None:
        """A password opens every post of its person, those above the caller's unit too."""
        # Asked as the platform: the caller does not see the posts in question.
        person = self._ask(PermissionApi).person(Call.system(call.now), PersonRef(user_name=user_name))
        for post in person.posts:
            if not call.covers(post.org):
                raise PostOutsideScope(
                    text(
                        f"{user_name} 在 {post.org} 任职，超出您的管辖范围，请由该单位的权限管理员设置密码。",
                        f"{user_name} holds a post at {post.org}, outside your scope; ask the permission administrator there.",
                    ),
                    user_name=user_name,
                    org=post.org,
                )

    def _enrolled(self, call: Call, new: KnownCredential, drop_code: bool = False) -> Enrolled:
        before = self._store.credential(new.user_name)
        if before is not None and (before.kind != new.kind or self._store.credential_in_scope(new.user_name) is None):
            raise NameTaken(
                text(
                    f"用户名 {new.user_name} 已被使用，请换一个。",
                    f"User name {new.user_name} is taken; choose another.",
                ),
                user_name=new.user_name,
            )
        self._store.put_credential(new, call.now)
        if drop_code:
            self._store.put_totp(new.user_name, None, confirmed=False)
        self._store.forget_failures(self._means.keys.name(new.user_name))
        self._store.end_all(new.user_name, call.actor, call.now)
        return Enrolled(user_name=new.user_name, added=before is None)

    def _locked(self, user_names: list[str], now: datetime) -> dict[str, datetime]:
        digests = {self._means.keys.name(name): name for name in user_names}
        found = self._store.locked_until(list(digests))
        return {digests[digest]: until for digest, until in found.items() if until > now}


def _visit(call: Call) -> Visit:
    if not isinstance(call, Visit):
        raise EdgeOnly(
            text("此操作只能从浏览器会话办理。", "This is done from a browser session only, not with a call token.")
        )
    return call


def _must_hold(call: Call, permit: str) -> None:
    if not call.may(permit):
        raise NotPermitted(
            text(
                f"您的岗位没有“{permit}”权限，请联系本单位权限管理员。",
                f"Your post lacks the permit {permit}; ask the permission administrator of your unit.",
            ),
            permit=permit,
        )


def _not_oneself(call: Call, user_name: str) -> None:
    if call.actor == user_name:
        raise NotOneself(
            text(
                "请使用“修改密码”，或由另一位管理员办理。",
                "Change your own password instead, or ask another administrator.",
            ),
            user_name=user_name,
        )


def _no_credential(user_name: str) -> CredentialNotFound:
    return CredentialNotFound(
        text(
            f"账号 {user_name} 不存在，或不在您的管辖范围内。",
            f"Login {user_name} does not exist or is outside your scope.",
        ),
        user_name=user_name,
    )


def _code_not_confirmed() -> WrongCode:
    return WrongCode(
        text(
            "验证码不正确：请核对手机时间，输入验证器当前显示的 6 位数字。",
            "Wrong code: check the clock of your phone and give the 6 digits that it shows now.",
        )
    )


def _credential(
    user_name: str, kind: str, holder: tuple[str, str], accounts: list[str], stored: str, must_change: bool
) -> KnownCredential:
    """holder: name and organisation."""
    return KnownCredential(
        user_name=user_name,
        kind=kind,
        name=holder[0],
        org=holder[1],
        accounts=accounts,
        password_hash=stored,
        must_change=must_change,
        totp=None,
        totp_confirmed=False,
        totp_step=0,
        disabled=False,
    )


def _session_row(row: KnownSession, mine: int | None) -> SessionRow:
    return SessionRow(
        session_no=row.session_no,
        user_name=row.user_name,
        address=row.address,
        agent=row.agent,
        started_at=row.started_at,
        seen_at=row.seen_at,
        ends_at=row.ends_at,
        current=row.session_no == mine,
    )

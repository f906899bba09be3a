"""Signing in: name, password, code, waits, and the new session."""

from dataclasses import dataclass

from denghuo.access.api import CodeWanted, LockedOut, NoPost, SignedIn, SignIn, WrongCode, WrongCredentials
from denghuo.access.authentication import password
from denghuo.access.authentication.rules import LIFETIME, code_step, wait_after
from denghuo.access.authentication.store import AccessStore, KnownCredential, KnownSession
from denghuo.access.authorization.rights import RightsDesk
from denghuo.access.keys import Keys
from denghuo.access.visit import Visit
from denghuo.kernel.problem import NotSignedIn, text

AGENT_MAX = 200


@dataclass(frozen=True)
class SigningIn:
    keys: Keys
    desk: RightsDesk
    store: AccessStore

    def sign_in(self, visit: Visit, request: SignIn) -> SignedIn:
        """Begins the session whose secret the edge has made."""
        if visit.fresh is None:
            raise NotSignedIn()
        known = self.store.credential(request.user)
        self.require_unlocked(visit, request.user, known)
        right = password.matches(request.password.get_secret_value(), known.password_hash if known else None)
        if known is None or not right or known.disabled:
            self.fail(visit, request.user, known, "wrong")
            raise WrongCredentials(
                text(
                    "用户名或密码不正确，请核对后重试；多次失败会暂时锁定。",
                    "Wrong user name or password; check both. Repeated failures lock the name for a while.",
                )
            )
        if known.totp_confirmed:
            self._require_code(visit, known, request)
        session = _as_session(known, visit)
        rights = self.desk.of(session, visit.now)
        if not rights.scope and not known.must_change:
            self.store.note_attempt(visit.now, known.user_name, _from(visit), "no_post")
            self.store.commit()
            raise NoPost(
                text(
                    "您今天没有任职岗位，请联系本单位权限管理员。",
                    "You hold no post today; ask the permission administrator of your unit.",
                )
            )
        self.store.forget_failures(self.keys.name(known.user_name))
        if password.outdated(known.password_hash) and not known.must_change:
            self.store.put_password(known.user_name, password.hashed(request.password.get_secret_value()), visit.now)
        if visit.presented is not None:
            self.store.end_presented(visit.presented, visit.now)
        self.store.begin(
            visit.fresh,
            known.user_name,
            rights.org if known.kind == "staff" and rights.org else None,
            (visit.address, visit.agent[:AGENT_MAX]),
            (visit.now, session.ends_at),
        )
        return SignedIn(user_name=known.user_name, must_change_password=known.must_change, ends_at=session.ends_at)

    def require_unlocked(self, visit: Visit, name: str, known: KnownCredential | None) -> None:
        """Raises LockedOut while a name waits; the password is not even looked at."""
        digest = self.keys.name(name)
        until = self.store.locked_until([digest]).get(digest)
        if until is not None and until > visit.now:
            self.store.note_attempt(visit.now, known.user_name if known else None, _from(visit), "locked")
            self.store.commit()
            seconds = int((until - visit.now).total_seconds()) + 1
            raise LockedOut(
                text(
                    f"失败次数过多，请在 {seconds} 秒后重试，或联系管理员解锁。",
                    f"Too many failures; try again in {seconds} seconds or ask an administrator to unlock the name.",
                ),
                retry_after_s=seconds,
            )

    def fail(self, visit: Visit, name: str, known: KnownCredential | None, outcome: str) -> None:
        """Counts a failure and locks the name where there were many; kept although the operation ends in a problem."""
        digest = self.keys.name(name)
        wait = wait_after(self.store.count_failure(digest, visit.now))
        if wait:
            self.store.lock(digest, visit.now + wait)
        self.store.note_attempt(visit.now, known.user_name if known else None, _from(visit), outcome)
        self.store.commit()

    def _require_code(self, visit: Visit, known: KnownCredential, request: SignIn) -> None:
        if request.code is None:
            raise CodeWanted(text("请输入验证器上的 6 位数字。", "Give the 6 digits that your authenticator shows."))
        secret = self.keys.open(known.user_name, bytes(known.totp or b""))
        step = code_step(secret, request.code.get_secret_value(), visit.now, known.totp_step)
        if step is None or not self.store.use_code(known.user_name, step):
            self.fail(visit, known.user_name, known, "code")
            raise WrongCode(
                text(
                    "验证码不正确或已用过，请输入验证器当前显示的数字。",
                    "Wrong code, or one used before; give the digits that the authenticator shows now.",
                )
            )


def _from(visit: Visit) -> tuple[str, str, str]:
    return visit.address, visit.agent[:AGENT_MAX], visit.trace


def _as_session(known: KnownCredential, visit: Visit) -> KnownSession:
    """The session as it will stand, to ask for its rights before it begins."""
    return KnownSession(
        session_no=0,
        user_name=known.user_name,
        org=None,
        address=visit.address,
        agent=visit.agent,
        started_at=visit.now,
        seen_at=visit.now,
        ends_at=visit.now + LIFETIME,
        ended_at=None,
        kind=known.kind,
        name=known.name,
        home=known.org,
        accounts=known.accounts,
        must_change=known.must_change,
        totp_confirmed=known.totp_confirmed,
        disabled=known.disabled,
    )

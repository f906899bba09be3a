"""Call tokens: how a Call travels between processes (调用令牌). Short-lived and signed, never plain headers."""

from dataclasses import dataclass
from datetime import UTC, datetime

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotSignedIn, text

LIFETIME_S = 60
CLOCK_SKEW_S = 5
_HEADER = {"alg": "HS256", "typ": "JWT"}
_AUDIENCE = "denghuo-call"


@dataclass(frozen=True)
class Signer:
    """Signs and reads call tokens with a key (32 bytes or more) that the processes of one deployment share."""

    key: bytes

    def sign(self, call: Call, at: datetime) -> str:
        claims = {
            "aud": _AUDIENCE,
            "exp": int(at.timestamp()) + LIFETIME_S,
            "sub": call.actor,
            "now": call.now.isoformat(),
            "permits": sorted(call.permits),
            "scope": list(call.scope),
            "accounts": list(call.accounts),
            "post": call.post,
            "channel": call.channel,
            "key": call.key,
            "trace": call.trace,
        }
        return jwt.encode(_HEADER, claims, OctKey.import_key(self.key))

    def read(self, token: str, at: datetime) -> Call:
        """The call that a token carries.

        Raises:
            NotSignedIn: forged, damaged, expired or made for another purpose.
        """
        try:
            claims = jwt.decode(token, OctKey.import_key(self.key), algorithms=["HS256"]).claims
            if claims["aud"] != _AUDIENCE or claims["exp"] + CLOCK_SKEW_S < at.timestamp():
                raise _refused()
            return Call(
                actor=claims["sub"],
                now=datetime.fromisoformat(claims["now"]).astimezone(UTC),
                permits=frozenset(claims["permits"]),
                scope=tuple(claims["scope"]),
                accounts=tuple(claims["accounts"]),
                post=claims["post"],
                channel=claims["channel"],
                key=claims["key"],
                trace=claims["trace"],
            )
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise _refused() from error


def _refused() -> NotSignedIn:
    return NotSignedIn(
        text("调用令牌无效或已过期，请重新发起调用。", "The call token is invalid or has expired; make the call anew.")
    )

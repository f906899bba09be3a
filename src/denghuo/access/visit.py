"""Visit: a Call that came from a browser through the edge, with what only sign-in and sessions need to know of it."""

from dataclasses import dataclass

from denghuo.kernel.contract import Call

VISITOR = "visitor"
"""The actor of whoever has not signed in yet."""


@dataclass(frozen=True)
class Visit(Call):
    """address, agent: whence and with what. session_no, csrf: of the session that the cookie named. presented: digest of the
    secret in the cookie. fresh: digest of the secret that becomes the cookie's when this call signs in; the secret itself never
    leaves the edge.
    """

    address: str = ""
    agent: str = ""
    session_no: int | None = None
    csrf: str = ""
    presented: bytes | None = None
    fresh: bytes | None = None

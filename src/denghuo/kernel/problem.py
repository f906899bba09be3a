"""Problems: what can go wrong in a way the caller can do something about (RFC 9457).

Three kinds of failure exist. A `Problem` is anticipated and carries a 4xx status. `Unavailable` says that a part is out of
reach and when to try again (503). Anything else that is raised is a defect: the caller gets a bare 500 and the log an alarm.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict


class Text(TypedDict):
    """A text in both languages of the product."""

    zh: str
    en: str


def text(zh: str, en: str) -> Text:
    return {"zh": zh, "en": en}


FOR_THE_WHOLE_COMPANY = text(
    "此项对全公司生效，须由公司级岗位办理。",
    "This holds for the whole company; only a post of the whole company does it.",
)
"""What a service says to a post of one unit that would decide for all of them."""


def _wire(value: Any) -> Any:
    """The JSON form of a problem's field: kernel values and instants as text, containers member by member."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_wire(item) for item in value]
    return str(value)


class Problem(Exception):
    """An anticipated failure. Subclasses stand beside the operation that raises them, in a service's `api.py`:

        class AccountClosed(Problem, noun="customer", status=409, zh="用户已销户", en="The account is closed"): ...

    `type` is `/problems/<noun>/<slug>`; the slug is the class name in kebab case. Keyword arguments become extension fields
    and are attributes of the instance; the caller on the other side of a process border gets the same class back.
    """

    noun: ClassVar[str] = "platform"
    slug: ClassVar[str] = "problem"
    status: ClassVar[int] = 409
    title: ClassVar[Text] = {"zh": "无法完成", "en": "Unable to complete"}

    def __init_subclass__(
        cls, noun: str | None = None, status: int | None = None, zh: str | None = None, en: str | None = None
    ) -> None:
        cls.slug = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        if noun is not None:
            cls.noun = noun
        if status is not None:
            cls.status = status
        if zh is not None and en is not None:
            cls.title = {"zh": zh, "en": en}

    def __init__(self, detail: Text | None = None, **fields: Any) -> None:
        self.detail: Text = detail or self.title
        self.fields: dict[str, Any] = {name: _wire(value) for name, value in fields.items()}
        super().__init__(self.detail["en"])

    def __reduce__(self) -> tuple[Any, ...]:
        """Between processes a problem travels with its words and its fields."""
        return _again, (type(self), self.detail, self.fields)

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(name)

    @classmethod
    def type_uri(cls) -> str:
        return f"/problems/{cls.noun}/{cls.slug}"

    def to_json(self) -> dict[str, Any]:
        """The body of `application/problem+json`; `fields` are extension members beside the registered ones."""
        return {
            "type": self.type_uri(),
            "title": dict(self.title),
            "status": self.status,
            "detail": dict(self.detail),
            **self.fields,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Problem":
        """Rebuild the problem on the caller's side: the class that `body["type"]` named, or Problem where that is unknown."""
        fields = {name: value for name, value in body.items() if name not in {"type", "title", "status", "detail"}}
        detail = body.get("detail")
        if isinstance(detail, Mapping) and {"zh", "en"} <= detail.keys():
            return cls(text(detail["zh"], detail["en"]), **fields)
        return cls(None, **fields)


def _again(kind: type[Problem], detail: Text, fields: Mapping[str, Any]) -> Problem:
    return kind(detail, **fields)


class Invalid(Problem, status=422, zh="请求不符合契约", en="The request does not fit the contract"):
    """Fields: errors = [{field, value, zh, en}], one per refused field."""


class NotPermitted(Problem, status=403, zh="没有此操作的权限", en="Not permitted"):
    """Fields: permit = the permit that the caller lacks."""


class NotSignedIn(Problem, status=401, zh="请先登录", en="Sign in first"): ...


class NotFound(Problem, status=404, zh="未找到", en="Not found"):
    """Fields: subject, value. Also raised where the record exists outside the caller's organisation scope."""


class KeyReused(Problem, status=422, zh="幂等键已用于另一请求", en="The idempotency key was used for another request"):
    """Fields: key."""


class TooMany(Problem, status=429, zh="请求过多", en="Too many requests"):
    """Fields: retry_after_s."""


class Unavailable(Problem, status=503, zh="暂时无法使用", en="Temporarily unavailable"):
    """A part that is needed is out of reach. Fields: part, retry_after_s."""


PLATFORM_PROBLEMS: tuple[type[Problem], ...] = (
    Invalid,
    NotPermitted,
    NotSignedIn,
    NotFound,
    KeyReused,
    TooMany,
    Unavailable,
)

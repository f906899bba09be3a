"""What can be wrong with bytes: one typed error for all protocols."""

from collections.abc import Mapping
from typing import Any

from denghuo.kernel.problem import Problem, text

_WORDS = {
    "start": text("起始符不对", "the start mark is not there"),
    "short": text("报文不完整", "the frame is cut short"),
    "long": text("报文后还有多余字节", "bytes follow the end of the frame"),
    "length": text("长度域与报文不符", "the length does not fit the frame"),
    "checksum": text("校验和不对", "the checksum is wrong"),
    "end": text("结束符不对", "the end mark is not there"),
    "content": text("内容与规约不符", "the content does not fit the protocol"),
    "unknown": text("规约表中没有此项", "the tables do not know this item"),
    "hex": text("不是十六进制字节", "not bytes in hexadecimal digits"),
}


class BadFrame(Problem, noun="acquisition", status=422, zh="报文无法解析", en="The frame cannot be decoded"):
    """Fields: reason (a key of _WORDS), at = offset of the byte, found, expected."""

    def __init__(self, reason: str, at: int = 0, found: str = "", expected: str = "") -> None:
        words = _WORDS[reason]
        zh, en = f"第 {at} 字节：{words['zh']}", f"byte {at}: {words['en']}"
        if found:
            zh, en = f"{zh}，收到 {found}", f"{en}, found {found}"
        if expected:
            zh, en = f"{zh}，应为 {expected}", f"{en}, expected {expected}"
        super().__init__(text(zh, en), reason=reason, at=at, found=found, expected=expected)

    def __reduce__(self) -> tuple[Any, ...]:
        return BadFrame, (self.reason, self.at, self.found, self.expected)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Problem:
        """A newer peer may know reasons that have no words here; its own words then stand."""
        if body.get("reason") not in _WORDS:
            return Problem.from_json(body)
        return cls(body["reason"], body["at"], body["found"], body["expected"])


class BadValue(Problem, noun="acquisition", status=422, zh="数值无法编码", en="The value cannot be encoded"):
    """Fields: field, value, expected."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(
            text(
                f"{field} 的值 {value} 无法编码，应为 {expected}",
                f"{field} = {value} cannot be encoded, expected {expected}",
            ),
            field=field,
            value=str(value),
            expected=expected,
        )

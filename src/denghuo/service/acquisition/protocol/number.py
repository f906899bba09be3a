"""Numbers as meters send them: packed decimal digits, low byte first, exact."""

from typing import NamedTuple

from denghuo.service.acquisition.protocol.fault import BadValue


class Number(NamedTuple):
    """`scaled` units of 10**-decimals: Number(2319, 1) is 231.9. Exact; its text has always all its decimals."""

    scaled: int
    decimals: int = 0

    def __str__(self) -> str:
        if self.decimals <= 0:
            return str(self.scaled * 10**-self.decimals)
        digits = str(abs(self.scaled)).rjust(self.decimals + 1, "0")
        return f"{'-' if self.scaled < 0 else ''}{digits[: -self.decimals]}.{digits[-self.decimals :]}"

    @classmethod
    def of(cls, value: str, decimals: int) -> "Number":
        """The number that a decimal text says; BadValue where it has more decimals than the place allows."""
        sign, _, digits = value.rpartition("-")
        whole, _, part = digits.partition(".")
        if sign or not (whole + part).isdecimal() or len(part) > decimals:
            raise BadValue("number", value, f"a decimal with at most {decimals} decimals")
        count = int(whole + part.ljust(decimals, "0"))
        return cls(-count if value.startswith("-") else count, decimals)


def unpack(raw: bytes, signed: bool = False) -> int | None:
    """The digits of packed decimal bytes, low byte first. A nibble that is no digit (EE, FF: not there) makes None.

    `signed`: the top bit of the highest byte is the sign, its other seven bits are digits.
    """
    digits = raw[::-1].hex()
    if signed and digits and digits[0] >= "8":
        digits = f"{int(digits[0], 16) - 8}{digits[1:]}"
        return -int(digits) if digits.isdecimal() else None
    return int(digits) if digits.isdecimal() else None


def pack(count: int | None, size: int, signed: bool = False) -> bytes:
    """`count` as `size` bytes of packed decimal digits, low byte first; None becomes FF."""
    if count is None:
        return b"\xff" * size
    limit = (8 if signed else 10) * 10 ** (2 * size - 1)
    if abs(count) >= limit or (count < 0 and not signed):
        raise BadValue("number", count, f"{-limit + 1 if signed else 0}..{limit - 1}")
    raw = bytearray(bytes.fromhex(str(abs(count)).rjust(2 * size, "0"))[::-1])
    if count < 0:
        raw[-1] |= 0x80
    return bytes(raw)

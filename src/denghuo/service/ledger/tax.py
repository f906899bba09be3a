"""The tax authority (税务机关) behind a port: asked for the number of each invoice, blue or red.

This release has a sandbox only; it says so by `sandbox`, and every page that shows its invoices says so too.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from denghuo.kernel.problem import Text, text

NO_REGION = "000000"
_DIGITS = 20


@dataclass(frozen=True)
class Answer:
    """The number of an invoice, or why there is none."""

    number: str | None
    refusal: Text | None = None


class TaxAuthority(Protocol):
    """Issues invoices. May be asked again under the same register number: it issues it once and gives the same answer."""

    sandbox: bool
    title: Text

    def issue(self, invoice: Mapping[str, str | None]) -> Answer:
        """invoice: register number, colour, number of the blue one that a red letter takes back, buyer, code, amount and tax."""


class SandboxTax:
    """Answers at once and registers nothing. Its rule: a buyer whose code has the region 000000, which no place has, is unknown."""

    sandbox = True
    title = text("沙箱税务（不产生真实发票）", "Sandbox tax authority (no real invoice)")

    def issue(self, invoice: Mapping[str, str | None]) -> Answer:
        code = invoice["buyer_code"]
        if code is not None and code[2:8] == NO_REGION:
            return Answer(
                None,
                text(
                    f"未查到纳税人 {code}，请核对购买方代码后重新申请。",
                    f"No taxpayer {code} is known; check the code of the buyer and ask again.",
                ),
            )
        digest = hashlib.sha256(str(invoice["invoice_no"]).encode()).hexdigest()
        return Answer(f"{int(digest, 16) % 10**_DIGITS:0{_DIGITS}d}")


_SANDBOX = SandboxTax()


def authority() -> TaxAuthority:
    """The authority of this deployment: the sandbox in this release."""
    return _SANDBOX

"""Channels: how money is asked for outside (银行与线上支付渠道). A bank or a payment company is one implementation of a port.

This release has sandboxes only; they say so by `sandbox`, and every page, receipt and file that came through one shows it.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from denghuo.kernel.problem import Text, text
from denghuo.service.payment.rules.bank_file import SUCCESS, return_text

INSUFFICIENT, FROZEN = "51", "14"
INSUFFICIENT_EVERY, FROZEN_EVERY = 20, 97


class BankChannel(Protocol):
    """Direct debit through a bank. `send` may be repeated with the same batch number: a bank charges a batch once."""

    sandbox: bool
    title: Text

    def send(self, batch_no: str, content: str) -> None: ...

    def answer(self, batch_no: str, content: str, now: datetime) -> str | None:
        """The return file, or None as long as there is none."""


class SandboxBank:
    """Answers at once and moves no money. Its rule, on the account number without its check digit: divisible by 97 is a frozen
    account (14), otherwise divisible by 20 is insufficient funds (51), everything else is collected (00)."""

    sandbox = True
    title = text("沙箱银行（不发生真实扣款）", "Sandbox bank (no money moves)")

    def send(self, batch_no: str, content: str) -> None:
        """Nothing to send to: the answer is worked out from the file itself."""

    def answer(self, batch_no: str, content: str, now: datetime) -> str | None:
        return "".join(return_text(content, now, self.result, lambda batch, line: f"SB{batch}-{line}"))

    @staticmethod
    def result(account_no: str) -> str:
        serial = int(account_no[:-1])
        if serial % FROZEN_EVERY == 0:
            return FROZEN
        return INSUFFICIENT if serial % INSUFFICIENT_EVERY == 0 else SUCCESS


class OnlineChannel(Protocol):
    """An online payment company: it gets a signed order and reports the paid order with its own signature."""

    code: str
    sandbox: bool
    title: Text

    def request(self, order_no: str, amount: str, now: datetime, secret: bytes) -> tuple[str, str]:
        """The order as the channel wants it, and its signature."""

    def verified(self, body: str, signature: str, secret: bytes) -> Mapping[str, str] | None:
        """What a report says (order_no, amount, serial, paid_at), or None when its signature is wrong."""


class SandboxOnline:
    """A payment company that is played by this product: orders and reports are signed by HMAC-SHA256 with a secret of this
    deployment, and no money moves."""

    code = "sandbox"
    sandbox = True
    title = text("沙箱支付（不发生真实扣款）", "Sandbox payment (no money moves)")

    def request(self, order_no: str, amount: str, now: datetime, secret: bytes) -> tuple[str, str]:
        body = _canonical({"order_no": order_no, "amount": amount, "created_at": now.isoformat()})
        return body, _signed(body, secret)

    def verified(self, body: str, signature: str, secret: bytes) -> Mapping[str, str] | None:
        if not hmac.compare_digest(_signed(body, secret), signature):
            return None
        said = json.loads(body)
        return {name: str(said[name]) for name in ("order_no", "amount", "serial", "paid_at")}

    def pay(self, order_no: str, amount: str, now: datetime, secret: bytes) -> tuple[str, str]:
        """The report of a paid order, signed as the channel would sign it."""
        body = _canonical(
            {"order_no": order_no, "amount": amount, "serial": f"SBX{order_no}", "paid_at": now.isoformat()}
        )
        return body, _signed(body, secret)


def _canonical(body: Mapping[str, str]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _signed(body: str, secret: bytes) -> str:
    return hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()


ONLINE: Mapping[str, OnlineChannel] = {SandboxOnline.code: SandboxOnline()}
_BANK = SandboxBank()


def bank(bank_code: str) -> BankChannel:
    """The channel of a bank. Every bank is the sandbox in this release."""
    return _BANK

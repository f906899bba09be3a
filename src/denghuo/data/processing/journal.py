"""Journal: one row per command, written in the command's own transaction (操作日志).

The row is audit trail (who did what), idempotency record (same key and digest: the stored reply) and outbox (its events) at once.
Personal data in it is sealed with a key per person, so that erasing the key erases the person while the row stays.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, Event, Mask, Message, Operation, replace_personal, without_bulk
from denghuo.kernel.problem import KeyReused, text

ERASED = "—"
_NONCE_BYTES = 12
_SUBJECT_FIELDS = ("account_no", "customer_no", "user_name")


@dataclass(frozen=True)
class Entry:
    """A stored command. `reply` is the JSON form with personal data opened again."""

    digest: bytes
    reply: dict[str, Any]


def digest_of(request: Message) -> bytes:
    """SHA-256 over the canonical JSON form of a request."""
    body = json.dumps(request.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(body.encode()).digest()


class Journal:
    """The journal of one service schema, seen through a Work.

    `master_key` (32 bytes, from the settings' secrets) wraps the keys of persons that lie in the same schema.
    """

    def __init__(self, work: Work, master_key: bytes) -> None:
        self._work = work
        self._master = AESGCM(master_key)

    def lock(self, operation: Operation, key: str) -> None:
        """Serialises commands with the same key until the end of the transaction."""
        self._work.value("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{operation.full_name} {key}",))

    def find(self, operation: Operation, key: str, digest: bytes) -> Entry | None:
        """The stored command of this key, or None.

        Raises:
            KeyReused: the key was used with another request.
        """
        row = self._work.row(
            "SELECT digest, reply, subject FROM journal WHERE operation = %s AND key = %s", (operation.full_name, key)
        )
        if row is None:
            return None
        if bytes(row["digest"]) != digest:
            raise KeyReused(
                text(
                    f"幂等键 {key} 已用于内容不同的请求，本次未执行；新的业务请使用新的幂等键。",
                    f"Key {key} was used for a different request, so nothing was done; use a new key for new business.",
                ),
                key=key,
            )
        return Entry(digest, self._opened(operation.reply, row["reply"], row["subject"]))

    def record(
        self, operation: Operation, call: Call, key: str, digest: bytes, request: Message, reply: Message
    ) -> None:
        """Adds the command's row, with the events that its work emitted and the jobs that it ordered."""
        outgoing = [_envelope(event) for event in self._work.events]
        outgoing += [
            {"job": name, "data": body} | ({} if at is None else {"at": at.isoformat()})
            for name, body, at in self._work.jobs
        ]
        request_body = without_bulk(operation.request, request.model_dump(mode="json"))
        # What was revealed is shown and not kept: the record is that it was asked for.
        reply_body = {} if operation.reveals else reply.model_dump(mode="json")
        subject = _subject(request_body) or _subject(reply_body) or call.actor
        seal = _Sealer(self, subject)
        self._work.run(
            "INSERT INTO journal (at, actor, post, channel, trace, operation, key, digest, subject, request, reply, events)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                call.now,
                call.actor,
                call.post,
                call.channel,
                call.trace,
                operation.full_name,
                key,
                digest,
                subject,
                json.dumps(replace_personal(operation.request, request_body, seal), ensure_ascii=False),
                json.dumps(replace_personal(operation.reply, reply_body, seal), ensure_ascii=False),
                json.dumps(outgoing, ensure_ascii=False),
            ),
        )
        if outgoing:
            self._work.run("SELECT pg_notify('denghuo_journal', %s)", (self._work.schema,))

    # -- sealing ---------------------------------------------------------------------------------------------------------

    def key_of(self, subject: str) -> bytes | None:
        """The person's key, made at first use; None when it was erased."""
        row = self._work.row("SELECT wrapped FROM personal_key WHERE subject = %s", (subject,))
        if row is None:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            wrapped = nonce + self._master.encrypt(nonce, AESGCM.generate_key(256), subject.encode())
            self._work.run(
                "INSERT INTO personal_key (subject, wrapped) VALUES (%s, %s) ON CONFLICT DO NOTHING", (subject, wrapped)
            )
            row = self._work.row("SELECT wrapped FROM personal_key WHERE subject = %s", (subject,))
        if row is None or row["wrapped"] is None:
            return None
        wrapped = bytes(row["wrapped"])
        return self._master.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], subject.encode())

    def erase(self, subject: str, at: datetime) -> None:
        """Forgets the person: what was sealed for them can no longer be opened by anyone."""
        self._work.run("UPDATE personal_key SET wrapped = NULL, erased_at = %s WHERE subject = %s", (at, subject))

    def _opened(self, message: type[Message], body: Any, subject: str) -> Any:
        return replace_personal(message, body, _Opener(self, subject))


class _Sealer:
    """Replaces a personal value by its sealed form; the person's key is looked up once, when first needed."""

    def __init__(self, journal: Journal, subject: str) -> None:
        self._journal, self._subject = journal, subject
        self._cipher: AESGCM | None = None

    def __call__(self, value: Any, mask: Mask) -> Any:
        if self._cipher is None:
            key = self._journal.key_of(self._subject)
            if key is None:
                return ERASED
            self._cipher = AESGCM(key)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, json.dumps(value, ensure_ascii=False).encode(), None)
        return {"sealed": base64.b64encode(sealed).decode()}


class _Opener(_Sealer):
    """The way back; a person whose key was erased shows as a dash."""

    def __call__(self, value: Any, mask: Mask) -> Any:
        if not (isinstance(value, Mapping) and "sealed" in value):
            return value
        key = self._journal.key_of(self._subject)
        if key is None:
            return ERASED
        sealed = base64.b64decode(value["sealed"])
        try:
            return json.loads(AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None))
        except InvalidTag:
            return ERASED


def _subject(body: Mapping[str, Any]) -> str | None:
    for name in _SUBJECT_FIELDS:
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def _envelope(event: Event) -> dict[str, Any]:
    return {"type": event.event_type(), "data": event.model_dump(mode="json")}

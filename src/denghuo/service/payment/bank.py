"""Bank files and direct debit: importing what banks report, making batches and taking their answers."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document, TextPair
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api import BillsOpen, LedgerApi
from denghuo.service.payment.api import (
    AgreementsRegistered,
    BankFileImported,
    BankFileRefused,
    BatchKnown,
    BatchUnknown,
    ImportBankFile,
    LineError,
    RegisterAgreements,
    StepDone,
)
from denghuo.service.payment.channel import bank
from denghuo.service.payment.counter import POST
from denghuo.service.payment.peers import homes
from denghuo.service.payment.rules.bank_file import (
    BankText,
    Detail,
    Fault,
    Header,
    Refused,
    debit_text,
    read_bank_file,
)
from denghuo.service.payment.store.banks import BankStore
from denghuo.service.payment.store.payments import NewPayment, PaymentStore

COLLECTED, DEBITED = "YH", "KK"
"""Prefixes of receipt numbers: bank collection, direct debit."""
RUN = "payment.run_debit"
AGREEMENTS_A_STEP = 500
FAULTS_SHOWN = 200


class Bank:
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._store, self._payments = BankStore(work), PaymentStore(work)

    # -- import ----------------------------------------------------------------------------------------------------------

    def take_file(self, call: Call, request: ImportBankFile) -> BankFileImported:
        try:
            whole = read_bank_file(request.content)
        except Refused as refused:
            raise _refused(request.file_name, refused.faults, refused.count) from refused
        digest = hashlib.sha256(request.content.encode()).hexdigest()
        orgs = homes(self._ask, call, {detail.account_no for detail in whole.details})
        self._store.hold_file(whole.header)
        known = self._store.file(whole.header)
        if known is not None:
            return _known(whole.header, known, digest)
        faults = [*self._outside(call, whole, orgs), *self._repeated(whole), *self._unlike_the_batch(whole)]
        if faults:
            raise _refused(request.file_name, faults, len(faults))
        return self._take(call, request.file_name, digest, whole, orgs)

    def _outside(self, call: Call, whole: BankText, orgs: dict[str, str]) -> Iterator[Fault]:
        if not call.covers(whole.header.unit):
            yield Fault(
                1,
                "unit",
                whole.header.unit,
                "收款单位不在您的管辖范围内，请由该单位导入。",
                "This unit is outside your scope; let that unit import the file.",
            )
        for detail in whole.details:
            org = orgs.get(detail.account_no)
            if org is not None and not call.covers(org):
                yield Fault(
                    detail.line,
                    "account_no",
                    detail.account_no,
                    "该户不在您的管辖范围内，请由上级单位导入。",
                    "This account is outside your scope; let the unit above import the file.",
                )

    def _repeated(self, whole: BankText) -> Iterator[Fault]:
        serials = [detail.bank_serial for detail in whole.paid]
        known = self._store.serials(whole.header.bank_code, serials)
        for detail in whole.paid if known else ():
            if detail.bank_serial in known:
                source = known[detail.bank_serial]
                yield Fault(
                    detail.line,
                    "bank_serial",
                    detail.bank_serial,
                    f"该银行流水号已随批次 {source} 入账，请银行核对后重发文件。",
                    f"This serial was taken with batch {source} already; let the bank check and send the file again.",
                )

    def _unlike_the_batch(self, whole: BankText) -> Iterator[Fault]:
        """Lines of a return file that are not those that were sent out."""
        if whole.header.file_kind != "RETURN":
            return
        batch = self._store.batch(whole.header.batch_no, hold=True)
        if batch is None or batch["bank_code"] != whole.header.bank_code:
            yield Fault(
                1,
                "batch_no",
                whole.header.batch_no,
                "没有向该银行发送过此代扣批次，请核对批次号。",
                "No such batch was sent to this bank; check the batch number.",
            )
            return
        expected = self._store.expected(whole.header.batch_no)
        for detail in whole.details:
            sent = expected.get(detail.serial_no)
            if sent is None or sent[:2] != (detail.account_no, detail.amount.fen):
                yield Fault(
                    detail.line,
                    "account_no",
                    detail.account_no,
                    "与送盘文件该行的户号或金额不一致，请银行核对后重发。",
                    "Differs from the account or amount of that line as sent; let the bank check and send it again.",
                )

    def _take(self, call: Call, file_name: str, digest: str, whole: BankText, orgs: dict[str, str]) -> BankFileImported:
        header, paid = whole.header, whole.paid
        returned = header.file_kind == "RETURN"
        sandbox = bank(header.bank_code).sandbox if returned else False
        numbers = dict(
            zip(
                [detail.line for detail in paid],
                self._payments.numbers(DEBITED if returned else COLLECTED, call.today, len(paid)),
                strict=True,
            )
        )
        self._payments.add(_payment(call, header, detail, numbers[detail.line], orgs, sandbox) for detail in paid)
        strangers = [detail for detail in paid if detail.account_no not in orgs]
        if returned:
            self._store.answer_lines(
                header.batch_no,
                [(detail.serial_no, detail.result, numbers.get(detail.line)) for detail in whole.details],
            )
            self._store.move_batch(header.batch_no, "returned")
        reply = BankFileImported(
            batch_no=header.batch_no,
            bank_code=header.bank_code,
            file_kind=header.file_kind,
            lines=len(whole.details),
            amount=whole.amount,
            payments=len(paid),
            paid=Money(sum(detail.amount.fen for detail in paid)),
            failed=len(whole.details) - len(paid),
            suspense=len(strangers),
            warnings=[_stranger(detail) for detail in strangers[:FAULTS_SHOWN]],
            sandbox=sandbox,
        )
        self._store.add_file(header, file_name, digest, reply, call.now)
        if paid:
            self._work.enqueue(POST, {})
        return reply

    # -- agreements ------------------------------------------------------------------------------------------------------

    def register(self, call: Call, request: RegisterAgreements) -> AgreementsRegistered:
        known = self._store.agreements_of([item.account_no for item in request.agreements])
        fresh = {item.account_no: item for item in request.agreements if known.get(item.account_no) != item}
        changed = [number for number in fresh if number in known]
        self._store.end_agreements(changed, call.today)
        self._store.add_agreements(fresh.values(), call.now)
        return AgreementsRegistered(
            registered=len(fresh) - len(changed),
            changed=len(changed),
            unchanged=len(request.agreements) - len(fresh),
        )

    # -- direct debit ----------------------------------------------------------------------------------------------------

    def order_batches(self, call: Call, month: str, retry: bool) -> list[str]:
        """Begins a batch for each bank with agreements, or continues the one under way; gives their numbers."""
        self._work.value("SELECT pg_advisory_xact_lock(hashtextextended('debit batches', 0))")
        numbers = []
        for bank_code, unit in self._store.banks_with_agreements():
            batch_no = self._store.batch_under_way(bank_code, unit)
            if batch_no is None:
                sandbox = bank(bank_code).sandbox
                batch_no = self._store.add_batch(month, bank_code, unit, retry, call.now, sandbox)
            self._work.enqueue(RUN, {"batch_no": batch_no})
            numbers.append(batch_no)
        return numbers

    def step(self, call: Call, batch_no: str) -> StepDone:
        """One step of a batch. Each is one transaction, so an interruption loses at most the step that was under way."""
        batch = self._store.batch(batch_no)
        if batch is None:
            raise unknown_batch(batch_no)
        match batch["state"]:
            case "building":
                return self._build(call, batch)
            case "ready":
                bank(batch["bank_code"]).send(batch_no, self._outgoing(batch))
                self._store.move_batch(batch_no, "sent")
                return StepDone(again=True, done=0)
            case "sent":
                answer = bank(batch["bank_code"]).answer(batch_no, self._outgoing(batch), call.now)
                if answer is None:
                    return StepDone(again=False, done=0)
                name = f"{batch_no}.RETURN.txt"
                reply = self.take_file(call, ImportBankFile(file_name=name, content=answer))
                return StepDone(again=False, done=reply.payments)
            case _:
                return StepDone(again=False, done=0)

    def _build(self, call: Call, batch: dict[str, Any]) -> StepDone:
        agreements = self._store.next_agreements(batch, AGREEMENTS_A_STEP)
        if not agreements:
            lines = self._store.expected(batch["batch_no"])
            self._store.move_batch(batch["batch_no"], "ready" if lines else "empty")
            return StepDone(again=bool(lines), done=0)
        reply = self._ask(LedgerApi).bills_open(
            call.only("ledger.read"), BillsOpen(account_nos=[item.account_no for item in agreements])
        )
        due = {row.account_no: row.due for row in reply.rows}
        owing = [(item, due[item.account_no]) for item in agreements if item.account_no in due]
        self._store.add_lines(batch["batch_no"], owing, agreements[-1].account_no)
        return StepDone(again=True, done=len(owing))

    def _outgoing(self, batch: dict[str, Any]) -> str:
        """The outgoing file. It follows from the batch's rows alone, so that it is the same however often it is made."""
        return "".join(
            debit_text(
                batch["bank_code"],
                batch["batch_no"],
                batch["made_at"].astimezone(SHANGHAI).date(),
                batch["org"],
                self._store.orders(batch["batch_no"]),
            )
        )

    def outgoing_document(self, batch_no: str) -> Document:
        batch = self._store.batch(batch_no)
        if batch is None:
            raise unknown_batch(batch_no)
        mark = "SANDBOX." if batch["sandbox"] else ""
        return Document(
            file_name=f"{batch_no}.{mark}DEBIT.txt",
            media_type="text/plain; charset=utf-8",
            content=base64.b64encode(self._outgoing(batch).encode()).decode(),
        )


def _payment(
    call: Call, header: Header, detail: Detail, number: str, orgs: dict[str, str], sandbox: bool
) -> NewPayment:
    return NewPayment(
        receipt_no=number,
        account_no=detail.account_no,
        org=orgs.get(detail.account_no, header.unit),
        amount_fen=detail.amount.fen,
        method="debit" if header.file_kind == "RETURN" else "bank",
        cashier=call.actor,
        taken_at=detail.paid_at,
        day=detail.paid_at.astimezone(SHANGHAI).date(),
        source=header.batch_no,
        bank_code=header.bank_code,
        bank_serial=detail.bank_serial,
        known_account=detail.account_no in orgs,
        sandbox=sandbox,
    )


def _stranger(detail: Detail) -> LineError:
    return LineError(
        line=detail.line,
        field="account_no",
        value=detail.account_no,
        said=TextPair(
            zh=f"户号不存在，{detail.amount} 元已转暂存。请与银行核对付款人后冲正并重新入账，或由银行退回。",
            en=f"No such account; {detail.amount} yuan went to suspense. Ask the bank who paid, then reverse and take it again, "
            "or let the bank return it.",
        ),
    )


def _refused(file_name: str, faults: list[Fault], count: int) -> BankFileRefused:
    first = faults[0]
    return BankFileRefused(
        text(
            f"文件未导入，共 {count} 处问题。第 {first.line} 行 {first.field}“{first.value}”：{first.zh}",
            f"Nothing was imported; {count} problems. Line {first.line}, {first.field} {first.value!r}: {first.en}",
        ),
        file_name=file_name,
        errors=[asdict(fault) for fault in faults[:FAULTS_SHOWN]],
        error_count=count,
    )


def _known(header: Header, known: dict[str, Any], digest: str) -> BankFileImported:
    if known["digest"] == digest:
        return BankFileImported.model_validate(known["reply"])
    raise BatchKnown(
        text(
            f"批次 {header.batch_no} 已于 {known['imported_at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M} 导入，且内容不同，"
            "本次未导入。请与银行核对；新的收款请用新的批次号。",
            f"Batch {header.batch_no} was imported already with other content; nothing was taken now. Compare with the bank; "
            "new payments need a new batch number.",
        ),
        batch_no=header.batch_no,
        imported_at=known["imported_at"],
    )


def unknown_batch(batch_no: str) -> BatchUnknown:
    return BatchUnknown(
        text(
            f"批次 {batch_no} 不存在，或不在您的管辖范围内。",
            f"Batch {batch_no} does not exist or is outside your scope.",
        ),
        batch_no=batch_no,
    )

"""Payment: implementation of the contract."""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, masked
from denghuo.kernel.fields import Document, is_account_no
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.payment.api import (
    Agreements,
    AgreementsRegistered,
    AskCollection,
    AskDay,
    AskReconciliation,
    BankFileImported,
    BankFiles,
    CallbackTaken,
    CloseDay,
    Collection,
    Day,
    DebitBatches,
    DebitLines,
    FindAgreements,
    FindBankFiles,
    FindDebitBatches,
    FindDebitLines,
    FindInterruptions,
    FindPayments,
    ImportBankFile,
    InterruptionsFound,
    MakeDebitBatch,
    OnlineCallback,
    Order,
    OrderRef,
    Payment,
    PaymentApi,
    PaymentReversed,
    Payments,
    PayOnline,
    ReceiptRef,
    Reconciliation,
    RegisterAgreements,
    ReversePayment,
    SandboxOff,
    Step,
    StepDone,
    TakeDebitFile,
    TakePayment,
)
from denghuo.service.payment.bank import Bank, unknown_batch
from denghuo.service.payment.counter import Counter, unknown_receipt
from denghuo.service.payment.interruptions import Interruptions
from denghuo.service.payment.online import Online
from denghuo.service.payment.posting import Posting
from denghuo.service.payment.reconcile import Reconciling
from denghuo.service.payment.store.banks import BankStore
from denghuo.service.payment.store.payments import PaymentStore


class PaymentService(PaymentApi):
    """`sandbox`: whether the online sandbox has its pay page."""

    def __init__(self, work: Work, ask: Ask, sandbox: bool = False) -> None:
        self._work, self._ask, self._sandbox = work, ask, sandbox
        self._payments, self._banks = PaymentStore(work), BankStore(work)
        self.counter, self.bank, self.online = Counter(work, ask), Bank(work, ask), Online(work, ask)
        self.interrupting = Interruptions(work, ask)

    # -- counter ---------------------------------------------------------------------------------------------------------

    def take_payment(self, call: Call, request: TakePayment) -> Payment:
        return self.counter.take(call, request)

    def receipt(self, call: Call, request: ReceiptRef) -> Payment:
        payment = self._payments.payment(request.receipt_no)
        if payment is None:
            raise unknown_receipt(request.receipt_no)
        return payment

    def receipt_document(self, call: Call, request: ReceiptRef) -> Document:
        payment = self.receipt(call, request)
        holder = ""
        if is_account_no(payment.account_no):
            asked = AccountNumbers(numbers=[payment.account_no])
            rows = self._ask(CustomerApi).accounts(call.only("customer.read"), asked).rows
            holder = str(masked(rows[0].name, "name")) if rows else ""
        # Who prints loads the typesetter with its fonts and images; a start does not wait for it.
        from denghuo.service.payment.document import receipt_document

        return receipt_document(payment, holder)

    def payments(self, call: Call, request: FindPayments) -> Payments:
        rows, total, fen = self._payments.find(request)
        following = rows[-1].receipt_no[2:] if len(rows) == request.limit else None
        return Payments(rows=rows, total=total, amount=Money(fen), next=following, as_of=call.now)

    def reverse_payment(self, call: Call, request: ReversePayment) -> PaymentReversed:
        return self.counter.reverse(call, request)

    def day(self, call: Call, request: AskDay) -> Day:
        return self.counter.day(call, request)

    def close_day(self, call: Call, request: CloseDay) -> Day:
        return self.counter.close(call, request)

    # -- banks -----------------------------------------------------------------------------------------------------------

    def import_bank_file(self, call: Call, request: ImportBankFile) -> BankFileImported:
        return self.bank.take_file(call, request)

    def bank_files(self, call: Call, request: FindBankFiles) -> BankFiles:
        rows, total, last = self._banks.files(request)
        return BankFiles(rows=rows, total=total, next=str(last) if last else None, as_of=call.now)

    def register_agreements(self, call: Call, request: RegisterAgreements) -> AgreementsRegistered:
        return self.bank.register(call, request)

    def agreements(self, call: Call, request: FindAgreements) -> Agreements:
        rows, total = self._banks.agreements(request)
        following = rows[-1].account_no if len(rows) == request.limit else None
        return Agreements(rows=rows, total=total, next=following, as_of=call.now)

    def debit_batch(self, call: Call, request: MakeDebitBatch) -> DebitBatches:
        numbers = self.bank.order_batches(call, request.month, retry=True)
        rows, total = self._banks.batches(FindDebitBatches(limit=200), numbers)
        return DebitBatches(rows=rows, total=total, next=None, as_of=call.now)

    def debit_batches(self, call: Call, request: FindDebitBatches) -> DebitBatches:
        rows, total = self._banks.batches(request)
        following = rows[-1].batch_no if len(rows) == request.limit else None
        return DebitBatches(rows=rows, total=total, next=following, as_of=call.now)

    def debit_lines(self, call: Call, request: FindDebitLines) -> DebitLines:
        if self._banks.batch(request.batch_no) is None:
            raise unknown_batch(request.batch_no)
        rows, total = self._banks.lines(request)
        following = str(rows[-1].line) if len(rows) == request.limit else None
        return DebitLines(rows=rows, total=total, next=following, as_of=call.now)

    def debit_file(self, call: Call, request: TakeDebitFile) -> Document:
        return self.bank.outgoing_document(request.batch_no)

    # -- steps -----------------------------------------------------------------------------------------------------------

    def post_pending(self, call: Call, request: Step) -> StepDone:
        return Posting(self._work, self._ask).step(call)

    def run_debit(self, call: Call, request: Step) -> StepDone:
        if request.batch_no is None:
            return StepDone(again=False, done=0)
        return self.bank.step(call, request.batch_no)

    # -- interruptions under fee control ---------------------------------------------------------------------------------

    def interruptions(self, call: Call, request: FindInterruptions) -> InterruptionsFound:
        return self.interrupting.find(call, request)

    def follow_interruptions(self, call: Call, request: Step) -> StepDone:
        return self.interrupting.follow(call)

    # -- online ----------------------------------------------------------------------------------------------------------

    def pay_online(self, call: Call, request: PayOnline) -> Order:
        return self.online.order(call, request)

    def order(self, call: Call, request: OrderRef) -> Order:
        return self.online.known(request.order_no)

    def online_callback(self, call: Call, request: OnlineCallback) -> CallbackTaken:
        return self.online.report(call, request)

    def sandbox_pay(self, call: Call, request: OrderRef) -> CallbackTaken:
        if not self._sandbox:
            raise SandboxOff(
                text(
                    "本系统未启用沙箱支付，未收到任何款项。演示时请设置 sandbox_payment = true。",
                    "The sandbox of payment is off here; nothing was paid. For a demonstration set sandbox_payment = true.",
                )
            )
        return self.online.play(call, request.order_no)

    # -- comparing -------------------------------------------------------------------------------------------------------

    def reconcile(self, call: Call, request: AskReconciliation) -> Reconciliation:
        return Reconciling(self._work, self._ask).reconcile(call, request)

    def collection(self, call: Call, request: AskCollection) -> Collection:
        return Reconciling(self._work, self._ask).collection(call, request)

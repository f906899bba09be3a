"""Contract of payment (电费收缴管理): counter, bank files, direct debit, online orders, day-end close, reconciliation.

A payment is recorded here first and posted to the ledger afterwards by job steps that may be repeated, so an interruption leaves
no half payment. The bank and the online channel of this release are sandboxes and say so wherever they show.
"""

from denghuo.kernel.contract import PUBLIC, Call, command, query
from denghuo.kernel.fields import Document
from denghuo.service.payment.api.bank import (
    BATCH_STATES as BATCH_STATES,
    DEBIT_RESULTS as DEBIT_RESULTS,
    FILE_KINDS as FILE_KINDS,
    FILE_MAX as FILE_MAX,
    ITEMS_MAX as ITEMS_MAX,
    Agreement as Agreement,
    Agreements as Agreements,
    AgreementsRegistered as AgreementsRegistered,
    BankCode as BankCode,
    BankFile as BankFile,
    BankFileImported as BankFileImported,
    BankFileRefused as BankFileRefused,
    BankFiles as BankFiles,
    BatchKnown as BatchKnown,
    BatchNo as BatchNo,
    BatchState as BatchState,
    BatchUnknown as BatchUnknown,
    DebitBatch as DebitBatch,
    DebitBatches as DebitBatches,
    DebitLine as DebitLine,
    DebitLines as DebitLines,
    FindAgreements as FindAgreements,
    FindBankFiles as FindBankFiles,
    FindDebitBatches as FindDebitBatches,
    FindDebitLines as FindDebitLines,
    ImportBankFile as ImportBankFile,
    LineError as LineError,
    MakeDebitBatch as MakeDebitBatch,
    RegisterAgreements as RegisterAgreements,
    Step as Step,
    StepDone as StepDone,
    TakeDebitFile as TakeDebitFile,
)
from denghuo.service.payment.api.counter import (
    DAY_STATES as DAY_STATES,
    METHODS as METHODS,
    REVERSAL_OUTCOMES as REVERSAL_OUTCOMES,
    STATES as STATES,
    AccountUnknown as AccountUnknown,
    AmountRefused as AmountRefused,
    AnyAccount as AnyAccount,
    AskDay as AskDay,
    CashDiffers as CashDiffers,
    Cashier as Cashier,
    CloseDay as CloseDay,
    CounterMethod as CounterMethod,
    Day as Day,
    DayClosed as DayClosed,
    DayMethod as DayMethod,
    FindPayments as FindPayments,
    Method as Method,
    NotReversible as NotReversible,
    Payment as Payment,
    PaymentReversed as PaymentReversed,
    Payments as Payments,
    PaymentTaken as PaymentTaken,
    ReceiptNo as ReceiptNo,
    ReceiptRef as ReceiptRef,
    ReceiptUnknown as ReceiptUnknown,
    ReversePayment as ReversePayment,
    Sandbox as Sandbox,
    State as State,
    TakePayment as TakePayment,
)
from denghuo.service.payment.api.interruption import (
    INTERRUPTION_STATES as INTERRUPTION_STATES,
    FindInterruptions as FindInterruptions,
    Interruption as Interruption,
    InterruptionOperations as InterruptionOperations,
    InterruptionsFound as InterruptionsFound,
    InterruptionState as InterruptionState,
)
from denghuo.service.payment.api.online import (
    ORDER_STATES as ORDER_STATES,
    CallbackDiffers as CallbackDiffers,
    CallbackTaken as CallbackTaken,
    NothingToPay as NothingToPay,
    OnlineCallback as OnlineCallback,
    Order as Order,
    OrderNo as OrderNo,
    OrderRef as OrderRef,
    OrderUnknown as OrderUnknown,
    PayOnline as PayOnline,
    SandboxOff as SandboxOff,
    SignatureWrong as SignatureWrong,
)
from denghuo.service.payment.api.reconciliation import (
    CAUSES as CAUSES,
    AskCollection as AskCollection,
    AskReconciliation as AskReconciliation,
    Collection as Collection,
    CollectionRow as CollectionRow,
    Difference as Difference,
    ReconciledSide as ReconciledSide,
    Reconciliation as Reconciliation,
)


class PaymentApi(InterruptionOperations, noun="payment", version=1):
    """Operations on payments."""

    @command(permit="payment.take", problems=(AmountRefused, AccountUnknown, DayClosed), emits=(PaymentTaken,))
    def take_payment(self, call: Call, request: TakePayment) -> Payment:
        """Takes a payment at the counter. With an idempotency key a double submit is one payment."""

    @query(permit="payment.read", problems=(ReceiptUnknown,))
    def receipt(self, call: Call, request: ReceiptRef) -> Payment:
        """One payment."""

    @query(permit="payment.read", problems=(ReceiptUnknown,))
    def receipt_document(self, call: Call, request: ReceiptRef) -> Document:
        """The receipt as PDF."""

    @query(permit="payment.read")
    def payments(self, call: Call, request: FindPayments) -> Payments:
        """Payments, newest first."""

    @command(permit="payment.reverse", problems=(ReceiptUnknown, NotReversible))
    def reverse_payment(self, call: Call, request: ReversePayment) -> PaymentReversed:
        """Takes a payment back: the same day by its cashier, otherwise once another person has agreed."""

    @query(permit="payment.day")
    def day(self, call: Call, request: AskDay) -> Day:
        """What a cashier took on a day and what the drawer must hold."""

    @command(permit="payment.close", problems=(CashDiffers, DayClosed, AmountRefused))
    def close_day(self, call: Call, request: CloseDay) -> Day:
        """Closes the caller's day. A difference needs a reason and another person's approval."""

    @command(permit="payment.import", problems=(BankFileRefused, BatchKnown))
    def import_bank_file(self, call: Call, request: ImportBankFile) -> BankFileImported:
        """Imports a bank's file: all of it or nothing. The same file again gives the same reply and changes nothing."""

    @query(permit="payment.bank")
    def bank_files(self, call: Call, request: FindBankFiles) -> BankFiles:
        """Imported bank files, newest first."""

    @command(permit="payment.agree")
    def register_agreements(self, call: Call, request: RegisterAgreements) -> AgreementsRegistered:
        """Registers up to 1,000 direct debit agreements; a known one with the same content is left."""

    @query(permit="payment.bank")
    def agreements(self, call: Call, request: FindAgreements) -> Agreements:
        """Direct debit agreements in force, by account number."""

    @command(permit="payment.debit")
    def debit_batch(self, call: Call, request: MakeDebitBatch) -> DebitBatches:
        """Orders direct debit batches for what is open of accounts with an agreement; made and sent by job steps."""

    @query(permit="payment.bank")
    def debit_batches(self, call: Call, request: FindDebitBatches) -> DebitBatches:
        """Direct debit batches, newest first."""

    @query(permit="payment.bank", problems=(BatchUnknown,))
    def debit_lines(self, call: Call, request: FindDebitLines) -> DebitLines:
        """The lines of a batch and what the bank answered."""

    @command(permit="payment.bank_file", problems=(BatchUnknown,), reveals=True)
    def debit_file(self, call: Call, request: TakeDebitFile) -> Document:
        """The outgoing file of a batch as the bank gets it, bank accounts in clear. The journal keeps who took it, when and why."""

    @command(permit="payment.post")
    def post_pending(self, call: Call, request: Step) -> StepDone:
        """Brings payments and reversals that were recorded here into the ledger; a step of up to 500."""

    @command(permit="payment.debit")
    def run_debit(self, call: Call, request: Step) -> StepDone:
        """One step of a debit batch: collect lines, send, take the answer."""

    @command(permit="payment.pay_online", problems=(AccountUnknown, NothingToPay))
    def pay_online(self, call: Call, request: PayOnline) -> Order:
        """Orders an online payment of bills that the caller may see."""

    @query(permit="payment.read", problems=(OrderUnknown,))
    def order(self, call: Call, request: OrderRef) -> Order:
        """One online order."""

    @command(permit=PUBLIC, problems=(SignatureWrong, CallbackDiffers))
    def online_callback(self, call: Call, request: OnlineCallback) -> CallbackTaken:
        """The channel reports a paid order. Its signature is verified; a repeated report is one payment."""

    @command(permit="payment.pay_online", problems=(OrderUnknown, CallbackDiffers, SandboxOff))
    def sandbox_pay(self, call: Call, request: OrderRef) -> CallbackTaken:
        """Plays the sandbox channel's own pay page: signs a callback for the order and delivers it. No money moves.
        Only where the setting sandbox_payment is on."""

    @query(permit="payment.reconcile")
    def reconcile(self, call: Call, request: AskReconciliation) -> Reconciliation:
        """Payments against ledger receipts against bank files; every difference with its cause."""

    @query(permit="payment.read")
    def collection(self, call: Call, request: AskCollection) -> Collection:
        """How far the collection of a month's bills is."""

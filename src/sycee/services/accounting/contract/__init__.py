"""Accounting over any ledger: everything that TigerBeetle's model leaves to its user.

Accounts have names, kinds and bounds and belong to an owner; transactions have several legs and
happen whole or not at all; what was recorded can be stated, sealed, signed for, taken in and
given out. All balances are the ledger's; what is kept here explains them.

**Repeating is safe.** Every command has an id or a name of its own. The same again answers the
same; other contents under a known id are refused. What another owner has answers like what
nobody has.
"""

from __future__ import annotations

from typing import Protocol

from sycee.kernel.money import CurrencyUnknown
from sycee.kernel.refusal import NotFound, Unavailable, refuses
from sycee.services.accounting.contract.accounts import (
    AccountDiffers,
    AccountKind,
    AccountRef,
    Balance,
    Balances,
    BoundsInvalid,
    GetAccount,
    GetBalances,
    ListAccounts,
    NamedAccount,
    NamedAccounts,
    OpenAccount,
)
from sycee.services.accounting.contract.bulk import (
    PART_BYTES_MAX,
    BulkFormat,
    Exported,
    ExportPart,
    GetImport,
    ImportDiffers,
    ImportGap,
    ImportPart,
    ImportProgress,
    LineInvalid,
)
from sycee.services.accounting.contract.receipts import (
    GetReceipt,
    GetReceiptKey,
    Receipt,
    ReceiptKey,
)
from sycee.services.accounting.contract.reports import (
    ClosePeriod,
    GetStatement,
    GetTrialBalance,
    ListOwnChanges,
    ListPeriods,
    OwnChange,
    OwnChangeKind,
    OwnChanges,
    OwnTrialBalance,
    Period,
    PeriodDiffers,
    PeriodInvalid,
    PeriodProof,
    Periods,
    SealedLine,
    Statement,
    StatementLine,
    TrialTotal,
    VerifyPeriods,
)
from sycee.services.accounting.contract.shared import (
    NO_METADATA,
    AccountingMetadataInvalid,
    AccountName,
    AmountInvalid,
    Metadata,
    NameInvalid,
    Owner,
    Rounding,
    Side,
    TimeInvalid,
    TransactionId,
)
from sycee.services.accounting.contract.templates import (
    ArgumentInvalid,
    Contended,
    DefineTemplate,
    GetTemplate,
    ListTemplates,
    Move,
    Parameter,
    ParameterKind,
    RunTemplate,
    Share,
    Source,
    Template,
    TemplateDiffers,
    TemplateInvalid,
    Templates,
)
from sycee.services.accounting.contract.transactions import (
    LEGS_MAX,
    BoundExceeded,
    Exchange,
    FindTransaction,
    FundsInsufficient,
    GetTransaction,
    Leg,
    LegsInvalid,
    LegsUnbalanced,
    ListTransactions,
    PeriodClosed,
    PostTransaction,
    RateInvalid,
    Transaction,
    TransactionDiffers,
    TransactionFailed,
    Transactions,
)
from sycee.services.accounting.contract.transfers import (
    TIMEOUT_S_MAX,
    BoundUnsupported,
    GetHeld,
    HoldTransfer,
    ListOwnTransfers,
    OwnTransfer,
    OwnTransfers,
    PostTransfer,
    TransferEnded,
    TransferStatus,
    VoidTransfer,
)

__all__ = [
    "LEGS_MAX",
    "NO_METADATA",
    "PART_BYTES_MAX",
    "TIMEOUT_S_MAX",
    "AccountDiffers",
    "AccountKind",
    "AccountName",
    "AccountRef",
    "Accounting",
    "AccountingMetadataInvalid",
    "AmountInvalid",
    "ArgumentInvalid",
    "Balance",
    "Balances",
    "BoundExceeded",
    "BoundUnsupported",
    "BoundsInvalid",
    "BulkFormat",
    "ClosePeriod",
    "Contended",
    "DefineTemplate",
    "Exchange",
    "ExportPart",
    "Exported",
    "FindTransaction",
    "FundsInsufficient",
    "GetAccount",
    "GetBalances",
    "GetHeld",
    "GetImport",
    "GetReceipt",
    "GetReceiptKey",
    "GetStatement",
    "GetTemplate",
    "GetTransaction",
    "GetTrialBalance",
    "HoldTransfer",
    "ImportDiffers",
    "ImportGap",
    "ImportPart",
    "ImportProgress",
    "Leg",
    "LegsInvalid",
    "LegsUnbalanced",
    "LineInvalid",
    "ListAccounts",
    "ListOwnChanges",
    "ListOwnTransfers",
    "ListPeriods",
    "ListTemplates",
    "ListTransactions",
    "Metadata",
    "Move",
    "NameInvalid",
    "NamedAccount",
    "NamedAccounts",
    "OpenAccount",
    "OwnChange",
    "OwnChangeKind",
    "OwnChanges",
    "OwnTransfer",
    "OwnTransfers",
    "OwnTrialBalance",
    "Owner",
    "Parameter",
    "ParameterKind",
    "Period",
    "PeriodClosed",
    "PeriodDiffers",
    "PeriodInvalid",
    "PeriodProof",
    "Periods",
    "PostTransaction",
    "PostTransfer",
    "RateInvalid",
    "Receipt",
    "ReceiptKey",
    "Rounding",
    "RunTemplate",
    "SealedLine",
    "Share",
    "Side",
    "Source",
    "Statement",
    "StatementLine",
    "Template",
    "TemplateDiffers",
    "TemplateInvalid",
    "Templates",
    "TimeInvalid",
    "Transaction",
    "TransactionDiffers",
    "TransactionFailed",
    "TransactionId",
    "Transactions",
    "TransferEnded",
    "TransferStatus",
    "TrialTotal",
    "VerifyPeriods",
    "VoidTransfer",
]


class Accounting(Protocol):
    """The books of owners.

    Every call may raise ``Unavailable`` when the ledger or the database is away: of a command the
    outcome is then unknown until it is repeated, with the same id and contents."""

    @refuses(
        NameInvalid,
        CurrencyUnknown,
        BoundsInvalid,
        AccountingMetadataInvalid,
        AccountDiffers,
        Unavailable,
    )
    async def open_account(self, command: OpenAccount) -> NamedAccount:
        """Open an account, once per owner, name and currency."""
        ...

    @refuses(NotFound, Unavailable)
    async def get_account(self, query: GetAccount) -> NamedAccount:
        """One account."""
        ...

    @refuses(Unavailable)
    async def list_accounts(self, query: ListAccounts) -> NamedAccounts:
        """A page of accounts."""
        ...

    @refuses(NotFound, Unavailable)
    async def get_balances(self, query: GetBalances) -> Balances:
        """Balances now or at any instant of the past; every account has a history."""
        ...

    @refuses(
        NameInvalid,
        AmountInvalid,
        TimeInvalid,
        AccountingMetadataInvalid,
        LegsInvalid,
        LegsUnbalanced,
        NotFound,
        TransactionDiffers,
        PeriodClosed,
        FundsInsufficient,
        BoundExceeded,
        TransactionFailed,
        Unavailable,
    )
    async def post_transaction(self, command: PostTransaction) -> Transaction:
        """Record a transaction, whole or not at all. A refusal by the ledger is final for its id;
        any other may be mended and sent again under the same id."""
        ...

    @refuses(
        NameInvalid,
        AmountInvalid,
        TimeInvalid,
        AccountingMetadataInvalid,
        RateInvalid,
        NotFound,
        TransactionDiffers,
        PeriodClosed,
        FundsInsufficient,
        BoundExceeded,
        TransactionFailed,
        Unavailable,
    )
    async def exchange(self, command: Exchange) -> Transaction:
        """Change money of one currency into another, as a transaction over a liquidity account."""
        ...

    @refuses(NotFound, Unavailable)
    async def get_transaction(self, query: GetTransaction) -> Transaction:
        """One transaction that was recorded."""
        ...

    @refuses(NotFound, Unavailable)
    async def find_transaction(self, query: FindTransaction) -> Transaction:
        """The transaction of a transfer."""
        ...

    @refuses(Unavailable)
    async def list_transactions(self, query: ListTransactions) -> Transactions:
        """A page of transactions."""
        ...

    @refuses(
        NameInvalid,
        AmountInvalid,
        TimeInvalid,
        AccountingMetadataInvalid,
        CurrencyUnknown,
        BoundUnsupported,
        NotFound,
        TransactionDiffers,
        FundsInsufficient,
        TransactionFailed,
        Unavailable,
    )
    async def hold_transfer(self, command: HoldTransfer) -> OwnTransfer:
        """Promise money: the first phase. A refusal by the ledger is final for its id."""
        ...

    @refuses(
        NotFound,
        AmountInvalid,
        TransferEnded,
        TransactionDiffers,
        TransactionFailed,
        Unavailable,
    )
    async def post_transfer(self, command: PostTransfer) -> Transaction:
        """Move what was promised, as the transaction of the same id."""
        ...

    @refuses(NotFound, TransferEnded, TransactionFailed, Unavailable)
    async def void_transfer(self, command: VoidTransfer) -> OwnTransfer:
        """Give back what was promised."""
        ...

    @refuses(NotFound, Unavailable)
    async def get_held(self, query: GetHeld) -> OwnTransfer:
        """A promised transfer, and how far it is."""
        ...

    @refuses(NotFound, Unavailable)
    async def list_own_transfers(self, query: ListOwnTransfers) -> OwnTransfers:
        """A page of an account's transfers."""
        ...

    @refuses(NameInvalid, TemplateInvalid, TemplateDiffers, Unavailable)
    async def define_template(self, command: DefineTemplate) -> Template:
        """Keep a version of a template for ever."""
        ...

    @refuses(NotFound, Unavailable)
    async def get_template(self, query: GetTemplate) -> Template:
        """One version of a template."""
        ...

    @refuses(Unavailable)
    async def list_templates(self, query: ListTemplates) -> Templates:
        """A page of templates."""
        ...

    @refuses(
        NameInvalid,
        TimeInvalid,
        AccountingMetadataInvalid,
        ArgumentInvalid,
        LegsInvalid,
        NotFound,
        TransactionDiffers,
        PeriodClosed,
        FundsInsufficient,
        BoundExceeded,
        TransactionFailed,
        Contended,
        Unavailable,
    )
    async def run_template(self, command: RunTemplate) -> Transaction:
        """Make a transaction by a template, whole or not at all, whoever else moves money."""
        ...

    @refuses(NotFound, TimeInvalid, Unavailable)
    async def get_statement(self, query: GetStatement) -> Statement:
        """A page of an account's statement."""
        ...

    @refuses(Unavailable)
    async def get_trial_balance(self, query: GetTrialBalance) -> OwnTrialBalance:
        """All balances of an owner at one instant."""
        ...

    @refuses(Unavailable)
    async def list_own_changes(self, query: ListOwnChanges) -> OwnChanges:
        """The ledger's change feed, as far as it is about this owner's accounts."""
        ...

    @refuses(NameInvalid, PeriodInvalid, PeriodDiffers, Unavailable)
    async def close_period(self, command: ClosePeriod) -> Period:
        """Close a period for ever and seal it."""
        ...

    @refuses(Unavailable)
    async def list_periods(self, query: ListPeriods) -> Periods:
        """Closed periods."""
        ...

    @refuses(Unavailable)
    async def verify_periods(self, query: VerifyPeriods) -> PeriodProof:
        """Prove that nothing sealed was changed, or name the first thing that was."""
        ...

    @refuses(NotFound, Unavailable)
    async def get_receipt(self, query: GetReceipt) -> Receipt:
        """A signed receipt of a transaction."""
        ...

    async def get_receipt_key(self, query: GetReceiptKey) -> ReceiptKey:
        """The public key of this installation's receipts. Never refuses."""
        ...

    @refuses(NameInvalid, LineInvalid, ImportGap, ImportDiffers, Unavailable)
    async def import_part(self, command: ImportPart) -> ImportProgress:
        """Take in the next lines of an import."""
        ...

    @refuses(NotFound, Unavailable)
    async def get_import(self, query: GetImport) -> ImportProgress:
        """How far an import is."""
        ...

    @refuses(Unavailable)
    async def export_part(self, query: ExportPart) -> Exported:
        """The next part of an owner's books as text."""
        ...

"""The whole contract in one object."""

from __future__ import annotations

from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.bulk import BulkService
from sycee.services.accounting.service.marks import Marks
from sycee.services.accounting.service.parts import Parts
from sycee.services.accounting.service.periods import PeriodsService
from sycee.services.accounting.service.posting import Posting
from sycee.services.accounting.service.receipts import ReceiptsService
from sycee.services.accounting.service.reports import ReportsService
from sycee.services.accounting.service.templates import TemplatesService
from sycee.services.accounting.service.transactions import TransactionsService
from sycee.services.accounting.service.transfers import TransfersService


class AccountingService:
    """Every operation is kept by the part that it is about."""

    def __init__(self, parts: Parts, receipts_seed: bytes) -> None:
        accounts = AccountsService(parts)
        self.posting = Posting(parts, accounts)
        marks = Marks(parts, accounts)
        transactions = TransactionsService(parts, accounts, self.posting)
        transfers = TransfersService(parts, accounts, self.posting)
        templates = TemplatesService(parts, accounts, self.posting)
        reports = ReportsService(parts, accounts, marks)
        periods = PeriodsService(parts, accounts, self.posting, marks)
        receipts = ReceiptsService(receipts_seed, transactions)
        bulk = BulkService(parts, accounts, transactions)
        self.open_account = accounts.open_account
        self.get_account = accounts.get_account
        self.list_accounts = accounts.list_accounts
        self.get_balances = accounts.get_balances
        self.post_transaction = transactions.post_transaction
        self.exchange = transactions.exchange
        self.get_transaction = transactions.get_transaction
        self.find_transaction = transactions.find_transaction
        self.list_transactions = transactions.list_transactions
        self.hold_transfer = transfers.hold_transfer
        self.post_transfer = transfers.post_transfer
        self.void_transfer = transfers.void_transfer
        self.get_held = transfers.get_held
        self.list_own_transfers = transfers.list_own_transfers
        self.define_template = templates.define_template
        self.get_template = templates.get_template
        self.list_templates = templates.list_templates
        self.run_template = templates.run_template
        self.get_statement = reports.get_statement
        self.get_trial_balance = reports.get_trial_balance
        self.list_own_changes = reports.list_own_changes
        self.close_period = periods.close_period
        self.list_periods = periods.list_periods
        self.verify_periods = periods.verify_periods
        self.get_receipt = receipts.get_receipt
        self.get_receipt_key = receipts.get_receipt_key
        self.import_part = bulk.import_part
        self.get_import = bulk.get_import
        self.export_part = bulk.export_part

"""All doors of the books."""

from __future__ import annotations

from sycee.gateway.api.ledger.accounts import LedgerAccounts
from sycee.gateway.api.ledger.bulk import LedgerBulk
from sycee.gateway.api.ledger.periods import LedgerPeriods
from sycee.gateway.api.ledger.receipts import LedgerReceipts
from sycee.gateway.api.ledger.reports import LedgerReports
from sycee.gateway.api.ledger.templates import LedgerTemplates
from sycee.gateway.api.ledger.transactions import LedgerTransactions
from sycee.gateway.api.ledger.transfers import LedgerTransfers
from sycee.gateway.routes import Route
from sycee.services.accounting.contract import Accounting


def routes(accounting: Accounting) -> list[Route]:
    """Every route under ``/api/ledger``."""
    return [
        *LedgerAccounts(accounting).routes(),
        *LedgerTransfers(accounting).routes(),
        *LedgerTransactions(accounting).routes(),
        *LedgerTemplates(accounting).routes(),
        *LedgerReports(accounting).routes(),
        *LedgerPeriods(accounting).routes(),
        *LedgerReceipts(accounting).routes(),
        *LedgerBulk(accounting).routes(),
    ]

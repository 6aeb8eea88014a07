"""Short ways to write accounts and transfers, and books to try them on."""

from __future__ import annotations

from msgspec.structs import replace

from sycee.kernel.u128 import U128, U128_MAX
from sycee.services.ledger.contract import (
    Account,
    AccountId,
    Accounts,
    CreateAccountResult,
    CreateTransferResult,
    LookupAccounts,
    LookupTransfers,
    Transfer,
    TransferFlags,
    TransferId,
    Transfers,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.entry import apply, called
from sycee.services.ledger.domain.proof import findings

MAX = U128_MAX
SECOND = 1_000_000_000
OK = CreateTransferResult.OK

LINKED = TransferFlags.LINKED
PENDING = TransferFlags.PENDING
POST = TransferFlags.POST_PENDING
VOID = TransferFlags.VOID_PENDING
BALANCING_DEBIT = TransferFlags.BALANCING_DEBIT
BALANCING_CREDIT = TransferFlags.BALANCING_CREDIT
CLOSING_DEBIT = TransferFlags.CLOSING_DEBIT
CLOSING_CREDIT = TransferFlags.CLOSING_CREDIT
IMPORTED = TransferFlags.IMPORTED

_WIDE = {
    "id",
    "debit_account_id",
    "credit_account_id",
    "amount",
    "pending_id",
    "user_data_128",
    "debits_pending",
    "debits_posted",
    "credits_pending",
    "credits_posted",
}


def _typed(fields):
    return {name: U128(value) if name in _WIDE else value for name, value in fields.items()}


def account(number, **fields):
    """An account of ledger 1 and code 1 unless said otherwise."""
    fields = {"ledger": 1, "code": 1} | fields
    return Account(id=AccountId(U128(number)), **_typed(fields))


def transfer(number, debit=0, credit=0, amount=0, **fields):
    """A transfer of ledger 1 and code 1 unless said otherwise."""
    fields = {"ledger": 1, "code": 1} | fields
    fields |= {"debit_account_id": debit, "credit_account_id": credit, "amount": amount}
    return Transfer(id=TransferId(U128(number)), **_typed(fields))


def post(number, pending, amount=MAX, **fields):
    """Post a pending transfer; whatever may be left to it is left to it."""
    flags = POST | fields.pop("flags", 0)
    fields = {"ledger": 0, "code": 0} | fields
    return transfer(number, amount=amount, pending_id=pending, flags=flags, **fields)


def void(number, pending, **fields):
    """Void a pending transfer; whatever may be left to it is left to it."""
    flags = VOID | fields.pop("flags", 0)
    fields = {"ledger": 0, "code": 0} | fields
    return transfer(number, pending_id=pending, flags=flags, **fields)


def changed(event, **fields):
    """The same event but for some fields."""
    return replace(event, **_typed(fields))


class Desk:
    """Books with a clock beside them, and perhaps another engine, which must do the same."""

    beside = None
    """Makes what is told of every entry."""

    def __init__(self, *accounts, now=1000 * SECOND):
        self.books = Books()
        self.now = now
        self.follow = Desk.beside() if Desk.beside else lambda begin, calls, entry: None
        assert set(self.open(*accounts)) <= {CreateAccountResult.OK}

    def pass_s(self, seconds):
        self.now += round(seconds * SECOND)

    def apply(self, command):
        begin = max(self.now, self.books.timestamp + 1)
        calls = [called(command)]
        entry = apply(self.books, begin, calls)
        self.follow(begin, calls, entry)
        self.now = max(self.now, self.books.timestamp)
        assert list(findings(self.books)) == []
        return entry.codes[0]

    def open(self, *accounts):
        return self.apply(Accounts(accounts))

    def send(self, *transfers):
        return self.apply(Transfers(transfers))

    def expire(self):
        self.send()

    def lookup(self, number):
        return read.lookup_accounts(self.books, LookupAccounts((U128(number),))).accounts[0]

    def balances(self, number):
        """Debits pending and posted, credits pending and posted."""
        found = self.lookup(number)
        return (
            found.debits_pending,
            found.debits_posted,
            found.credits_pending,
            found.credits_posted,
        )

    def transfer(self, number):
        found = read.lookup_transfers(self.books, LookupTransfers((U128(number),))).transfers
        return found[0] if found else None

"""Answers from the compiled books as they stand: the counterpart of ``domain.read``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.embedded.books import CompiledBooks
from sycee.services.ledger.adapters.embedded.kernel import calls as kernel
from sycee.services.ledger.adapters.embedded.kernel.state import (
    ACCOUNTS,
    AT_FLAGS,
    AT_ROWS,
    PAST_ROW,
    ROWS,
    TOTALS,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    AMOUNT,
    DEBIT,
    PENDING_ID,
    RECORD,
    Words,
)
from sycee.services.ledger.contract import (
    Account,
    Accounts,
    BalancesAt,
    Change,
    ChangeKind,
    Changes,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Transfer,
    Transfers,
    TrialBalance,
    TrialBalanceLine,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain import bits
from sycee.services.ledger.domain.record import decode_accounts, decode_transfers

Numbers = npt.NDArray[np.int64]

_FLAGS = np.uint64(48)
_HALF = np.uint64(32)
_LOW = np.uint64(2**32 - 1)


def lookup_accounts(books: CompiledBooks, query: LookupAccounts) -> Accounts:
    """The accounts that exist, with their balances."""
    found = books.find_accounts(query.ids)
    return Accounts(tuple(decode_accounts(books.state.accounts[found[found >= 0]].tobytes())))


def lookup_transfers(books: CompiledBooks, query: LookupTransfers) -> Transfers:
    """The transfers that were recorded."""
    return Transfers(tuple(decode_transfers(books.find_transfers(query.ids).tobytes())))


def list_transfers(books: CompiledBooks, query: ListTransfers) -> Transfers:
    """One account's transfers after a timestamp."""
    account = int(books.find_accounts((query.account,))[0])
    found: list[Transfer] = []
    first = books.rows.first_after(query.after)
    while account >= 0 and len(found) < query.limit:
        wanted = query.limit - len(found) + 1
        numbers = books.postings.first_after(account, first, wanted)
        if not len(numbers):
            break
        found += (
            transfer
            for transfer in decode_transfers(books.fetch(numbers).tobytes())
            if transfer.timestamp > query.after and not transfer.flags & bits.EXPIRED_ROW
        )
        first = int(numbers[-1]) + 1
    return Transfers(tuple(found[: max(query.limit, 0)]))


def trial_balance(books: CompiledBooks, query: TrialBalanceQuery) -> TrialBalance:
    """The sums of every ledger, or of one."""
    ledgers = np.array(sorted(books.ledgers), np.int64)
    totals = np.zeros((len(ledgers), TOTALS), np.uint64)
    kernel.add_up(books.state, ledgers, totals)
    return TrialBalance(
        tuple(
            _line(int(ledger), [int(word) for word in row])
            for ledger, row in zip(ledgers, totals, strict=True)
            if query.ledger in (None, int(ledger))
        )
    )


def _line(ledger: int, words: list[int]) -> TrialBalanceLine:
    return TrialBalanceLine(
        ledger=ledger,
        accounts=words[TOTALS - 1],
        debits_pending=_sum(words, 0),
        debits_posted=_sum(words, 3),
        credits_pending=_sum(words, 6),
        credits_posted=_sum(words, 9),
    )


def _sum(words: list[int], word: int) -> U128:
    return U128(words[word] | words[word + 1] << 64 | words[word + 2] << 128)


def open_total(books: CompiledBooks) -> int:
    """The sum of all open pending transfers, of whatever ledger."""
    totals = np.zeros((1, TOTALS), np.uint64)
    kernel.add_up_open(books.state, totals)
    return int(_sum([int(word) for word in totals[0]], 0))


def list_changes(books: CompiledBooks, query: ListChanges) -> Changes:
    """All that was recorded after a sequence number."""
    first = max(query.after, 0)
    after = min(first + max(query.limit, 0), int(books.state.counts[ROWS]))
    if first >= after:
        return Changes(())
    numbers = np.arange(first, after)
    opened_in = books.state.pasts[: int(books.state.counts[ACCOUNTS]), PAST_ROW]
    places = np.searchsorted(opened_in, numbers)
    rows = books.fetch(numbers)
    changes = []
    for number, place, row in zip(numbers.tolist(), places.tolist(), rows, strict=True):
        is_account = place < len(opened_in) and opened_in[place] == number
        changes.append(_change(books, number + 1, is_account, row.tobytes()))
    return Changes(tuple(changes))


def _change(books: CompiledBooks, sequence: int, is_account: bool, record: bytes) -> Change:
    if is_account:
        account = next(iter(decode_accounts(record)))
        return Change(sequence, ChangeKind.ACCOUNT_OPENED, account.timestamp, account=account)
    transfer = next(iter(decode_transfers(record)))
    if transfer.flags & bits.EXPIRED_ROW:
        pending = books.find_transfers((transfer.pending_id,)).tobytes()
        expired = next(iter(decode_transfers(pending)))
        return Change(sequence, ChangeKind.TRANSFER_EXPIRED, transfer.timestamp, transfer=expired)
    return Change(sequence, ChangeKind.TRANSFER_RECORDED, transfer.timestamp, transfer=transfer)


def balances_at(books: CompiledBooks, query: BalancesAt) -> Accounts:
    """Accounts as they stood right after an instant."""
    found = books.find_accounts(query.ids)
    opened = [_opened(books, int(account)) for account in found if account >= 0]
    rows = [int(account) for account in found if account >= 0]
    at = min(query.timestamp, bits.TIMESTAMP_MAX)
    return Accounts(
        tuple(
            _at(books, row, account, at)
            for row, account in zip(rows, opened, strict=True)
            if account.timestamp <= at
        )
    )


def _opened(books: CompiledBooks, account: int) -> Account:
    number = books.state.pasts[account, PAST_ROW]
    return next(iter(decode_accounts(books.fetch(np.array([number])).tobytes())))


class _Known(NamedTuple):
    """Balances at some row, to be carried on from there."""

    rows: int
    balances: list[int]
    flags: int


def _at(books: CompiledBooks, row: int, account: Account, at: int) -> Account:
    # Beyond the entry in which transfers first pass the instant, nothing is as early as that.
    after = books.rows.first_after(at)
    if after < int(books.state.counts[ROWS]):
        after = books.rows.after_entry(after)
    known = _known(books, row, account, after, at)
    numbers = books.postings.between(row, known.rows, after)
    rows = books.fetch(numbers)
    rows = rows[rows[:, RECORD - 1] <= np.uint64(at)]
    balances = [
        before + more for before, more in zip(known.balances, _sums(books, row, rows), strict=True)
    ]
    return replace(
        account,
        flags=_closed(books, account, rows, known.flags),
        debits_pending=U128(balances[0]),
        debits_posted=U128(balances[1]),
        credits_pending=U128(balances[2]),
        credits_posted=U128(balances[3]),
    )


def _known(books: CompiledBooks, row: int, account: Account, after: int, at: int) -> _Known:
    place = kernel.checkpoint(books.state, row, after, at)
    if place < 0:
        return _Known(0, [0, 0, 0, 0], int(account.flags))
    words = [int(word) for word in books.state.checkpoints[place]]
    balances = [words[word] | words[word + 1] << 64 for word in range(0, 8, 2)]
    return _Known(words[AT_ROWS], balances, words[AT_FLAGS])


def _sums(books: CompiledBooks, account: int, rows: Words) -> list[int]:
    """By how much rows change an account's balances: pending and posted, debits and credits."""
    own = books.state.accounts[account, :2]
    is_debit = (rows[:, DEBIT] == own[0]) & (rows[:, DEBIT + 1] == own[1])
    flags = rows[:, RECORD - 2] >> _FLAGS
    pending = flags & np.uint64(bits.PENDING) != 0
    ends = flags & np.uint64(bits.RESOLVING | bits.EXPIRED_ROW) != 0
    posted = ~pending & (flags & np.uint64(bits.VOID_PENDING | bits.EXPIRED_ROW) == 0)
    released = _pending_amounts(books, rows[ends])
    sums = []
    for side in (is_debit, ~is_debit):
        held = _total(rows[side & pending]) - _total(released[side[ends]])
        sums += [held, _total(rows[side & posted])]
    return sums


def _pending_amounts(books: CompiledBooks, rows: Words) -> Words:
    """The pending transfers that rows resolved."""
    ids = [int(low) | int(high) << 64 for low, high in rows[:, PENDING_ID : PENDING_ID + 2]]
    return books.find_transfers(ids)


def _total(rows: Words) -> int:
    """The sum of amounts, exact: added up in pieces of 32 bits."""
    words = rows[:, AMOUNT : AMOUNT + 2]
    low, high = (words & _LOW).sum(axis=0), (words >> _HALF).sum(axis=0)
    pieces = (int(low[0]), int(high[0]), int(low[1]), int(high[1]))
    return sum(piece << 32 * place for place, piece in enumerate(pieces))


def _closed(books: CompiledBooks, account: Account, rows: Words, flags: int) -> int:
    """The flags after rows that may close an account, or open it again."""
    # Of two that close it, an import behind an expiry can end before the one that expires.
    closing = 1 if flags & bits.CLOSED else 0
    for transfer in decode_transfers(rows[_is_closing(books, rows)].tobytes()):
        is_debit = transfer.debit_account_id == account.id
        mine = bits.CLOSING_DEBIT if is_debit else bits.CLOSING_CREDIT
        if transfer.flags & bits.PENDING:
            closing += bool(transfer.flags & mine)
        else:
            closing -= _closes(books, transfer, mine)
    return flags | bits.CLOSED if closing else flags & ~bits.CLOSED


def _is_closing(books: CompiledBooks, rows: Words) -> npt.NDArray[np.bool_]:
    flags = rows[:, RECORD - 2] >> _FLAGS
    kinds = np.uint64(bits.CLOSING | bits.VOID_PENDING | bits.EXPIRED_ROW)
    return np.asarray(flags & kinds != 0)


def _closes(books: CompiledBooks, end: Transfer, mine: int) -> bool:
    pending = books.find_transfers((end.pending_id,)).tobytes()
    return bool(next(iter(decode_transfers(pending))).flags & mine)

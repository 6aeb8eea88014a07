"""The seal of a period: one hash over its balances and everything that happened in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    AccountName,
    Leg,
    SealedLine,
    Side,
    Transaction,
)
from sycee.services.accounting.domain.canonical import Json, canonical, digest
from sycee.services.ledger.contract import Transfer

FIRST: Final = "0" * 64
"""What stands for the seal before the first."""

Sums = dict[tuple[AccountName, Currency], tuple[int, int]]


def transaction_digest(transaction: Transaction, transfers: Sequence[Transfer]) -> bytes:
    """A transaction and its transfers as the ledger has them, as one hash."""
    return digest(
        {
            "id": transaction.id,
            "effective": str(transaction.effective),
            "metadata": transaction.metadata,
            "template": transaction.template,
            "version": transaction.version,
            "legs": [
                [leg.account, leg.currency, leg.side.value, str(int(leg.amount_minor))]
                for leg in transaction.legs
            ],
            "transfers": [_transfer(transfer) for transfer in transfers],
        }
    )


def _transfer(transfer: Transfer) -> Json:
    return [
        str(int(number))
        for number in (
            transfer.id,
            transfer.debit_account_id,
            transfer.credit_account_id,
            transfer.amount,
            transfer.ledger,
            transfer.code,
            transfer.flags,
            transfer.user_data_128,
            transfer.user_data_64,
            transfer.user_data_32,
            transfer.timestamp,
        )
    ]


def add(sums: Sums, legs: Iterable[Leg]) -> None:
    """Count legs into sums of debits and credits."""
    for leg in legs:
        debits, credits = sums.get((leg.account, leg.currency), (0, 0))
        if leg.side is Side.DEBIT:
            debits += leg.amount_minor
        else:
            credits += leg.amount_minor
        sums[leg.account, leg.currency] = debits, credits


def sums_of(lines: Iterable[SealedLine]) -> Sums:
    """Sealed sums, to be counted on."""
    return {(one.account, one.currency): (one.debits, one.credits) for one in lines}


def lines_of(
    sums: Mapping[tuple[AccountName, Currency], tuple[int, int]],
) -> tuple[SealedLine, ...]:
    """Sums in order of account and currency."""
    return tuple(
        SealedLine(name, currency, U128(debits), U128(credits))
        for (name, currency), (debits, credits) in sorted(sums.items())
    )


class Seal:
    """Gathers what a period's seal covers, in order."""

    def __init__(self, before: str) -> None:
        self._hash = sha256(bytes.fromhex(before))
        self.transactions = 0

    def add(self, of_transaction: bytes) -> None:
        """The next transaction, by its digest."""
        self._hash.update(of_transaction)
        self.transactions += 1

    def finish(
        self, owner: str, name: str, start: Instant, end: Instant, lines: Sequence[SealedLine]
    ) -> str:
        """The seal, in hex."""
        period = {
            "owner": owner,
            "name": name,
            "start": str(start),
            "end": str(end),
            "balances": [
                [one.account, one.currency, str(int(one.debits)), str(int(one.credits))]
                for one in lines
            ],
        }
        self._hash.update(canonical(period).encode())
        return self._hash.hexdigest()

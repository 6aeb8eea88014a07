"""Where an owner's accounts are in the ledger, and the accounts that keep their bounds.

A bound of zero is the account's own flag in the ledger. Any other is kept by TigerBeetle's recipe
"balance bounds": at the end of a chain, what the account holds (or lacks) is reserved against a
control account whose own limit is the bound, and given back at once; where it does not fit, the
whole chain falls.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from sycee.kernel.currencies import BY_CODE
from sycee.kernel.ids import derived_number
from sycee.kernel.money import Currency, numeric_code
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    AccountKind,
    BoundsInvalid,
    NamedAccount,
    OpenAccount,
    Owner,
)
from sycee.services.accounting.domain.canonical import metadata_key
from sycee.services.accounting.domain.names import owner_key
from sycee.services.ledger.contract import Account, AccountFlags, AccountId

BOUND_MAX: Final = 2**63 - 1
_CACHED: Final = 10_000

CURRENCIES: Final = {number: Currency(code) for code, (number, _) in BY_CODE.items()}
"""Ledger number -> currency."""
CODES: Final = frozenset(BY_CODE)


class AccountCode(IntEnum):
    """What an account of the ledger is: ``Account.code``. Payments uses those below 100."""

    ASSET = 101
    EXPENSE = 102
    LIABILITY = 103
    EQUITY = 104
    INCOME = 105
    LOWER = 201
    """Has the room below an account's zero, as credit."""
    UPPER = 202
    """Has the room above an account's zero, as debit."""
    WORLD = 203
    """Gives control accounts their room, and lets amounts be reserved against it."""
    POOL = 204
    """Is what the sources of a move must fill: it goes below zero, and comes back."""
    TRANSIT = 205
    """Holds a move's amount on its way to the shares."""
    FLOOR = 206
    """Always empty; refuses to give anything."""
    CEILING = 207
    """Always empty; refuses to take anything."""


_CODES: Final = {
    AccountKind.ASSET: AccountCode.ASSET,
    AccountKind.EXPENSE: AccountCode.EXPENSE,
    AccountKind.LIABILITY: AccountCode.LIABILITY,
    AccountKind.EQUITY: AccountCode.EQUITY,
    AccountKind.INCOME: AccountCode.INCOME,
}
_NO_OVERDRAFT: Final = int(AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS)
_NO_SURPLUS: Final = int(AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS)


class Bounds(NamedTuple):
    """An account's bounds on credits less debits, whatever its kind."""

    lower: int | None
    upper: int | None


class Inner(NamedTuple):
    """The accounts that an owner has in one currency beside those with names."""

    ledger: int
    world: AccountId
    pool: AccountId
    transit: AccountId
    floor: AccountId
    ceiling: AccountId


def bounds(account: NamedAccount | OpenAccount) -> Bounds:
    """Bounds in the ledger's sense."""
    lower, upper = account.lower_minor, account.upper_minor
    if not account.kind.grows_by_debits:
        return Bounds(lower, upper)
    return Bounds(None if upper is None else -upper, None if lower is None else -lower)


def check_bounds(command: OpenAccount) -> None:
    """Refuse bounds that no balance could keep, or the ledger could not."""
    lower, upper = command.lower_minor, command.upper_minor
    for bound, param in ((lower, "lower_minor"), (upper, "upper_minor")):
        if bound is not None and abs(bound) > BOUND_MAX:
            raise BoundsInvalid("A bound is within 2^63-1 of zero.", param=param)
    if lower is not None and upper is not None and lower > upper:
        raise BoundsInvalid("The lower bound is above the upper one.", param="lower_minor")
    if lower == 0 and upper == 0:
        raise BoundsInvalid("An account whose bounds are both zero holds nothing.")


@lru_cache(_CACHED)
def inner(owner: Owner, currency: Currency) -> Inner:
    """The accounts without names of one owner and currency."""

    def derived(code: AccountCode) -> AccountId:
        return _id(owner, code.name, "", currency)

    return Inner(
        ledger=numeric_code(currency),
        world=derived(AccountCode.WORLD),
        pool=derived(AccountCode.POOL),
        transit=derived(AccountCode.TRANSIT),
        floor=derived(AccountCode.FLOOR),
        ceiling=derived(AccountCode.CEILING),
    )


def account_id(owner: Owner, name: str, currency: Currency) -> AccountId:
    """Where the ledger keeps an account."""
    return _id(owner, "NAMED", name, currency)


def lower_id(owner: Owner, account: NamedAccount) -> AccountId:
    """The control account of its lower bound."""
    return _id(owner, AccountCode.LOWER.name, account.name, account.currency)


def upper_id(owner: Owner, account: NamedAccount) -> AccountId:
    """The control account of its upper bound."""
    return _id(owner, AccountCode.UPPER.name, account.name, account.currency)


def _id(owner: Owner, what: str, name: str, currency: Currency) -> AccountId:
    return AccountId(U128(derived_number("accounting", owner_key(owner), what, name, currency)))


def opening(owner: Owner, account: NamedAccount) -> tuple[Account, ...]:
    """Everything that an account needs in the ledger, itself first."""
    own, within = bounds(account), inner(owner, account.currency)
    flags = 0
    if own.lower is not None and own.lower >= 0:
        flags |= _NO_OVERDRAFT
    if own.upper is not None and own.upper <= 0:
        flags |= _NO_SURPLUS
    named = Account(
        account.id,
        within.ledger,
        int(_CODES[account.kind]),
        flags,
        user_data_128=metadata_key(account.metadata),
    )
    rest = [
        (within.world, AccountCode.WORLD, 0),
        (within.pool, AccountCode.POOL, 0),
        (within.transit, AccountCode.TRANSIT, 0),
        (within.floor, AccountCode.FLOOR, _NO_OVERDRAFT),
        (within.ceiling, AccountCode.CEILING, _NO_SURPLUS),
    ]
    if own.lower is not None and own.lower < 0:
        rest.append((lower_id(owner, account), AccountCode.LOWER, _NO_OVERDRAFT))
    if own.upper is not None and own.upper > 0:
        rest.append((upper_id(owner, account), AccountCode.UPPER, _NO_SURPLUS))
    return (named, *(Account(id, within.ledger, int(code), flag) for id, code, flag in rest))

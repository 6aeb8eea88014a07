"""Transactions of several legs as steps, and what became of the legs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sycee.kernel.money import Currency
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    LEGS_MAX,
    AccountName,
    AmountInvalid,
    Leg,
    LegsInvalid,
    LegsUnbalanced,
    NamedAccount,
    Owner,
    Side,
)
from sycee.services.accounting.domain import chart
from sycee.services.accounting.domain.chains import Step, StepCode, checks, is_posted
from sycee.services.accounting.domain.names import check_account_name
from sycee.services.ledger.contract import AccountId, Transfer

AMOUNT_MAX: Final = 2**127 - 1

Found = Mapping[tuple[AccountName, Currency], NamedAccount]
"""The accounts that a command names."""


def check_legs(legs: Sequence[Leg]) -> None:
    """Refuse legs that are no transaction."""
    if not 2 <= len(legs) <= LEGS_MAX:
        raise LegsInvalid(f"A transaction has 2 to {LEGS_MAX} legs.", param="legs")
    sums: Counter[str] = Counter()
    for place, leg in enumerate(legs):
        check_account_name(leg.account, f"legs[{place}].account")
        if not 0 < leg.amount_minor <= AMOUNT_MAX:
            text = "An amount is a whole number of minor units, at least 1."
            raise AmountInvalid(text, param=f"legs[{place}].amount_minor")
        sums[leg.currency] += leg.amount_minor if leg.side is Side.DEBIT else -leg.amount_minor
    for currency, difference in sums.items():
        if difference:
            more, less = ("debits", "credits") if difference > 0 else ("credits", "debits")
            text = f"In {currency} the {more} are {abs(difference)} more than the {less}."
            raise LegsUnbalanced(text, param="legs")


def steps(owner: Owner, legs: Sequence[Leg], found: Found) -> list[Step]:
    """Legs that balance, as transfers between their accounts, then the checks of all bounds.

    Debits are paired with credits in order, which takes fewer transfers than there are legs. When
    an account is on both sides, every leg goes through the owner's transit account instead, in the
    order given.
    """
    moves: list[Step] = []
    for currency in dict.fromkeys(leg.currency for leg in legs):
        own = [leg for leg in legs if leg.currency == currency]
        moves += _moves(owner, currency, own, found)
    touched = {
        found[leg.account, leg.currency].id: found[leg.account, leg.currency] for leg in legs
    }
    return [*moves, *checks(owner, touched.values())]


def _moves(owner: Owner, currency: Currency, legs: Sequence[Leg], found: Found) -> list[Step]:
    within = chart.inner(owner, currency)
    debits = [_end(leg, found) for leg in legs if leg.side is Side.DEBIT]
    credits = [_end(leg, found) for leg in legs if leg.side is Side.CREDIT]
    if {account for account, _ in debits}.isdisjoint(account for account, _ in credits):
        pairs = _paired(debits, credits)
    else:
        pairs = [_through(within.transit, leg, *_end(leg, found)) for leg in legs]
    return [
        Step(debit, credit, U128(amount), within.ledger, StepCode.MOVE)
        for debit, credit, amount in pairs
    ]


_End = tuple[AccountId, int]
_Pair = tuple[AccountId, AccountId, int]


def _end(leg: Leg, found: Found) -> _End:
    return found[leg.account, leg.currency].id, leg.amount_minor


def _through(transit: AccountId, leg: Leg, account: AccountId, amount: int) -> _Pair:
    if leg.side is Side.DEBIT:
        return account, transit, amount
    return transit, account, amount


def _paired(debits: Sequence[_End], credits: Sequence[_End]) -> list[_Pair]:
    pairs: list[_Pair] = []
    waiting = list(reversed(credits))
    for debit, amount in debits:
        while amount:
            credit, wanted = waiting.pop()
            moved = min(amount, wanted)
            pairs.append((debit, credit, moved))
            amount -= moved
            if wanted > moved:
                waiting.append((credit, wanted - moved))
    return pairs


def legs_of(
    transfers: Iterable[Transfer], names: Mapping[AccountId, NamedAccount]
) -> tuple[Leg, ...]:
    """What recorded transfers did to accounts with names: one leg per account and side."""
    sums: dict[tuple[AccountId, Side], int] = {}
    for transfer in filter(is_posted, transfers):
        for account, side in (
            (transfer.debit_account_id, Side.DEBIT),
            (transfer.credit_account_id, Side.CREDIT),
        ):
            if account in names and transfer.amount:
                sums[account, side] = sums.get((account, side), 0) + transfer.amount
    return tuple(
        Leg(names[account].name, side, U128(amount), names[account].currency)
        for (account, side), amount in sums.items()
    )

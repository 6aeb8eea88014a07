"""Compares what the shop says with what the platform says, to the smallest unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import stripe

from sycee.cli.demo.till import Amounts, Takings
from sycee.kernel.money import Currency, Money, currency


class Column(msgspec.Struct, frozen=True):
    """What one part of the platform says, per currency, beside what the shop says."""

    name: str
    says: Amounts
    wanted: Amounts

    def wrong(self) -> Iterator[str]:
        """Every currency in which the two differ; one that is absent counts as zero."""
        for code in sorted(self.says.keys() | self.wanted.keys()):
            says, wanted = self.says.get(code, 0), self.wanted.get(code, 0)
            if says != wanted:
                yield (
                    f"{self.name}: {Money(says, code)}, but by the shop's own books"
                    f" {Money(wanted, code)}"
                )


def net(takings: Mapping[Currency, Takings]) -> Amounts:
    """What should have come onto the shop's balance."""
    return {code: each.net for code, each in takings.items()}


def turnover(takings: Mapping[Currency, Takings]) -> Amounts:
    """What should have moved in the books: payments and refunds move twice, fees once.

    A payment goes from the rail over clearing to the merchant, a refund from the merchant over
    refunds to the rail, a fee from the merchant to the platform.
    """
    return {
        code: 2 * each.captured + each.fees + 2 * each.refunded for code, each in takings.items()
    }


def balance(client: stripe.StripeClient) -> Amounts:
    """What the API says the shop has, available or not yet."""
    found = client.v1.balance.retrieve()
    sums: Amounts = {}
    parts = [
        *((each.currency, each.amount) for each in found.available),
        *((each.currency, each.amount) for each in found.pending),
    ]
    for code, minor in ((currency(code), minor) for code, minor in parts):
        sums[code] = sums.get(code, 0) + minor
    return sums


def risen(before: Amounts, after: Amounts) -> Amounts:
    """By how much each currency rose."""
    return {code: after.get(code, 0) - before.get(code, 0) for code in before.keys() | after.keys()}

"""Searches in Stripe's query language, over what was kept a moment ago."""

from __future__ import annotations

from typing import Protocol

import msgspec

from sycee.kernel.refusal import Refusal, refuses
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Customer
from sycee.services.payments.contract.intents import Charge, Payment


class QueryUnreadable(Refusal, code="query_unreadable", status=400):
    """The query breaks the language; the fact ``position`` counts its characters from 0."""


class QueryUnanswerable(Refusal, code="query_unanswerable", status=400):
    """The query names a field that cannot be searched, or holds it against what it cannot be."""


class PageUnknown(Refusal, code="search_page_unknown", status=400):
    """``page`` is not one that a search answered as its next."""


class Search(msgspec.Struct, frozen=True):
    """What a merchant looks for, newest first."""

    merchant: MerchantId
    query: str
    limit: int = 10
    page: str | None = None
    """The ``next_page`` of the page before; None begins."""
    is_counted: bool = False
    """Whether the answer tells how many there are in all."""


class PaymentsFound(msgspec.Struct, frozen=True):
    """One page of the payments that a search found."""

    items: tuple[Payment, ...]
    next_page: str | None = None
    total_count: int | None = None
    """At most 10,000; None unless it was asked for."""


class ChargesFound(msgspec.Struct, frozen=True):
    """One page of the charges that a search found."""

    items: tuple[Charge, ...]
    next_page: str | None = None
    total_count: int | None = None


class CustomersFound(msgspec.Struct, frozen=True):
    """One page of the customers that a search found."""

    items: tuple[Customer, ...]
    next_page: str | None = None
    total_count: int | None = None


class Searches(Protocol):
    """Look through all that a merchant has; what changed shows about a second later."""

    @refuses(QueryUnreadable, QueryUnanswerable, PageUnknown)
    async def search_payments(self, query: Search) -> PaymentsFound:
        """A page of the payments that match."""
        ...

    @refuses(QueryUnreadable, QueryUnanswerable, PageUnknown)
    async def search_charges(self, query: Search) -> ChargesFound:
        """A page of the charges that match."""
        ...

    @refuses(QueryUnreadable, QueryUnanswerable, PageUnknown)
    async def search_customers(self, query: Search) -> CustomersFound:
        """A page of the customers that match."""
        ...

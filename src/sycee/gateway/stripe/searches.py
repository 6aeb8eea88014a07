"""``/v1/…/search``: payment intents, charges and customers, in Stripe's query language."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sycee.gateway.links import Links
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.charges import render_charge
from sycee.gateway.stripe.customers import render_customer
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.payment_intents.render import render_payment
from sycee.gateway.stripe.shapes import Expanding, Public, Text
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.searches import Search

TOTAL = "total_count"
OF_PAYMENTS = "/v1/payment_intents/search"
OF_CHARGES = "/v1/charges/search"
OF_CUSTOMERS = "/v1/customers/search"


class Searching(Expanding, frozen=True, kw_only=True):
    """Parameters of search."""

    query: Text
    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    page: Annotated[str, Meta(max_length=500)] | None = None


class Searches:
    """The operations that search."""

    def __init__(self, payments: Payments, expander: Expander, links: Links) -> None:
        self._payments = payments
        self._expander = expander
        self._links = links

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(
                f"GET {OF_PAYMENTS}",
                self.of_payments,
                Searching,
                answers="search of payment_intent",
            ),
            route(f"GET {OF_CHARGES}", self.of_charges, Searching, answers="search of charge"),
            route(
                f"GET {OF_CUSTOMERS}", self.of_customers, Searching, answers="search of customer"
            ),
        ]

    async def of_payments(self, request: Request, given: Searching) -> Answer:
        """Search payment intents, newest first."""
        found = await self._payments.search_payments(_search(request, given))
        data = [render_payment(each, self._links) for each in found.items]
        public = _result(OF_PAYMENTS, data, found.next_page, found.total_count)
        return await self._shown(request, public, given)

    async def of_charges(self, request: Request, given: Searching) -> Answer:
        """Search charges, newest first."""
        found = await self._payments.search_charges(_search(request, given))
        data = [render_charge(each) for each in found.items]
        public = _result(OF_CHARGES, data, found.next_page, found.total_count)
        return await self._shown(request, public, given)

    async def of_customers(self, request: Request, given: Searching) -> Answer:
        """Search customers, newest first."""
        found = await self._payments.search_customers(_search(request, given))
        data = [render_customer(each) for each in found.items]
        public = _result(OF_CUSTOMERS, data, found.next_page, found.total_count)
        return await self._shown(request, public, given)

    async def _shown(self, request: Request, public: Public, given: Searching) -> Answer:
        paths = [path for path in given.expand if path != TOTAL]
        return await self._expander.shown(request, public, paths)


def _search(request: Request, given: Searching) -> Search:
    return Search(request.merchant, given.query, given.limit, given.page, TOTAL in given.expand)


def _result(url: str, data: list[Public], next_page: str | None, total: int | None) -> Public:
    """A page of what was found; the total is there when it was expanded."""
    public: Public = {
        "object": "search_result",
        "data": data,
        "has_more": next_page is not None,
        "next_page": next_page,
        "url": url,
    }
    if total is not None:
        public[TOTAL] = total
    return public

"""``/v1/balance`` and ``/v1/balance_transactions``: what a merchant has, and why."""

from __future__ import annotations

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.shapes import Expanding, Id, Public, answer, listing, unix
from sycee.kernel.money import Currency, Money
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.intents import (
    Balance,
    BalanceQuery,
    BalanceTransaction,
    BalanceTransactionQuery,
    ListBalanceTransactions,
)
from sycee.services.payments.contract.shared import BalanceTransactionId

PATH = "/v1/balance_transactions"


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    currency: Id | None = None
    source: Id | None = None
    type: Id | None = None


class Balances:
    """The operations on the balance and its transactions."""

    def __init__(self, payments: Payments, expander: Expander) -> None:
        self._payments = payments
        self._expander = expander
        expander.fetches("balance_transaction", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One balance transaction, to be shown inside another object."""
        query = BalanceTransactionQuery(request.merchant, BalanceTransactionId(id))
        return render_transaction(await self._payments.get_balance_transaction(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        one = "balance_transaction"
        return [
            route("GET /v1/balance", self.balance, Expanding, answers="balance"),
            route(f"GET {PATH}", self.list_page, Listing, answers=f"list of {one}"),
            route(f"GET {PATH}/{{id}}", self.retrieve, Expanding, answers=one),
        ]

    async def balance(self, request: Request, given: Expanding) -> Answer:
        """Retrieve the balance, read from the ledger."""
        caller = request.caller
        assert caller is not None
        balance = await self._payments.get_balance(BalanceQuery(request.merchant, caller.livemode))
        return answer(render_balance(balance, caller.merchant.default_currency))

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a balance transaction."""
        public = await self.fetch(request, request.arguments["id"])
        return await self._expander.shown(request, public, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List balance transactions, newest first."""
        found = await self._payments.list_balance_transactions(
            ListBalanceTransactions(
                request.merchant,
                page(given),
                given.type,
                given.source,
                None if given.currency is None else given.currency.upper(),
            )
        )
        public = listing(PATH, found.items, found.has_more, render_transaction)
        return await self._expander.shown(request, public, given.expand)


def render_balance(balance: Balance, default_currency: str) -> Public:
    """The balance; a merchant without money has zero of its own currency."""
    zero = Money(0, Currency(default_currency))
    available = [_funds(each.available) for each in balance.funds]
    pending = [_funds(each.pending) for each in balance.funds]
    return {
        "object": "balance",
        "available": available or [_funds(zero)],
        "livemode": balance.livemode,
        "pending": pending or [_funds(zero)],
        "refund_and_dispute_prefunding": {"available": [], "pending": []},
    }


def render_transaction(transaction: BalanceTransaction) -> Public:
    """A change of the balance as the public ``balance_transaction`` object."""
    code = transaction.amount.currency.lower()
    return {
        "id": transaction.id,
        "object": "balance_transaction",
        "amount": transaction.amount.minor,
        "available_on": unix(transaction.available_on),
        "balance_type": "payments",
        "created": unix(transaction.created),
        "currency": code,
        "description": transaction.description,
        "exchange_rate": None,
        "fee": transaction.fee_minor,
        "fee_details": _fees(transaction),
        "net": transaction.amount.minor - transaction.fee_minor,
        "reporting_category": transaction.reporting_category or transaction.type,
        "source": transaction.source,
        "status": transaction.status,
        "type": transaction.type,
    }


def _funds(money: Money) -> Public:
    return {
        "amount": money.minor,
        "currency": money.currency.lower(),
        "source_types": {"card": money.minor},
    }


def _fees(transaction: BalanceTransaction) -> list[Public]:
    if not transaction.fee_minor:
        return []
    is_dispute = transaction.reporting_category == "dispute"
    return [
        {
            "amount": transaction.fee_minor,
            "application": None,
            "currency": transaction.amount.currency.lower(),
            "description": "Dispute fee" if is_dispute else "Processing fees",
            "type": "stripe_fee",
        }
    ]

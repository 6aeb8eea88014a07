"""``/api/ledger/transactions`` and ``/exchanges``: several legs, all or nothing."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.api.ledger.shapes import (
    PATH,
    SCOPE,
    SEERS,
    Code,
    MetadataGiven,
    Minor,
    Name,
    Owned,
    Paged,
    When,
    code_of,
    metadata,
    owner,
    paged,
    shown,
)
from sycee.gateway.api.ledger.times import instant_or_none, written
from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Priority, Route, route
from sycee.gateway.stripe.shapes import Public, answer
from sycee.kernel.refusal import NotFound
from sycee.kernel.u128 import U128, U128_MAX
from sycee.services.accounting.contract import (
    Accounting,
    AccountName,
    Exchange,
    FindTransaction,
    GetTransaction,
    Leg,
    ListTransactions,
    PostTransaction,
    Rounding,
    Side,
    Transaction,
    TransactionId,
)
from sycee.services.ledger.contract import TransferId

TRANSACTIONS = f"{PATH}/transactions"


class LegGiven(msgspec.Struct, frozen=True):
    """One account debited or credited."""

    account: Name
    side: Side
    amount: Minor
    currency: Code


class PostingTransaction(msgspec.Struct, frozen=True):
    """Debits and credits that are equal in every currency."""

    id: Name
    legs: list[LegGiven]
    effective: When | None = None
    """When it counts as having happened; left out, when it is recorded."""
    metadata: MetadataGiven | None = None


class Exchanging(msgspec.Struct, frozen=True):
    """Money of one currency for another's, over an account that holds both.

    Give ``sold_amount`` or ``bought_amount``; the other follows from the rate."""

    id: Name
    source: Name
    sold: Code
    target: Name
    bought: Code
    liquidity: Name
    rate: Annotated[str, Meta(max_length=40)]
    """Whole units of the bought currency for one of the sold, as text: ``0.92``."""
    rounding: Rounding = Rounding.HALF_EVEN
    sold_amount: Minor | None = None
    bought_amount: Minor | None = None
    effective: When | None = None
    metadata: MetadataGiven | None = None


class ListingTransactions(Paged, frozen=True, kw_only=True):
    """Which transactions."""

    transfer: Annotated[str, Meta(max_length=39)] | None = None
    """Only the one that this transfer of the ledger belongs to."""


class LedgerTransactions:
    """Transactions of several legs."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        one, scope = "ledger_transaction", SCOPE
        many = f"page of {one}"
        return [
            route(
                f"POST {TRANSACTIONS}",
                self.post,
                PostingTransaction,
                answers=one,
                scope=scope,
                priority=Priority.SETTLE,
            ),
            route(
                f"GET {TRANSACTIONS}",
                self.list_page,
                ListingTransactions,
                answers=many,
                roles=SEERS,
                scope=scope,
            ),
            route(
                f"GET {TRANSACTIONS}/{{id}}",
                self.retrieve,
                Owned,
                answers=one,
                roles=SEERS,
                scope=scope,
            ),
            route(
                f"POST {PATH}/exchanges",
                self.exchange,
                Exchanging,
                answers=one,
                scope=scope,
                priority=Priority.SETTLE,
            ),
        ]

    async def post(self, request: Request, given: PostingTransaction) -> Answer:
        """Record a transaction, whole or not at all, once per id."""
        legs = tuple(
            Leg(AccountName(leg.account), leg.side, U128(leg.amount), code_of(leg.currency))
            for leg in given.legs
        )
        command = PostTransaction(
            owner(request),
            TransactionId(given.id),
            legs,
            instant_or_none(given.effective, "effective"),
            metadata(given.metadata),
        )
        return answer(render_transaction(await self._accounting.post_transaction(command)))

    async def exchange(self, request: Request, given: Exchanging) -> Answer:
        """Change money of one currency into another, once per id."""
        command = Exchange(
            owner(request),
            TransactionId(given.id),
            AccountName(given.source),
            code_of(given.sold),
            AccountName(given.target),
            code_of(given.bought),
            AccountName(given.liquidity),
            given.rate,
            given.rounding,
            None if given.sold_amount is None else U128(given.sold_amount),
            None if given.bought_amount is None else U128(given.bought_amount),
            instant_or_none(given.effective, "effective"),
            metadata(given.metadata),
        )
        return answer(render_transaction(await self._accounting.exchange(command)))

    async def retrieve(self, request: Request, given: Owned) -> Answer:
        """Retrieve a transaction."""
        query = GetTransaction(owner(request, given), TransactionId(request.arguments["id"]))
        return answer(render_transaction(await self._accounting.get_transaction(query)))

    async def list_page(self, request: Request, given: ListingTransactions) -> Answer:
        """List transactions in the order in which they were recorded."""
        whose = owner(request, given)
        if given.transfer is not None:
            return await self._of_transfer(FindTransaction(whose, _number(given.transfer)))
        query = ListTransactions(whose, given.after, given.limit)
        found = await self._accounting.list_transactions(query)
        has_more = len(found.transactions) == given.limit
        public = paged(TRANSACTIONS, found.transactions, found.next, has_more, render_transaction)
        return answer(public)

    async def _of_transfer(self, query: FindTransaction) -> Answer:
        try:
            found = [await self._accounting.find_transaction(query)]
        except NotFound:
            found = []
        return answer(paged(TRANSACTIONS, found, "", False, render_transaction))


def render_transaction(transaction: Transaction) -> Public:
    """A transaction."""
    return {
        "id": transaction.id,
        "object": "ledger_transaction",
        "recorded": written(transaction.recorded),
        "effective": written(transaction.effective),
        "legs": [_render_leg(leg) for leg in transaction.legs],
        "transfers": [str(int(transfer)) for transfer in transaction.transfers],
        "metadata": shown(transaction.metadata),
        "template": transaction.template,
        "version": transaction.version,
    }


def _render_leg(leg: Leg) -> Public:
    return {
        "account": leg.account,
        "side": leg.side.value,
        "amount": int(leg.amount_minor),
        "currency": leg.currency.lower(),
    }


def _number(text: str) -> TransferId:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number <= U128_MAX:
        raise ParameterInvalid("A transfer's id is a number of 128 bits.", param="transfer")
    return TransferId(U128(number))

"""``/api/ledger/transfers``: from one account to another, in one phase or in two."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.api.ledger.accounts import ONE, asked_account
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
from sycee.gateway.problems import members
from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Empty, Priority, Route, route
from sycee.gateway.stripe.shapes import Public, answer
from sycee.kernel.money import Currency
from sycee.kernel.refusal import NotFound, Refusal, Unavailable
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    Accounting,
    AccountName,
    GetAccount,
    GetHeld,
    GetTransaction,
    HoldTransfer,
    Leg,
    ListOwnTransfers,
    Owner,
    OwnTransfer,
    PostTransaction,
    PostTransfer,
    Side,
    Transaction,
    TransactionId,
    TransferStatus,
    VoidTransfer,
)

TRANSFERS = f"{PATH}/transfers"
BATCH_MAX = 100


class MovingMoney(msgspec.Struct, frozen=True):
    """An amount from the debited account to the credited one."""

    id: Name
    debit: Name
    credit: Name
    amount: Minor
    currency: Code
    pending: bool = False
    """Only promise it: post or void it later."""
    timeout: Annotated[int, Meta(ge=1, le=2**32 - 1)] | None = None
    """Seconds after which a pending transfer ends by itself; left out, never."""
    effective: When | None = None
    """When it counts as having happened; not of a pending transfer."""
    metadata: MetadataGiven | None = None


class MovingMuch(msgspec.Struct, frozen=True):
    """Up to 100 transfers, done in order, each for itself."""

    transfers: list[MovingMoney]


class PostingHeld(msgspec.Struct, frozen=True):
    """How much; left out, all that was promised."""

    amount: Minor | None = None


class LedgerTransfers:
    """Transfers between two accounts."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        one, scope, soon = "ledger_transfer", SCOPE, Priority.SETTLE
        many, some = f"page of {one}", "ledger_batch"
        each = f"{TRANSFERS}/{{id}}"
        return [
            route(f"POST {TRANSFERS}", self.create, MovingMoney, answers=one, scope=scope),
            route(f"POST {TRANSFERS}/batch", self.batch, MovingMuch, answers=some, scope=scope),
            route(f"GET {each}", self.retrieve, Owned, answers=one, roles=SEERS, scope=scope),
            route(
                f"POST {each}/post",
                self.post,
                PostingHeld,
                answers=one,
                scope=scope,
                priority=soon,
            ),
            route(f"POST {each}/void", self.void, Empty, answers=one, scope=scope, priority=soon),
            route(
                f"GET {ONE}/transfers",
                self.list_page,
                Paged,
                answers=many,
                roles=SEERS,
                scope=scope,
            ),
        ]

    async def create(self, request: Request, given: MovingMoney) -> Answer:
        """Move money, or promise to, once per id."""
        return answer(render_transfer(await self._moved(owner(request), given)))

    async def batch(self, request: Request, given: MovingMuch) -> Answer:
        """Move money up to 100 times in order, and tell of each what became of it."""
        if not 1 <= len(given.transfers) <= BATCH_MAX:
            text = f"A batch has 1 to {BATCH_MAX} transfers."
            raise ParameterInvalid(text, param="transfers")
        whose = owner(request)
        told: list[Public] = []
        for each in given.transfers:
            try:
                told.append(render_transfer(await self._moved(whose, each)))
            except Unavailable:
                # What was done is done; the same batch again does the rest.
                raise
            except Refusal as refusal:
                told.append({"id": each.id, "object": "ledger_refusal", **members(refusal)})
        return answer({"object": "ledger_batch", "data": told})

    async def retrieve(self, request: Request, given: Owned) -> Answer:
        """Retrieve a transfer."""
        whose, id = owner(request, given), _asked(request)
        try:
            held = await self._accounting.get_held(GetHeld(whose, id))
        except NotFound:
            transaction = await self._accounting.get_transaction(GetTransaction(whose, id))
            return answer(render_transfer(transfer_of(transaction)))
        return answer(render_transfer(held))

    async def post(self, request: Request, given: PostingHeld) -> Answer:
        """Move what a pending transfer promised, or a part of it; the rest goes back."""
        amount = None if given.amount is None else U128(given.amount)
        command = PostTransfer(owner(request), _asked(request), amount)
        posted = await self._accounting.post_transfer(command)
        return answer(render_transfer(transfer_of(posted)))

    async def void(self, request: Request, given: Empty) -> Answer:
        """Give back what a pending transfer promised."""
        command = VoidTransfer(owner(request), _asked(request))
        return answer(render_transfer(await self._accounting.void_transfer(command)))

    async def list_page(self, request: Request, given: Paged) -> Answer:
        """List an account's transfers in the order in which they were recorded."""
        name, code = asked_account(request)
        query = ListOwnTransfers(owner(request, given), name, code, given.after, given.limit)
        found = await self._accounting.list_own_transfers(query)
        has_more = bool(found.next)
        return answer(paged(request.path, found.transfers, found.next, has_more, render_transfer))

    async def _moved(self, whose: Owner, given: MovingMoney) -> OwnTransfer:
        if given.pending:
            return await self._accounting.hold_transfer(_hold(whose, given))
        if given.timeout is not None:
            raise ParameterInvalid("Only a pending transfer has a timeout.", param="timeout")
        code, amount = code_of(given.currency), U128(given.amount)
        command = PostTransaction(
            whose,
            TransactionId(given.id),
            (
                Leg(AccountName(given.debit), Side.DEBIT, amount, code),
                Leg(AccountName(given.credit), Side.CREDIT, amount, code),
            ),
            instant_or_none(given.effective, "effective"),
            metadata(given.metadata),
        )
        try:
            return transfer_of(await self._accounting.post_transaction(command))
        except NotFound as refusal:
            refusal.param = await self._missing(whose, AccountName(given.debit), code)
            raise
        except Refusal as refusal:
            refusal.param = _LEGS.get(refusal.param or "", refusal.param)
            raise

    async def _missing(self, whose: Owner, debit: AccountName, code: Currency) -> str:
        """Which of the two accounts is not there."""
        try:
            await self._accounting.get_account(GetAccount(whose, debit, code))
        except NotFound:
            return "debit"
        return "credit"


_LEGS = {"legs[0].account": "debit", "legs[1].account": "credit"}
"""Fields of a transaction -> those of the transfer that it is."""


def _hold(whose: Owner, given: MovingMoney) -> HoldTransfer:
    if given.effective is not None:
        text = "A pending transfer counts when it is posted: leave out effective."
        raise ParameterInvalid(text, param="effective")
    return HoldTransfer(
        whose,
        TransactionId(given.id),
        AccountName(given.debit),
        AccountName(given.credit),
        code_of(given.currency),
        U128(given.amount),
        given.timeout or 0,
        metadata(given.metadata),
    )


def _asked(request: Request) -> TransactionId:
    return TransactionId(request.arguments["id"])


def transfer_of(transaction: Transaction) -> OwnTransfer:
    """A transaction of two legs as the transfer that it is; others are no transfer."""
    sides = {leg.side: leg for leg in transaction.legs}
    if len(transaction.legs) != 2 or len(sides) != 2:
        raise NotFound(f"No such transfer: {transaction.id}", param="id")
    return OwnTransfer(
        transfer=transaction.transfers[0],
        id=transaction.id,
        debit=sides[Side.DEBIT].account,
        credit=sides[Side.CREDIT].account,
        currency=sides[Side.DEBIT].currency,
        amount_minor=sides[Side.DEBIT].amount_minor,
        status=TransferStatus.POSTED,
        is_promise=False,
        recorded=transaction.recorded,
        expires=None,
        metadata=transaction.metadata,
    )


def render_transfer(transfer: OwnTransfer) -> Public:
    """A transfer."""
    return {
        "id": transfer.id,
        "object": "ledger_transfer",
        "transfer": str(int(transfer.transfer)),
        "debit": transfer.debit,
        "credit": transfer.credit,
        "amount": int(transfer.amount_minor),
        "currency": transfer.currency.lower(),
        "status": transfer.status.value,
        "promise": transfer.is_promise,
        "recorded": written(transfer.recorded),
        "expires": None if transfer.expires is None else written(transfer.expires),
        "metadata": shown(transfer.metadata),
    }

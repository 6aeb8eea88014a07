"""Does a request once per idempotency key, and answers its repetitions with the first outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.refusal import Refusal
from sycee.runtime.database import Database, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.shared import (
    IdempotencyConflict,
    IdempotencyInFlight,
    Origin,
    PaymentId,
)
from sycee.services.payments.domain.attempts import Attempt
from sycee.services.payments.service import outcomes
from sycee.services.payments.store import keys, payments

Shape = TypeVar("Shape", bound=msgspec.Struct)
Result = TypeVar("Result", bound=msgspec.Struct | Refusal)


class Once:
    """Idempotency over one database (MS2)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def do(
        self, origin: Origin, shape: type[Shape], unit: Callable[[Session], Shape]
    ) -> Shape:
        """Run a unit that is the whole request; change and outcome become durable together."""
        return await self._guarded(
            origin, shape, lambda: self._database.write(self.keyed(origin, shape, unit))
        )

    async def first(
        self, origin: Origin, shape: type[Shape], work: Callable[[], Awaitable[Result]]
    ) -> Result | Shape:
        """Do work that ends in a ``keyed`` unit, unless the request came before."""
        if origin.idempotency_key is not None:
            earlier = await self._database.read(lambda session: self._earlier(session, origin))
            if earlier is not None:
                return outcomes.replayed(earlier, shape)
        return await self._guarded(origin, shape, work)

    def keyed(
        self, origin: Origin, shape: type[Shape], unit: Callable[[Session], Result]
    ) -> Callable[[Session], Result | Shape]:
        """The unit, once per key. What it returns is kept; an attempt only claims the key."""
        if origin.idempotency_key is None:
            return unit

        def keyed(session: Session) -> Result | Shape:
            earlier = self._earlier(session, origin)
            if earlier is not None:
                return outcomes.replayed(earlier, shape)
            result = unit(session)
            self._add(session, origin, None if isinstance(result, Attempt) else outcomes.of(result))
            return result

        return keyed

    def settle(self, session: Session, origin: Origin, outcome: bytes) -> None:
        """Keep the outcome of a request that claimed its key."""
        if origin.idempotency_key is not None:
            keys.settle(session, origin.merchant, origin.idempotency_key, outcome)

    async def _guarded(
        self, origin: Origin, shape: type[Shape], work: Callable[[], Awaitable[Result]]
    ) -> Result | Shape:
        """Keep the refusal that work comes to.

        It changed nothing, so it is kept in a unit of its own: a crash in between forgets it, and
        the repetition is judged afresh.
        """
        try:
            return await work()
        except (IdempotencyConflict, IdempotencyInFlight):
            raise
        except Refusal as refusal:
            kept = await self._keep_refusal(origin, refusal)
            if kept is None:
                raise
            return outcomes.replayed(kept, shape)

    async def _keep_refusal(self, origin: Origin, refusal: Refusal) -> bytes | None:
        """Keep a refusal that changed nothing, unless it may pass.

        A twin may have been faster, and have caused the refusal: then the twin's outcome is the
        request's own, and is returned; raises ``IdempotencyInFlight`` while it is worked on.
        """
        if origin.idempotency_key is None or not outcomes.is_final(refusal):
            return None

        def unit(session: Session) -> bytes | None:
            earlier = self._earlier(session, origin)
            if earlier is None:
                _add_snapshot(session, origin.merchant, refusal)
                self._add(session, origin, outcomes.refused(refusal))
            return earlier

        return await self._database.write(unit)

    def _earlier(self, session: Session, origin: Origin) -> bytes | None:
        """The outcome of this request's first coming; None when this is the first.

        Raises ``IdempotencyConflict`` when the key came with another request, and
        ``IdempotencyInFlight`` while the first is being worked on.
        """
        if origin.idempotency_key is None:
            return None
        kept = keys.find(session, origin.merchant, origin.idempotency_key)
        if kept is None:
            return None
        if kept.request_hash != origin.request_hash:
            raise IdempotencyConflict(
                "This idempotency key was used before, with other parameters or another path."
            )
        if kept.outcome is None:
            raise IdempotencyInFlight(
                "A request with this idempotency key is being worked on; try again in a moment."
            )
        return kept.outcome

    def _add(self, session: Session, origin: Origin, outcome: bytes | None) -> None:
        if origin.idempotency_key is not None:
            keys.add(
                session,
                origin.merchant,
                origin.idempotency_key,
                origin.request_hash,
                self._clock.now(),
                outcome,
            )


def _add_snapshot(session: Session, merchant: MerchantId, refusal: Refusal) -> None:
    """Show the payment that a refusal is about as it is now, so that repetitions show the same."""
    payment = refusal.facts.get("payment")
    if payment is None or "snapshot" in refusal.facts:
        return
    found = payments.find(session, merchant, PaymentId(payment))
    if found is not None:
        refusal.facts["snapshot"] = outcomes.snapshot(found)

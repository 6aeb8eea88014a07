"""Takes attempts to move money to their end, from whatever is durable of them.

An attempt is recorded in the unit that decides it, together with its idempotency key. Then, in this
order: the amount is reserved in the ledger; the rail is asked; the ledger records the outcome; one
unit closes the attempt and changes everything that follows from it. Each step is safe to repeat:
ledger transfers and the rail's order have ids derived from the attempt, and only an open attempt is
closed. So finishing an attempt after a crash is the same walk from its beginning, except that the
rail is asked what it did, instead of being ordered again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import msgspec

from sycee.kernel.clock import after
from sycee.kernel.refusal import Refusal, Unavailable
from sycee.runtime import logs
from sycee.runtime.database import Session
from sycee.services.payments.adapters.rail import (
    Answer,
    NoAnswer,
    Operation,
    Order,
    RailDown,
    Verdict,
)
from sycee.services.payments.contract.intents import Payment, Refund
from sycee.services.payments.contract.shared import (
    AttemptId,
    Origin,
)
from sycee.services.payments.domain.attempts import (
    UNDONE,
    Attempt,
    Ending,
    Kind,
    Result,
    challenged,
    takeback,
)
from sycee.services.payments.service import outcomes
from sycee.services.payments.service.books import Books
from sycee.services.payments.service.endings import Endings
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.prepared import ROUNDS_MAX, Stale
from sycee.services.payments.store import attempts as rows

Told: TypeAlias = Payment | Refund
"""What a caller is told of an attempt that did not fail."""

Unit: TypeAlias = Callable[[Session], Attempt | Told | Refusal]
"""Records an attempt, or does all there is to do."""

Prepare: TypeAlias = Callable[[AttemptId], Awaitable[Unit]]
Shape = TypeVar("Shape", Payment, Refund)

log = logs.logger("payments")


class Attempts:
    """Requests and the sweeper take attempts on here; never both the same one at once."""

    def __init__(self, parts: Parts, books: Books, endings: Endings) -> None:
        self._parts = parts
        self._books = books
        self._endings = endings
        self._taken: set[AttemptId] = set()
        self._tasks: set[asyncio.Task[Told | Refusal]] = set()

    async def do(self, origin: Origin, shape: type[Shape], prepare: Prepare) -> Shape:
        """Do a request that moves money, once per idempotency key; raises when it failed.

        ``prepare`` may ask others, but keeps nothing and moves nothing. When its unit finds that
        another request was faster, it raises ``Stale`` and is prepared again.
        """
        result = await self.outcome(origin, shape, prepare)
        if isinstance(result, Refusal):
            raise result
        return result

    async def outcome(
        self, origin: Origin, shape: type[Shape], prepare: Prepare
    ) -> Shape | Refusal:
        """As ``do``, but a failure that has changed something is returned."""
        result = await self._parts.once.first(
            origin, shape, lambda: self._begun(origin, shape, prepare)
        )
        if isinstance(result, Attempt):
            result = await self._carried_out(result)
        assert isinstance(result, (shape, Refusal)), "a verb's attempt is told as its object"
        return result

    async def sweep(self, attempt: AttemptId) -> None:
        """Finish an open attempt that nobody works on, if its outcome can be found out now."""
        if attempt in self._taken:
            return
        self._taken.add(attempt)
        try:
            found = await self._parts.database.read(
                lambda session: rows.find_open(session, attempt)
            )
            if found is not None:
                await self._finish(found)
        except (*outcomes.OUTAGES, RailDown, NoAnswer, TimeoutError) as trouble:
            log.info("attempt_still_open", attempt=attempt, because=type(trouble).__name__)
        except Exception:  # noqa: BLE001 - one attempt that is wrong must not keep the others open
            log.fault("attempt_cannot_be_finished", attempt=attempt)
        finally:
            self._taken.discard(attempt)

    async def _begun(
        self, origin: Origin, shape: type[Shape], prepare: Prepare
    ) -> Attempt | Told | Refusal:
        """Run the first unit. Its attempt is taken before the sweeper can see it."""
        attempt = AttemptId(self._parts.ids.new("att"))
        self._taken.add(attempt)
        result: Attempt | Told | Refusal | None = None
        try:
            for _ in range(ROUNDS_MAX):
                unit = self._parts.once.keyed(origin, shape, await prepare(attempt))
                try:
                    result = await self._parts.database.write(unit)
                except Stale:
                    continue
                return result
            raise Unavailable("Other requests keep changing this object; try again in a moment.")
        finally:
            if not isinstance(result, Attempt):
                self._taken.discard(attempt)

    async def _carried_out(self, attempt: Attempt) -> Told | Refusal:
        """What the caller is told, in time: how the attempt ended, or that it is not known yet.

        The work is a task of its own, so it goes on when the caller leaves or is answered.
        """
        task = asyncio.get_running_loop().create_task(self._work(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({task}, timeout=self._parts.settings.answer_within_s)
        finally:
            if not task.done():
                task.add_done_callback(_log_fault)
        if task.done():
            return task.result()
        return await self._stayed(attempt) or await task

    async def _work(self, attempt: Attempt) -> Told | Refusal:
        """Walk an attempt as far as it goes now. The sweeper keeps away until it is told of."""
        try:
            await self._books.reserve(attempt)
            ending = await self._ordered(attempt)
            if ending is not None:
                return await self._ended(attempt, ending)
            return await self._stayed(attempt) or await self._endings.now(attempt)
        except outcomes.OUTAGES as trouble:
            log.info("attempt_left_open", attempt=attempt.id, because=str(trouble))
            return await self._stayed(attempt) or await self._endings.now(attempt)
        finally:
            self._taken.discard(attempt.id)

    async def _stayed(self, attempt: Attempt) -> Told | None:
        """Tell the caller that the outcome is not known; None when it is, after all."""
        return await self._parts.database.write(
            lambda session: self._endings.stay(session, attempt.id)
        )

    async def _finish(self, attempt: Attempt) -> None:
        await self._books.reserve(attempt)
        ending = await self._found_out(attempt)
        if ending is not None:
            await self._ended(attempt, ending)

    async def _ended(self, attempt: Attempt, ending: Ending) -> Told | Refusal:
        await self._books.conclude(attempt, ending.result)
        result = await self._parts.database.write(
            lambda session: self._endings.close(session, attempt.id, ending)
        )
        return await self._endings.now(attempt) if result is None else result

    async def _ordered(self, attempt: Attempt) -> Ending | None:
        """Order it of the rail; None when the outcome is not known."""
        try:
            return _ending(attempt, await self._perform(_order(attempt)))
        except RailDown:
            return UNDONE
        except (NoAnswer, TimeoutError):
            return None

    async def _found_out(self, attempt: Attempt) -> Ending | None:
        """Ask the rail how the order ended; one that it does not know is taken back in time."""
        rail = self._parts.rail
        if attempt.takebacks:
            taken_back = await rail.query(takeback(attempt))
            if taken_back is not None and taken_back.verdict is Verdict.APPROVED:
                return _taken_back(attempt)
            if taken_back is None:
                return await self._take_back(attempt)
            if attempt.kind is Kind.VOID:
                return _ending(attempt, taken_back)
        answer = await rail.query(attempt.id)
        if answer is not None:
            return _ending(attempt, answer)
        lost_at = after(attempt.started, self._parts.settings.lost_after_s)
        return await self._take_back(attempt) if self._parts.clock.now() >= lost_at else None

    async def _take_back(self, attempt: Attempt) -> Ending | None:
        """Order that the order is never to be done, under an id that is durable before."""
        noted = await self._parts.database.write(
            lambda session: self._endings.note_takeback(session, attempt.id)
        )
        if noted is None:
            return None
        answer = await self._perform(_takeback_order(noted))
        return _taken_back(noted) if answer.verdict is Verdict.APPROVED else None

    async def _perform(self, order: Order) -> Answer:
        async with asyncio.timeout(self._parts.settings.rail_timeout_s):
            return await self._parts.rail.perform(order)


def _log_fault(task: asyncio.Task[Told | Refusal]) -> None:
    """Nobody waits for this task any more, so what went wrong in it is told here."""
    if task.cancelled():
        return
    try:
        task.result()
    except Refusal as refusal:
        log.info("attempt_left_open", because=refusal.code)
    except Exception:  # noqa: BLE001 - the one place where faults of such tasks are logged
        log.fault("attempt_failed")


def _order(attempt: Attempt) -> Order:
    return Order(
        id=attempt.id,
        operation=Operation(attempt.kind.value),
        token=attempt.method.card.rail_token,
        amount=attempt.amount,
        original=attempt.original,
        off_session=attempt.off_session,
        authenticated=attempt.authenticated,
    )


def _takeback_order(attempt: Attempt) -> Order:
    """A lost release is ordered again; anything else that is lost is itself released."""
    return msgspec.structs.replace(
        _order(attempt),
        id=takeback(attempt),
        operation=Operation.VOID,
        original=attempt.original if attempt.kind is Kind.VOID else attempt.id,
    )


def _taken_back(attempt: Attempt) -> Ending:
    return Ending(Result.APPROVED) if attempt.kind is Kind.VOID else UNDONE


def _ending(attempt: Attempt, answer: Answer) -> Ending | None:
    """The rail's answer as an ending; None when it tells of one to come."""
    if answer.verdict is Verdict.PENDING:
        return None
    if answer.verdict is Verdict.CHALLENGED:
        return challenged(attempt)
    return Ending(
        Result.APPROVED if answer.verdict is Verdict.APPROVED else Result.DECLINED,
        answer.code,
        answer.decline_code,
        answer.message,
        answer.authorization_code,
        answer.risk,
    )

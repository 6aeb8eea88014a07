"""Carries what is due to its endpoints: leases, sends, and writes down how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import msgspec

from sycee.kernel.clock import SECOND_NS, Clock, Instant, after
from sycee.runtime import logs
from sycee.runtime.database import Database, Session
from sycee.services.notify.adapters.sender import Sender
from sycee.services.notify.contract import (
    AttemptId,
    DeliveryAttempt,
    Endpoint,
    EndpointId,
    EndpointStatus,
    Event,
)
from sycee.services.notify.domain import retries
from sycee.services.notify.domain.retries import Attempt, Verdict
from sycee.services.notify.service.directory import Directory
from sycee.services.notify.service.lanes import Lane, Lanes
from sycee.services.notify.service.signer import Signer
from sycee.services.notify.store import attempts, deliveries, endpoints
from sycee.services.notify.store.attempts import Made
from sycee.services.notify.store.deliveries import Lease, Leased
from sycee.services.notify.store.endpoints import Sealed

Render = Callable[[Event], bytes]
"""Writes an event as the body of a webhook."""

TOO_OLD = "The endpoint has not worked for too long."
DISABLED = "The endpoint is disabled."
NO_ANSWER = "There was no answer."
UNREADABLE = "The event could not be written."

log = logs.logger("notify")


class Limits(msgspec.Struct, frozen=True):
    """How much may be under way at once, and for how long one delivery is ours."""

    sends_max: int
    sends_per_endpoint_max: int
    lease_s: float


class Courier:
    """Delivers at least once: what it leased and did not write down is due again after the lease,
    or at the next start of one whose database nobody else writes.

    Each endpoint has a lane of bounded width, so that slow ones cannot take the room of others.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        sender: Sender,
        signer: Signer,
        render: Render,
        clock: Clock,
        jitter: Callable[[], float],
        limits: Limits,
        life: str,
        new_id: Callable[[str], str],
    ) -> None:
        self._database = database
        self._directory = directory
        self._sender = sender
        self._signer = signer
        self._render = render
        self._clock = clock
        self._jitter = jitter
        self._limits = limits
        self._life = life
        self._new_id = new_id
        self._lanes = Lanes()
        self._room = limits.sends_max
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def begin(self) -> None:
        """Take up what earlier processes left."""
        await self._directory.load()
        if self._database.is_exclusive:
            await self._take_back()
        for endpoint in await self._database.read(deliveries.pending_endpoints):
            self.wake(endpoint)

    def wake(self, endpoint: EndpointId) -> None:
        """Something was queued for this endpoint, or it is no longer enabled."""
        self._lanes.wake(endpoint)
        self._changed.set()

    async def start_due(self) -> Instant | None:
        """Begin sending what is due and has room; when the next is due, as far as is known."""
        self._changed.clear()
        await self._directory.refresh()
        ready = self._lanes.take_ready(self._clock.now())
        looks = await asyncio.gather(*map(self._look, ready), return_exceptions=True)
        failures = [failure for failure in looks if failure is not None]
        if failures:
            for lane in ready:
                self._lanes.wake(lane.endpoint)
            raise failures[0]
        return self._lanes.next_due()

    async def changed(self) -> None:
        """Wait until something is queued or has ended."""
        await self._changed.wait()

    async def idle(self) -> bool:
        """Wait until nothing is under way; whether that may have made more to do."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        return self._changed.is_set()

    async def drain(self, patience_s: float) -> None:
        """Let what is under way finish for a while, then hand the rest back."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=patience_s)
        for task in late:
            task.cancel()
        await self.idle()

    async def _take_back(self) -> None:
        """Send at once what a former life was sending, as nobody else can be sending it now."""
        now = self._clock.now()
        count = await self._database.write(
            lambda session: deliveries.take_back(session, self._life, now)
        )
        if count:
            log.info("leases_taken_back", count=count)

    async def _look(self, lane: Lane) -> None:
        if self._directory.enabled(lane.endpoint) is None:
            await self._retire(lane)
            return
        now = self._clock.now()
        full = self._limits.sends_per_endpoint_max
        width = lane.breaker.width(now, full)
        if width == 0:
            self._lanes.sleep(lane, lane.breaker.rests_until)
            return
        room = min(width - lane.under_way, self._room)
        if room <= 0:
            # Whatever ends next makes room. The lane goes to the end of the line until then.
            self._lanes.wake(lane.endpoint)
            return
        self._room -= room
        taken = 0
        try:
            if width < full:
                await self._give_up_old(lane, now)
            leased, due = await self._database.write(self._leasing(lane, now, room))
            taken = len(leased)
        finally:
            self._room += room - taken
        for one in leased:
            self._start(lane, one)
        if due is not None and due <= now:
            self._lanes.wake(lane.endpoint)
        else:
            self._lanes.sleep(lane, due)

    def _leasing(
        self, lane: Lane, now: Instant, room: int
    ) -> Callable[[Session], tuple[list[Leased], Instant | None]]:
        lease = Lease(self._life, after(now, self._limits.lease_s))

        def unit(session: Session) -> tuple[list[Leased], Instant | None]:
            leased = deliveries.lease(session, lane.endpoint, now, lease, room)
            return leased, deliveries.next_due(session, lane.endpoint)

        return unit

    def _start(self, lane: Lane, leased: Leased) -> None:
        lane.under_way += 1
        task = asyncio.create_task(self._deliver(lane, leased), name=f"deliver {leased.id}")
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, lane))

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room += 1
        lane.under_way -= 1
        self.wake(lane.endpoint)

    async def _deliver(self, lane: Lane, leased: Leased) -> None:
        try:
            sealed = self._directory.enabled(leased.endpoint)
            if sealed is not None:
                began = self._clock.now()
                attempt = await self._attempt(sealed, leased)
                await self._settle(lane, leased, sealed, attempt, began)
        except asyncio.CancelledError:
            await self._hand_back(leased)
        except Exception:  # noqa: BLE001 - its lease ends, and it is sent again
            log.fault("delivery_failed", delivery=leased.id, endpoint=leased.endpoint)

    async def _attempt(self, sealed: Sealed, leased: Leased) -> Attempt:
        endpoint = sealed.endpoint
        try:
            body = self._render(leased.event)
        except Exception:  # noqa: BLE001 - one event that cannot be written must not stop others
            log.fault("event_unwritable", id=leased.event.id)
            return Attempt(None, UNREADABLE)
        now = self._clock.now()
        headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("User-Agent", "Sycee/1.0 (webhooks)"),
            ("Sycee-Delivery", leased.id),
            *self._signer.headers(endpoint, sealed.keys, leased.event.id, now, body),
        ]
        return await self._sender.post(endpoint.url, headers, body)

    async def _settle(
        self, lane: Lane, leased: Leased, sealed: Sealed, attempt: Attempt, began: Instant
    ) -> None:
        now = self._clock.now()
        verdict = retries.verdict(attempt)
        lane.breaker.note(verdict is Verdict.WELL, now)
        outcome = retries.outcome(attempt, leased.attempts, now, self._jitter())
        made = self._made(leased, sealed, attempt, began, now)

        def unit(session: Session) -> None:
            attempts.add(session, made)
            if deliveries.settle(session, leased, outcome) and verdict is Verdict.GONE:
                _disable(session, sealed.endpoint)

        if verdict is not Verdict.GONE:
            await self._database.write(unit)
            return
        await self._directory.change(sealed.endpoint.merchant, leased.endpoint, unit)
        log.warning("endpoint_gone", endpoint=leased.endpoint)

    def _made(
        self, leased: Leased, sealed: Sealed, attempt: Attempt, began: Instant, now: Instant
    ) -> Made:
        ended = DeliveryAttempt(
            id=AttemptId(self._new_id("wa")),
            began=began,
            # The clock may be set back in between.
            duration_ms=max(now - began, 0) * 1000 // SECOND_NS,
            status=attempt.status,
            answer=attempt.answer,
            error=None if attempt.status is not None else attempt.error or NO_ANSWER,
            key_generation=sealed.keys.generation,
        )
        return Made(sealed.endpoint.merchant, leased.id, ended)

    async def _hand_back(self, leased: Leased) -> None:
        now = self._clock.now()
        try:
            await self._database.write(lambda session: deliveries.hand_back(session, leased, now))
        except Exception:  # noqa: BLE001 - its lease ends, and it is sent again
            log.fault("hand_back_failed", delivery=leased.id)

    async def _give_up_old(self, lane: Lane, now: Instant) -> None:
        before = after(now, -retries.GIVE_UP_AFTER_S)
        give_up = partial(deliveries.kill, endpoint=lane.endpoint, error=TOO_OLD, before=before)
        while await self._database.write(give_up):
            pass

    async def _retire(self, lane: Lane) -> None:
        """Empty the lane of an endpoint that gets nothing any more, slice by slice."""

        def unit(session: Session) -> int:
            return _empty(session, lane.endpoint)

        while await self._database.write(unit):
            pass
        if self._directory.enabled(lane.endpoint) is None:
            self._lanes.drop(lane.endpoint)
        else:
            self.wake(lane.endpoint)


def _disable(session: Session, tried: Endpoint) -> None:
    sealed = endpoints.one(session, tried.merchant, tried.id)
    # An endpoint that has moved since may be well where it is now.
    if sealed is not None and sealed.endpoint.url == tried.url:
        disabled = msgspec.structs.replace(sealed.endpoint, status=EndpointStatus.DISABLED)
        endpoints.replace(session, disabled)


def _empty(session: Session, endpoint: EndpointId) -> int:
    enabled = endpoints.is_enabled(session, endpoint)
    if enabled is None:
        return deliveries.drop(session, endpoint)
    return 0 if enabled else deliveries.kill(session, endpoint, DISABLED)

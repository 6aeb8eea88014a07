"""Keeps the fraud contract: judges from memory, writes down what it judged a little later."""

from __future__ import annotations

from collections import OrderedDict, deque
from functools import partial

from sycee.kernel.clock import Clock, Instant, after, seconds
from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Database, Session
from sycee.services.fraud import domain, store
from sycee.services.fraud.contract import (
    Block,
    BlockEntry,
    Blocks,
    BlockValueInvalid,
    Judgement,
    JudgePayment,
    ListBlocks,
    ListKind,
    Reason,
    Unblock,
    Unblocked,
)
from sycee.services.fraud.domain import WINDOW_S, Thresholds, Tried, Velocity, VelocityRules
from sycee.services.identity.contract import MerchantId

REMEMBERED_MAX = 10_000
"""Attempts whose judgement is remembered, so that asking again counts once."""
UNWRITTEN_MAX = 50_000
"""Judgements that may wait for the database; beyond that the oldest are given up."""
BATCH_MAX = 200
"""Judgements in one unit of work, which holds up all others while it runs."""


class FraudService:
    """Block lists and windows in memory, over a database that brings them back at start."""

    def __init__(
        self, database: Database, clock: Clock, thresholds: Thresholds, rules: VelocityRules
    ) -> None:
        self._database = database
        self._now = clock.now
        self._thresholds = thresholds
        self._velocity = Velocity(rules)
        self._blocked: dict[MerchantId, set[tuple[ListKind, str]]] = {}
        self._judged: OrderedDict[str, Judgement] = OrderedDict()
        self._unwritten: deque[store.Judged] = deque(maxlen=UNWRITTEN_MAX)

    async def begin(self) -> None:
        """Bring back the block lists, the latest judgements and the windows."""
        await self._database.read(self._remember)

    async def judge(self, query: JudgePayment) -> Judgement:
        known = self._judged.get(query.attempt)
        if known is not None:
            return known
        now = self._now()
        judgement = domain.judgement(self._reasons(query, now), self._thresholds)
        if len(self._judged) >= REMEMBERED_MAX:
            self._judged.popitem(last=False)
        self._judged[query.attempt] = judgement
        self._unwritten.append(store.Judged(query, judgement, now))
        return judgement

    async def block(self, command: Block) -> BlockEntry:
        value = domain.block_value(command.kind, command.value)
        fresh = BlockEntry(command.merchant, command.kind, value, self._now(), command.note)
        entry = await self._database.write(lambda session: store.add_block(session, fresh))
        self._blocked.setdefault(entry.merchant, set()).add((entry.kind, value))
        return entry

    async def unblock(self, command: Unblock) -> Unblocked:
        try:
            value = domain.block_value(command.kind, command.value)
        except BlockValueInvalid as refusal:
            raise NotFound("No such entry on the block list.", param="value") from refusal
        merchant, kind = command.merchant, command.kind
        if not await self._database.write(
            lambda session: store.drop_block(session, merchant, kind, value)
        ):
            raise NotFound("No such entry on the block list.", param="value")
        self._blocked.get(merchant, set()).discard((kind, value))
        return Unblocked(value)

    async def list_blocks(self, query: ListBlocks) -> Blocks:
        return Blocks(
            await self._database.read(
                lambda session: store.blocks_of(session, query.merchant, query.limit)
            )
        )

    async def write_down(self) -> None:
        """Put what was judged into the database, a batch at a time."""
        while self._unwritten:
            size = min(BATCH_MAX, len(self._unwritten))
            batch = [self._unwritten.popleft() for _ in range(size)]
            try:
                await self._database.write(partial(store.add_judgements, batch=batch))
            except BaseException:
                self._unwritten.extendleft(reversed(batch))
                raise

    def _reasons(self, query: JudgePayment, now: Instant) -> list[Reason]:
        blocked = self._blocked.get(query.merchant)
        reasons = domain.block_reasons(query, blocked) if blocked else []
        if self._velocity.is_on:
            reasons += self._velocity.count(_tried(query, now))
        return reasons

    def _remember(self, session: Session) -> None:
        for merchant, kind, value in store.all_blocks(session):
            self._blocked.setdefault(merchant, set()).add((kind, value))
        self._judged.update(store.latest_judgements(session, REMEMBERED_MAX))
        if self._velocity.is_on:
            for tried in store.tried_since(session, after(self._now(), -WINDOW_S)):
                self._velocity.count(tried)


def _tried(query: JudgePayment, now: Instant) -> Tried:
    return Tried(
        at_s=seconds(now),
        merchant=query.merchant,
        card=query.card_fingerprint,
        customer=query.customer,
        ip=query.ip,
        currency=query.amount.currency,
        attempts=1,
        amount_minor=query.amount.minor,
    )

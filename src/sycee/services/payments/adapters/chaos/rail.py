"""The rail that misbehaves: hands everything on to another rail, or not, as the script says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from sycee.kernel.clock import Clock, Instant
from sycee.kernel.ids import derived_number
from sycee.runtime import logs
from sycee.services.payments.adapters.chaos.script import Asked, Fault, Phase, Rule, Script
from sycee.services.payments.adapters.rail import (
    Answer,
    KeptCard,
    NewCard,
    NoAnswer,
    Notice,
    Order,
    Rail,
    RailDown,
)
from sycee.services.validation.contract import CardNumber

Pause = Callable[[float], Awaitable[None]]
CALM = Phase()
REMEMBERED_MAX = 10_000
"""Of so many names it is known how often they came; then counting begins anew."""

log = logs.logger("chaos")


class ChaosRail:
    """Keeps the promise of a rail as badly as it may be kept: never untrue, often unhelpful."""

    def __init__(
        self, rail: Rail, script: Script, clock: Clock, pause: Pause = asyncio.sleep
    ) -> None:
        self.name = rail.name
        self._rail = rail
        self._script = script
        self._clock = clock
        self._pause = pause
        self._index = 0
        self._orders = 0
        self._began_s = clock.monotonic_s()
        self._matched: Counter[tuple[int, int]] = Counter()
        """By phase and rule, for every n-th."""
        self._came: Counter[str] = Counter()
        self._under_way: set[asyncio.Task[None]] = set()

    def test_card(self, token: str, now: Instant) -> CardNumber | None:
        """As the rail below."""
        return self._rail.test_card(token, now)

    async def keep_card(self, card: NewCard) -> KeptCard:
        """As the rail below."""
        return await self._rail.keep_card(card)

    async def perform(self, order: Order) -> Answer:
        """Hand the order on, unless the script says that something goes wrong."""
        rule = self._rule(Asked(order.operation.value), order.id, order)
        if rule is None:
            return await self._rail.perform(order)
        log.info("rail_fault", order=order.id, fault=rule.fault.value)
        return await self._spoiled(order, rule)

    async def query(self, order: str) -> Answer | None:
        """As the rail below, when it is there."""
        self._check_up(Asked.QUERY, order)
        return await self._rail.query(order)

    async def notices(self, after: str, limit: int) -> Sequence[Notice]:
        """As the rail below, when it is there."""
        self._check_up(Asked.NOTICES, after)
        return await self._rail.notices(after, limit)

    async def acknowledge(self, notices: Sequence[str]) -> None:
        """As the rail below, when it is there."""
        self._check_up(Asked.ACKNOWLEDGE, *notices)
        await self._rail.acknowledge(notices)

    async def contest(self, case: str, statement: str | None) -> None:
        """As the rail below, when it is there."""
        self._check_up(Asked.CONTEST, case)
        await self._rail.contest(case, statement)

    async def close(self) -> None:
        """Lose what is still on its way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _spoiled(self, order: Order, rule: Rule) -> Answer:
        fault = rule.fault
        if fault is Fault.DOWN:
            raise RailDown("The rail is away, as the script says.")
        if fault is Fault.LATE_ORDER:
            self._send_later(order, rule.delay_s)
        if fault in (Fault.LOST_ORDER, Fault.LATE_ORDER):
            raise NoAnswer("The order was lost on its way, as the script says.")
        if fault is Fault.SLOW_ORDER:
            await self._pause(rule.delay_s)
        answer = await self._rail.perform(order)
        if fault is Fault.TWICE:
            return await self._rail.perform(order)
        if fault is Fault.LOST_ANSWER:
            raise NoAnswer("The answer was lost on its way, as the script says.")
        if fault is Fault.SLOW_ANSWER:
            await self._pause(rule.delay_s)
        return answer

    def _send_later(self, order: Order, delay_s: float) -> None:
        task = asyncio.get_running_loop().create_task(self._sent_later(order, delay_s))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _sent_later(self, order: Order, delay_s: float) -> None:
        await self._pause(delay_s)
        try:
            await self._rail.perform(order)
        except (NoAnswer, RailDown):
            log.info("late_order_lost", order=order.id)

    def _check_up(self, asked: Asked, *names: str) -> None:
        if self._rule(asked, "+".join(names), None) is not None:
            raise RailDown("The rail is away, as the script says.")

    def _rule(self, asked: Asked, name: str, order: Order | None) -> Rule | None:
        """What goes wrong with this, the first that hits.

        The same name may come again, and then has another lot: else it would be lost for ever.
        """
        phase = self._phase(order is not None)
        if len(self._came) > REMEMBERED_MAX:
            self._came.clear()
        came = f"{asked.value} {name}"
        self._came[came] += 1
        for place, rule in enumerate(phase.rules):
            lot = (str(self._index), str(place), came, str(self._came[came]))
            if rule.matches(asked, order) and self._hits(rule, place, lot):
                return rule
        return None

    def _hits(self, rule: Rule, place: int, lot: Sequence[str]) -> bool:
        self._matched[self._index, place] += 1
        if self._matched[self._index, place] % rule.every:
            return False
        return derived_number(self._script.seed, *lot) % 1000 < rule.per_mille

    def _phase(self, is_order: bool) -> Phase:
        """Where the script is, with this order counted."""
        phases, now_s = self._script.phases, self._clock.monotonic_s()
        while self._index < len(phases) and self._is_over(phases[self._index], now_s, is_order):
            for_s = phases[self._index].for_s
            self._began_s = now_s if for_s is None else min(now_s, self._began_s + for_s)
            self._index += 1
            self._orders = 0
        self._orders += is_order
        return phases[self._index] if self._index < len(phases) else CALM

    def _is_over(self, phase: Phase, now_s: float, is_order: bool) -> bool:
        if phase.for_s is not None and now_s - self._began_s >= phase.for_s:
            return True
        return is_order and phase.for_orders is not None and self._orders >= phase.for_orders

"""Who wants which events, and whose are relayed."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Publisher
from sycee.runtime.host import Handler

BATCH_MAX = 256
"""Events handed to a consumer at once, at most."""


class Subscription(msgspec.Struct, frozen=True):
    """A consumer's wish to be handed a topic's events."""

    topic: str
    consumer: str
    handle: Handler

    @property
    def name(self) -> str:
        """Its name among all subscriptions, for ever: under it the cursor is kept."""
        return f"{self.consumer}:{self.topic}"


class Wiring:
    """What every queue is told before it runs."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, Subscription] = {}
        self._databases: list[Publisher] = []

    def subscribe(self, topic: str, consumer: str, handle: Handler) -> None:
        """See ``Host.subscribe``; before ``run``."""
        subscription = Subscription(topic, consumer, handle)
        assert subscription.name not in self._subscriptions, f"{subscription.name} exists"
        self._subscriptions[subscription.name] = subscription

    def attach(self, database: Publisher) -> None:
        """Relay what this database publishes; before ``run``."""
        self._databases.append(database)

"""Who wants which events."""

from __future__ import annotations

import msgspec

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

"""Carries events from the outboxes they were committed to, to whoever subscribed."""

from sycee.runtime.queue.local import LocalQueue

__all__ = ["LocalQueue"]

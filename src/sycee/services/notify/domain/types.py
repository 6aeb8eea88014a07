"""Which types of events there are, and which of them an endpoint wants."""

from __future__ import annotations

from collections.abc import Sequence

from sycee.services.notify.contract import Endpoint, Event, EventTypeUnknown

EVERYTHING = "*"

TYPES = frozenset(
    f"{subject}.{change}"
    for subject, changes in {
        "customer": "created updated deleted",
        "payment_method": "attached detached updated automatically_updated",
        "payment_intent": "created processing requires_action amount_capturable_updated"
        " payment_failed succeeded canceled",
        "charge": "succeeded failed pending captured refunded updated expired",
        "charge.refund": "updated",
        "charge.dispute": "created updated closed funds_withdrawn funds_reinstated",
        "refund": "created updated failed",
        "product": "created updated deleted",
        "price": "created updated",
        "setup_intent": "created requires_action succeeded setup_failed canceled",
    }.items()
    for change in changes.split()
)
"""Every type that is ever sent."""


def check_wanted(patterns: Sequence[str]) -> None:
    """Refuse patterns that no event could ever meet."""
    if not patterns:
        raise EventTypeUnknown("Name at least one type of events.", param="enabled_events")
    for pattern in patterns:
        if not _is_known(pattern):
            raise EventTypeUnknown(f"No such type of events: {pattern}", param="enabled_events")


class Wanted:
    """What an endpoint wants, made ready for being asked often."""

    def __init__(self, endpoint: Endpoint) -> None:
        patterns = endpoint.enabled_events
        self._livemode = endpoint.livemode
        self._exact = frozenset(patterns)
        self._prefixes = tuple(
            pattern.removesuffix("*") for pattern in patterns if pattern.endswith("*")
        )

    def matches(self, event: Event) -> bool:
        """Whether the event is wanted; test and live do not mix."""
        if self._livemode != event.livemode:
            return False
        return event.type in self._exact or event.type.startswith(self._prefixes)


def _is_known(pattern: str) -> bool:
    if pattern == EVERYTHING or pattern in TYPES:
        return True
    prefix = pattern.removesuffix("*")
    return pattern.endswith(".*") and any(kind.startswith(prefix) for kind in TYPES)

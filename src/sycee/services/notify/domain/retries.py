"""When a delivery is tried again, when it is given up, and when an endpoint is left in peace."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

import msgspec

from sycee.kernel.clock import Instant, after, seconds
from sycee.services.notify.contract import DeliveryStatus

MINUTE_S, HOUR_S = 60.0, 3600.0

PAUSES_S = (
    5.0,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
)
"""Pauses after the first, second, … failed attempt: the schedule of Standard Webhooks 1.0."""

ATTEMPTS_MAX = len(PAUSES_S) + 1
RETRY_AFTER_MAX_S = 24 * HOUR_S
"""An endpoint may ask for this much patience and no more."""
GIVE_UP_AFTER_S = 120 * HOUR_S
"""A delivery that a resting endpoint kept from its attempts is given up at this age."""
ERROR_LENGTH_MAX = 300


class Verdict(Enum):
    """What one attempt means for its endpoint."""

    WELL = "well"
    FAILED = "failed"
    GONE = "gone"
    """410: nothing is wanted there any more."""


class Attempt(msgspec.Struct, frozen=True):
    """How one attempt ended: with a status, or with an error and none."""

    status: int | None
    error: str | None = None
    retry_after: str | None = None
    answer: str = ""
    """How the answer's body begins, in one line."""


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of the delivery."""

    status: DeliveryStatus
    attempts: int
    next_at: Instant | None
    last_status: int | None
    last_error: str | None


def verdict(attempt: Attempt) -> Verdict:
    """2xx is well, 410 is final; everything else failed, redirects too."""
    if attempt.status is not None and 200 <= attempt.status < 300:
        return Verdict.WELL
    return Verdict.GONE if attempt.status == 410 else Verdict.FAILED


def outcome(attempt: Attempt, attempts_before: int, now: Instant, jitter: float) -> Outcome:
    """What follows from an attempt; ``jitter`` is drawn anew from 0 to 1."""
    attempts = attempts_before + 1
    if verdict(attempt) is Verdict.WELL:
        return Outcome(DeliveryStatus.DELIVERED, attempts, None, attempt.status, None)
    error = (attempt.error or f"HTTP {attempt.status}")[:ERROR_LENGTH_MAX]
    if verdict(attempt) is Verdict.GONE or attempts >= ATTEMPTS_MAX:
        return Outcome(DeliveryStatus.DEAD, attempts, None, attempt.status, error)
    pause_s = max(pause_after(attempts, jitter), asked_pause_s(attempt.retry_after, now))
    return Outcome(DeliveryStatus.PENDING, attempts, after(now, pause_s), attempt.status, error)


def pause_after(attempts: int, jitter: float) -> float:
    """Seconds to wait after so many failures: between half and three halves of the schedule's."""
    return PAUSES_S[attempts - 1] * (0.5 + jitter)


def asked_pause_s(retry_after: str | None, now: Instant) -> float:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3), bounded; 0 if none."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(min(int(text[:9]), RETRY_AFTER_MAX_S))
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    # A date without a zone is one in UTC: HTTP knows no other.
    asked = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    pause_s = (asked - datetime.fromtimestamp(seconds(now), UTC)).total_seconds()
    return min(max(pause_s, 0.0), RETRY_AFTER_MAX_S)


class Breaker:
    """Leaves an endpoint in peace that failed many times in a row, but for one attempt at a time.

    While it rests, deliveries wait without using up their attempts.
    """

    FAILURES_MAX = 8
    REST_S, REST_S_MAX = 15.0, 300.0

    def __init__(self) -> None:
        self._failures = 0
        self._rest_s = self.REST_S
        self.rests_until = Instant(0)

    def width(self, now: Instant, full: int) -> int:
        """How many attempts may run at once."""
        if self._failures < self.FAILURES_MAX:
            return full
        # A rest cannot be longer than the longest, even if the clock was set back meanwhile.
        resting = now < self.rests_until <= after(now, self.REST_S_MAX)
        return 0 if resting else 1

    def note(self, well: bool, now: Instant) -> None:
        """Take an attempt's end into account."""
        if well:
            self._failures, self._rest_s = 0, self.REST_S
            return
        self._failures += 1
        if self._failures >= self.FAILURES_MAX:
            self.rests_until = after(now, self._rest_s)
            self._rest_s = min(self._rest_s * 2, self.REST_S_MAX)

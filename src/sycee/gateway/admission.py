"""How many requests are worked on at one time: so many that none of them waits for long.

Requests wait for the one thread that works on them. How long is seen from a timer: it comes late by
as much as there is to do before it. When it keeps being late, a queue stands, which only adds
waiting (the idea of CoDel, RFC 8289): then a fifth fewer are let in, and else a few more. A single
long delay lowers nothing; and what waits for others, such as a slow rail, delays no timer.
"""

from __future__ import annotations

from sycee.gateway.routes import Priority

LOOKS = 5
"""So many delays in a row are judged together."""
LATE_S_MAX = 0.010
"""When their mean is above this, a queue stands."""
COUNTS_S_MAX = 0.040
"""No single delay counts more, so one alone lowers nothing."""
LEAST = 64
"""So many are always let in: a neighbour on the same machine that makes timers late must not cost
payments, and fewer would leave the processor idle while it waits for disks."""
SHRINK = 0.8
GROW = 4
"""At once, and a sixteenth of the limit."""


class Admission:
    """The limit that follows delays, and how much of it is taken."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = most
        self.in_flight = 0
        self._busiest = 0
        self._late_s: list[float] = []

    def is_full(self, priority: Priority) -> bool:
        """Whether a request of this class has to come again."""
        return self.in_flight * 100 >= self.limit * priority

    @property
    def is_calm(self) -> bool:
        """Whether every class is let in."""
        return not self.is_full(Priority.READ)

    def enter(self) -> None:
        """A request is being worked on."""
        self.in_flight += 1
        self._busiest = max(self._busiest, self.in_flight)

    def leave(self) -> None:
        """It is answered."""
        self.in_flight -= 1

    def note(self, late_s: float) -> None:
        """A timer came late by this."""
        self._late_s.append(min(late_s, COUNTS_S_MAX))
        if len(self._late_s) < LOOKS:
            return
        self.limit = self._next_limit(sum(self._late_s) / LOOKS)
        self._late_s.clear()
        self._busiest = self.in_flight

    def _next_limit(self, late_s: float) -> int:
        if late_s > LATE_S_MAX:
            lower = int(min(self.limit, self._busiest) * SHRINK)
            return max(lower, min(LEAST, self._most))
        if self._busiest * 100 >= self.limit * Priority.READ:
            return min(self.limit + GROW + self.limit // 16, self._most)
        return self.limit

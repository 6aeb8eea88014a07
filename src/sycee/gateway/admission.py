"""How many requests are worked on at one time: so many that none of them waits for long.

Requests wait for the one thread that works on them. How long is seen from a timer: it comes late by
as much as there is to do before it. When it is late each time, a queue stands, which only adds
waiting, so fewer are let in; a burst makes it late once (the idea of CoDel, RFC 8289). What waits
for others, such as a slow rail, delays no timer, and lowers nothing.
"""

from __future__ import annotations

from sycee.gateway.routes import Priority

LOOKS = 3
"""So many delays in a row are judged together."""
LATE_S_MAX = 0.010
"""When the least of them is above this, a queue stands."""
LEAST = 16
"""So many are always let in: fewer would leave the processor idle."""
SHRINK = 0.8
GROW = 1.1


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
        self._late_s.append(late_s)
        if len(self._late_s) < LOOKS:
            return
        self.limit = self._next_limit(min(self._late_s))
        self._late_s.clear()
        self._busiest = self.in_flight

    def _next_limit(self, late_s: float) -> int:
        if late_s > LATE_S_MAX:
            lower = int(min(self.limit, self._busiest) * SHRINK)
            return max(lower, min(LEAST, self._most))
        if self._busiest * 100 >= self.limit * Priority.READ:
            return min(int(self.limit * GROW) + 1, self._most)
        return self.limit

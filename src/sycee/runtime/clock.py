"""The machine's clocks, read in the one place that may read them."""

from __future__ import annotations

import time

from sycee.kernel.clock import Instant


class SystemClock:
    """The operating system's time."""

    def now(self) -> Instant:
        """Wall time."""
        return Instant(time.time_ns())

    def monotonic_s(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

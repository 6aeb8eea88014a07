"""Pauses between attempts: growing, and jittered so that many do not come back all at once."""

from __future__ import annotations

import random
from collections.abc import Iterator


def pauses(first_s: float, most_s: float) -> Iterator[float]:
    """Endless pauses, each between half and all of a length that doubles up to ``most_s``."""
    length_s = first_s
    while True:
        yield random.uniform(length_s / 2, length_s)  # noqa: S311 - nothing secret
        length_s = min(length_s * 2, most_s)

"""Random bytes from the operating system, fetched by the page: a read costs a system call."""

from __future__ import annotations

import os

_PAGE = 4096


class Entropy:
    """Hands out each byte of a page once. A child process does not share its parent's page."""

    def __init__(self) -> None:
        self._page = b""
        self._used = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self, size: int) -> bytes:
        """``size`` fresh random bytes, as ``os.urandom``."""
        begin = self._used
        end = self._used = begin + size
        if end <= len(self._page):
            return self._page[begin:end]
        self._page = os.urandom(max(_PAGE, size))
        self._used = size
        return self._page[:size]

    def _forget(self) -> None:
        self._page = b""
        self._used = 0


take = Entropy().take
"""The process's own."""

"""A progress bar for long commands; silent where nobody watches."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TextIO

_WIDTH = 30
_EVERY_S = 0.1


class Progress:
    """Shows how far something is, on a terminal, ten times a second at most."""

    def __init__(self, what: str, stream: TextIO) -> None:
        self._what = what
        self._stream = stream
        self._is_watched = stream.isatty()
        self._shown_at = float("-inf")

    def at(self, done: int, total: int) -> None:
        """``done`` of ``total`` steps are behind us; a total of 0 is unknown."""
        now = time.monotonic()
        if not self._is_watched or (now - self._shown_at < _EVERY_S and done != total):
            return
        self._shown_at = now
        self._stream.write(f"\r{self._what} {_shown(done, total)} ")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        if self._is_watched:
            self._stream.write("\r\033[K")
            self._stream.flush()


def _shown(done: int, total: int) -> str:
    if not total:
        return str(done)
    filled = _WIDTH * done // total
    return f"{'█' * filled}{'░' * (_WIDTH - filled)} {done}/{total}"

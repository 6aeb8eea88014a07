"""``ledger verify``: the proof of ``sycee verify``, where those who keep books look for it."""

from __future__ import annotations

from sycee.cli.verify import add, run

__all__ = ["add", "run"]

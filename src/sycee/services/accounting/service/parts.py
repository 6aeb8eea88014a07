"""What the parts of the accounting service share."""

from __future__ import annotations

from typing import Final

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.runtime.database import Database
from sycee.services.ledger.contract import Ledger

PAGE_MAX: Final = 1000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the accounting service."""

    accounts_remembered_max: int = 100_000
    """Accounts whose name and bounds are kept in memory; beyond, it starts afresh."""
    tries_max: int = 50
    """Tries of a template that splits what is there, before it answers ``contended``."""
    settle_every_s: float = 5.0
    """Seconds between two looks for transactions that a crash left open."""


class Parts(msgspec.Struct, frozen=True):
    """Neighbours, storage and time."""

    settings: Settings
    database: Database
    clock: Clock
    ids: Ids
    ledger: Ledger


class WrongBooks(Exception):
    """The ledger is not as it must be. A fault: somebody has to look."""


def within(limit: int) -> int:
    """A page's limit as it is kept to."""
    return min(max(limit, 1), PAGE_MAX)

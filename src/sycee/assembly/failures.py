"""What may keep the platform from starting without being a bug; each text says what is wrong."""

from __future__ import annotations

from sycee.assembly.storage import DataInUse
from sycee.kernel.refusal import Unavailable
from sycee.runtime.config import ConfigurationInvalid
from sycee.runtime.secrets import Unsafe
from sycee.services.ledger.app import (
    EngineMissing,
    JournalDamaged,
    JournalInUse,
    MoveRefused,
)
from sycee.services.vault.app import KeyMissing


class CannotStart(Exception):
    """The platform cannot start here; the text says what to do."""


EXPECTED = (
    CannotStart,
    ConfigurationInvalid,
    DataInUse,
    EngineMissing,
    JournalDamaged,
    JournalInUse,
    KeyMissing,
    MoveRefused,
    Unavailable,
    Unsafe,
)

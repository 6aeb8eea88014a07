"""What the verbs of the payments service share."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.runtime.database import Database
from sycee.services.fraud.contract import Fraud
from sycee.services.ledger.contract import Ledger
from sycee.services.payments.adapters.rail import Rail
from sycee.services.payments.service.events import Events
from sycee.services.payments.service.once import Once
from sycee.services.validation.contract import Validation
from sycee.services.vault.contract import Vault


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the payments service."""

    raw_cards: bool | None = None
    """Take raw card numbers; left out, only the dev profile does."""
    fee_basis_points: int = 290
    """The platform's fee for a captured payment, in hundredths of a percent."""
    fee_fixed_hundredths: int = 30
    """Its fixed part, in hundredths of the currency's unit."""
    available_after_s: int = 2 * 86_400
    """Seconds after which a payment's money moves from pending to available."""
    authorization_s: int = 7 * 86_400
    """Seconds for which an authorization can be captured."""
    rail_timeout_s: float = 20.0
    """Seconds that a rail gets to answer; after that the outcome is unknown."""
    answer_within_s: float = 8.0
    """Seconds after which a caller is answered ``processing`` while the rail is still asked."""
    sweep_every_s: float = 1.0
    """Seconds between two looks for attempts whose outcome is unknown."""
    lost_after_s: float = 30.0
    """Seconds after which an order that its rail does not know is given up."""
    dispute_fee_hundredths: int = 1500
    """The platform's fee for a disputed payment, in hundredths of the currency's unit."""
    dispute_due_after_s: int = 9 * 86_400
    """Seconds that a merchant has for answering a dispute; one that is not answered is lost."""
    keep_keys_s: int = 2 * 86_400
    """Seconds for which idempotency keys are kept at least; not below a day."""

    def __post_init__(self) -> None:
        if self.keep_keys_s < 86_400:
            raise ValueError("keep_keys_s must be at least 86400, a day")


class Parts(msgspec.Struct, frozen=True):
    """Neighbours, storage and time."""

    settings: Settings
    takes_raw_cards: bool
    database: Database
    clock: Clock
    ids: Ids
    once: Once
    events: Events
    rail: Rail
    vault: Vault
    validation: Validation
    fraud: Fraud
    ledger: Ledger

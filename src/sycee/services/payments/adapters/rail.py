"""What payments asks of every rail: keep cards, do what is ordered once, tell what was done."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.services.identity.contract import MerchantId
from sycee.services.validation.contract import CardNumber
from sycee.services.vault.contract import CardToken


class Operation(Enum):
    """What a rail can be ordered to do."""

    AUTHORIZE = "authorize"
    """Reserve the amount on the payer's side."""
    PAY = "pay"
    """Authorize and capture in one step."""
    CAPTURE = "capture"
    """Take what ``original`` authorized, or part of it."""
    VOID = "void"
    """See to it that ``original`` has no effect: release what it authorized, reverse what it did,
    and refuse it if it arrives later. Again is the same."""
    REFUND = "refund"
    """Give back what was taken for ``original``, or part of it."""
    VERIFY = "verify"
    """Check a card for later use, without money."""


class Order(msgspec.Struct, frozen=True):
    """One thing to do, once per ``id``; the same id again answers what was done."""

    id: str
    operation: Operation
    token: str
    """``KeptCard.token``."""
    amount: Money
    original: str | None = None
    """The order that is captured, voided or refunded; of a captured authorization, that."""
    off_session: bool = False
    """The payer is away and cannot be asked."""
    authenticated: bool = False
    """The payer has just proved who they are."""


class Verdict(Enum):
    """How an order ended."""

    APPROVED = "approved"
    DECLINED = "declined"
    CHALLENGED = "challenged"
    """Nothing was done: order again when the payer is ``authenticated``."""
    PENDING = "pending"
    """Accepted; ``query`` will tell how it ends."""


class Answer(msgspec.Struct, frozen=True):
    """What the rail says of an order."""

    verdict: Verdict
    code: str | None = None
    """Public error code of a decline: ``card_declined``, ``expired_card``, …"""
    decline_code: str | None = None
    message: str | None = None
    authorization_code: str | None = None
    risk: str = "normal"
    """The rail's own opinion: ``normal``, ``elevated``, ``highest`` (then it was not sent on)."""


class NewCard(msgspec.Struct, frozen=True):
    """A card that a rail is to know. Lives in memory only: its CVC is kept nowhere."""

    merchant: MerchantId
    token: CardToken
    """The vault's; the rail asks it for the number."""
    cvc: str | None = None

    def __repr__(self) -> str:
        return f"NewCard({self.merchant!r}, {self.token!r})"


class KeptCard(msgspec.Struct, frozen=True):
    """What the rail tells of a card that it knows."""

    token: str
    """Names the card to its rail, and to nobody else."""
    funding: str
    country: str | None
    cvc_check: str | None


class News(Enum):
    """What a rail tells without being asked."""

    DISPUTED = "disputed"
    """The payer's bank wants a payment back."""
    WON = "won"
    """The bank has decided a dispute for the merchant."""
    LOST = "lost"
    """The bank has decided a dispute for the payer."""


class Notice(msgspec.Struct, frozen=True):
    """What the rail tells of a dispute. It is told until it is acknowledged, so maybe twice."""

    id: str
    news: News
    case: str
    """Names the dispute."""
    order: str
    """The order that took the money; of a captured authorization, that."""
    amount: Money
    reason: str = "general"
    is_inquiry: bool = False
    """The bank only asks; nothing is taken."""
    network_reason_code: str | None = None


class NoAnswer(Exception):
    """The outcome is unknown: the order may or may not have been done. Ask ``query``."""


class RailDown(Exception):
    """The rail does not work now; the order was certainly not done."""


class Rail(Protocol):
    """A way for money to move. Every order is idempotent by its id."""

    name: str

    def test_card(self, token: str, now: Instant) -> CardNumber | None:
        """The card behind a documented test token, where this rail has such; else None."""
        ...

    async def keep_card(self, card: NewCard) -> KeptCard:
        """Get to know a card. The same card again is known again, under another token."""
        ...

    async def perform(self, order: Order) -> Answer:
        """Do what is ordered, once. Raises ``NoAnswer`` or ``RailDown``."""
        ...

    async def query(self, order: str) -> Answer | None:
        """What was done; None when the order never arrived. Raises ``RailDown``."""
        ...

    async def notices(self, after: str, limit: int) -> Sequence[Notice]:
        """The next notices by id that are not acknowledged. Raises ``RailDown``."""
        ...

    async def acknowledge(self, notices: Sequence[str]) -> None:
        """These need not be told again. Raises ``RailDown``."""
        ...

    async def contest(self, case: str, statement: str | None) -> None:
        """Tell the bank what the merchant says of a dispute; None accepts it. Again is the same.

        A notice will tell what the bank decides. Raises ``RailDown``.
        """
        ...

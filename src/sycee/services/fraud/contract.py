"""How likely is a payment to be fraud, and why? Always answers; never refuses a payment itself."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound, Refusal, refuses
from sycee.services.identity.contract import MerchantId


class Decision(Enum):
    """What to do with a payment, from mild to strict."""

    APPROVE = "approve"
    CHALLENGE = "challenge"
    """Ask the payer to prove who they are (3-D Secure)."""
    REVIEW = "review"
    """Let it pass, and have a person look at it."""
    DECLINE = "decline"


class Reason(msgspec.Struct, frozen=True):
    """One rule that fired: its stable name, what it added, and the fact in words."""

    rule: str
    points: int
    detail: str


class JudgePayment(msgspec.Struct, frozen=True):
    """A payment about to be tried. ``attempt`` makes the call idempotent: it counts once."""

    attempt: str
    merchant: MerchantId
    amount: Money
    card_fingerprint: str
    card_bin: str
    card_country: str | None = None
    customer: str | None = None
    email: str | None = None
    ip: str | None = None


class Judgement(msgspec.Struct, frozen=True):
    """The decision with its score 0–1000 and its reasons, strongest first."""

    decision: Decision
    score: int
    reasons: tuple[Reason, ...]


class ListKind(Enum):
    """What a block-list entry matches, exactly and case-insensitively."""

    CARD_FINGERPRINT = "card_fingerprint"
    CARD_BIN = "card_bin"
    EMAIL = "email"
    EMAIL_DOMAIN = "email_domain"
    IP = "ip"
    CUSTOMER = "customer"


class BlockEntry(msgspec.Struct, frozen=True):
    """Never again from this value, for this merchant."""

    merchant: MerchantId
    kind: ListKind
    value: str
    created: Instant
    note: str = ""


class Block(msgspec.Struct, frozen=True):
    """Put a value on a merchant's block list; again is the same."""

    merchant: MerchantId
    kind: ListKind
    value: str
    note: str = ""


class Unblock(msgspec.Struct, frozen=True):
    """Take a value off the list."""

    merchant: MerchantId
    kind: ListKind
    value: str


class Unblocked(msgspec.Struct, frozen=True):
    """The value is no longer on the list."""

    value: str


class ListBlocks(msgspec.Struct, frozen=True):
    """A merchant's block list, newest first."""

    merchant: MerchantId
    limit: int = 100


class Blocks(msgspec.Struct, frozen=True):
    """Entries of a block list."""

    entries: tuple[BlockEntry, ...]


class BlockValueInvalid(Refusal, code="block_value_invalid", status=422):
    """``value`` is empty or not of its kind's form."""


class Fraud(Protocol):
    """Block lists and velocity windows. Decisions are kept with their reasons."""

    async def judge(self, query: JudgePayment) -> Judgement:
        """Score one attempt and count it in the velocity windows, once per attempt.

        Never refuses.
        """
        ...

    @refuses(BlockValueInvalid)
    async def block(self, command: Block) -> BlockEntry:
        """Add to the block list; acts on the next judgement."""
        ...

    @refuses(NotFound)
    async def unblock(self, command: Unblock) -> Unblocked:
        """Remove from the block list."""
        ...

    async def list_blocks(self, query: ListBlocks) -> Blocks:
        """The block list of one merchant. Never refuses."""
        ...

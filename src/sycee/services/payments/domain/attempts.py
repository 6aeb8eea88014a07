"""One try to move money: all that must be known before a rail is asked, and how it ended."""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.services.fraud.contract import Decision
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Method
from sycee.services.payments.contract.shared import (
    AttemptId,
    ChargeId,
    Metadata,
    Origin,
    PaymentId,
    RefundId,
)


class Kind(Enum):
    """What is tried, in the words of rails."""

    PAY = "pay"
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


FIRST_STEPS = frozenset({Kind.PAY, Kind.AUTHORIZE})
"""Tries that make a charge; the others go on with one."""


class Result(Enum):
    """How an attempt ended."""

    APPROVED = "approved"
    DECLINED = "declined"
    CHALLENGED = "challenged"
    """Nothing was done; the payer must prove who they are."""
    UNDONE = "undone"
    """The rail certainly did nothing: it was away, or the order was taken back."""


class Ending(msgspec.Struct, frozen=True, array_like=True):
    """How an attempt ended, with the rail's words."""

    result: Result
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    authorization_code: str | None = None
    risk: str = "normal"


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What an attempt took of one limit, to be given back when it fails."""

    key: str
    amount_minor: int


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """What finishing needs, decided before anything moves: finishing twice does the same.

    Rows that an earlier release wrote are shorter: a new field goes to the end.
    """

    id: AttemptId
    kind: Kind
    merchant: MerchantId
    livemode: bool
    payment: PaymentId
    number: int
    """The payment's short number, noted on ledger transfers."""
    origin: Origin
    started: Instant
    amount: Money
    """What the rail is asked for; of a void, what it gives back."""
    charge: ChargeId
    method: Method
    original: AttemptId | None = None
    """The attempt that is captured, voided or refunded."""
    refund: RefundId | None = None
    fee_minor: int = 0
    from_available: bool = False
    """Of a refund: the charge's money has moved on to available."""
    off_session: bool = False
    authenticated: bool = False
    asks_payer: bool = True
    """Whether a challenge is passed on to the payer, rather than taken as a no."""
    decision: Decision = Decision.APPROVE
    score: int = 0
    reason: str | None = None
    """Of a void: why the payment is canceled."""
    metadata: Metadata | None = None
    """Of a capture: what the payment's metadata become."""
    is_lapse: bool = False
    """Of a void: nobody asked for it, the authorization lapsed."""
    is_sent: bool = True
    """Whether books and rail were asked, rather than risk control alone."""
    is_answered: bool = False
    """Whether the caller was told that the outcome is not known yet."""
    takebacks: int = 0
    """How often the order was taken back, because the rail did not know it."""
    ending: Ending | None = None
    is_proved: bool = False
    """Of a challenged one: the payer has proved who they are since."""
    rest_minor: int = 0
    """Of a capture: what stays held after it, for later captures."""
    held_by: AttemptId | None = None
    """The earlier capture that holds what is captured or voided; None: the ``original``."""
    counted: tuple[Counted, ...] = ()
    """What it took of its merchant's limits."""


def takeback(attempt: Attempt) -> str:
    """The id of the latest order that takes the attempt's order back."""
    return f"{attempt.id}.{attempt.takebacks}"


BLOCKED = Ending(
    Result.DECLINED,
    "card_declined",
    "fraudulent",
    "Your card was declined.",
    risk="highest",
)
"""Risk control says no."""

CHALLENGED = Ending(Result.CHALLENGED)

UNDONE = Ending(
    Result.UNDONE,
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)

UNAUTHENTICATED = Ending(
    Result.DECLINED,
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


def judged(attempt: Attempt) -> Ending | None:
    """How risk control ends an attempt before books and rail are asked; None lets it go on."""
    if attempt.decision is Decision.DECLINE:
        return BLOCKED
    if attempt.decision is Decision.CHALLENGE and not attempt.authenticated:
        return challenged(attempt)
    return None


def challenged(attempt: Attempt) -> Ending:
    """What a challenge comes to: a question to the payer, or a no when nobody can be asked."""
    return CHALLENGED if attempt.asks_payer and not attempt.off_session else UNAUTHENTICATED

"""A payment's life as one table: what may happen where it stands, and where it stands then."""

from __future__ import annotations

from enum import Enum

from sycee.services.payments.contract.intents import Payment, PaymentStateInvalid, PaymentStatus


class Move(Enum):
    """What can happen to a payment."""

    UPDATE = "updated"
    """Something is said of it, but no payment method."""
    NAME_METHOD = "given a payment method"
    TRY = "confirmed"
    ASK_PAYER = "challenged"
    """The payer must prove who they are."""
    ANSWER = "authenticated"
    """The payer's bank tells how a challenge ended."""
    PROVE = "authenticated for a later confirmation"
    """The payer has proved who they are, and the merchant's server confirms when it likes."""
    FAIL = "failed"
    HOLD = "held"
    """The amount is reserved on the payer's side; or it still is, after a capture or a release
    that was not done."""
    PAY = "paid"
    CAPTURE = "captured"
    """The rail is asked to take a held amount."""
    RELEASE = "released"
    """The rail is asked to give a held amount back."""
    CANCEL = "canceled"
    """Given up while no rail holds anything."""
    END_RELEASE = "canceled after its release"


_NEW, _READY, _ASKED, _UNDER_WAY, _HELD, _PAID, _GONE = (
    PaymentStatus.REQUIRES_PAYMENT_METHOD,
    PaymentStatus.REQUIRES_CONFIRMATION,
    PaymentStatus.REQUIRES_ACTION,
    PaymentStatus.PROCESSING,
    PaymentStatus.REQUIRES_CAPTURE,
    PaymentStatus.SUCCEEDED,
    PaymentStatus.CANCELED,
)

TABLE: dict[tuple[PaymentStatus, Move], PaymentStatus] = {
    (_NEW, Move.UPDATE): _NEW,
    (_NEW, Move.NAME_METHOD): _READY,
    (_NEW, Move.TRY): _UNDER_WAY,
    (_NEW, Move.CANCEL): _GONE,
    (_READY, Move.UPDATE): _READY,
    (_READY, Move.NAME_METHOD): _READY,
    (_READY, Move.TRY): _UNDER_WAY,
    (_READY, Move.CANCEL): _GONE,
    (_ASKED, Move.UPDATE): _ASKED,
    (_ASKED, Move.NAME_METHOD): _READY,
    (_ASKED, Move.TRY): _UNDER_WAY,
    (_ASKED, Move.ANSWER): _ASKED,
    (_ASKED, Move.PROVE): _READY,
    (_ASKED, Move.FAIL): _NEW,
    (_ASKED, Move.CANCEL): _GONE,
    (_UNDER_WAY, Move.ASK_PAYER): _ASKED,
    (_UNDER_WAY, Move.FAIL): _NEW,
    (_UNDER_WAY, Move.HOLD): _HELD,
    (_UNDER_WAY, Move.PAY): _PAID,
    (_UNDER_WAY, Move.END_RELEASE): _GONE,
    (_HELD, Move.CAPTURE): _UNDER_WAY,
    (_HELD, Move.RELEASE): _UNDER_WAY,
}
"""Where a payment stands, what happens -> where it stands then. Whatever is absent is refused."""


def after(payment: Payment, move: Move) -> PaymentStatus:
    """Where the payment stands after the move; refused when the table does not have it."""
    status = TABLE.get((payment.status, move))
    if status is None:
        raise PaymentStateInvalid(
            _words(payment.status, move),
            facts={"payment": payment.id, "status": payment.status.value},
        )
    return status


def _words(status: PaymentStatus, move: Move) -> str:
    if status is _UNDER_WAY:
        return (
            f"This payment could not be {move.value} because another operation on it is under way;"
            " its status is processing."
        )
    return f"This payment could not be {move.value} because its status is {status.value}."

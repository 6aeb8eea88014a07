"""What may be said of a payment, when it may be tried, and how each move changes it."""

from __future__ import annotations

import hmac

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import Method
from sycee.services.payments.contract.intents import (
    CaptureMethod,
    Charge,
    ClientSecretInvalid,
    CreatePayment,
    NextAction,
    Payment,
    PaymentError,
    PaymentFields,
    PaymentMethodMissing,
    PaymentStateInvalid,
    PaymentStatus,
)
from sycee.services.payments.contract.shared import (
    ChargeId,
    CustomerId,
    Metadata,
    MethodId,
    PaymentId,
)
from sycee.services.payments.domain.attempts import Ending, Kind
from sycee.services.payments.domain.descriptors import DESCRIPTOR_LENGTH_MIN, check_descriptor
from sycee.services.payments.domain.states import Move, after
from sycee.services.payments.domain.texts import (
    changed_metadata,
    changed_shipping,
    changed_text,
    check_texts,
)

LIMITS = {
    "description": 1000,
    "receipt_email": 800,
    "statement_descriptor": 22,
    "statement_descriptor_suffix": 22,
    "return_url": 2048,
}
MANUAL = "manual"
"""``confirmation_method``: the merchant's server confirms, also after a challenge."""


def check_fields(fields: PaymentFields) -> None:
    """Refuse texts that are too long, and statement descriptors that cannot be printed."""
    check_texts(
        {
            "description": fields.description,
            "receipt_email": fields.receipt_email,
            "statement_descriptor": fields.statement_descriptor,
            "statement_descriptor_suffix": fields.statement_descriptor_suffix,
            "return_url": fields.return_url,
        },
        LIMITS,
    )
    check_descriptor("statement_descriptor", fields.statement_descriptor, DESCRIPTOR_LENGTH_MIN)
    check_descriptor("statement_descriptor_suffix", fields.statement_descriptor_suffix, 1)
    if fields.shipping is not None:
        check_texts(
            {
                "shipping[name]": fields.shipping.name,
                "shipping[phone]": fields.shipping.phone,
                "shipping[carrier]": fields.shipping.carrier,
                "shipping[tracking_number]": fields.shipping.tracking_number,
            },
            {},
        )


def fresh(
    command: CreatePayment,
    id: PaymentId,
    number: int,
    created: Instant,
    client_secret: str,
    method: Method | None,
) -> Payment:
    """A payment as it is created, not tried yet."""
    bare = Payment(
        id=id,
        number=number,
        merchant=command.origin.merchant,
        created=created,
        livemode=command.origin.livemode,
        status=PaymentStatus.REQUIRES_PAYMENT_METHOD,
        amount=command.amount,
        amount_capturable_minor=0,
        amount_received_minor=0,
        client_secret=client_secret,
        confirmation_method=command.confirmation_method,
        automatic_methods=command.automatic_methods,
    )
    return updated(bare, command.fields, method.id if method else None)


def updated(before: Payment, fields: PaymentFields, method: MethodId | None) -> Payment:
    """The payment after something is said of it; a method makes it ready to be confirmed."""
    move = Move.UPDATE if method is None else Move.NAME_METHOD
    return msgspec.structs.replace(
        before,
        status=after(before, move),
        method=method or before.method,
        next_action=before.next_action if method is None else None,
        customer=_customer(before.customer, fields.customer),
        description=changed_text(before.description, fields.description),
        receipt_email=changed_text(before.receipt_email, fields.receipt_email),
        statement_descriptor=changed_text(before.statement_descriptor, fields.statement_descriptor),
        statement_descriptor_suffix=changed_text(
            before.statement_descriptor_suffix, fields.statement_descriptor_suffix
        ),
        setup_future_usage=changed_text(before.setup_future_usage, fields.setup_future_usage),
        shipping=changed_shipping(before.shipping, fields.shipping),
        metadata=changed_metadata(before.metadata, fields.metadata),
        return_url=changed_text(before.return_url, fields.return_url),
        capture_method=fields.capture_method or before.capture_method,
        method_types=fields.method_types or before.method_types,
        multicapture=fields.multicapture or before.multicapture,
    )


def repriced(before: Payment, amount: Money) -> Payment:
    """The payment with another amount; what the payer was asked about before no longer counts."""
    if amount == before.amount:
        return before
    move = Move.UPDATE if before.method is None else Move.NAME_METHOD
    return msgspec.structs.replace(
        before, amount=amount, status=after(before, move), next_action=None
    )


def opened(payment: Payment | None, wanted: str, client_secret: str | None) -> Payment:
    """The payment, for a caller who may have to know its secret. Compared in constant time.

    Who brings a secret does not learn whether the id or the secret is wrong.
    """
    if client_secret is None:
        return existing(payment, wanted)
    if payment is None or not hmac.compare_digest(
        client_secret.encode(), payment.client_secret.encode()
    ):
        raise ClientSecretInvalid(
            "There is no payment intent with this id and client secret.", param="client_secret"
        )
    return payment


def check_confirmer(payment: Payment, client_secret: str | None) -> None:
    """Refuse a browser where the merchant's own server is to confirm."""
    if client_secret is not None and payment.confirmation_method == MANUAL:
        raise PaymentStateInvalid(
            "This payment is confirmed by the merchant's server, with a secret key only.",
            facts={"payment": payment.id, "status": payment.status.value},
        )


def method_to_try(payment: Payment | None, named: MethodId | None) -> MethodId:
    """The method to try: the one that is named, else the payment's own; refused without any."""
    method = named or (payment.method if payment else None)
    if method is None:
        raise PaymentMethodMissing(
            "There is no payment method to confirm this payment with; name one.",
            param="payment_method",
            facts={"payment": payment.id} if payment else {},
        )
    return method


def existing(payment: Payment | None, wanted: str, param: str | None = None) -> Payment:
    """The payment, unless it is unknown or foreign."""
    if payment is None:
        raise NotFound(f"No such payment intent: '{wanted}'", param=param)
    return payment


def first_step(payment: Payment) -> Kind:
    """Whether money is taken at once, or held until it is captured."""
    return Kind.AUTHORIZE if payment.capture_method is CaptureMethod.MANUAL else Kind.PAY


def tried(before: Payment) -> Payment:
    """A rail is asked for the money; the last failure is history."""
    return msgspec.structs.replace(
        before, status=after(before, Move.TRY), next_action=None, last_error=None
    )


def asked(before: Payment) -> Payment:
    """The payer is sent to their bank."""
    url = f"/testcard/3ds/{before.id}?client_secret={before.client_secret}"
    return msgspec.structs.replace(
        before,
        status=after(before, Move.ASK_PAYER),
        next_action=NextAction(url, before.return_url),
    )


def proved(before: Payment) -> Payment:
    """The payer has proved who they are; the merchant's server confirms once more."""
    return msgspec.structs.replace(before, status=after(before, Move.PROVE), next_action=None)


def failed(
    before: Payment, ending: Ending, charge: ChargeId | None, method: Method | None
) -> Payment:
    """The attempt failed; another method may be tried."""
    assert ending.code is not None, "a failure has a code"
    error = PaymentError(ending.code, ending.message or "", ending.decline_code, charge, method)
    return msgspec.structs.replace(
        before,
        status=after(before, Move.FAIL),
        method=None,
        next_action=None,
        last_error=error,
        latest_charge=charge or before.latest_charge,
    )


def held(before: Payment, charge: ChargeId) -> Payment:
    """The amount is reserved on the payer's side."""
    return msgspec.structs.replace(
        before,
        status=after(before, Move.HOLD),
        amount_capturable_minor=before.amount.minor,
        latest_charge=charge,
    )


def partly_paid(
    before: Payment, charge: Charge, rest_minor: int, metadata: Metadata | None
) -> Payment:
    """A part was captured, and the rest stays held."""
    return msgspec.structs.replace(
        before,
        status=after(before, Move.HOLD),
        amount_capturable_minor=rest_minor,
        amount_received_minor=charge.amount_captured_minor,
        metadata=changed_metadata(before.metadata, metadata),
    )


def paid(before: Payment, charge: Charge, metadata: Metadata | None = None) -> Payment:
    """The money, or the part that was captured, is the merchant's."""
    return msgspec.structs.replace(
        before,
        status=after(before, Move.PAY),
        amount_capturable_minor=0,
        amount_received_minor=charge.amount_captured_minor,
        latest_charge=charge.id,
        metadata=changed_metadata(before.metadata, metadata),
    )


def moved(before: Payment, move: Move) -> Payment:
    """A move that changes nothing but where the payment stands."""
    return msgspec.structs.replace(before, status=after(before, move))


def canceled(before: Payment, move: Move, at: Instant, reason: str | None) -> Payment:
    """Given up."""
    return msgspec.structs.replace(
        before,
        status=after(before, move),
        amount_capturable_minor=0,
        next_action=None,
        canceled_at=at,
        cancellation_reason=reason,
    )


def _customer(before: CustomerId | None, change: CustomerId | None) -> CustomerId | None:
    if change is None:
        return before
    return change or None

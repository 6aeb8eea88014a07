"""What the operations on payment intents take."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Request
from sycee.gateway.stripe.pages import DatedPaging
from sycee.gateway.stripe.shapes import (
    Amount,
    Expanding,
    Id,
    MetadataGiven,
    MethodGiven,
    ShippingGiven,
    Text,
    new_method,
    refuse_sdk_action,
    shipping,
)
from sycee.kernel.money import Money, currency
from sycee.services.payments.contract.intents import (
    CaptureMethod,
    ConfirmPayment,
    CreatePayment,
    PaymentFields,
    UpdatePayment,
)
from sycee.services.payments.contract.shared import (
    CancelReason,
    Confirmation,
    CustomerId,
    Metadata,
    MethodId,
    PaymentId,
    Redirects,
    Requesting,
    UsageChange,
)

Descriptor = Annotated[str, Meta(max_length=22)]
Url = Annotated[str, Meta(max_length=2048)]
Code = Annotated[str, Meta(max_length=3)]


class Automatic(msgspec.Struct, frozen=True):
    """Let the platform choose payment methods."""

    enabled: bool
    allow_redirects: Redirects = "always"


class CardOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of a card payment."""

    request_multicapture: Requesting | None = None


class MethodOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of payments, by type of method."""

    card: CardOptions | None = None


class Paying(Expanding, frozen=True, kw_only=True):
    """What may be said whenever a payment is created, updated or confirmed."""

    payment_method: Id | None = None
    payment_method_data: MethodGiven | None = None
    payment_method_options: MethodOptions | None = None
    payment_method_types: list[Id] | None = None
    capture_method: CaptureMethod | None = None
    receipt_email: Text | None = None
    setup_future_usage: UsageChange | None = None
    shipping: ShippingGiven = None


class Describing(Paying, frozen=True, kw_only=True):
    """What may be said before confirmation only."""

    customer: Id | None = None
    description: Text | None = None
    metadata: MetadataGiven = None
    statement_descriptor: Descriptor | None = None
    statement_descriptor_suffix: Descriptor | None = None


class Creating(Describing, frozen=True, kw_only=True):
    """Parameters of create."""

    amount: Amount
    currency: Code
    automatic_payment_methods: Automatic | None = None
    confirm: bool = False
    confirmation_method: Confirmation = "automatic"
    error_on_requires_action: bool = False
    off_session: bool = False
    return_url: Url | None = None
    use_stripe_sdk: bool = False


class Updating(Describing, frozen=True, kw_only=True):
    """Parameters of update."""

    amount: Amount | None = None
    currency: Code | None = None


class Confirming(Paying, frozen=True, kw_only=True):
    """Parameters of confirm."""

    client_secret: Text | None = None
    error_on_requires_action: bool = False
    off_session: bool = False
    return_url: Url | None = None
    use_stripe_sdk: bool = False


class Retrieving(Expanding, frozen=True, kw_only=True):
    """Parameters of retrieve."""

    client_secret: Text | None = None


class Capturing(Expanding, frozen=True, kw_only=True):
    """Parameters of capture."""

    amount_to_capture: Amount | None = None
    final_capture: bool = True
    metadata: MetadataGiven = None


class Cancelling(Expanding, frozen=True, kw_only=True):
    """Parameters of cancel."""

    cancellation_reason: CancelReason | None = None


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    customer: Id | None = None


def create_command(request: Request, given: Creating) -> CreatePayment:
    """The command as the contract takes it."""
    refuse_sdk_action(given.use_stripe_sdk)
    if given.return_url and not given.confirm:
        raise ParameterInvalid("return_url goes with confirm=true.", param="return_url")
    automatic = given.automatic_payment_methods
    return CreatePayment(
        origin=request.origin(),
        amount=Money(given.amount, currency(given.currency)),
        fields=_described(given, given.metadata or None, given.return_url),
        confirmation_method=given.confirmation_method,
        automatic_methods=automatic.allow_redirects if automatic and automatic.enabled else None,
        confirm=given.confirm,
        off_session=given.off_session,
        error_on_requires_action=given.error_on_requires_action,
    )


def update_command(
    request: Request,
    payment: PaymentId,
    given: Updating,
    metadata: Metadata | None,
    amount: Money | None,
) -> UpdatePayment:
    """The command as the contract takes it."""
    return UpdatePayment(request.origin(), payment, _described(given, metadata, None), amount)


def confirm_command(request: Request, payment: PaymentId, given: Confirming) -> ConfirmPayment:
    """The command as the contract takes it."""
    refuse_sdk_action(given.use_stripe_sdk)
    return ConfirmPayment(
        origin=request.origin(),
        id=payment,
        fields=_paid(given, given.return_url),
        off_session=given.off_session,
        error_on_requires_action=given.error_on_requires_action,
        client_secret=given.client_secret,
    )


def _paid(given: Paying, return_url: str | None) -> PaymentFields:
    types = given.payment_method_types
    return PaymentFields(
        method=_method(given.payment_method),
        new_method=new_method(given.payment_method_data),
        receipt_email=given.receipt_email,
        setup_future_usage=given.setup_future_usage,
        shipping=shipping(given.shipping),
        return_url=return_url,
        capture_method=given.capture_method,
        method_types=None if types is None else tuple(types),
        multicapture=_multicapture(given),
    )


def _described(
    given: Describing, metadata: Metadata | None, return_url: str | None
) -> PaymentFields:
    types = given.payment_method_types
    return PaymentFields(
        customer=None if given.customer is None else CustomerId(given.customer),
        method=_method(given.payment_method),
        new_method=new_method(given.payment_method_data),
        description=given.description,
        receipt_email=given.receipt_email,
        statement_descriptor=given.statement_descriptor,
        statement_descriptor_suffix=given.statement_descriptor_suffix,
        setup_future_usage=given.setup_future_usage,
        shipping=shipping(given.shipping),
        metadata=metadata,
        return_url=return_url,
        capture_method=given.capture_method,
        method_types=None if types is None else tuple(types),
        multicapture=_multicapture(given),
    )


def _method(id: str | None) -> MethodId | None:
    return None if id is None else MethodId(id)


def _multicapture(given: Paying) -> Requesting | None:
    options = given.payment_method_options
    return options.card.request_multicapture if options and options.card else None

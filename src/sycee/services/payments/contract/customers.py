"""Customers, their payment methods, and set-ups for later use."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound, Refusal, refuses
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.shared import (
    Address,
    BillingDetails,
    CustomerId,
    IdempotencyConflict,
    Metadata,
    MetadataInvalid,
    MethodId,
    Origin,
    Page,
    Redisplay,
    SetupCancelReason,
    SetupId,
    Shipping,
    TextTooLong,
    Usage,
)
from sycee.services.validation.contract import (
    CardBrandUnknown,
    CardCvcInvalid,
    CardExpired,
    CardExpiryMonthInvalid,
    CardExpiryYearInvalid,
    CardNumber,
    CardNumberInvalid,
)


class Customer(msgspec.Struct, frozen=True):
    """Someone a merchant knows."""

    id: CustomerId
    merchant: MerchantId
    created: Instant
    livemode: bool
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    address: Address | None = None
    shipping: Shipping | None = None
    metadata: Metadata = {}
    default_method: MethodId | None = None
    deleted: bool = False


class CustomerFields(msgspec.Struct, frozen=True):
    """What can be said of a customer; None leaves a field as it is.

    An empty text, or an address or shipping in which nothing is said, clears the field.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    address: Address | None = None
    shipping: Shipping | None = None
    metadata: Metadata | None = None
    default_method: MethodId | None = None


class CreateCustomer(msgspec.Struct, frozen=True):
    """A new customer, optionally with a payment method attached at once."""

    origin: Origin
    fields: CustomerFields = CustomerFields()
    method: MethodId | None = None


class UpdateCustomer(msgspec.Struct, frozen=True):
    """Change a customer."""

    origin: Origin
    id: CustomerId
    fields: CustomerFields


class CustomerQuery(msgspec.Struct, frozen=True):
    """Name one customer. A deleted one is answered with ``deleted``."""

    merchant: MerchantId
    id: CustomerId


class DeleteCustomer(msgspec.Struct, frozen=True):
    """Forget a customer: methods are detached, payments stay."""

    origin: Origin
    id: CustomerId


class ListCustomers(msgspec.Struct, frozen=True):
    """A merchant's customers, newest first."""

    merchant: MerchantId
    page: Page = Page()
    email: str | None = None


class CustomerPage(msgspec.Struct, frozen=True):
    """One page of customers."""

    items: tuple[Customer, ...]
    has_more: bool


class Card(msgspec.Struct, frozen=True):
    """What is known of a card. The number itself is in the vault, under ``vault_token``."""

    brand: str
    last4: str
    bin: str
    exp_month: int
    exp_year: int
    fingerprint: str
    """Equal for equal numbers within this installation; a keyed hash."""
    funding: str
    """``credit``, ``debit``, ``prepaid`` or ``unknown``."""
    country: str | None
    cvc_check: str | None = None
    """``pass``, ``fail``, ``unchecked``, or None when no CVC was given."""
    rail: str = "testcard"
    rail_token: str = ""
    """Opaque; only its rail can use it. Never shown at a public door."""
    vault_token: str = ""
    """As above; empty for cards that came before there was a vault."""


class Method(msgspec.Struct, frozen=True):
    """A way to pay. Immutable but for owner, billing details, expiry and metadata."""

    id: MethodId
    merchant: MerchantId
    created: Instant
    livemode: bool
    type: str
    card: Card
    billing: BillingDetails = BillingDetails()
    customer: CustomerId | None = None
    metadata: Metadata = {}
    allow_redisplay: str = "unspecified"


class NewMethod(msgspec.Struct, frozen=True):
    """A payment method as brought: a card number, or a test token such as ``tok_visa``."""

    type: str = "card"
    card: CardNumber | None = None
    token: str | None = None
    billing: BillingDetails = BillingDetails()
    metadata: Metadata = {}
    allow_redisplay: Redisplay = "unspecified"


class CreateMethod(msgspec.Struct, frozen=True):
    """A new payment method, not attached to anyone."""

    origin: Origin
    method: NewMethod


class UpdateMethod(msgspec.Struct, frozen=True):
    """Change what may change of a method; None leaves a field as it is."""

    origin: Origin
    id: MethodId
    billing: BillingDetails | None = None
    """An empty text clears a field, an address of empty texts the address."""
    exp_month: int | None = None
    exp_year: int | None = None
    metadata: Metadata | None = None
    allow_redisplay: Redisplay | None = None


class MethodQuery(msgspec.Struct, frozen=True):
    """Name one method, or a documented test method such as ``pm_card_visa``."""

    merchant: MerchantId
    id: MethodId


class AttachMethod(msgspec.Struct, frozen=True):
    """Give a method to a customer. A test method such as ``pm_card_visa`` makes a fresh one."""

    origin: Origin
    id: MethodId
    customer: CustomerId


class DetachMethod(msgspec.Struct, frozen=True):
    """Take a method from its customer; it cannot be used or attached again."""

    origin: Origin
    id: MethodId


class ListMethods(msgspec.Struct, frozen=True):
    """Methods of one customer, newest first."""

    merchant: MerchantId
    customer: CustomerId
    type: str | None = None
    page: Page = Page()


class MethodPage(msgspec.Struct, frozen=True):
    """One page of methods."""

    items: tuple[Method, ...]
    has_more: bool


class SetupStatus(Enum):
    """Where a set-up stands."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class Setup(msgspec.Struct, frozen=True):
    """Prepares a method for later use, without money."""

    id: SetupId
    merchant: MerchantId
    created: Instant
    livemode: bool
    status: SetupStatus
    client_secret: str
    usage: str = "off_session"
    customer: CustomerId | None = None
    method: MethodId | None = None
    method_types: tuple[str, ...] = ("card",)
    description: str | None = None
    metadata: Metadata = {}
    return_url: str | None = None
    cancellation_reason: str | None = None
    error_code: str | None = None
    error_decline_code: str | None = None
    error_message: str | None = None
    next_action_url: str | None = None


class SetupFields(msgspec.Struct, frozen=True):
    """What can be said of a set-up; None leaves a field as it is."""

    customer: CustomerId | None = None
    method: MethodId | None = None
    new_method: NewMethod | None = None
    description: str | None = None
    metadata: Metadata | None = None
    usage: Usage | None = None
    return_url: str | None = None


class CreateSetup(msgspec.Struct, frozen=True):
    """A new set-up, optionally confirmed at once."""

    origin: Origin
    fields: SetupFields = SetupFields()
    confirm: bool = False


class UpdateSetup(msgspec.Struct, frozen=True):
    """Change a set-up that is not finished."""

    origin: Origin
    id: SetupId
    fields: SetupFields


class ConfirmSetup(msgspec.Struct, frozen=True):
    """Check the method with its rail and, when a customer is named, attach it."""

    origin: Origin
    id: SetupId
    fields: SetupFields = SetupFields()
    authenticated: bool | None = None
    """The payer's answer to a challenge, when one was asked for."""


class CancelSetup(msgspec.Struct, frozen=True):
    """Give a set-up up."""

    origin: Origin
    id: SetupId
    reason: SetupCancelReason | None = None


class SetupQuery(msgspec.Struct, frozen=True):
    """Name one set-up."""

    merchant: MerchantId
    id: SetupId


class ListSetups(msgspec.Struct, frozen=True):
    """A merchant's set-ups, newest first."""

    merchant: MerchantId
    page: Page = Page()
    customer: CustomerId | None = None


class SetupPage(msgspec.Struct, frozen=True):
    """One page of set-ups."""

    items: tuple[Setup, ...]
    has_more: bool


class MethodUnusable(Refusal, code="payment_method_unusable", status=422):
    """The method was detached, or belongs to another customer."""


class RawCardsRefused(Refusal, code="raw_cards_refused", status=403):
    """This installation does not take raw card numbers (production without a vault)."""


class EmailInvalid(Refusal, code="email_invalid", status=422):
    """``email`` is not an address."""


class SetupStateInvalid(Refusal, code="setup_intent_unexpected_state", status=409):
    """The set-up's status does not allow this."""


class SetupDeclined(Refusal, code="setup_declined", status=402):
    """The method's rail said no; ``facts`` hold ``decline_code`` and ``setup``."""


CARD_REFUSALS = (
    CardNumberInvalid,
    CardBrandUnknown,
    CardExpiryMonthInvalid,
    CardExpiryYearInvalid,
    CardExpired,
    CardCvcInvalid,
    RawCardsRefused,
)


class Customers(Protocol):
    """Who pays, and with what."""

    @refuses(
        NotFound,
        EmailInvalid,
        TextTooLong,
        MetadataInvalid,
        MethodUnusable,
        SetupDeclined,
        IdempotencyConflict,
    )
    async def create_customer(self, command: CreateCustomer) -> Customer:
        """Remember a customer. A method that comes along is checked with its rail, as ever."""
        ...

    @refuses(NotFound, EmailInvalid, TextTooLong, MetadataInvalid, IdempotencyConflict)
    async def update_customer(self, command: UpdateCustomer) -> Customer:
        """Change a customer."""
        ...

    @refuses(NotFound)
    async def get_customer(self, query: CustomerQuery) -> Customer:
        """One customer, also when deleted."""
        ...

    @refuses(NotFound, IdempotencyConflict)
    async def delete_customer(self, command: DeleteCustomer) -> Customer:
        """Forget a customer; again is not found."""
        ...

    @refuses(NotFound)
    async def list_customers(self, query: ListCustomers) -> CustomerPage:
        """A page of customers that are not deleted."""
        ...

    @refuses(NotFound, MetadataInvalid, IdempotencyConflict, *CARD_REFUSALS)
    async def create_method(self, command: CreateMethod) -> Method:
        """Hand card data to the rail and keep its token."""
        ...

    @refuses(NotFound, MetadataInvalid, IdempotencyConflict, *CARD_REFUSALS)
    async def update_method(self, command: UpdateMethod) -> Method:
        """Change a method."""
        ...

    @refuses(NotFound)
    async def get_method(self, query: MethodQuery) -> Method:
        """One method."""
        ...

    @refuses(NotFound, MethodUnusable, SetupDeclined, IdempotencyConflict)
    async def attach_method(self, command: AttachMethod) -> Method:
        """Give a method to a customer; again to the same customer is the same."""
        ...

    @refuses(NotFound, MethodUnusable, IdempotencyConflict)
    async def detach_method(self, command: DetachMethod) -> Method:
        """Take a method from its customer."""
        ...

    @refuses(NotFound)
    async def list_methods(self, query: ListMethods) -> MethodPage:
        """A page of a customer's methods."""
        ...

    @refuses(
        NotFound,
        MethodUnusable,
        MetadataInvalid,
        TextTooLong,
        SetupDeclined,
        IdempotencyConflict,
        *CARD_REFUSALS,
    )
    async def create_setup(self, command: CreateSetup) -> Setup:
        """Begin to prepare a method."""
        ...

    @refuses(
        NotFound,
        MethodUnusable,
        MetadataInvalid,
        TextTooLong,
        SetupStateInvalid,
        IdempotencyConflict,
        *CARD_REFUSALS,
    )
    async def update_setup(self, command: UpdateSetup) -> Setup:
        """Change a set-up."""
        ...

    @refuses(
        NotFound,
        MethodUnusable,
        SetupStateInvalid,
        SetupDeclined,
        IdempotencyConflict,
        *CARD_REFUSALS,
    )
    async def confirm_setup(self, command: ConfirmSetup) -> Setup:
        """Check the method with its rail."""
        ...

    @refuses(NotFound, SetupStateInvalid, IdempotencyConflict)
    async def cancel_setup(self, command: CancelSetup) -> Setup:
        """Give up."""
        ...

    @refuses(NotFound)
    async def get_setup(self, query: SetupQuery) -> Setup:
        """One set-up."""
        ...

    @refuses(NotFound)
    async def list_setups(self, query: ListSetups) -> SetupPage:
        """A page of set-ups."""
        ...

"""A payment's life: create, confirm, capture, cancel; its charges; its refunds; the balance."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import CurrencyUnknown, Money
from sycee.kernel.refusal import NotFound, Refusal, Unavailable, refuses
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import (
    CARD_REFUSALS,
    Method,
    MethodUnusable,
    NewMethod,
)
from sycee.services.payments.contract.shared import (
    AttemptId,
    BalanceTransactionId,
    BillingDetails,
    CancelReason,
    ChargeId,
    Confirmation,
    CustomerId,
    IdempotencyConflict,
    IdempotencyInFlight,
    Metadata,
    MetadataInvalid,
    MethodId,
    Origin,
    Page,
    PaymentId,
    Redirects,
    RefundId,
    RefundReason,
    Requesting,
    Shipping,
    TextTooLong,
    UsageChange,
)
from sycee.services.payments.contract.velocity import VELOCITY_REFUSALS
from sycee.services.validation.contract import (
    AmountNotPositive,
    AmountTooLarge,
    AmountTooSmall,
    CurrencyNotAccepted,
    DuplicatePayment,
    MerchantNotActive,
    MethodNotAccepted,
)


class PaymentStatus(Enum):
    """Where a payment stands; the table of moves is in ``domain``."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    """An attempt was recorded and its outcome is not known yet."""
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class CaptureMethod(Enum):
    """Whether money is taken at once or on request."""

    AUTOMATIC = "automatic"
    AUTOMATIC_ASYNC = "automatic_async"
    MANUAL = "manual"


class PaymentError(msgspec.Struct, frozen=True):
    """Why the last attempt did not succeed."""

    code: str
    """``card_declined``, ``expired_card``, ``incorrect_cvc``, ``authentication_required``, …"""
    message: str
    decline_code: str | None = None
    charge: ChargeId | None = None
    method: Method | None = None


class NextAction(msgspec.Struct, frozen=True):
    """What the payer must do: visit ``url`` to prove who they are."""

    url: str
    return_url: str | None = None


class Payment(msgspec.Struct, frozen=True):
    """Money that a merchant asks a customer for."""

    id: PaymentId
    number: int
    """A short number, unique in this installation."""
    merchant: MerchantId
    created: Instant
    livemode: bool
    status: PaymentStatus
    amount: Money
    amount_capturable_minor: int
    amount_received_minor: int
    client_secret: str
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    confirmation_method: str = "automatic"
    customer: CustomerId | None = None
    method: MethodId | None = None
    method_types: tuple[str, ...] = ("card",)
    automatic_methods: str | None = None
    """``always`` or ``never`` (redirects) when methods are chosen automatically, else None."""
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    setup_future_usage: str | None = None
    shipping: Shipping | None = None
    metadata: Metadata = {}
    latest_charge: ChargeId | None = None
    last_error: PaymentError | None = None
    next_action: NextAction | None = None
    return_url: str | None = None
    canceled_at: Instant | None = None
    cancellation_reason: str | None = None
    multicapture: str | None = None
    """``if_available`` or ``never``, when that was said."""


class Outcome(msgspec.Struct, frozen=True):
    """What risk control and the network said of a charge."""

    network_status: str
    """``approved_by_network``, ``declined_by_network``, ``not_sent_to_network``."""
    type: str
    """``authorized``, ``manual_review``, ``issuer_declined``, ``blocked``, ``invalid``."""
    seller_message: str
    risk_level: str
    """``normal``, ``elevated``, ``highest``."""
    risk_score: int
    """0–1000."""
    reason: str | None = None


class Charge(msgspec.Struct, frozen=True):
    """One attempt on a rail that got an answer."""

    id: ChargeId
    merchant: MerchantId
    created: Instant
    livemode: bool
    payment: PaymentId
    attempt: AttemptId
    amount: Money
    status: str
    """``succeeded``, ``pending`` or ``failed``."""
    captured: bool
    amount_captured_minor: int
    amount_refunded_minor: int
    outcome: Outcome
    method: Method
    billing: BillingDetails
    customer: CustomerId | None = None
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    shipping: Shipping | None = None
    metadata: Metadata = {}
    fraud_details: Metadata = {}
    failure_code: str | None = None
    failure_message: str | None = None
    balance_transaction: BalanceTransactionId | None = None
    authorization_code: str | None = None
    capture_before: Instant | None = None
    amount_disputed_minor: int = 0
    """What disputes hold back, or have taken for good."""
    disputed: bool = False
    """Whether a payer's bank has ever asked."""
    is_multicapture: bool = False
    """Whether it may be captured in parts."""
    captures: int = 0
    """How often something was captured of what was held."""
    latest_capture: AttemptId | None = None
    """Of a charge that is captured in parts: the capture that the rest is held by."""


class Refund(msgspec.Struct, frozen=True):
    """Money on its way back to the payer."""

    id: RefundId
    merchant: MerchantId
    created: Instant
    livemode: bool
    charge: ChargeId
    payment: PaymentId
    amount: Money
    status: str
    """``pending``, ``requires_action``, ``succeeded``, ``failed``, ``canceled``."""
    reason: str | None = None
    metadata: Metadata = {}
    balance_transaction: BalanceTransactionId | None = None
    failure_reason: str | None = None
    failure_balance_transaction: BalanceTransactionId | None = None


class BalanceTransaction(msgspec.Struct, frozen=True):
    """A change of a merchant's balance; ``net`` is ``amount`` less ``fee``, all signed."""

    id: BalanceTransactionId
    merchant: MerchantId
    created: Instant
    available_on: Instant
    type: str
    """``charge``, ``refund``, ``refund_failure``, ``adjustment`` (of a dispute)."""
    amount: Money
    fee_minor: int
    status: str
    """``pending`` or ``available``."""
    source: str
    description: str | None = None
    reporting_category: str | None = None
    """``dispute``, ``dispute_reversal``; the type when None."""


class BalanceFunds(msgspec.Struct, frozen=True):
    """One currency of a balance, read from the ledger."""

    available: Money
    pending: Money


class Balance(msgspec.Struct, frozen=True):
    """What a merchant has, per currency, in order of currency code."""

    livemode: bool
    funds: tuple[BalanceFunds, ...]


class PaymentFields(msgspec.Struct, frozen=True):
    """What can be said of a payment at creation, update or confirmation.

    None leaves a field as it is; an empty text, or a shipping in which nothing is said, clears it.
    """

    customer: CustomerId | None = None
    method: MethodId | None = None
    """An id, or a test method such as ``pm_card_visa``."""
    new_method: NewMethod | None = None
    description: str | None = None
    receipt_email: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    setup_future_usage: UsageChange | None = None
    shipping: Shipping | None = None
    metadata: Metadata | None = None
    return_url: str | None = None
    capture_method: CaptureMethod | None = None
    method_types: tuple[str, ...] | None = None
    multicapture: Requesting | None = None


class CreatePayment(msgspec.Struct, frozen=True):
    """Ask for money; with ``confirm`` also try to take it."""

    origin: Origin
    amount: Money
    fields: PaymentFields = PaymentFields()
    confirmation_method: Confirmation = "automatic"
    automatic_methods: Redirects | None = None
    confirm: bool = False
    off_session: bool = False
    error_on_requires_action: bool = False


class UpdatePayment(msgspec.Struct, frozen=True):
    """Change a payment before it is confirmed."""

    origin: Origin
    id: PaymentId
    fields: PaymentFields = PaymentFields()
    amount: Money | None = None


class ConfirmPayment(msgspec.Struct, frozen=True):
    """Try to take the money."""

    origin: Origin
    id: PaymentId
    fields: PaymentFields = PaymentFields()
    off_session: bool = False
    error_on_requires_action: bool = False
    client_secret: str | None = None
    """Given by callers who hold only a publishable key; must match, or the payment is not told
    from one that does not exist."""


class AnswerChallenge(msgspec.Struct, frozen=True):
    """The payer's bank tells how a 3-D Secure challenge ended."""

    id: PaymentId
    client_secret: str
    authenticated: bool


class CapturePayment(msgspec.Struct, frozen=True):
    """Take an authorized amount, or part of it; the rest is released, unless more is to come."""

    origin: Origin
    id: PaymentId
    amount_minor: int | None = None
    metadata: Metadata | None = None
    is_final: bool = True
    """Whether nothing more is to be taken; what is left stays held otherwise."""


class CancelPayment(msgspec.Struct, frozen=True):
    """Give a payment up; an authorization is voided.

    One that was captured in part has succeeded with that part.
    """

    origin: Origin
    id: PaymentId
    reason: CancelReason | None = None


class PaymentQuery(msgspec.Struct, frozen=True):
    """Name one payment, by id or by number."""

    merchant: MerchantId
    id: PaymentId | None = None
    number: int | None = None
    client_secret: str | None = None


class ListPayments(msgspec.Struct, frozen=True):
    """A merchant's payments, newest first."""

    merchant: MerchantId
    page: Page = Page()
    customer: CustomerId | None = None


class PaymentPage(msgspec.Struct, frozen=True):
    """One page of payments."""

    items: tuple[Payment, ...]
    has_more: bool


class ChargeQuery(msgspec.Struct, frozen=True):
    """Name one charge."""

    merchant: MerchantId
    id: ChargeId


class UpdateCharge(msgspec.Struct, frozen=True):
    """Change what is noted on a charge; None leaves a field, what is empty clears it."""

    origin: Origin
    id: ChargeId
    description: str | None = None
    receipt_email: str | None = None
    metadata: Metadata | None = None
    customer: CustomerId | None = None
    shipping: Shipping | None = None
    fraud_details: Metadata | None = None


class ListCharges(msgspec.Struct, frozen=True):
    """A merchant's charges, newest first."""

    merchant: MerchantId
    page: Page = Page()
    payment: PaymentId | None = None
    customer: CustomerId | None = None


class ChargePage(msgspec.Struct, frozen=True):
    """One page of charges."""

    items: tuple[Charge, ...]
    has_more: bool


class CreateRefund(msgspec.Struct, frozen=True):
    """Give money back: all that is left, or an amount. Names the payment or its charge."""

    origin: Origin
    payment: PaymentId | None = None
    charge: ChargeId | None = None
    amount_minor: int | None = None
    reason: RefundReason | None = None
    metadata: Metadata = {}


class UpdateRefund(msgspec.Struct, frozen=True):
    """Change a refund's metadata."""

    origin: Origin
    id: RefundId
    metadata: Metadata


class CancelRefund(msgspec.Struct, frozen=True):
    """Stop a refund that waits for the payer."""

    origin: Origin
    id: RefundId


class RefundQuery(msgspec.Struct, frozen=True):
    """Name one refund."""

    merchant: MerchantId
    id: RefundId


class ListRefunds(msgspec.Struct, frozen=True):
    """A merchant's refunds, newest first."""

    merchant: MerchantId
    page: Page = Page()
    payment: PaymentId | None = None
    charge: ChargeId | None = None


class RefundPage(msgspec.Struct, frozen=True):
    """One page of refunds."""

    items: tuple[Refund, ...]
    has_more: bool


class BalanceQuery(msgspec.Struct, frozen=True):
    """Ask for a merchant's balance."""

    merchant: MerchantId
    livemode: bool = False


class BalanceTransactionQuery(msgspec.Struct, frozen=True):
    """Name one balance transaction."""

    merchant: MerchantId
    id: BalanceTransactionId


class ListBalanceTransactions(msgspec.Struct, frozen=True):
    """A merchant's balance transactions, newest first."""

    merchant: MerchantId
    page: Page = Page()
    type: str | None = None
    source: str | None = None
    currency: str | None = None


class BalanceTransactionPage(msgspec.Struct, frozen=True):
    """One page of balance transactions."""

    items: tuple[BalanceTransaction, ...]
    has_more: bool


class PaymentStateInvalid(Refusal, code="payment_intent_unexpected_state", status=409):
    """The payment's status does not allow this; ``facts`` hold ``payment`` and ``status``."""


class DescriptorInvalid(Refusal, code="statement_descriptor_invalid", status=422):
    """A statement descriptor, or its suffix, named by ``param``, is not one that can be printed.

    Both hold Latin letters, digits, spaces and punctuation but none of ``< > ' " * \\``, at least
    one letter, and at most 22 characters; a descriptor, which may stand alone, at least 5.
    """


class PaymentMethodMissing(Refusal, code="payment_method_missing", status=422):
    """The payment cannot be confirmed without a payment method."""


class CardDeclined(Refusal, code="card_declined", status=402):
    """The attempt failed. ``facts``: ``error_code`` (the public code such as ``card_declined``,
    ``expired_card``, ``incorrect_cvc``, ``processing_error``, ``authentication_required``),
    ``decline_code``, ``charge``, ``payment``."""


class CaptureTooLarge(Refusal, code="amount_too_large_to_capture", status=422):
    """``amount_minor`` is above what can be captured."""


class MulticaptureUnavailable(Refusal, code="multicapture_unavailable", status=422):
    """Captures in parts were not asked for, or there were too many."""


class ChargeExpiredForCapture(Refusal, code="charge_expired_for_capture", status=422):
    """The authorization has lapsed."""


class ChargeAlreadyRefunded(Refusal, code="charge_already_refunded", status=422):
    """Nothing is left to refund."""


class ChargeDisputed(Refusal, code="charge_disputed", status=422):
    """Nothing is left to refund, because the payer's bank disputes the charge."""


class RefundTooLarge(Refusal, code="refund_exceeds_charge", status=422):
    """``amount_minor`` is above what is left to refund; ``facts`` hold ``left_minor``."""


class ChargeNotRefundable(Refusal, code="charge_not_refundable", status=422):
    """The charge was not captured."""


class RefundStateInvalid(Refusal, code="refund_unexpected_state", status=409):
    """The refund's status does not allow this."""


class ClientSecretInvalid(Refusal, code="client_secret_invalid", status=401):
    """There is no payment with this id and client secret; which of them is wrong is not told."""


TRYING = (
    NotFound,
    PaymentStateInvalid,
    PaymentMethodMissing,
    MethodUnusable,
    MerchantNotActive,
    MethodNotAccepted,
    CurrencyNotAccepted,
    CurrencyUnknown,
    AmountNotPositive,
    AmountTooSmall,
    AmountTooLarge,
    DuplicatePayment,
    MetadataInvalid,
    TextTooLong,
    DescriptorInvalid,
    CardDeclined,
    ClientSecretInvalid,
    IdempotencyConflict,
    IdempotencyInFlight,
    Unavailable,
    *CARD_REFUSALS,
    *VELOCITY_REFUSALS,
)


class Intents(Protocol):
    """Payments, charges, refunds, balances. Money moves once per idempotency key."""

    @refuses(*TRYING)
    async def create_payment(self, command: CreatePayment) -> Payment:
        """Ask for money. With ``confirm``, a decline raises ``CardDeclined``; the payment stays."""
        ...

    @refuses(*TRYING)
    async def update_payment(self, command: UpdatePayment) -> Payment:
        """Change a payment that has not been taken."""
        ...

    @refuses(*TRYING)
    async def confirm_payment(self, command: ConfirmPayment) -> Payment:
        """Try to take the money. The answer may be a payment that is ``processing``: its rail did
        not answer, and a sweeper will find out; an event tells when."""
        ...

    @refuses(NotFound, ClientSecretInvalid, PaymentStateInvalid, Unavailable, *VELOCITY_REFUSALS)
    async def answer_challenge(self, command: AnswerChallenge) -> Payment:
        """Go on after a 3-D Secure challenge; a failed one fails the attempt without raising."""
        ...

    @refuses(
        NotFound,
        PaymentStateInvalid,
        AmountNotPositive,
        CaptureTooLarge,
        MulticaptureUnavailable,
        ChargeExpiredForCapture,
        MetadataInvalid,
        IdempotencyConflict,
        IdempotencyInFlight,
        Unavailable,
    )
    async def capture_payment(self, command: CapturePayment) -> Payment:
        """Take what was authorized: once, or in parts."""
        ...

    @refuses(NotFound, PaymentStateInvalid, IdempotencyConflict, IdempotencyInFlight, Unavailable)
    async def cancel_payment(self, command: CancelPayment) -> Payment:
        """Give up and release the authorization."""
        ...

    @refuses(NotFound, ClientSecretInvalid)
    async def get_payment(self, query: PaymentQuery) -> Payment:
        """One payment."""
        ...

    @refuses(NotFound)
    async def list_payments(self, query: ListPayments) -> PaymentPage:
        """A page of payments; an unknown cursor is not found."""
        ...

    @refuses(NotFound)
    async def get_charge(self, query: ChargeQuery) -> Charge:
        """One charge."""
        ...

    @refuses(NotFound, MetadataInvalid, TextTooLong, IdempotencyConflict)
    async def update_charge(self, command: UpdateCharge) -> Charge:
        """Change a charge's notes."""
        ...

    @refuses(NotFound)
    async def list_charges(self, query: ListCharges) -> ChargePage:
        """A page of charges."""
        ...

    @refuses(
        NotFound,
        AmountNotPositive,
        ChargeNotRefundable,
        ChargeAlreadyRefunded,
        ChargeDisputed,
        RefundTooLarge,
        MetadataInvalid,
        IdempotencyConflict,
        IdempotencyInFlight,
        Unavailable,
    )
    async def create_refund(self, command: CreateRefund) -> Refund:
        """Give money back; refunds and disputes never exceed what was captured."""
        ...

    @refuses(NotFound, MetadataInvalid, IdempotencyConflict)
    async def update_refund(self, command: UpdateRefund) -> Refund:
        """Change a refund's metadata."""
        ...

    @refuses(NotFound, RefundStateInvalid, IdempotencyConflict)
    async def cancel_refund(self, command: CancelRefund) -> Refund:
        """Stop a refund that requires the payer's action."""
        ...

    @refuses(NotFound)
    async def get_refund(self, query: RefundQuery) -> Refund:
        """One refund."""
        ...

    @refuses(NotFound)
    async def list_refunds(self, query: ListRefunds) -> RefundPage:
        """A page of refunds."""
        ...

    @refuses(Unavailable)
    async def get_balance(self, query: BalanceQuery) -> Balance:
        """The merchant's balance, read from the ledger."""
        ...

    @refuses(NotFound)
    async def get_balance_transaction(self, query: BalanceTransactionQuery) -> BalanceTransaction:
        """One balance transaction."""
        ...

    @refuses(NotFound)
    async def list_balance_transactions(
        self, query: ListBalanceTransactions
    ) -> BalanceTransactionPage:
        """A page of balance transactions."""
        ...

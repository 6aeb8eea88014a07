"""Requests and objects of the twin, as pydantic models in the public shape."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Metadata = dict[str, str]


class Creating(BaseModel):
    """Parameters of create."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[int, Field(gt=0, le=99_999_999)]
    currency: Annotated[str, Field(pattern=r"^[a-z]{3}$")]
    payment_method: Annotated[str, Field(max_length=255)]
    customer: Annotated[str, Field(max_length=255)] | None = None
    description: Annotated[str, Field(max_length=5000)] | None = None
    receipt_email: Annotated[str, Field(max_length=320)] | None = None


class Confirming(BaseModel):
    """Parameters of confirm."""

    model_config = ConfigDict(extra="forbid")

    receipt_email: Annotated[str, Field(max_length=320)] | None = None


class Checks(BaseModel):
    """What the issuer compared."""

    address_line1_check: str | None = None
    address_postal_code_check: str | None = None
    cvc_check: str | None = "pass"


class Card(BaseModel):
    """The card of a payment method."""

    brand: str
    checks: Checks = Checks()
    country: str = "US"
    display_brand: str
    exp_month: int
    exp_year: int
    fingerprint: str
    funding: str = "credit"
    generated_from: None = None
    last4: str
    networks: dict[str, list[str] | None]
    regulated_status: str = "unregulated"
    three_d_secure_usage: dict[str, bool] = {"supported": True}
    wallet: None = None


class Billing(BaseModel):
    """Whose method it is."""

    address: None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    tax_id: None = None


class PaymentMethod(BaseModel):
    """The ``payment_method`` object."""

    id: str
    object: Literal["payment_method"] = "payment_method"
    allow_redisplay: str = "unspecified"
    billing_details: Billing = Billing()
    card: Card
    created: int
    customer: str | None = None
    customer_account: None = None
    livemode: bool = False
    metadata: Metadata = {}
    radar_options: Metadata = {}
    type: Literal["card"] = "card"


class PaymentError(BaseModel):
    """Why the last try failed."""

    type: Literal["card_error"] = "card_error"
    code: str
    message: str
    decline_code: str
    charge: str
    payment_method: PaymentMethod


class PaymentIntent(BaseModel):
    """The ``payment_intent`` object."""

    id: str
    object: Literal["payment_intent"] = "payment_intent"
    amount: int
    amount_capturable: int = 0
    amount_details: dict[str, Metadata] = {"tip": {}}
    amount_received: int = 0
    application: None = None
    application_fee_amount: None = None
    automatic_payment_methods: None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    capture_method: str = "automatic"
    client_secret: str
    confirmation_method: str = "automatic"
    created: int
    currency: str
    customer: str | None = None
    customer_account: None = None
    description: str | None = None
    excluded_payment_method_types: None = None
    last_payment_error: PaymentError | None = None
    latest_charge: str | None = None
    livemode: bool = False
    managed_payments: None = None
    metadata: Metadata = {}
    next_action: None = None
    on_behalf_of: None = None
    payment_details: dict[str, None] = {"customer_reference": None, "order_reference": None}
    payment_method: str | None
    payment_method_configuration_details: None = None
    payment_method_options: dict[str, dict[str, str | None]] = {
        "card": {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": "automatic",
        }
    }
    payment_method_types: list[str] = ["card"]
    processing: None = None
    receipt_email: str | None = None
    review: None = None
    setup_future_usage: None = None
    shipping: None = None
    statement_descriptor: None = None
    statement_descriptor_suffix: None = None
    status: str = "requires_confirmation"
    transfer_data: None = None
    transfer_group: None = None


class Outcome(BaseModel):
    """What network and risk control said."""

    advice_code: None = None
    network_advice_code: None = None
    network_decline_code: None = None
    network_status: str = "approved_by_network"
    reason: str | None = None
    risk_level: str = "normal"
    risk_score: int = 0
    seller_message: str = "Payment complete."
    type: str = "authorized"


class CardDetails(BaseModel):
    """The card as it was charged."""

    amount_authorized: int
    authorization_code: str | None
    brand: str
    checks: Checks
    country: str
    exp_month: int
    exp_year: int
    extended_authorization: Metadata = {"status": "disabled"}
    fingerprint: str
    funding: str
    incremental_authorization: Metadata = {"status": "unavailable"}
    installments: None = None
    last4: str
    mandate: None = None
    multicapture: Metadata = {"status": "unavailable"}
    network: str
    network_token: dict[str, bool] = {"used": False}
    network_transaction_id: None = None
    overcapture: dict[str, int | str]
    regulated_status: str = "unregulated"
    three_d_secure: None = None
    wallet: None = None


class MethodDetails(BaseModel):
    """How a charge was paid."""

    card: CardDetails
    type: Literal["card"] = "card"


class Charge(BaseModel):
    """The ``charge`` object."""

    id: str
    object: Literal["charge"] = "charge"
    amount: int
    amount_captured: int = 0
    amount_refunded: int = 0
    application: None = None
    application_fee: None = None
    application_fee_amount: None = None
    balance_transaction: str | None = None
    billing_details: Billing
    calculated_statement_descriptor: str | None = None
    captured: bool = False
    created: int
    currency: str
    customer: str | None = None
    description: str | None = None
    disputed: bool = False
    failure_balance_transaction: None = None
    failure_code: str | None = None
    failure_message: str | None = None
    fraud_details: Metadata = {}
    livemode: bool = False
    metadata: Metadata = {}
    on_behalf_of: None = None
    outcome: Outcome = Outcome()
    paid: bool = False
    payment_intent: str
    payment_method: str
    payment_method_details: MethodDetails
    radar_options: Metadata = {}
    receipt_email: str | None = None
    receipt_number: None = None
    receipt_url: None = None
    refunded: bool = False
    refunds: None = None
    review: None = None
    shipping: None = None
    source_transfer: None = None
    statement_descriptor: None = None
    statement_descriptor_suffix: None = None
    status: str
    transfer_data: None = None
    transfer_group: None = None


class Subject(BaseModel):
    """What an event is about, as it was then."""

    object: PaymentIntent | Charge


class Asked(BaseModel):
    """The request that caused an event."""

    id: str
    idempotency_key: str | None


class Event(BaseModel):
    """The ``event`` object."""

    id: str
    object: Literal["event"] = "event"
    api_version: str = "2026-10-28.endive"
    created: int
    data: Subject
    livemode: bool = False
    pending_webhooks: int = 1
    request: Asked
    type: str


class Wrong(BaseModel):
    """The inside of an error's answer."""

    type: str = "invalid_request_error"
    code: str
    message: str
    param: str | None = None
    decline_code: str | None = None
    payment_intent: PaymentIntent | None = None


class ErrorAnswer(BaseModel):
    """An error's answer."""

    error: Wrong

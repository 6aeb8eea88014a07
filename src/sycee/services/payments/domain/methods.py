"""What may happen to a payment method."""

from __future__ import annotations

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import Card, Method, MethodUnusable, UpdateMethod
from sycee.services.payments.contract.shared import (
    Address,
    BillingDetails,
    CustomerId,
    MethodId,
)
from sycee.services.payments.domain.texts import (
    changed_metadata,
    changed_text,
    former_metadata,
    plain_address,
)
from sycee.services.validation.contract import (
    CardExpired,
    CardExpiryMonthInvalid,
    CardExpiryYearInvalid,
    CardNumber,
)

TEST_PREFIXES = ("pm_card_", "tok_")
"""Names of documented test methods; no id that we make begins so."""
EXPIRY_YEARS_MAX = 50
"""A card that claims to last longer is a typing error."""


def is_test_method(method: str) -> bool:
    """Whether a fresh method must be made where this id is given."""
    return method.startswith(TEST_PREFIXES)


def plain(card: CardNumber) -> CardNumber:
    """The card with the spaces and hyphens taken out that people type into numbers."""
    number = card.number.replace(" ", "").replace("-", "")
    return msgspec.structs.replace(card, number=number)


def existing(method: Method | None, wanted: MethodId) -> Method:
    """The method, unless it is unknown or foreign."""
    if method is None:
        raise NotFound(f"No such payment method: '{wanted}'", param="payment_method")
    return method


def check_usable(method: Method, is_detached: bool, customer: CustomerId | None) -> None:
    """Refuse a method that was detached, or that belongs to someone else."""
    if is_detached:
        raise MethodUnusable(
            "This payment method was detached from its customer and cannot be used again.",
            param="payment_method",
        )
    if method.customer is not None and method.customer != customer:
        raise MethodUnusable(
            "This payment method belongs to a customer; name that customer as well.",
            param="payment_method",
        )


def check_owned(method: Method, is_detached: bool) -> CustomerId:
    """The owner of a method that is to be detached; one without cannot be."""
    if is_detached or method.customer is None:
        raise MethodUnusable(
            "This payment method is not attached to a customer, so it cannot be detached.",
            param="payment_method",
        )
    return method.customer


def check_expiry(card: Card, year: int, month: int) -> None:
    """Refuse an expiry that is none, or that lies before the given month."""
    if not 1 <= card.exp_month <= 12:
        raise CardExpiryMonthInvalid("Your card's expiration month is invalid.", param="exp_month")
    if not year <= card.exp_year <= year + EXPIRY_YEARS_MAX:
        raise CardExpiryYearInvalid("Your card's expiration year is invalid.", param="exp_year")
    if (card.exp_year, card.exp_month) < (year, month):
        raise CardExpired("Your card has expired.", param="exp_month")


def changed(before: Method, command: UpdateMethod) -> Method:
    """The method after an update."""
    card = msgspec.structs.replace(
        before.card,
        exp_month=_given(command.exp_month, before.card.exp_month),
        exp_year=_given(command.exp_year, before.card.exp_year),
    )
    return msgspec.structs.replace(
        before,
        card=card,
        billing=changed_billing(before.billing, command.billing),
        metadata=changed_metadata(before.metadata, command.metadata),
        allow_redisplay=command.allow_redisplay or before.allow_redisplay,
    )


def changed_billing(before: BillingDetails, change: BillingDetails | None) -> BillingDetails:
    """Billing details after an update; an address of empty texts clears the address."""
    if change is None:
        return before
    untold = change.address == Address()
    return BillingDetails(
        address=before.address if untold else plain_address(change.address),
        email=changed_text(before.email, change.email),
        name=changed_text(before.name, change.name),
        phone=changed_text(before.phone, change.phone),
    )


def previous(before: Method, after: Method) -> dict[str, object]:
    """Former values of what an update changed, in the public shape."""
    former: dict[str, object] = {}
    card = _former(before.card, after.card)
    if card:
        former["card"] = card
    billing = _former(before.billing, after.billing)
    if billing:
        former["billing_details"] = billing
    if before.metadata != after.metadata:
        former["metadata"] = former_metadata(before.metadata, after.metadata)
    if before.allow_redisplay != after.allow_redisplay:
        former["allow_redisplay"] = before.allow_redisplay
    return former


def _given(change: int | None, before: int) -> int:
    return before if change is None else change


def _former(before: Card | BillingDetails, after: Card | BillingDetails) -> dict[str, object]:
    return {
        name: msgspec.to_builtins(getattr(before, name))
        for name in before.__struct_fields__
        if getattr(before, name) != getattr(after, name)
    }

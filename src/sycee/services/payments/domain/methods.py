"""What may happen to a payment method."""

from __future__ import annotations

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import Method, MethodUnusable, UpdateMethod
from sycee.services.payments.contract.shared import CustomerId, MethodId
from sycee.services.payments.domain.texts import changed_metadata
from sycee.services.validation.contract import (
    CardNumber,
)

TEST_PREFIXES = ("pm_card_", "tok_")
"""Names of documented test methods; no id that we make begins so."""


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


def changed(before: Method, command: UpdateMethod) -> Method:
    """The method after an update."""
    card = msgspec.structs.replace(
        before.card,
        exp_month=command.exp_month or before.card.exp_month,
        exp_year=command.exp_year or before.card.exp_year,
    )
    return msgspec.structs.replace(
        before,
        card=card,
        billing=command.billing or before.billing,
        metadata=changed_metadata(before.metadata, command.metadata),
        allow_redisplay=command.allow_redisplay or before.allow_redisplay,
    )

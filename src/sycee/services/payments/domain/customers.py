"""What may be said of a customer, and how an update changes one."""

from __future__ import annotations

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import (
    Customer,
    CustomerFields,
    EmailInvalid,
    Method,
)
from sycee.services.payments.contract.shared import Address, CustomerId, MethodId, Shipping
from sycee.services.payments.domain.texts import (
    changed_address,
    changed_metadata,
    changed_shipping,
    changed_text,
    check_texts,
    former_metadata,
)

LIMITS = {"name": 256, "email": 512, "phone": 20}
_SHOWN_ALIKE = ("name", "email", "phone", "description", "address", "shipping")
"""Fields whose public shape is the contract's own."""


def check_fields(fields: CustomerFields) -> None:
    """Refuse texts that are too long or not of their form."""
    check_texts(
        {
            "name": fields.name,
            "email": fields.email,
            "phone": fields.phone,
            "description": fields.description,
            **_texts("address", fields.address),
            **_texts("shipping", fields.shipping),
            **_texts("shipping[address]", fields.shipping and fields.shipping.address),
        },
        LIMITS,
    )
    if fields.email and not is_email(fields.email):
        raise EmailInvalid(f"Invalid email address: {fields.email}", param="email")


def is_email(text: str) -> bool:
    """Whether mail could be sent to the text: something, one at-sign, a host; no spaces.

    RFC 5322 allows far more than any mailbox uses; only a message tells whether one exists.
    """
    name, _, host = text.rpartition("@")
    return bool(name and host) and "@" not in name and not any(map(str.isspace, text))


def changed(before: Customer, fields: CustomerFields) -> Customer:
    """The customer after an update."""
    return msgspec.structs.replace(
        before,
        name=changed_text(before.name, fields.name),
        email=changed_text(before.email, fields.email),
        phone=changed_text(before.phone, fields.phone),
        description=changed_text(before.description, fields.description),
        address=changed_address(before.address, fields.address),
        shipping=changed_shipping(before.shipping, fields.shipping),
        metadata=changed_metadata(before.metadata, fields.metadata),
        default_method=_changed_default(before.default_method, fields.default_method),
    )


def deleted(customer: Customer) -> Customer:
    """What stays of a customer that is forgotten: that it was one."""
    return Customer(
        id=customer.id,
        merchant=customer.merchant,
        created=customer.created,
        livemode=customer.livemode,
        deleted=True,
    )


def previous(before: Customer, after: Customer) -> dict[str, object]:
    """Former values of what an update changed, in the public shape."""
    former: dict[str, object] = {
        name: msgspec.to_builtins(getattr(before, name))
        for name in _SHOWN_ALIKE
        if getattr(before, name) != getattr(after, name)
    }
    if before.metadata != after.metadata:
        former["metadata"] = former_metadata(before.metadata, after.metadata)
    if before.default_method != after.default_method:
        former["invoice_settings"] = {"default_payment_method": before.default_method}
    return former


def existing(customer: Customer | None, wanted: CustomerId) -> Customer:
    """The customer, also when deleted, unless it is unknown or foreign."""
    if customer is None:
        raise NotFound(f"No such customer: '{wanted}'", param="customer")
    return customer


def living(customer: Customer | None, wanted: CustomerId) -> Customer:
    """The customer, unless it is unknown, foreign or deleted."""
    if customer is None or customer.deleted:
        raise NotFound(f"No such customer: '{wanted}'", param="customer")
    return customer


def without(customer: Customer, method: MethodId) -> Customer:
    """The customer once a method is no longer theirs."""
    if customer.default_method != method:
        return customer
    return msgspec.structs.replace(customer, default_method=None)


def check_default(customer: CustomerId, method: Method | None, wanted: MethodId) -> None:
    """Refuse a default method that is not this customer's own."""
    if method is None or method.customer != customer:
        raise NotFound(f"No such payment method: '{wanted}'", param="default_method")


def _texts(name: str, part: Address | Shipping | None) -> dict[str, str | None]:
    if part is None:
        return {}
    members = msgspec.structs.asdict(part).items()
    return {f"{name}[{key}]": value for key, value in members if isinstance(value, str)}


def _changed_default(before: MethodId | None, change: MethodId | None) -> MethodId | None:
    if change is None:
        return before
    return change or None

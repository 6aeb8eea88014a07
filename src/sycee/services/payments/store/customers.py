"""Customers as rows."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Customer, CustomerPage
from sycee.services.payments.contract.shared import CustomerId, Page
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Customer).decode


def add(session: Session, customer: Customer) -> None:
    """Keep a fresh customer."""
    session.run(
        "INSERT INTO customers (id, merchant, created, email, is_deleted, body)"
        " VALUES (?, ?, ?, ?, 0, ?)",
        customer.id,
        customer.merchant,
        customer.created,
        customer.email,
        _encode(customer),
    )


def find(session: Session, merchant: MerchantId, customer: CustomerId) -> Customer | None:
    """One customer of this merchant, also when deleted; a foreign one is not found."""
    row = session.row(
        "SELECT body FROM customers WHERE id = ? AND merchant = ?", customer, merchant
    )
    if row is None:
        return None
    body = row[0]
    assert isinstance(body, bytes), "a customer is MessagePack"
    return _decode(body)


def replace(session: Session, customer: Customer) -> None:
    """Overwrite what is known of a customer."""
    session.run(
        "UPDATE customers SET email = ?, is_deleted = ?, body = ? WHERE id = ? AND merchant = ?",
        customer.email,
        int(customer.deleted),
        _encode(customer),
        customer.id,
        customer.merchant,
    )


def page_of(session: Session, merchant: MerchantId, email: str | None, page: Page) -> CustomerPage:
    """A page of a merchant's customers that are not deleted, newest first."""
    wanted = {"is_deleted": 0, "email": email}
    found, has_more = pages.bodies(session, "customers", merchant, page, wanted)
    return CustomerPage(tuple(map(_decode, found)), has_more)

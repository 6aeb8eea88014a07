"""Payment methods as rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Method, MethodPage
from sycee.services.payments.contract.shared import CustomerId, MethodId, Page
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Method).decode


class Kept(msgspec.Struct, frozen=True):
    """A method, and whether it was detached for good."""

    method: Method
    is_detached: bool


def add(session: Session, method: Method) -> None:
    """Keep a fresh method."""
    session.run(
        "INSERT INTO methods (id, merchant, created, customer, type, is_detached, body)"
        " VALUES (?, ?, ?, ?, ?, 0, ?)",
        method.id,
        method.merchant,
        method.created,
        method.customer,
        method.type,
        _encode(method),
    )


def find(session: Session, merchant: MerchantId, method: MethodId) -> Kept | None:
    """One method of this merchant, also when detached; a foreign one is not found."""
    row = session.row(
        "SELECT body, is_detached FROM methods WHERE id = ? AND merchant = ?", method, merchant
    )
    return Kept(_method(row), row[1] == 1) if row else None


def replace(session: Session, method: Method) -> None:
    """Overwrite what is known of a method."""
    session.run(
        "UPDATE methods SET customer = ?, body = ? WHERE id = ? AND merchant = ?",
        method.customer,
        _encode(method),
        method.id,
        method.merchant,
    )


def detach(session: Session, method: Method) -> None:
    """Overwrite a method that was taken from its customer, for good."""
    session.run(
        "UPDATE methods SET customer = NULL, is_detached = 1, body = ?"
        " WHERE id = ? AND merchant = ?",
        _encode(method),
        method.id,
        method.merchant,
    )


def all_of(session: Session, merchant: MerchantId, customer: CustomerId) -> Sequence[Method]:
    """Every method of a customer, oldest first."""
    rows = session.rows(
        "SELECT body FROM methods WHERE customer = ? AND merchant = ? ORDER BY id",
        customer,
        merchant,
    )
    return [_method(row) for row in rows]


def page_of(
    session: Session, merchant: MerchantId, customer: CustomerId, type: str | None, page: Page
) -> MethodPage:
    """A page of a customer's methods, newest first."""
    wanted = {"customer": customer, "type": type}
    found, has_more = pages.bodies(session, "methods", merchant, page, wanted)
    return MethodPage(tuple(map(_decode, found)), has_more)


def _method(row: Row) -> Method:
    body = row[0]
    assert isinstance(body, bytes), "a method is MessagePack"
    return _decode(body)

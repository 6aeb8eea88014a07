"""Set-ups as rows."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Setup, SetupPage
from sycee.services.payments.contract.shared import CustomerId, Page, SetupId
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Setup).decode


def add(session: Session, setup: Setup) -> None:
    """Keep a fresh set-up."""
    session.run(
        "INSERT INTO setups (id, merchant, created, customer, body) VALUES (?, ?, ?, ?, ?)",
        setup.id,
        setup.merchant,
        setup.created,
        setup.customer,
        _encode(setup),
    )


def find(session: Session, merchant: MerchantId, setup: SetupId) -> Setup | None:
    """One set-up of this merchant; a foreign one is not found."""
    row = session.row("SELECT body FROM setups WHERE id = ? AND merchant = ?", setup, merchant)
    if row is None:
        return None
    body = row[0]
    assert isinstance(body, bytes), "a set-up is MessagePack"
    return _decode(body)


def replace(session: Session, setup: Setup) -> None:
    """Overwrite what is known of a set-up."""
    session.run(
        "UPDATE setups SET customer = ?, body = ? WHERE id = ? AND merchant = ?",
        setup.customer,
        _encode(setup),
        setup.id,
        setup.merchant,
    )


def page_of(
    session: Session, merchant: MerchantId, customer: CustomerId | None, page: Page
) -> SetupPage:
    """A page of a merchant's set-ups, newest first."""
    found, has_more = pages.bodies(session, "setups", merchant, page, {"customer": customer})
    return SetupPage(tuple(map(_decode, found)), has_more)

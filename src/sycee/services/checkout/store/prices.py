"""Prices as rows."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Session
from sycee.services.checkout.contract.catalog import (
    ListPrices,
    Price,
    PriceId,
    PricePage,
    ProductId,
)
from sycee.services.checkout.store import pages
from sycee.services.identity.contract import MerchantId

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Price).decode


def add(session: Session, price: Price) -> None:
    """Keep a fresh price."""
    session.run(
        "INSERT INTO prices (id, merchant, created, livemode, product, currency, is_active,"
        " lookup_key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        price.id,
        price.merchant,
        price.created,
        int(price.livemode),
        price.product,
        price.currency,
        int(price.active),
        price.lookup_key,
        _encode(price),
    )


def find(session: Session, merchant: MerchantId, price: PriceId) -> Price | None:
    """One price of this merchant; a foreign one is not found."""
    sql = "SELECT body FROM prices WHERE id = ? AND merchant = ?"
    row = session.row(sql, price, merchant)
    return None if row is None else _decode(pages.body(row[0]))


def holder_of(session: Session, merchant: MerchantId, livemode: bool, key: str) -> Price | None:
    """The price that has a lookup key."""
    row = session.row(
        "SELECT body FROM prices WHERE merchant = ? AND livemode = ? AND lookup_key = ?",
        merchant,
        int(livemode),
        key,
    )
    return None if row is None else _decode(pages.body(row[0]))


def has_any(session: Session, product: ProductId) -> bool:
    """Whether a product has prices, archived ones among them."""
    return session.row("SELECT 1 FROM prices WHERE product = ? LIMIT 1", product) is not None


def replace(session: Session, price: Price) -> None:
    """Overwrite what is known of a price."""
    session.run(
        "UPDATE prices SET is_active = ?, lookup_key = ?, body = ? WHERE id = ? AND merchant = ?",
        int(price.active),
        price.lookup_key,
        _encode(price),
        price.id,
        price.merchant,
    )


def page_of(session: Session, query: ListPrices) -> PricePage:
    """A page of a merchant's prices, newest first."""
    wanted = {
        "is_active": () if query.active is None else (int(query.active),),
        "currency": () if query.currency is None else (query.currency,),
        "product": () if query.product is None else (query.product,),
        "lookup_key": query.lookup_keys,
    }
    found, has_more = pages.bodies(session, "prices", query.merchant, query.page, wanted)
    return PricePage(tuple(map(_decode, found)), has_more)

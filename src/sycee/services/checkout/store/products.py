"""Products as rows."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Session
from sycee.services.checkout.contract.catalog import (
    ListProducts,
    Product,
    ProductId,
    ProductPage,
)
from sycee.services.checkout.store import pages
from sycee.services.identity.contract import MerchantId

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Product).decode


def add(session: Session, product: Product) -> None:
    """Keep a fresh product."""
    session.run(
        "INSERT INTO products (id, merchant, created, is_active, url, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        product.id,
        product.merchant,
        product.created,
        int(product.active),
        product.url,
        _encode(product),
    )


def find(session: Session, merchant: MerchantId, product: ProductId) -> Product | None:
    """One product of this merchant; a foreign one is not found."""
    sql = "SELECT body FROM products WHERE id = ? AND merchant = ?"
    row = session.row(sql, product, merchant)
    return None if row is None else _decode(pages.body(row[0]))


def replace(session: Session, product: Product) -> None:
    """Overwrite what is known of a product."""
    session.run(
        "UPDATE products SET is_active = ?, url = ?, body = ? WHERE id = ? AND merchant = ?",
        int(product.active),
        product.url,
        _encode(product),
        product.id,
        product.merchant,
    )


def drop(session: Session, product: Product) -> None:
    """Forget a product."""
    sql = "DELETE FROM products WHERE id = ? AND merchant = ?"
    session.run(sql, product.id, product.merchant)


def page_of(session: Session, query: ListProducts) -> ProductPage:
    """A page of a merchant's products, newest first."""
    wanted = {
        "is_active": () if query.active is None else (int(query.active),),
        "url": () if query.url is None else (query.url,),
    }
    found, has_more = pages.bodies(session, "products", query.merchant, query.page, wanted)
    return ProductPage(tuple(map(_decode, found)), has_more)

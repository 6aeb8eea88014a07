"""Endpoints as rows, their secrets sealed beside them, and what was answered to their creation."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import Endpoint, EndpointId, EndpointStatus, ListEndpoints
from sycee.services.notify.store.pages import Selection

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Endpoint).decode


class Sealed(msgspec.Struct, frozen=True):
    """An endpoint without its secret, and the secret under its seal."""

    endpoint: Endpoint
    secret: bytes


class Creation(msgspec.Struct, frozen=True):
    """What was answered to a create, and to which request."""

    request_hash: bytes
    answer: Sealed


def add(session: Session, sealed: Sealed) -> None:
    """Keep a fresh endpoint."""
    endpoint = sealed.endpoint
    session.run(
        "INSERT INTO endpoints (id, merchant, enabled, body, secret) VALUES (?, ?, ?, ?, ?)",
        endpoint.id,
        endpoint.merchant,
        _enabled(endpoint),
        _encode(endpoint),
        sealed.secret,
    )


def replace(session: Session, endpoint: Endpoint) -> None:
    """Overwrite all of an endpoint but its secret."""
    session.run(
        "UPDATE endpoints SET enabled = ?, body = ? WHERE id = ?",
        _enabled(endpoint),
        _encode(endpoint),
        endpoint.id,
    )


def drop(session: Session, endpoint: EndpointId) -> None:
    """Remove an endpoint."""
    session.run("DELETE FROM endpoints WHERE id = ?", endpoint)


def one(session: Session, merchant: MerchantId, endpoint: EndpointId) -> Sealed | None:
    """One endpoint of this merchant, or None."""
    row = session.row(
        "SELECT body, secret FROM endpoints WHERE id = ? AND merchant = ?", endpoint, merchant
    )
    return None if row is None else _sealed(row)


def named(session: Session, merchant: MerchantId, endpoint: EndpointId) -> Endpoint:
    """One endpoint of this merchant, or refuse."""
    sealed = one(session, merchant, endpoint)
    if sealed is None:
        raise NotFound(f"No such webhook endpoint: {endpoint}", param="id")
    return sealed.endpoint


def everything(session: Session) -> list[Sealed]:
    """All endpoints of all merchants, oldest first."""
    return [_sealed(row) for row in session.rows("SELECT body, secret FROM endpoints ORDER BY id")]


def enabled_of(session: Session, merchant: MerchantId) -> frozenset[EndpointId]:
    """The merchant's endpoints that get events."""
    rows = session.rows("SELECT id FROM endpoints WHERE merchant = ? AND enabled = 1", merchant)
    return frozenset(EndpointId(str(row[0])) for row in rows)


def is_enabled(session: Session, endpoint: EndpointId) -> bool | None:
    """Whether the endpoint gets events; None when there is no such endpoint."""
    row = session.row("SELECT enabled FROM endpoints WHERE id = ?", endpoint)
    return None if row is None else bool(row[0])


def page(session: Session, query: ListEndpoints) -> tuple[tuple[Endpoint, ...], bool]:
    """A page of a merchant's endpoints, newest first, and whether there are more."""
    selection = Selection("endpoints", "id, body").where("merchant = ?", query.merchant)
    rows, more = selection.page(session, query.page)
    return tuple(_endpoint(row[1]) for row in rows), more


def creation(session: Session, merchant: MerchantId, key: str) -> Creation | None:
    """What was answered under this idempotency key."""
    row = session.row(
        "SELECT body, secret, request_hash FROM creations WHERE merchant = ? AND key = ?",
        merchant,
        key,
    )
    return None if row is None else Creation(_bytes(row[2]), _sealed(row))


def add_creation(session: Session, key: str, created: Creation) -> None:
    """Remember an answer under its idempotency key."""
    endpoint = created.answer.endpoint
    session.run(
        "INSERT INTO creations (merchant, key, created, request_hash, body, secret)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        endpoint.merchant,
        key,
        endpoint.created,
        created.request_hash,
        _encode(endpoint),
        created.answer.secret,
    )


def drop_creations(session: Session, before: Instant) -> None:
    """Forget old answers."""
    session.run("DELETE FROM creations WHERE created < ?", before)


def _enabled(endpoint: Endpoint) -> int:
    return int(endpoint.status is EndpointStatus.ENABLED)


def _sealed(row: Row) -> Sealed:
    return Sealed(_endpoint(row[0]), _bytes(row[1]))


def _endpoint(body: object) -> Endpoint:
    return _decode(_bytes(body))


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes), "a body, a secret and a hash are bytes"
    return value

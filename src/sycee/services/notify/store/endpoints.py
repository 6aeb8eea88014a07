"""Endpoints as rows, their secrets sealed beside them: the present one and the former one."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import Endpoint, EndpointId, EndpointStatus, ListEndpoints
from sycee.services.notify.domain.rotation import Former, Keys
from sycee.services.notify.store.pages import Selection

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Endpoint).decode
_SELECT = (
    "SELECT e.body, e.secret, r.generation, r.previous_secret, r.previous_until"
    " FROM endpoints e LEFT JOIN rotations r ON r.endpoint = e.id"
)


class Sealed(msgspec.Struct, frozen=True):
    """An endpoint without its secret, and its secrets under their seals."""

    endpoint: Endpoint
    keys: Keys


def add(session: Session, sealed: Sealed) -> None:
    """Keep a fresh endpoint."""
    endpoint = sealed.endpoint
    session.run(
        "INSERT INTO endpoints (id, merchant, enabled, body, secret) VALUES (?, ?, ?, ?, ?)",
        endpoint.id,
        endpoint.merchant,
        _enabled(endpoint),
        _encode(endpoint),
        sealed.keys.secret,
    )


def replace(session: Session, endpoint: Endpoint) -> None:
    """Overwrite all of an endpoint but its secrets."""
    session.run(
        "UPDATE endpoints SET enabled = ?, body = ? WHERE id = ?",
        _enabled(endpoint),
        _encode(endpoint),
        endpoint.id,
    )


def rotate(session: Session, endpoint: EndpointId, keys: Keys) -> None:
    """Put an endpoint's new keys in place of those before."""
    former = keys.former
    session.run("UPDATE endpoints SET secret = ? WHERE id = ?", keys.secret, endpoint)
    session.run(
        "INSERT INTO rotations (endpoint, generation, previous_secret, previous_until)"
        " VALUES (?, ?, ?, ?) ON CONFLICT (endpoint) DO UPDATE SET"
        " generation = excluded.generation, previous_secret = excluded.previous_secret,"
        " previous_until = excluded.previous_until",
        endpoint,
        keys.generation,
        None if former is None else former.secret,
        None if former is None else former.until,
    )


def drop(session: Session, endpoint: EndpointId) -> None:
    """Remove an endpoint and its keys."""
    session.run("DELETE FROM rotations WHERE endpoint = ?", endpoint)
    session.run("DELETE FROM endpoints WHERE id = ?", endpoint)


def one(session: Session, merchant: MerchantId, endpoint: EndpointId) -> Sealed | None:
    """One endpoint of this merchant, or None."""
    row = session.row(f"{_SELECT} WHERE e.id = ? AND e.merchant = ?", endpoint, merchant)
    return None if row is None else _sealed(row)


def named(session: Session, merchant: MerchantId, endpoint: EndpointId) -> Endpoint:
    """One endpoint of this merchant, or refuse."""
    return named_sealed(session, merchant, endpoint).endpoint


def named_sealed(session: Session, merchant: MerchantId, endpoint: EndpointId) -> Sealed:
    """The same, with its keys."""
    sealed = one(session, merchant, endpoint)
    if sealed is None:
        raise NotFound(f"No such webhook endpoint: {endpoint}", param="id")
    return sealed


def everything(session: Session) -> list[Sealed]:
    """All endpoints of all merchants, oldest first."""
    return [_sealed(row) for row in session.rows(f"{_SELECT} ORDER BY e.id")]


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


def _enabled(endpoint: Endpoint) -> int:
    return int(endpoint.status is EndpointStatus.ENABLED)


def _sealed(row: Row) -> Sealed:
    generation, secret, until = row[2:]
    if not isinstance(generation, int):
        return Sealed(_endpoint(row[0]), Keys(_bytes(row[1])))
    former = Former(_bytes(secret), Instant(until)) if isinstance(until, int) else None
    return Sealed(_endpoint(row[0]), Keys(_bytes(row[1]), generation, former))


def _endpoint(body: object) -> Endpoint:
    return _decode(_bytes(body))


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes), "a body and a secret are bytes"
    return value

"""The way of every request: route, key, parameters, answer; and the one place where faults end."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from sycee.gateway.access import (
    VERSION,
    Access,
    check_rights,
    check_version,
    idempotency_key,
)
from sycee.gateway.asgi import Header, Receive, Scope, Send
from sycee.gateway.edge.body import Disconnected, acceptable, read_body, read_parameters
from sycee.gateway.refusals import NotAcceptable, Overloaded
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, Table
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import Refusal

FAULT_STATUS = 500

log = logging.getLogger("sycee.gateway")


class Dialect(Protocol):
    """How a family of paths words its noes."""

    async def refused(self, request_id: str, refusal: Refusal, request: Request | None) -> Answer:
        """An expected no; ``request`` is there once it was let in."""
        ...

    def failed(self, request_id: str) -> Answer:
        """A fault: nothing about its inside is told."""
        ...


class Observe(Protocol):
    """Counts answers."""

    def __call__(self, route: str, status: int, seconds: float) -> None:
        """One answer was sent; ``route`` is the table's path, not the request's."""
        ...


class Pipeline:
    """The ASGI application."""

    def __init__(
        self, table: Table, access: Access, ids: Ids, dialects: Mapping[str, Dialect], most: int
    ) -> None:
        self._table = table
        self._access = access
        self._ids = ids
        self._dialects = dialects
        self._most = most
        self._in_flight = 0

    def new_request_id(self) -> str:
        """A fresh ``req_…``."""
        return self._ids.new("req")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http", "the doors speak HTTP only"
        request_id = self.new_request_id()
        fields = dict(scope["headers"])
        self._in_flight += 1
        try:
            answer = await self._answer(scope, fields, receive, request_id)
        except Disconnected:
            return
        finally:
            self._in_flight -= 1
        await _send(answer, request_id, fields, send)

    async def _answer(
        self, scope: Scope, fields: Mapping[bytes, bytes], receive: Receive, request_id: str
    ) -> Answer:
        request = Request(request_id, scope["method"], scope["path"], {}, {})
        dialect = dialect_of(self._dialects, scope["path"])
        try:
            route, request.arguments = self._table.find(scope["method"], scope["path"])
            await self._let_in(route, request, scope, fields)
            body = await read_body(receive)
            request.parameters, request.form = read_parameters(scope, fields, body)
            return await route.handle(request)
        except Refusal as refusal:
            return await dialect.refused(request_id, refusal, request)
        except Disconnected:
            raise
        except Exception:
            log.exception("fault", extra={"request": request_id, "method": request.method})
            return dialect.failed(request_id)

    async def _let_in(
        self, route: Route, request: Request, scope: Scope, fields: Mapping[bytes, bytes]
    ) -> None:
        if self._in_flight * 100 > self._most * route.priority:
            raise Overloaded("Too many requests at once; try again in a second.")
        if not route.page and not acceptable(fields.get(b"accept", b"*/*")):
            raise NotAcceptable("Every answer here is JSON.")
        if route.roles:
            request.caller = await self._access.caller(fields.get(b"authorization"))
            check_rights(request.caller, route)
        check_version(fields.get(b"stripe-version"))
        if request.method == "POST":
            request.idempotency_key = idempotency_key(fields.get(b"idempotency-key"))
        request.ip = scope["client"][0] if scope["client"] else None


def dialect_of(dialects: Mapping[str, Dialect], path: str) -> Dialect:
    """The dialect of a path's first part, or the one of the empty name."""
    return dialects.get(path[1:].partition("/")[0]) or dialects[""]


async def _send(answer: Answer, request_id: str, fields: Mapping[bytes, bytes], send: Send) -> None:
    headers: list[Header] = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
        (b"request-id", request_id.encode()),
        (b"stripe-version", VERSION),
        *answer.headers,
    ]
    key = fields.get(b"idempotency-key")
    if key and key.isascii():
        headers.append((b"idempotency-key", key))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})

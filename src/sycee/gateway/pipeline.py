"""The way of every request: route, key, parameters, answer; and the one place where faults end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from sycee.gateway.access import (
    VERSION,
    Access,
    check_rights,
    check_version,
    idempotency_key,
)
from sycee.gateway.admission import Admission
from sycee.gateway.asgi import Header, Receive, Scope, Send
from sycee.gateway.edge.body import (
    Disconnected,
    acceptable,
    check_text,
    read_body,
    read_parameters,
)
from sycee.gateway.edge.forms import read_form
from sycee.gateway.rates import Turnstile
from sycee.gateway.refusals import TOO_MANY, NotAcceptable, Overloaded
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, Table
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import Refusal
from sycee.runtime import logs, metrics, trace

DOOR = "rest"

log = logs.logger("gateway")


class Dialect(Protocol):
    """How a family of paths words its noes."""

    async def refused(self, request_id: str, refusal: Refusal, request: Request | None) -> Answer:
        """An expected no; ``request`` is there once it was let in."""
        ...

    def failed(self, request_id: str) -> Answer:
        """A fault: nothing about its inside is told."""
        ...


class Pipeline:
    """The ASGI application."""

    def __init__(
        self,
        table: Table,
        access: Access,
        turnstile: Turnstile,
        ids: Ids,
        dialects: Mapping[str, Dialect],
        most: int,
    ) -> None:
        self.routes = table.routes
        self._table = table
        self._access = access
        self._turnstile = turnstile
        self._ids = ids
        self._dialects = dialects
        self.admission = Admission(most)

    def sheds(self, method: str, path: str) -> bool:
        """Whether a request has to come again, as far as can be said before it is read."""
        if self.admission.is_calm:
            return False
        try:
            route, _ = self._table.find(method, path)
        except Refusal:
            return False
        return self.admission.is_full(route.priority)

    def note(self, late_s: float) -> None:
        """A timer came late by this."""
        self.admission.note(late_s)

    def new_request_id(self) -> str:
        """A fresh ``req_…``."""
        return self._ids.new("req")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http", "the doors speak HTTP only"
        began = time.perf_counter()
        fields = dict(scope["headers"])
        trace.begin(trace.parse(fields.get(b"traceparent", b"").decode("latin-1")))
        request = Request(self.new_request_id(), scope["method"], scope["path"], {}, {})
        try:
            answer = await self._answer(request, scope, fields, receive)
        except Disconnected:
            return
        await _send(answer, request, fields, send)
        _observe(request.operation, answer.status, time.perf_counter() - began)

    async def _answer(
        self, request: Request, scope: Scope, fields: Mapping[bytes, bytes], receive: Receive
    ) -> Answer:
        dialect = dialect_of(self._dialects, request.path)
        try:
            route, request.arguments = self._table.find(request.method, request.path)
            request.operation = route.operation
            self._check_room(route)
            await self._let_in(route, request, scope, fields)
            if route.takes_text:
                check_text(fields)
                request.body = await read_body(receive)
                request.parameters = read_form(scope["query_string"])
            else:
                body = await read_body(receive)
                request.parameters, request.form = read_parameters(scope, fields, body)
            return await self._worked_on(route, request)
        except Refusal as refusal:
            return await self._refused(dialect, request, refusal)
        except Disconnected:
            raise
        except Exception:  # noqa: BLE001 - the one place where faults are logged
            return _failed(dialect, request)

    async def _worked_on(self, route: Route, request: Request) -> Answer:
        """Count only complete requests: a slow sender must not use up the others' places."""
        self._check_room(route)
        self.admission.enter()
        try:
            return await route.handle(request)
        finally:
            self.admission.leave()

    def _check_room(self, route: Route) -> None:
        if self.admission.is_full(route.priority):
            raise Overloaded(TOO_MANY)

    async def _refused(self, dialect: Dialect, request: Request, refusal: Refusal) -> Answer:
        try:
            return await dialect.refused(request.id, refusal, request)
        except Exception:  # noqa: BLE001 - wording a no may ask a service, which may fail
            return _failed(dialect, request)

    async def _let_in(
        self, route: Route, request: Request, scope: Scope, fields: Mapping[bytes, bytes]
    ) -> None:
        if not route.page and not acceptable(fields.get(b"accept", b"*/*"), route.also):
            raise NotAcceptable("Every answer here is JSON, or what its reference names.")
        if route.roles:
            request.caller = await self._access.caller(fields.get(b"authorization"))
            check_rights(request.caller, route)
            request.standing = self._turnstile.pass_through(request.caller, route.priority)
        check_version(fields.get(b"stripe-version"))
        if request.method == "POST":
            request.idempotency_key = idempotency_key(fields.get(b"idempotency-key"))
        request.ip = scope["client"][0] if scope["client"] else None


def dialect_of(dialects: Mapping[str, Dialect], path: str) -> Dialect:
    """The dialect of a path's first part, or the one of the empty name."""
    return dialects.get(path[1:].partition("/")[0]) or dialects[""]


def _failed(dialect: Dialect, request: Request) -> Answer:
    log.fault("request_failed", request=request.id, operation=request.operation)
    return dialect.failed(request.id)


def _observe(operation: str, status: int, seconds: float) -> None:
    metrics.request_seconds(DOOR, operation, _CLASSES[status // 100]).observe(seconds)


_CLASSES = ("", "1xx", "2xx", "3xx", "4xx", "5xx")


async def _send(
    answer: Answer, request: Request, fields: Mapping[bytes, bytes], send: Send
) -> None:
    headers: list[Header] = [
        (b"content-type", answer.content_type),
        (b"cache-control", b"no-store"),
        (b"request-id", request.id.encode()),
        (b"stripe-version", VERSION),
        *request.standing,
        *answer.headers,
    ]
    if answer.stream is None:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    key = fields.get(b"idempotency-key")
    if key and key.isascii():
        headers.append((b"idempotency-key", key))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    last = answer.body
    if answer.stream is not None:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        if not await _is_sent(answer.stream, request, send):
            return
        last = b""
    await send({"type": "http.response.body", "body": last, "more_body": False})


async def _is_sent(stream: AsyncIterator[bytes], request: Request, send: Send) -> bool:
    """Send piece by piece; False when it broke off. The connection is then closed without an end,
    which tells the caller that something is missing."""
    try:
        async for piece in stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except Refusal as refusal:
        log.info("answer_cut_short", request=request.id, code=refusal.code)
        return False
    except Exception:  # noqa: BLE001 - the answer has begun: its end is all that can be kept back
        log.fault("answer_cut_short", request=request.id, operation=request.operation)
        return False
    return True

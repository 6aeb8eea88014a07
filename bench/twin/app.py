"""The twin's application: who asks, what they ask, and what is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Form, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from bench.twin.checks import Merchant, Refused, error_body
from bench.twin.confirm import Confirm
from bench.twin.create import Create
from bench.twin.shapes import Confirming, Creating, Wrong
from bench.twin.store import FIND_MERCHANT, Store, digest, opened
from bench.twin.visit import Answer, Visit, new_id, request_hash

KeyHeader = Annotated[str | None, Header(min_length=1, max_length=255)]


async def merchant(request: Request, authorization: Annotated[str, Header()] = "") -> Merchant:
    """Who holds the key of a request."""
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() == "bearer":
        row = await _store(request).row(FIND_MERCHANT, digest(secret))
        if row is not None:
            return Merchant._make(row)
    raise Refused(401, "api_key_invalid", "Send an API key: Authorization: Bearer sk_….")


Caller = Annotated[Merchant, Depends(merchant)]


def build(path: str, key: str) -> FastAPI:
    """The application over a database at a path, for one merchant with a key."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(path, key) as store:
            app.state.store = store
            yield

    app = FastAPI(lifespan=lifespan)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)

    @app.post("/v1/payment_intents")
    async def create(
        request: Request,
        caller: Caller,
        given: Annotated[Creating, Form()],
        idempotency_key: KeyHeader = None,
    ) -> Response:
        """Create a payment intent."""
        visit = Visit(new_id("req"), caller, idempotency_key, request_hash(request, given))
        return _response(visit, await Create(_store(request), visit, given).answer())

    @app.post("/v1/payment_intents/{payment}/confirm")
    async def confirm(
        request: Request,
        payment: str,
        caller: Caller,
        given: Annotated[Confirming, Form()],
        idempotency_key: KeyHeader = None,
    ) -> Response:
        """Confirm a payment intent: try to take the money."""
        visit = Visit(new_id("req"), caller, idempotency_key, request_hash(request, given))
        return _response(visit, await Confirm(_store(request), visit, payment, given).answer())

    return app


def _store(request: Request) -> Store:
    store = request.app.state.store
    assert isinstance(store, Store), "open while requests come"
    return store


def _response(visit: Visit, answer: Answer) -> Response:
    return Response(
        answer.body, answer.status, {"request-id": visit.request}, media_type="application/json"
    )


async def _refused(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refused), "registered for this class"
    return Response(refusal.body(), refusal.status, media_type="application/json")


async def _invalid(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError), "registered for this class"
    first = fault.errors()[0]
    wrong = Wrong(code="parameter_invalid", message=first["msg"], param=str(first["loc"][-1]))
    return Response(error_body(wrong), 400, media_type="application/json")

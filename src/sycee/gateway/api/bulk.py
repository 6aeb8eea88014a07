"""``/api/payments/bulk``: many payments in one call, each with its own key and its own result."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.links import Links
from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Answer, Raw, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.errors import StripeDialect
from sycee.gateway.stripe.payment_intents.parameters import Creating, create_command
from sycee.gateway.stripe.payment_intents.render import render_payment
from sycee.gateway.stripe.shapes import Public, answer
from sycee.kernel.refusal import Refusal
from sycee.runtime import logs
from sycee.services.payments.contract import Payments

PATH = "/api/payments/bulk"
ITEMS_MAX = 100

log = logs.logger("bulk")


class Item(Creating, frozen=True, kw_only=True):
    """One payment, as ``POST /v1/payment_intents`` takes it, with the key that guards it."""

    idempotency_key: Annotated[str, Meta(max_length=255)]


class Bulk(msgspec.Struct, frozen=True):
    """Parameters of the call."""

    payments: list[Item]


class _Error(msgspec.Struct, frozen=True):
    """Of an error's body, what it is."""

    error: Public


_error = msgspec.json.Decoder(_Error).decode


class BulkPayments:
    """Creates many payments at once."""

    def __init__(self, payments: Payments, links: Links) -> None:
        self._payments = payments
        self._links = links
        self._dialect = StripeDialect(payments, links)

    def routes(self) -> list[Route]:
        """Their routes."""
        return [route(f"POST {PATH}", self.create, Bulk, answers="document")]

    async def create(self, request: Request, given: Bulk) -> Answer:
        """Create up to 100 payments, each on its own: a result for each, in order.

        What cannot be read is refused as a whole, before anything is done.
        """
        _check(request, given.payments)
        raw = request.parameters["payments"]
        assert isinstance(raw, list), "the items were read"
        # Side by side they share the units of the databases and the batches of the ledger.
        results = await asyncio.gather(
            *(
                self._result(_of_item(request, each, item), item)
                for each, item in zip(raw, given.payments, strict=True)
            )
        )
        return answer({"object": "list", "data": results, "has_more": False, "url": PATH})

    async def _result(self, request: Request, item: Item) -> Public:
        try:
            payment = await self._payments.create_payment(create_command(request, item))
        except Refusal as refusal:
            return _refused(item, await self._dialect.refused(request.id, refusal, request))
        except Exception:  # noqa: BLE001 - the others' results must reach the caller all the same
            log.fault("item_failed", request=request.id, key=item.idempotency_key)
            return _refused(item, self._dialect.failed(request.id))
        public = render_payment(payment, self._links)
        return _shown(item, 200, public, None)


def _check(request: Request, items: list[Item]) -> None:
    if request.form:
        raise ParameterInvalid("payments are taken as JSON.", param="payments")
    if request.idempotency_key is not None:
        raise ParameterInvalid("Each payment has an idempotency_key of its own; send no header.")
    if not 1 <= len(items) <= ITEMS_MAX:
        raise ParameterInvalid(f"payments has 1 to {ITEMS_MAX} items.", param="payments")
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = f"payments[{index}]"
        if not item.idempotency_key or item.idempotency_key in seen:
            param = f"{name}[idempotency_key]"
            raise ParameterInvalid(
                f"{param} is empty or was used in this call before.", param=param
            )
        if item.expand:
            raise ParameterInvalid("Nothing is expanded here.", param=f"{name}[expand]")
        seen.add(item.idempotency_key)


def _of_item(request: Request, raw: Raw, item: Item) -> Request:
    """The call as if it brought this item alone."""
    assert isinstance(raw, dict), "the item was read"
    return msgspec.structs.replace(request, parameters=raw, idempotency_key=item.idempotency_key)


def _refused(item: Item, refused: Answer) -> Public:
    return _shown(item, refused.status, None, _error(refused.body).error)


def _shown(item: Item, status: int, payment: Public | None, error: Public | None) -> Public:
    return {
        "idempotency_key": item.idempotency_key,
        "status": status,
        "payment_intent": payment,
        "error": error,
    }

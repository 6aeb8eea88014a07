"""``/api/webhook_endpoints/{id}/…``: the keys that an endpoint's webhooks are signed with."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Empty, Route, route
from sycee.gateway.stripe.shapes import Public, answer, unix
from sycee.services.notify.contract import (
    EndpointId,
    EndpointQuery,
    Notify,
    RotateSecret,
    SigningKeys,
)

ONE = "/api/webhook_endpoints/{id}"


class RotatingSecret(msgspec.Struct, frozen=True):
    """For how many seconds the former keys go on signing beside the new ones; 0 stops them now."""

    overlap_s: Annotated[int, Meta(ge=0, le=604_800)] = 86_400


class EndpointKeys:
    """What receivers verify with, and its replacement."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify

    def routes(self) -> list[Route]:
        """Their routes."""
        one, scope, rotate = "signing_keys", "webhooks", f"POST {ONE}/rotate_secret"
        return [
            route(f"GET {ONE}/signing_keys", self.retrieve, Empty, answers=one, scope=scope),
            route(rotate, self.rotate, RotatingSecret, answers=one, scope=scope),
        ]

    async def retrieve(self, request: Request, given: Empty) -> Answer:
        """Retrieve the public keys of a webhook endpoint, and until when the former ones sign."""
        query = EndpointQuery(request.merchant, EndpointId(request.arguments["id"]))
        return answer(render_signing_keys(await self._notify.get_signing_keys(query)))

    async def rotate(self, request: Request, given: RotatingSecret) -> Answer:
        """Replace the signing secret of a webhook endpoint; only this answer tells the new one."""
        origin = request.origin()
        command = RotateSecret(
            origin.merchant,
            EndpointId(request.arguments["id"]),
            given.overlap_s,
            origin.idempotency_key,
            origin.request_hash,
        )
        return answer(render_signing_keys(await self._notify.rotate_secret(command)))


def render_signing_keys(keys: SigningKeys) -> Public:
    """An endpoint's keys, as far as a receiver may know them."""
    public: Public = {
        "object": "signing_keys",
        "endpoint": keys.endpoint,
        "generation": keys.generation,
        "public_key": keys.public_key,
        "previous_public_key": keys.previous_public_key,
        "previous_until": unix(keys.previous_until),
    }
    if keys.secret is not None:
        public["secret"] = keys.secret
    return public

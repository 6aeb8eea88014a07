"""``/v1/webhook_endpoints``: where a merchant wants its events."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import Paging, page
from sycee.gateway.stripe.shapes import (
    Expanding,
    MetadataGiven,
    Public,
    Text,
    answer,
    changed_metadata,
    listing,
    unix,
)
from sycee.services.notify.contract import (
    CreateEndpoint,
    Endpoint,
    EndpointId,
    EndpointQuery,
    ListEndpoints,
    Notify,
    UpdateEndpoint,
)
from sycee.services.notify.contract import Page as NotifyPage

PATH = "/v1/webhook_endpoints"
ONE = PATH + "/{id}"

Url = Annotated[str, Meta(max_length=2048)]


class Creating(Expanding, frozen=True, kw_only=True):
    """Parameters of create."""

    url: Url
    enabled_events: list[Text]
    api_version: Text | None = None
    description: Text | None = None
    metadata: MetadataGiven = None


class Updating(Expanding, frozen=True, kw_only=True):
    """Parameters of update."""

    url: Url | None = None
    enabled_events: list[Text] | None = None
    disabled: bool | None = None
    description: Text | None = None
    metadata: MetadataGiven = None


class WebhookEndpoints:
    """The operations on webhook endpoints."""

    def __init__(self, notify: Notify, expander: Expander) -> None:
        self._notify = notify
        self._expander = expander

    def routes(self) -> list[Route]:
        """Their routes."""
        one, many, scope = "webhook_endpoint", "list of webhook_endpoint", "webhooks"
        return [
            route(f"POST {PATH}", self.create, Creating, answers=one, scope=scope),
            route(f"GET {PATH}", self.list_page, Paging, answers=many, scope=scope),
            route(f"GET {ONE}", self.retrieve, Expanding, answers=one, scope=scope),
            route(f"POST {ONE}", self.update, Updating, answers=one, scope=scope),
            route(f"DELETE {ONE}", self.delete, Expanding, answers=f"deleted_{one}", scope=scope),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Create a webhook endpoint; only this answer tells its signing secret."""
        origin = request.origin()
        endpoint = await self._notify.create_endpoint(
            CreateEndpoint(
                origin.merchant,
                given.url,
                tuple(given.enabled_events),
                origin.livemode,
                given.description,
                given.metadata or {},
                given.api_version,
                origin.idempotency_key,
                origin.request_hash,
            )
        )
        return await self._expander.shown(request, render_endpoint(endpoint), given.expand)

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a webhook endpoint."""
        endpoint = await self._notify.get_endpoint(_query(request))
        return await self._expander.shown(request, render_endpoint(endpoint), given.expand)

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update a webhook endpoint."""
        events = given.enabled_events
        command = UpdateEndpoint(
            request.merchant,
            _query(request).id,
            given.url,
            None if events is None else tuple(events),
            given.disabled,
            given.description,
            await changed_metadata(given.metadata, lambda: self._metadata(request)),
        )
        endpoint = await self._notify.update_endpoint(command)
        return await self._expander.shown(request, render_endpoint(endpoint), given.expand)

    async def delete(self, request: Request, given: Expanding) -> Answer:
        """Delete a webhook endpoint."""
        gone = await self._notify.delete_endpoint(_query(request))
        return answer({"id": gone.id, "object": "webhook_endpoint", "deleted": True})

    async def list_page(self, request: Request, given: Paging) -> Answer:
        """List webhook endpoints, newest first."""
        wanted = page(given)
        cursor = NotifyPage(wanted.limit, wanted.starting_after, wanted.ending_before)
        found = await self._notify.list_endpoints(ListEndpoints(request.merchant, cursor))
        public = listing(PATH, found.endpoints, found.has_more, render_endpoint)
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> dict[str, str]:
        return (await self._notify.get_endpoint(_query(request))).metadata


def render_endpoint(endpoint: Endpoint) -> Public:
    """An endpoint as the public ``webhook_endpoint`` object."""
    public: Public = {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "application": None,
        "created": unix(endpoint.created),
        "description": endpoint.description,
        "enabled_events": endpoint.enabled_events,
        "livemode": endpoint.livemode,
        "metadata": endpoint.metadata,
        "status": endpoint.status.value,
        "url": endpoint.url,
    }
    if endpoint.secret is not None:
        public["secret"] = endpoint.secret
    return public


def _query(request: Request) -> EndpointQuery:
    return EndpointQuery(request.merchant, EndpointId(request.arguments["id"]))

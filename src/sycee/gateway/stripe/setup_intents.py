"""``/v1/setup_intents``: create, retrieve, update, confirm, cancel, list."""

from __future__ import annotations

import hmac
from typing import Literal

from sycee.gateway.links import Links
from sycee.gateway.refusals import KeyNotAllowed
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.payment_intents.parameters import Automatic, Url
from sycee.gateway.stripe.shapes import (
    Expanding,
    Id,
    MetadataGiven,
    MethodGiven,
    Public,
    Text,
    changed_metadata,
    listing,
    new_method,
    unix,
)
from sycee.kernel.refusal import NotFound
from sycee.services.identity.contract import Role
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.customers import (
    CancelSetup,
    ConfirmSetup,
    CreateSetup,
    ListSetups,
    Setup,
    SetupFields,
    SetupQuery,
    UpdateSetup,
)
from sycee.services.payments.contract.intents import ClientSecretInvalid
from sycee.services.payments.contract.shared import (
    CustomerId,
    Metadata,
    MethodId,
    SetupCancelReason,
    SetupId,
    Usage,
)

PATH = "/v1/setup_intents"
ONE = PATH + "/{intent}"


class Updating(Expanding, frozen=True, kw_only=True):
    """Parameters of update."""

    customer: Id | None = None
    description: Text | None = None
    metadata: MetadataGiven = None
    payment_method: Id | None = None
    payment_method_data: MethodGiven | None = None
    payment_method_types: list[Literal["card"]] | None = None


class Creating(Updating, frozen=True, kw_only=True):
    """Parameters of create."""

    automatic_payment_methods: Automatic | None = None
    confirm: bool = False
    return_url: Url | None = None
    usage: Usage = "off_session"
    use_stripe_sdk: bool = False


class Retrieving(Expanding, frozen=True, kw_only=True):
    """Parameters of retrieve."""

    client_secret: Text | None = None


class Confirming(Retrieving, frozen=True, kw_only=True):
    """Parameters of confirm."""

    payment_method: Id | None = None
    payment_method_data: MethodGiven | None = None
    return_url: Url | None = None
    use_stripe_sdk: bool = False


class Cancelling(Expanding, frozen=True, kw_only=True):
    """Parameters of cancel."""

    cancellation_reason: SetupCancelReason | None = None


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    customer: Id | None = None


class SetupIntents:
    """The operations on setup intents."""

    def __init__(self, payments: Payments, expander: Expander, links: Links) -> None:
        self._payments = payments
        self._expander = expander
        self._links = links

    def routes(self) -> list[Route]:
        """Their routes."""
        one = "setup_intent"
        return [
            route(f"POST {PATH}", self.create, Creating, answers=one),
            route(f"GET {PATH}", self.list_page, Listing, answers=f"list of {one}"),
            route(f"GET {ONE}", self.retrieve, Retrieving, answers=one, browsers=True),
            route(f"POST {ONE}", self.update, Updating, answers=one),
            route(f"POST {ONE}/confirm", self.confirm, Confirming, answers=one, browsers=True),
            route(f"POST {ONE}/cancel", self.cancel, Cancelling, answers=one),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Create a setup intent, and with confirm=true check the method at once."""
        fields = SetupFields(
            customer=_customer(given.customer),
            method=_method(given.payment_method),
            new_method=new_method(given.payment_method_data),
            description=given.description,
            metadata=given.metadata or None,
            usage=given.usage,
            return_url=given.return_url,
        )
        command = CreateSetup(request.origin(), fields, given.confirm)
        return await self._shown(request, await self._payments.create_setup(command), given.expand)

    async def retrieve(self, request: Request, given: Retrieving) -> Answer:
        """Retrieve a setup intent."""
        _check_ticket(request, given.client_secret)
        query = SetupQuery(request.merchant, _id(request))
        setup = await opened_setup(self._payments, query, given.client_secret)
        return await self._shown(request, setup, given.expand)

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update a setup intent that is not finished."""
        fields = SetupFields(
            customer=_customer(given.customer),
            method=_method(given.payment_method),
            new_method=new_method(given.payment_method_data),
            description=given.description,
            metadata=await changed_metadata(given.metadata, lambda: self._metadata(request)),
        )
        command = UpdateSetup(request.origin(), _id(request), fields)
        return await self._shown(request, await self._payments.update_setup(command), given.expand)

    async def confirm(self, request: Request, given: Confirming) -> Answer:
        """Confirm a setup intent: check the method with its rail."""
        _check_ticket(request, given.client_secret)
        if given.client_secret is not None:
            query = SetupQuery(request.merchant, _id(request))
            await opened_setup(self._payments, query, given.client_secret)
        fields = SetupFields(
            method=_method(given.payment_method),
            new_method=new_method(given.payment_method_data),
            return_url=given.return_url,
        )
        command = ConfirmSetup(request.origin(), _id(request), fields)
        return await self._shown(request, await self._payments.confirm_setup(command), given.expand)

    async def cancel(self, request: Request, given: Cancelling) -> Answer:
        """Cancel a setup intent."""
        command = CancelSetup(request.origin(), _id(request), given.cancellation_reason)
        return await self._shown(request, await self._payments.cancel_setup(command), given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List setup intents, newest first."""
        query = ListSetups(request.merchant, page(given), _customer(given.customer))
        found = await self._payments.list_setups(query)
        public = listing(
            PATH, found.items, found.has_more, lambda each: render_setup(each, self._links)
        )
        return await self._expander.shown(request, public, given.expand)

    async def _shown(self, request: Request, setup: Setup, expand: list[str]) -> Answer:
        paths = [] if _is_browser(request) else expand
        return await self._expander.shown(request, render_setup(setup, self._links), paths)

    async def _metadata(self, request: Request) -> Metadata:
        query = SetupQuery(request.merchant, _id(request))
        return (await self._payments.get_setup(query)).metadata


async def opened_setup(payments: Payments, query: SetupQuery, client_secret: str | None) -> Setup:
    """The set-up, for a caller who may have to know its secret.

    Who brings a secret does not learn whether the id or the secret is wrong.
    """
    if client_secret is None:
        return await payments.get_setup(query)
    no = ClientSecretInvalid("There is no setup intent with this id and client secret.")
    try:
        setup = await payments.get_setup(query)
    except NotFound:
        raise no from None
    if not hmac.compare_digest(client_secret.encode(), setup.client_secret.encode()):
        raise no
    return setup


def render_setup(setup: Setup, links: Links) -> Public:
    """A set-up as the public ``setup_intent`` object."""
    return {
        "id": setup.id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": setup.cancellation_reason,
        "client_secret": setup.client_secret,
        "created": unix(setup.created),
        "customer": setup.customer,
        "customer_account": None,
        "description": setup.description,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": _error(setup, links),
        "latest_attempt": None,
        "livemode": setup.livemode,
        "managed_payments": None,
        "mandate": None,
        "metadata": setup.metadata,
        "next_action": _next_action(setup, links),
        "on_behalf_of": None,
        "payment_method": setup.method,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": None}
        },
        "payment_method_types": setup.method_types,
        "single_use_mandate": None,
        "status": setup.status.value,
        "usage": setup.usage,
    }


def _error(setup: Setup, links: Links) -> Public | None:
    if setup.error_code is None:
        return None
    public: Public = {
        "type": "card_error",
        "code": setup.error_code,
        "doc_url": links.error(setup.error_code),
        "message": setup.error_message or "The payment method was declined.",
    }
    if setup.error_decline_code is not None:
        public["decline_code"] = setup.error_decline_code
    return public


def _next_action(setup: Setup, links: Links) -> Public | None:
    if setup.next_action_url is None:
        return None
    redirect = {"return_url": setup.return_url, "url": links.absolute(setup.next_action_url)}
    return {"type": "redirect_to_url", "redirect_to_url": redirect}


def _is_browser(request: Request) -> bool:
    return request.caller is not None and request.caller.role is Role.PUBLISHABLE


def _check_ticket(request: Request, client_secret: str | None) -> None:
    """A browser must bring the client secret, or it does not learn what there is."""
    if client_secret is None and _is_browser(request):
        raise KeyNotAllowed("A publishable key needs the client_secret.", param="client_secret")


def _customer(id: str | None) -> CustomerId | None:
    return None if id is None else CustomerId(id)


def _method(id: str | None) -> MethodId | None:
    return None if id is None else MethodId(id)


def _id(request: Request) -> SetupId:
    return SetupId(request.arguments["intent"])

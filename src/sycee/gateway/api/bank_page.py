"""The test rail's stand-in for a bank's 3-D Secure page: two buttons, no scripts."""

from __future__ import annotations

import contextlib
from html import escape
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Meta

from sycee.gateway.api.pages import style_hash
from sycee.gateway.asgi import Header
from sycee.gateway.request import HTML, Answer, Request
from sycee.gateway.routes import ANYONE, Route, route
from sycee.gateway.stripe.setup_intents import opened_setup
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.customers import (
    ConfirmSetup,
    Setup,
    SetupDeclined,
    SetupQuery,
)
from sycee.services.payments.contract.intents import AnswerChallenge, Payment
from sycee.services.payments.contract.shared import Origin, PaymentId, SetupId

PATH = "/testcard/3ds/{payment}"
SETUP_PATH = "/testcard/3ds/setups/{merchant}/{setup}"
STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px system-ui;max-width:26rem;margin:4rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.6rem 1rem;margin-right:.5rem}"
)
POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; style-src '%s'; form-action 'self' http: https:; "
    b"frame-ancestors 'none'; base-uri 'none'" % style_hash(STYLE),
)
"""The form may lead to any web address because browsers apply the rule to the redirect too."""
Secret = Annotated[str, Meta(max_length=255)]

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Test bank</title>
<style>{style}</style>
<h1>Test bank</h1>
<p>{text}</p>
{form}
</html>
"""
_FORM = """<form method="post" action="{action}">
<input type="hidden" name="client_secret" value="{secret}">
<button name="outcome" value="complete">Complete</button>
<button name="outcome" value="fail">Fail</button>
</form>"""


class Asking(msgspec.Struct, frozen=True):
    """Who asks to see the page: the client secret is the ticket."""

    client_secret: Secret


class Answering(msgspec.Struct, frozen=True):
    """Which button was pressed."""

    client_secret: Secret
    outcome: Literal["complete", "fail"]


class BankPage:
    """Shows the page and passes the answer on. Absent in production."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    def routes(self) -> list[Route]:
        """Its routes."""
        show, decide, decide_setup = self.show, self.decide, self.decide_setup
        return [
            route(f"GET {PATH}", show, Asking, answers="page", roles=ANYONE, page=True),
            route(f"POST {PATH}", decide, Answering, answers="page", roles=ANYONE, page=True),
            route(f"GET {SETUP_PATH}", show, Asking, answers="page", roles=ANYONE, page=True),
            route(
                f"POST {SETUP_PATH}",
                decide_setup,
                Answering,
                answers="page",
                roles=ANYONE,
                page=True,
            ),
        ]

    async def show(self, request: Request, given: Asking) -> Answer:
        """Show the two buttons."""
        form = _FORM.format(action=escape(request.path), secret=escape(given.client_secret))
        wish = "remember your card" if "setup" in request.arguments else "confirm a payment"
        return _page(f"A shop asks you to {wish}. No money moves here.", form)

    async def decide(self, request: Request, given: Answering) -> Answer:
        """Take the payer's answer and send them back to the shop."""
        payment = await self._payments.answer_challenge(
            AnswerChallenge(
                PaymentId(request.arguments["payment"]),
                given.client_secret,
                given.outcome == "complete",
            )
        )
        is_taken = payment.status.value in ("succeeded", "requires_capture", "processing")
        return _led_back("payment", payment, is_taken)

    async def decide_setup(self, request: Request, given: Answering) -> Answer:
        """Take the payer's answer about a set-up and send them back to the shop."""
        query = SetupQuery(
            MerchantId(request.arguments["merchant"]), SetupId(request.arguments["setup"])
        )
        seen = await opened_setup(self._payments, query, given.client_secret)
        origin = Origin(seen.merchant, seen.livemode, request.id)
        command = ConfirmSetup(origin, seen.id, authenticated=given.outcome == "complete")
        with contextlib.suppress(SetupDeclined):
            await self._payments.confirm_setup(command)
        setup = await self._payments.get_setup(SetupQuery(seen.merchant, seen.id))
        return _led_back("setup", setup, setup.status.value == "succeeded")


def _led_back(kind: Literal["payment", "setup"], subject: Payment | Setup, is_done: bool) -> Answer:
    """Back to the shop where it said how; else say how it ended."""
    target = _return_target(kind, subject, is_done)
    if target is None:
        return _page(f"The {kind} is now: {subject.status.value}. You may close this page.")
    return Answer(303, b"", HTML, (POLICY, (b"location", target.encode("ascii", "ignore"))))


def _return_target(kind: str, subject: Payment | Setup, is_done: bool) -> str | None:
    """The shop's address with the ids added; only web addresses are followed."""
    if not subject.return_url:
        return None
    parts = urlsplit(subject.return_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    if any(ord(character) < 33 for character in subject.return_url):
        return None
    added = (
        f"{kind}_intent={subject.id}&{kind}_intent_client_secret={subject.client_secret}"
        f"&redirect_status={'succeeded' if is_done else 'failed'}"
    )
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def _page(text: str, form: str = "") -> Answer:
    body = _PAGE.format(style=STYLE, text=escape(text), form=form).encode()
    return Answer(200, body, HTML, (POLICY,))

"""The test rail's stand-in for a bank's 3-D Secure page: two buttons, no scripts."""

from __future__ import annotations

from html import escape
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Meta

from sycee.gateway.api.pages import style_hash
from sycee.gateway.asgi import Header
from sycee.gateway.request import HTML, Answer, Request
from sycee.gateway.routes import ANYONE, Route, route
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.intents import AnswerChallenge, Payment
from sycee.services.payments.contract.shared import PaymentId

PATH = "/testcard/3ds/{payment}"
STYLE = (
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
        return [
            route(f"GET {PATH}", self.show, Asking, answers="page", roles=ANYONE, page=True),
            route(f"POST {PATH}", self.decide, Answering, answers="page", roles=ANYONE, page=True),
        ]

    async def show(self, request: Request, given: Asking) -> Answer:
        """Show the two buttons."""
        form = _FORM.format(action=escape(request.path), secret=escape(given.client_secret))
        return _page("A shop asks you to confirm a payment. No money moves here.", form)

    async def decide(self, request: Request, given: Answering) -> Answer:
        """Take the payer's answer and send them back to the shop."""
        payment = await self._payments.answer_challenge(
            AnswerChallenge(
                PaymentId(request.arguments["payment"]),
                given.client_secret,
                given.outcome == "complete",
            )
        )
        target = _return_target(payment)
        if target is None:
            return _page(f"The payment is now: {payment.status.value}. You may close this page.")
        return Answer(303, b"", HTML, (POLICY, (b"location", target.encode("ascii", "ignore"))))


def _return_target(payment: Payment) -> str | None:
    """The shop's address with the payment's ids added; only web addresses are followed."""
    if not payment.return_url:
        return None
    parts = urlsplit(payment.return_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    if any(ord(character) < 33 for character in payment.return_url):
        return None
    added = (
        f"payment_intent={payment.id}&payment_intent_client_secret={payment.client_secret}"
        f"&redirect_status={_redirect_status(payment)}"
    )
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))


def _redirect_status(payment: Payment) -> str:
    taken = payment.status.value in ("succeeded", "requires_capture", "processing")
    return "succeeded" if taken else "failed"


def _page(text: str, form: str = "") -> Answer:
    body = _PAGE.format(style=STYLE, text=escape(text), form=form).encode()
    return Answer(200, body, HTML, (POLICY,))

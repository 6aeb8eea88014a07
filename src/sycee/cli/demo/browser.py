"""What a payer's browser does at the test bank's page: read the form, press a button, go back."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from sycee.cli.exchange import exchange


class PageUnexpected(Exception):
    """The page is not what a payer should see."""


class _Form(HTMLParser):
    """The first form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.hidden: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where the form leads, what it carries, and which buttons it has."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = given.get("action", "")
        elif tag == "input" and given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")
        elif tag == "button":
            self.buttons.append((given.get("name", ""), given.get("value", "")))


def answer_bank(url: str, outcome: str) -> str:
    """Press the button ``complete`` or ``fail``; what the shop is told in ``redirect_status``."""
    page = exchange("GET", url, [("Accept", "text/html")])
    form = _Form(page.body.decode())
    pressed = [button for button in form.buttons if button[1] == outcome]
    if page.status != 200 or form.action is None or not pressed:
        raise PageUnexpected(f"[{page.status}] {url} shows no button {outcome!r}")
    gone = exchange(
        "POST",
        urljoin(url, form.action),
        [("Content-Type", "application/x-www-form-urlencoded")],
        urlencode([*form.hidden.items(), *pressed]).encode(),
    )
    if gone.status != 303:
        raise PageUnexpected(f"[{gone.status}] pressing {outcome!r} leads nowhere")
    told = parse_qs(urlsplit(gone.headers["location"]).query)
    return told.get("redirect_status", ["nothing"])[0]

"""What the door says about itself: the OpenAPI document, the reference page, health."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import openapi_spec_validator
import pytest
import stripe

from sycee.gateway.app import documented_routes
from tests.system.platform import ROOT, Platform
from tests.system.shops import open_shop, stranger


class Outside(HTMLParser):
    """Collects everything that a page fetches or leads to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attributes if name in ("src", "href")]


def test_the_served_document_is_the_published_one(platform: Platform) -> None:
    with stranger(platform) as client:
        served = client.get("/openapi.json")
    assert served.status_code == 200
    assert served.headers["content-type"] == "application/json"
    published = (ROOT / "api" / "openapi.json").read_bytes()
    assert msgspec.json.decode(served.content) == msgspec.json.decode(published)


def test_the_document_is_valid_and_complete(platform: Platform) -> None:
    with stranger(platform) as client:
        document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)
    for route in documented_routes():
        assert route.method.lower() in document["paths"][route.path], route.path


def test_the_reference_works_without_a_network(platform: Platform) -> None:
    with stranger(platform) as client:
        page = client.get("/docs")
        policy = page.headers["content-security-policy"]
        found = Outside(page.text)
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in policy
        assert not found.tags & {"script", "link", "img", "iframe", "object"}
        assert all(re.match(r"/(?!/)|#", link) for link in found.links), found.links
        for link in found.links:
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in page.text
            else:
                assert client.get(link).status_code == 200
        for route in documented_routes():
            assert route.path in page.text


def test_every_error_that_the_doors_tell_leads_to_its_words(platform: Platform) -> None:
    client = open_shop(platform).client
    with stranger(platform) as reader:
        page = reader.get("/docs").text
    for call in (
        lambda: client.v1.charges.retrieve("ch_nobody"),
        lambda: client.v1.payment_intents.create({"amount": 1, "currency": "usd"}),
        lambda: client.v1.payment_intents.create({"colour": "red"}),
    ):
        with pytest.raises(stripe.StripeError) as caught:
            call()
        assert f'id="error-{caught.value.code}"' in page


def test_everybody_may_ask_whether_it_lives_and_works(platform: Platform) -> None:
    """RE1."""
    with stranger(platform) as client:
        assert client.get("/health").json() == {"status": "ok"}
        assert client.get("/ready").json() == {"status": "ready"}
        assert client.get("/").json()["docs"] == "/docs"


def test_what_is_for_operators_is_not_on_the_public_door(platform: Platform) -> None:
    """PH5."""
    with stranger(platform) as client:
        for path in ("/metrics", "/debug", "/v1/metrics", "/internal", "/.env", "/admin"):
            assert client.get(path).status_code == 404

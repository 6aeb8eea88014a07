"""The OpenAPI document: valid, true, and committed as generated."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from sycee.gateway.app import documented_routes
from sycee.gateway.openapi.document import encoded
from tests.gateway.door import opened
from tests.gateway.stripe.test_shapes import SHAPES, as_json

COMMITTED = Path(__file__).parents[2] / "api" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict:
    return msgspec.json.decode(encoded(documented_routes()))


def test_the_committed_document_is_the_generated_one():
    assert COMMITTED.read_bytes() == encoded(documented_routes()), (
        "run: python -m sycee.gateway.openapi api/openapi.json"
    )


def test_the_document_is_valid(document):
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


OWN = [(name, public) for name, public in SHAPES.values() if name not in ("api_errors", "event")]


@pytest.mark.parametrize(("name", "public"), OWN)
def test_answers_keep_their_documented_shape(document, name, public):
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    schema = {**document, "$ref": f"#/components/schemas/{name}"}
    found = [
        f"{error.instance_path}: {error.message}"
        for error in jsonschema_rs.validator_for(schema).iter_errors(as_json(public))
        if not _is_optional_detail(error)
    ]
    assert found == []


def _is_optional_detail(error) -> bool:
    """Keys that show only where they apply are seen or not by the specimens."""
    return "is a required property" in error.message


async def test_every_documented_operation_is_there(document):
    """AE1, IA1: asked without a key each is refused, but for health."""
    async with opened() as door:
        for path, methods in document["paths"].items():
            for method in methods:
                url = re.sub(r"\{\w+\}", "x", path)
                answer = await door.client.request(method, url, headers={"authorization": ""})
                assert answer.status_code == (200 if path in ("/health", "/ready") else 401)


async def test_the_reference_needs_nothing_from_elsewhere():
    async with opened() as door:
        page = await door.client.get("/docs")
        assert page.status_code == 200 and "POST /v1/payment_intents" in page.text
        assert 'id="error-card_declined"' in page.text
        assert not re.search(r"<(script|link|img|iframe)", page.text)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await door.client.get("/openapi.json")).content == COMMITTED.read_bytes()
        assert (await door.client.get("/")).json()["docs"] == "/docs"

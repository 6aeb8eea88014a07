"""From a body to parameters: which media types are read, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from sycee.gateway.asgi import Receive, Scope
from sycee.gateway.edge.forms import read_form
from sycee.gateway.edge.strict_json import read_json
from sycee.gateway.refusals import BodyInvalid, MediaTypeUnsupported
from sycee.gateway.request import Raw

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
TEXTS = frozenset(
    {
        b"application/jsonl",
        b"application/octet-stream",
        b"application/x-ndjson",
        b"text/csv",
        b"text/plain",
        b"text/x-beancount",
    }
)
"""Media types of text that is taken as it is."""


class Disconnected(Exception):
    """The caller went away before its request was complete."""


async def read_body(receive: Receive) -> bytes:
    """All of the body; the edge has bounded it."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read_parameters(
    scope: Scope, fields: Mapping[bytes, bytes], body: bytes
) -> tuple[dict[str, Raw], bool]:
    """Query and body as one tree, and whether it came as texts."""
    query = scope["query_string"]
    if not body or scope["method"] == "GET":
        return read_form(query), True
    if media_type(fields.get(b"content-type", b"")) == JSON:
        if query:
            raise BodyInvalid("Put the parameters into the body, not into the query.")
        return read_json(body), False
    return read_form(query + b"&" + body if query else body), True


def check_text(fields: Mapping[bytes, bytes]) -> None:
    """Refuse a body that does not say it is text: forms are text that was written otherwise."""
    name = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if name not in TEXTS:
        takes = ", ".join(sorted(each.decode() for each in TEXTS))
        raise MediaTypeUnsupported(f"Name the text's Content-Type, one of {takes}.")


@lru_cache(256)
def media_type(content_type: bytes) -> bytes:
    """Form or JSON, or a refusal. A body without a type is a form, as curl sends it."""
    name = content_type.partition(b";")[0].strip().lower() or FORM
    if name not in (FORM, JSON):
        raise MediaTypeUnsupported("Send application/x-www-form-urlencoded or application/json.")
    return name


@lru_cache(256)
def acceptable(accept: bytes, also: frozenset[bytes] = frozenset()) -> bool:
    """Whether an ``Accept`` field lets JSON through, or one of these (RFC 9110, 12.5.1)."""
    return any(_takes(each, also) for each in accept.lower().split(b","))


def _takes(media_range: bytes, also: frozenset[bytes]) -> bool:
    name, *parameters = [part.strip() for part in media_range.split(b";")]
    refused = any(each in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000") for each in parameters)
    known = name in (b"", b"*/*", b"application/*", JSON, b"application/problem+json")
    return not refused and (known or name in also or (bool(also) and name == b"text/*"))

"""How doors that are not Stripe-compatible word a no: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sycee.gateway.asgi import Header
from sycee.gateway.request import Answer, Request
from sycee.kernel.refusal import Refusal

PROBLEM = b"application/problem+json"
RETRY_AFTER_S = 1
ABOUT_BOOKS = ("account", "result", "state", "line", "lines", "field", "reason")
LEFT = ("amount_left", "count_left", "resets_at")
FACTS = ("decline_code", "charge", "payment", *LEFT, *ABOUT_BOOKS)

_encode = msgspec.json.Encoder().encode


class ProblemDialect:
    """Problems with a stable ``code``, a ``message`` and, where a field is at fault, its name."""

    async def refused(self, request_id: str, refusal: Refusal, request: Request | None) -> Answer:
        """A refusal as a problem."""
        return problem(request_id, refusal)

    def failed(self, request_id: str) -> Answer:
        """A fault as a problem."""
        message = f"Something failed here. Tell us the request id: {request_id}."
        return _answer(500, {"code": "fault", "message": message, "request_id": request_id})


def problem(request_id: str, refusal: Refusal) -> Answer:
    """A refusal as a problem, with the facts that may be shown."""
    told = {**members(refusal), "request_id": request_id}
    return _answer(refusal.status, told, header_fields(refusal))


def members(refusal: Refusal) -> dict[str, object]:
    """What is told of a refusal, whether it is the answer or a part of one."""
    told: dict[str, object] = {
        "code": refusal.facts.get("error_code", refusal.code),
        "message": refusal.detail,
        "param": _shown(refusal.param),
    }
    for fact in FACTS:
        if fact in refusal.facts:
            told["payment_id" if fact == "payment" else fact] = refusal.facts[fact]
    return told


_RENAMED = {
    "bought_minor": "bought_amount",
    "sold_minor": "sold_amount",
    "timeout_s": "timeout",
}


def _shown(param: str | None) -> str | None:
    """A field's name as requests have it: amounts there need not say that they are minor units."""
    return None if param is None else _RENAMED.get(param, param.removesuffix("_minor"))


def header_fields(refusal: Refusal) -> tuple[Header, ...]:
    """What the status asks for beside the body (RFC 9110)."""
    if refusal.status == 401:
        return ((b"www-authenticate", b'Bearer realm="sycee"'),)
    if refusal.status == 503:
        return ((b"retry-after", b"%d" % RETRY_AFTER_S),)
    if refusal.status == 429 and "retry_after_s" in refusal.facts:
        return _too_often(refusal.facts)
    if "allow" in refusal.facts:
        return ((b"allow", refusal.facts["allow"].encode()),)
    return ()


def _too_often(facts: Mapping[str, str]) -> tuple[Header, ...]:
    """When to come again, for HTTP, for Stripe's SDKs, and as the draft has it."""
    return (
        (b"retry-after", facts["retry_after_s"].encode()),
        (b"stripe-should-retry", b"true"),
        (b"ratelimit-limit", facts["limit"].encode()),
        (b"ratelimit-remaining", b"0"),
        (b"ratelimit-reset", facts["reset_s"].encode()),
    )


def _answer(status: int, members: dict[str, object], headers: tuple[Header, ...] = ()) -> Answer:
    body = {"type": "about:blank", "status": status, "title": members["message"], **members}
    return Answer(status, _encode(body), PROBLEM, headers)

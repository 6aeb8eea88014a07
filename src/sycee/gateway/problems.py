"""How doors that are not Stripe-compatible word a no: problem details (RFC 9457)."""

from __future__ import annotations

import msgspec

from sycee.gateway.asgi import Header
from sycee.gateway.request import Answer, Request
from sycee.kernel.refusal import Refusal

PROBLEM = b"application/problem+json"
RETRY_AFTER_S = 1
FACTS = ("decline_code", "charge", "payment")

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
    members: dict[str, object] = {
        "code": refusal.facts.get("error_code", refusal.code),
        "message": refusal.detail,
        "param": refusal.param,
    }
    for fact in FACTS:
        if fact in refusal.facts:
            members["payment_id" if fact == "payment" else fact] = refusal.facts[fact]
    members["request_id"] = request_id
    return _answer(refusal.status, members, header_fields(refusal))


def header_fields(refusal: Refusal) -> tuple[Header, ...]:
    """What the status asks for beside the body (RFC 9110)."""
    if refusal.status == 401:
        return ((b"www-authenticate", b'Bearer realm="sycee"'),)
    if refusal.status == 503:
        return ((b"retry-after", b"%d" % RETRY_AFTER_S),)
    if "allow" in refusal.facts:
        return ((b"allow", refusal.facts["allow"].encode()),)
    return ()


def _answer(status: int, members: dict[str, object], headers: tuple[Header, ...] = ()) -> Answer:
    body = {"type": "about:blank", "status": status, "title": members["message"], **members}
    return Answer(status, _encode(body), PROBLEM, headers)

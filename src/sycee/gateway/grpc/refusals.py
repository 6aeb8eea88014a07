"""How a no is told in gRPC's words."""

from __future__ import annotations

import grpc
import msgspec

from sycee.kernel.refusal import Refusal

WORDS_MAX = 500
"""Characters; each may take nine octets in a header, and all of them at most 8 KiB."""
KEPT_INSIDE = frozenset({"snapshot"})
"""Facts between services: a whole payment does not fit into a header."""

_STATUS = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    402: grpc.StatusCode.FAILED_PRECONDITION,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class CallFailed(Refusal, code="call_failed", status=500):
    """A fault, which is in our log; whether the work was done is unknown."""


def status(refusal: Refusal) -> grpc.StatusCode:
    """The gRPC status of a no; what is not listed is the request's fault."""
    return _STATUS.get(refusal.status, grpc.StatusCode.INVALID_ARGUMENT)


def words(refusal: Refusal) -> str:
    """The no for people, short enough for a header whatever was sent."""
    return refusal.detail[:WORDS_MAX]


def metadata(refusal: Refusal) -> tuple[tuple[str, str | bytes], ...]:
    """The no for programs, in trailing metadata: ASCII and small, as gRPC wants it."""
    told: list[tuple[str, str | bytes]] = [("sycee-code", refusal.code)]
    if refusal.param is not None:
        param = refusal.param[:WORDS_MAX].encode("ascii", "backslashreplace").decode()
        told.append(("sycee-param", param))
    facts = {name: fact for name, fact in refusal.facts.items() if name not in KEPT_INSIDE}
    if facts:
        told.append(("sycee-facts-bin", msgspec.json.encode(facts)))
    return tuple(told)

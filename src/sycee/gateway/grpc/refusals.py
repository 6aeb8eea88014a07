"""The noes of the gRPC door itself, and how every no is told in gRPC's words."""

from __future__ import annotations

import grpc
import msgspec

from sycee.kernel.refusal import Refusal

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


class CallUnauthenticated(Refusal, code="call_unauthenticated", status=401):
    """No API key came in the call's metadata."""


class CallNotAllowed(Refusal, code="call_not_allowed", status=403):
    """The key's role or scopes do not include this."""


class CallMetadataInvalid(Refusal, code="call_metadata_invalid", status=400):
    """A value in the call's metadata, named by ``param``, is not usable."""


class MessageUnreadable(Refusal, code="message_unreadable", status=400):
    """The request is not the message that this method takes."""


class FieldMissing(Refusal, code="field_missing", status=400):
    """The request lacks a message that it needs; ``param`` names it."""


class FieldInvalid(Refusal, code="field_invalid", status=400):
    """A field of the request is outside its values; ``param`` names it."""


class CallFailed(Refusal, code="call_failed", status=500):
    """A fault, which is in our log; whether the work was done is unknown."""


def status(refusal: Refusal) -> grpc.StatusCode:
    """The gRPC status of a no; what is not listed is the request's fault."""
    return _STATUS.get(refusal.status, grpc.StatusCode.INVALID_ARGUMENT)


def metadata(refusal: Refusal) -> tuple[tuple[str, str | bytes], ...]:
    """The no for programs, in trailing metadata."""
    told: list[tuple[str, str | bytes]] = [("sycee-code", refusal.code)]
    if refusal.param is not None:
        told.append(("sycee-param", refusal.param))
    if refusal.facts:
        told.append(("sycee-facts-bin", msgspec.json.encode(refusal.facts)))
    return tuple(told)

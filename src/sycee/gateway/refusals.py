"""The noes of the doors themselves, before any service is asked."""

from __future__ import annotations

from sycee.kernel.refusal import Refusal


class HeadInvalid(Refusal, code="request_malformed", status=400):
    """The head is not HTTP/1.1, or could be read in two ways (request smuggling)."""


class HeadTooLarge(Refusal, code="headers_too_large", status=431):
    """Target and header fields together are larger than ``head_bytes_max``."""


class RequestTimeout(Refusal, code="request_timeout", status=408):
    """Head or body did not arrive in time."""


class BodyTooLarge(Refusal, code="body_too_large", status=413):
    """The body is larger than ``body_bytes_max``."""


class BodyInvalid(Refusal, code="body_invalid", status=400):
    """The body is not well-formed JSON or form data."""


class MediaTypeUnsupported(Refusal, code="media_type_unsupported", status=415):
    """The body is neither JSON nor a form, or it is compressed."""


class NotAcceptable(Refusal, code="not_acceptable", status=406):
    """``Accept`` rules out JSON, and there is nothing else."""


class UrlUnknown(Refusal, code="url_unknown", status=404):
    """No route has this path."""


class MethodNotAllowed(Refusal, code="method_not_allowed", status=405):
    """The path exists, for other methods; ``facts`` hold ``allow``."""


class KeyMissing(Refusal, code="api_key_missing", status=401):
    """No API key came with the request."""


class KeyNotAllowed(Refusal, code="api_key_not_allowed", status=403):
    """The key's role or scopes do not include this."""


class SecretKeyRequired(Refusal, code="secret_key_required", status=403):
    """A publishable key may not do this."""


class IdempotencyKeyInvalid(Refusal, code="idempotency_key_invalid", status=400):
    """The idempotency key is empty, too long, or not printable ASCII."""


class VersionUnknown(Refusal, code="version_unknown", status=400):
    """``Stripe-Version`` is not a date, optionally with a name."""


class ParameterUnknown(Refusal, code="parameter_unknown", status=400):
    """A parameter that this operation does not have."""


class ParameterMissing(Refusal, code="parameter_missing", status=400):
    """A parameter that this operation needs."""


class ParameterInvalid(Refusal, code="parameter_invalid", status=400):
    """A parameter of the wrong type or outside its values."""


class IntegerInvalid(Refusal, code="parameter_invalid_integer", status=400):
    """A parameter that must be an integer and is none."""


class TextTooLongHere(Refusal, code="parameter_too_long", status=400):
    """A text parameter longer than its maximum."""


class RateLimited(Refusal, code="rate_limit", status=429):
    """The key, or its merchant, asks too often; ``facts`` hold ``retry_after_s``."""


class Overloaded(Refusal, code="overloaded", status=503):
    """Too many requests are being worked on; the same request may be repeated soon."""


TOO_MANY = "Too many requests at once; try again in a second."

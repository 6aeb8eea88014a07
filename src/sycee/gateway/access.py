"""Who asks, and may they: API keys, roles, and the headers that go with every request."""

from __future__ import annotations

import base64
import binascii
import re

from sycee.gateway.refusals import (
    IdempotencyKeyInvalid,
    KeyMissing,
    KeyNotAllowed,
    SecretKeyRequired,
    VersionUnknown,
)
from sycee.gateway.routes import Route
from sycee.kernel.clock import Clock
from sycee.runtime.cache import Cache
from sycee.services.identity.contract import Authenticate, Caller, Identity, Role

CACHE_S = 0.9
"""Below the second within which a revoked key must stop working (IA8)."""
VERSION = b"2026-10-28.endive"

_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_VERSION = re.compile(rb"\d{4}-\d{2}-\d{2}(\.[a-z_]{1,40})?(; ?[a-z0-9_=; ]{1,200})?")


class Access:
    """Asks identity who holds a key, at most once per second and key."""

    def __init__(self, identity: Identity, clock: Clock) -> None:
        self._identity = identity
        self._known: Cache[bytes, Caller] = Cache(clock.monotonic_s, CACHE_S)

    async def caller(self, authorization: bytes | None) -> Caller:
        """Who holds the key in this ``Authorization`` field."""
        if authorization is None:
            raise KeyMissing("Send an API key: Authorization: Bearer sk_….")
        known = self._known.get(authorization)
        if known is not None:
            return known
        look = self._known.look()
        caller = await self._identity.authenticate(Authenticate(_secret(authorization)))
        self._known.remember(authorization, caller, look)
        return caller


def check_rights(caller: Caller, route: Route) -> None:
    """Refuse what the key's role or scopes do not include; everything is denied by default."""
    if caller.role not in route.roles:
        if caller.role is Role.PUBLISHABLE:
            raise SecretKeyRequired("This needs a secret key; a publishable key came.")
        raise KeyNotAllowed(f"A {caller.role.value} key may not do this.")
    if caller.scopes and route.scope not in caller.scopes:
        raise KeyNotAllowed(f"The key lacks the scope {route.scope}.")


def idempotency_key(value: bytes | None) -> str | None:
    """The caller's key for safe repetition."""
    if value is None:
        return None
    text = value.decode("latin-1")
    if not _IDEMPOTENCY_KEY.fullmatch(text):
        raise IdempotencyKeyInvalid("Idempotency-Key takes 1 to 255 printable ASCII characters.")
    return text


def check_version(value: bytes | None) -> None:
    """Any dated version is taken, and answered with ours."""
    if value is not None and value != VERSION and not _VERSION.fullmatch(value):
        raise VersionUnknown("Stripe-Version is a date such as 2026-10-28.endive.")


def _secret(authorization: bytes) -> str:
    """The key of ``Bearer key``, or of ``Basic``, where it is the user name."""
    scheme, _, credentials = authorization.partition(b" ")
    credentials = credentials.strip()
    if scheme.lower() == b"bearer" and credentials:
        return credentials.decode("latin-1")
    if scheme.lower() == b"basic" and credentials:
        return _user_name(credentials)
    raise KeyMissing("Send the API key as Authorization: Bearer sk_….")


def _user_name(credentials: bytes) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True)
    except binascii.Error:
        raise KeyMissing("The Basic credentials are not base64.") from None
    return decoded.partition(b":")[0].decode("latin-1")

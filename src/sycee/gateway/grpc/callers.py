"""Who calls over gRPC, and may they: read from the call's metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sycee.gateway.grpc.offer import Offered
from sycee.gateway.grpc.refusals import CallMetadataInvalid, CallNotAllowed, CallUnauthenticated
from sycee.services.identity.contract import Authenticate, Caller, Identity

_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_SCHEME = "bearer "


async def caller(identity: Identity, metadata: Mapping[str, str]) -> Caller:
    """Who holds the key in ``authorization``."""
    authorization = metadata.get("authorization", "")
    if not authorization.lower().startswith(_SCHEME):
        raise CallUnauthenticated("send metadata authorization: Bearer sk_…")
    return await identity.authenticate(Authenticate(authorization[len(_SCHEME) :].strip()))


def check_rights(who: Caller, wanted: Offered) -> None:
    """Refuse what the key's role or scopes do not include (IA1)."""
    if who.role not in wanted.roles:
        raise CallNotAllowed(f"a {who.role.value} key may not do this")
    if wanted.scope not in who.scopes and (who.scopes or wanted.scope_always):
        raise CallNotAllowed(f"the key lacks the scope {wanted.scope}")


def idempotency_key(metadata: Mapping[str, str]) -> str | None:
    """The caller's key for safe repetition."""
    key = metadata.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise CallMetadataInvalid(
            "idempotency-key takes 1 to 255 printable ASCII characters", param="idempotency-key"
        )
    return key

"""The first merchant of an installation and its keys, so that a first payment needs no set-up."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.runtime import secrets
from sycee.runtime.host import Profile
from sycee.services.identity.contract import (
    Authenticate,
    CreateMerchant,
    Identity,
    IssueKey,
    ListKeys,
    MerchantId,
    Role,
)

SHOP = MerchantId("acct_test_shop")
OPERATOR = MerchantId("acct_operator")
LEDGER_SCOPES = ("ledger:read", "ledger:write")
TOLD_BEFORE = ""
"""In place of a key that was told at an earlier start and is not kept in clear."""


class FirstKeys(msgspec.Struct, frozen=True):
    """Keys of a test merchant, and of whoever runs the installation."""

    secret_key: str
    publishable_key: str
    operator_key: str
    ledger_key: str = ""
    """The operator's too, and may write to the ledger past all payments; made by dev alone."""


async def first_keys(identity: Identity, data: Path, profile: Profile) -> FirstKeys:
    """Make the first merchant and its keys, once.

    The dev profile keeps the keys among the secrets, so that every start shows the same ones. In
    production they are told at the first start only.
    """
    kept = data / "secrets" / "first-keys.json"
    if profile is Profile.DEV and kept.exists():
        keys = msgspec.json.decode(kept.read_bytes(), type=FirstKeys)
        if keys.ledger_key and await _works(identity, keys):
            return keys
    elif profile is Profile.PRODUCTION and (await identity.list_keys(ListKeys(OPERATOR))).keys:
        return FirstKeys(TOLD_BEFORE, TOLD_BEFORE, TOLD_BEFORE)
    keys = await _issue(identity)
    if profile is Profile.DEV:
        wanted = IssueKey(OPERATOR, Role.OPERATOR, scopes=LEDGER_SCOPES)
        ledger_key = (await identity.issue_key(wanted)).secret
        keys = msgspec.structs.replace(keys, ledger_key=ledger_key)
        secrets.replace(kept, msgspec.json.encode(keys))
    return keys


async def _issue(identity: Identity) -> FirstKeys:
    await identity.create_merchant(CreateMerchant(SHOP, "Test shop"))
    await identity.create_merchant(CreateMerchant(OPERATOR, "Operator of this installation"))
    wanted = ((SHOP, Role.SECRET), (SHOP, Role.PUBLISHABLE), (OPERATOR, Role.OPERATOR))
    return FirstKeys(
        *[(await identity.issue_key(IssueKey(owner, role))).secret for owner, role in wanted]
    )


async def _works(identity: Identity, keys: FirstKeys) -> bool:
    """Whether the keys belong to these data: the file may come from elsewhere, or be revoked."""
    try:
        for secret in msgspec.structs.astuple(keys):
            await identity.authenticate(Authenticate(secret))
    except Refusal:
        return False
    return True

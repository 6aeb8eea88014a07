"""The first merchant and its keys."""

from __future__ import annotations

import msgspec
import pytest

from sycee.assembly.keys import OPERATOR, SHOP, TOLD_BEFORE, FirstKeys, first_keys
from sycee.runtime.host import Profile
from sycee.services.identity import app
from sycee.services.identity.contract import Authenticate, ListKeys, RevokeKey, Role
from tests.services.floor import FakeHost

NOTHING = FirstKeys(TOLD_BEFORE, TOLD_BEFORE, TOLD_BEFORE)


@pytest.fixture
async def identity(tmp_path):
    host = FakeHost(tmp_path)
    yield await app.build(host, app.Settings())
    await host.databases["identity"].close()


async def test_dev_shows_the_same_keys_at_every_start(identity, tmp_path):
    keys = await first_keys(identity, tmp_path, Profile.DEV)
    assert await first_keys(identity, tmp_path, Profile.DEV) == keys
    assert (tmp_path / "secrets" / "first-keys.json").stat().st_mode & 0o777 == 0o600
    caller = await identity.authenticate(Authenticate(keys.secret_key))
    assert (caller.merchant.id, caller.role) == (SHOP, Role.SECRET)
    caller = await identity.authenticate(Authenticate(keys.operator_key))
    assert (caller.merchant.id, caller.role) == (OPERATOR, Role.OPERATOR)
    caller = await identity.authenticate(Authenticate(keys.ledger_key))
    assert (caller.role, caller.scopes) == (Role.OPERATOR, ("ledger:read", "ledger:write"))


async def test_keys_of_an_older_version_are_made_anew_with_the_ledgers(identity, tmp_path):
    keys = await first_keys(identity, tmp_path, Profile.DEV)
    older = msgspec.structs.asdict(keys)
    del older["ledger_key"]
    (tmp_path / "secrets" / "first-keys.json").write_bytes(msgspec.json.encode(older))
    assert (await first_keys(identity, tmp_path, Profile.DEV)).ledger_key


async def test_keys_that_were_revoked_are_made_anew(identity, tmp_path):
    first = await first_keys(identity, tmp_path, Profile.DEV)
    for key in (await identity.list_keys(ListKeys(SHOP))).keys:
        await identity.revoke_key(RevokeKey(key.id, SHOP))
    second = await first_keys(identity, tmp_path, Profile.DEV)
    assert second != first
    await identity.authenticate(Authenticate(second.secret_key))


async def test_production_tells_the_keys_once_and_keeps_them_nowhere(identity, tmp_path):
    """IA5."""
    keys = await first_keys(identity, tmp_path, Profile.PRODUCTION)
    await identity.authenticate(Authenticate(keys.secret_key))
    assert keys.ledger_key == ""
    assert await first_keys(identity, tmp_path, Profile.PRODUCTION) == NOTHING
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or keys.secret_key.encode() not in file.read_bytes()

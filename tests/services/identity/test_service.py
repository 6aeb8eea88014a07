"""Identity over a real database."""

import asyncio

import pytest
from tests.services.floor import FakeHost

from sycee.kernel.refusal import NotFound
from sycee.services.identity.app import Settings, build
from sycee.services.identity.contract import (
    ApiKeyId,
    ApiKeyInvalid,
    Authenticate,
    CreateMerchant,
    GetMerchant,
    IssueKey,
    Limits,
    ListKeys,
    MerchantId,
    MerchantInvalid,
    MerchantStatus,
    RevokeKey,
    Role,
    UpdateMerchant,
)

SHOP = MerchantId("acct_shop")
OTHER = MerchantId("acct_other")


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


@pytest.fixture
async def identity(host):
    service = await build(host, Settings())
    await service.create_merchant(CreateMerchant(id=SHOP, name="Shop"))
    await service.create_merchant(CreateMerchant(id=OTHER, name="Other"))
    return service


@pytest.fixture
async def key(identity):
    return await identity.issue_key(IssueKey(merchant=SHOP, role=Role.SECRET, scopes=("a", "b")))


async def test_creating_a_merchant_again_answers_the_first(identity):
    again = await identity.create_merchant(CreateMerchant(id=SHOP, name="Renamed"))
    assert again.name == "Shop"


async def test_an_unusable_merchant_is_refused(identity):
    with pytest.raises(MerchantInvalid):
        await identity.create_merchant(CreateMerchant(id=MerchantId("acct_3"), name=""))


async def test_an_unknown_merchant_is_not_found(identity):
    unknown = MerchantId("acct_none")
    with pytest.raises(NotFound):
        await identity.get_merchant(GetMerchant(unknown))
    with pytest.raises(NotFound):
        await identity.update_merchant(UpdateMerchant(unknown, MerchantStatus.SUSPENDED))
    with pytest.raises(NotFound):
        await identity.issue_key(IssueKey(merchant=unknown, role=Role.SECRET))


async def test_unusable_limits_are_refused(identity):
    with pytest.raises(MerchantInvalid):
        await identity.update_merchant(UpdateMerchant(SHOP, limits=Limits(amount_minor_max=0)))


async def test_a_key_says_who_holds_it(identity, key):
    caller = await identity.authenticate(Authenticate(key.secret))
    assert (caller.key, caller.merchant.id, caller.role) == (key.id, SHOP, Role.SECRET)
    assert (caller.livemode, caller.scopes) == (False, ("a", "b"))


async def test_a_key_still_works_after_a_restart(identity, key, tmp_path):
    later = await build(FakeHost(tmp_path), Settings())
    caller = await later.authenticate(Authenticate(key.secret))
    assert caller.merchant.id == SHOP


async def test_no_key_is_kept_in_the_clear(identity, key, host):
    """IA5: the database holds a keyed hash only."""
    tail = key.secret.removeprefix("sk_test_")
    connection = host.databases["identity"].connection
    for table in ("api_keys", "merchants"):
        rows = connection.execute(f"SELECT * FROM {table}")
        assert rows
        assert tail not in repr(rows)


async def test_malformed_unknown_and_revoked_keys_answer_alike(identity, key):
    await identity.revoke_key(RevokeKey(key.id, SHOP))
    answers = set()
    for secret in ("", "sk_test_x", "\ud800", "x" * 5000, key.secret):
        with pytest.raises(ApiKeyInvalid) as refused:
            await identity.authenticate(Authenticate(secret))
        answers.add(refused.value.detail)
    assert len(answers) == 1


async def test_a_revoked_key_stops_at_once_in_its_own_process(identity, key):
    """IA8."""
    await identity.authenticate(Authenticate(key.secret))
    await identity.revoke_key(RevokeKey(key.id, SHOP))
    with pytest.raises(ApiKeyInvalid):
        await identity.authenticate(Authenticate(key.secret))


async def test_a_revoked_key_stops_within_a_second_in_another_process(identity, key, tmp_path):
    """IA8."""
    elsewhere = FakeHost(tmp_path)
    neighbour = await build(elsewhere, Settings())
    await neighbour.authenticate(Authenticate(key.secret))
    await identity.revoke_key(RevokeKey(key.id, SHOP))
    elsewhere.clock.pass_s(0.9)
    with pytest.raises(ApiKeyInvalid):
        await neighbour.authenticate(Authenticate(key.secret))


async def test_a_suspended_merchant_is_seen_at_once_and_still_authenticates(identity, key):
    """IA8."""
    await identity.authenticate(Authenticate(key.secret))
    await identity.update_merchant(UpdateMerchant(SHOP, MerchantStatus.SUSPENDED))
    caller = await identity.authenticate(Authenticate(key.secret))
    assert caller.merchant.status is MerchantStatus.SUSPENDED


async def test_a_known_caller_costs_no_database_unit(identity, key, host):
    await identity.authenticate(Authenticate(key.secret))
    before = host.databases["identity"].units
    await identity.authenticate(Authenticate(key.secret))
    assert host.databases["identity"].units == before


async def test_a_look_up_begun_before_a_revocation_is_not_remembered(identity, key, host):
    """IA8."""
    database = host.databases["identity"]
    read, looked, revoked = database.read, asyncio.Event(), asyncio.Event()

    async def slow_read(query):
        result = await read(query)
        looked.set()
        await revoked.wait()
        return result

    database.read = slow_read
    early = asyncio.create_task(identity.authenticate(Authenticate(key.secret)))
    await looked.wait()
    await identity.revoke_key(RevokeKey(key.id, SHOP))
    revoked.set()
    await early
    with pytest.raises(ApiKeyInvalid):
        await identity.authenticate(Authenticate(key.secret))


async def test_revoking_again_answers_the_same(identity, key, host):
    first = await identity.revoke_key(RevokeKey(key.id, SHOP))
    host.clock.pass_s(60)
    assert await identity.revoke_key(RevokeKey(key.id, SHOP)) == first


async def test_a_foreign_key_is_not_found_as_an_unknown_one_is(identity, key):
    """IA1."""
    with pytest.raises(NotFound) as foreign:
        await identity.revoke_key(RevokeKey(key.id, OTHER))
    with pytest.raises(NotFound) as unknown:
        await identity.revoke_key(RevokeKey(ApiKeyId("key_none"), OTHER))
    assert foreign.value.detail.replace(key.id, "key_none") == unknown.value.detail


async def test_keys_are_listed_without_secrets_and_with_their_last_use(identity, key, host):
    """IA5."""
    newer = await identity.issue_key(IssueKey(merchant=SHOP, role=Role.READ_ONLY))
    await identity.authenticate(Authenticate(key.secret))
    host.clock.pass_s(5)
    await identity.keep_last_used()
    await identity.keep_last_used()
    keys = (await identity.list_keys(ListKeys(SHOP))).keys
    assert [listed.id for listed in keys] == [newer.id, key.id]
    assert [listed.last_used for listed in keys] == [None, host.clock.now()]
    assert (await identity.list_keys(ListKeys(OTHER))).keys == ()


async def test_use_is_noted_when_the_host_drains(identity, key, host):
    await identity.authenticate(Authenticate(key.secret))
    job = asyncio.create_task(host.jobs["identity.last_used"]())
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    (listed,) = (await identity.list_keys(ListKeys(SHOP))).keys
    assert listed.last_used == host.clock.now()

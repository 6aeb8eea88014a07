"""The vault over a real database: numbers by token, sealed to their place, rotated meanwhile."""

import asyncio

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from tests.services.floor import FakeHost

from sycee.kernel.refusal import NotFound
from sycee.services.vault.adapters.keeper import KeyMissing
from sycee.services.vault.app import Settings, build
from sycee.services.vault.contract import (
    Detokenize,
    Detokenized,
    Forget,
    Rotate,
    StatusQuery,
    Tokenize,
    TooMany,
)

SHOP, OTHER = "acct_shop", "acct_other"
VISA, MASTER = "4242424242424242", "5555555555554444"


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


@pytest.fixture
async def vault(host):
    return await build(host, Settings())


async def keep(vault, *numbers, merchant=SHOP):
    return (await vault.tokenize(Tokenize(merchant, numbers))).cards


async def token_of(vault, number, merchant=SHOP):
    (card,) = await keep(vault, number, merchant=merchant)
    return card.token


async def numbers_of(vault, *tokens, merchant=SHOP):
    return (await vault.detokenize(Detokenize(merchant, tokens, "testcard", "enrol"))).numbers


def sql(host, text, *values):
    return host.databases["vault"].connection.execute(text, values)


async def test_numbers_are_answered_in_order(vault):
    cards = await keep(vault, VISA, MASTER, VISA)
    assert [card.last4 for card in cards] == ["4242", "4444", "4242"]
    assert cards[0] == cards[2]
    tokens = [card.token for card in cards]
    assert await numbers_of(vault, *tokens) == (VISA, MASTER, VISA)


async def test_the_same_number_again_has_the_same_token_and_is_sealed_once(vault, host):
    first = await token_of(vault, VISA)
    units = host.databases["vault"].units
    assert await token_of(vault, VISA) == first
    assert host.databases["vault"].units == units
    later = await build(FakeHost(host.folder), Settings())
    assert await token_of(later, VISA) == first
    assert sql(host, "SELECT COUNT(*) FROM cards").fetchone() == (1,)


async def test_the_same_number_at_once_is_kept_once(vault, host):
    tokens = await asyncio.gather(*(token_of(vault, VISA) for _ in range(20)))
    assert len(set(tokens)) == 1
    assert sql(host, "SELECT COUNT(*) FROM data_keys").fetchone() == (1,)


async def test_merchants_share_fingerprints_and_no_tokens(vault):
    (ours,), (theirs,) = await keep(vault, VISA), await keep(vault, VISA, merchant=OTHER)
    assert ours.fingerprint == theirs.fingerprint and ours.token != theirs.token


async def test_foreign_and_unknown_tokens_answer_alike(vault):
    """IA1."""
    token = await token_of(vault, VISA)
    told = set()
    for asked in (token, "9" * 19):
        with pytest.raises(NotFound) as no:
            await numbers_of(vault, asked, merchant=OTHER)
        told.add(no.value.detail)
    assert len(told) == 1


async def test_who_asked_for_numbers_is_on_record(vault, host):
    """SE5."""
    token = await token_of(vault, VISA)
    await numbers_of(vault, token)
    rows = sql(host, "SELECT merchant, token, rail, purpose, at FROM accesses").fetchall()
    assert rows == [(SHOP, token, "testcard", "enrol", host.clock.now())]


async def test_all_numbers_are_given_out_or_none(vault, host):
    token = await token_of(vault, VISA)
    with pytest.raises(NotFound):
        await numbers_of(vault, token, "9" * 19)
    assert sql(host, "SELECT COUNT(*) FROM accesses").fetchone() == (0,)


async def test_a_forgotten_number_is_gone_and_comes_back_as_another(vault, host):
    token = await token_of(vault, VISA)
    for _ in range(2):
        assert (await vault.forget(Forget(SHOP, token))).token == token
    with pytest.raises(NotFound):
        await numbers_of(vault, token)
    assert await token_of(vault, VISA) != token


async def test_another_merchant_can_forget_nothing(vault):
    """IA1."""
    token = await token_of(vault, VISA)
    await vault.forget(Forget(OTHER, token))
    assert await numbers_of(vault, token) == (VISA,)


async def test_batches_have_a_size(vault):
    with pytest.raises(TooMany):
        await keep(vault, *["4" * 16] * 101)
    with pytest.raises(TooMany):
        await numbers_of(vault, *["9" * 19] * 101)


async def test_no_number_is_kept_in_clear(vault, host):
    """SE4."""
    await keep(vault, VISA)
    for table in ("cards", "data_keys", "accesses"):
        assert VISA not in repr(sql(host, f"SELECT * FROM {table}"))
    for file in host.folder.rglob("*"):
        assert not file.is_file() or VISA.encode() not in file.read_bytes()


def test_what_holds_numbers_does_not_show_them():
    """SE6."""
    assert VISA not in repr(Tokenize(SHOP, (VISA,)))
    assert VISA not in repr(Detokenized((VISA,)))


@pytest.mark.parametrize("column", ["sealed", "key_version", "token", "merchant"])
async def test_a_row_that_was_tampered_with_does_not_open(vault, host, column):
    """SE2: swapped between rows, replayed under another key, token or tenant."""
    token, other = await token_of(vault, VISA), await token_of(vault, MASTER)
    await token_of(vault, MASTER, merchant=OTHER)
    asked, merchant = token, SHOP
    if column == "sealed":
        (swapped,) = sql(host, "SELECT sealed FROM cards WHERE token = ?", other).fetchone()
        sql(host, "UPDATE cards SET sealed = ? WHERE token = ?", swapped, token)
    elif column == "key_version":
        sql(
            host,
            "INSERT INTO data_keys SELECT merchant, kind, 2, created, uses, kek, wrapped"
            " FROM data_keys WHERE merchant = ?",
            SHOP,
        )
        sql(host, "UPDATE cards SET key_version = 2 WHERE token = ?", token)
    elif column == "token":
        asked = "9" * 19
        sql(host, "UPDATE cards SET token = ? WHERE token = ?", asked, token)
    else:
        merchant = OTHER
        sql(host, "UPDATE cards SET merchant = ? WHERE token = ?", merchant, token)
    with pytest.raises((InvalidTag, KeyMissing)):
        await numbers_of(vault, asked, merchant=merchant)


async def test_a_data_key_of_another_merchant_opens_nothing(vault, host):
    """SE1, SE2."""
    token = await token_of(vault, VISA)
    await token_of(vault, VISA, merchant=OTHER)
    (theirs,) = sql(host, "SELECT wrapped FROM data_keys WHERE merchant = ?", OTHER).fetchone()
    sql(host, "UPDATE data_keys SET wrapped = ? WHERE merchant = ?", theirs, SHOP)
    later = await build(FakeHost(host.folder), Settings())
    with pytest.raises(KeyMissing):
        await numbers_of(later, token)


async def test_a_spent_data_key_is_followed_by_a_fresh_one(host):
    """SE3."""
    vault = await build(host, Settings(key_uses_max=2, key_period_s=60))
    numbers = [f"4{number:015d}" for number in range(5)]
    tokens = [await token_of(vault, number) for number in numbers]
    host.clock.pass_s(60)
    tokens.append(await token_of(vault, VISA))
    versions = sql(host, "SELECT version, uses FROM data_keys ORDER BY version").fetchall()
    assert versions == [(1, 2), (2, 2), (3, 1), (4, 1)]
    assert await numbers_of(vault, *tokens) == (*numbers, VISA)


async def test_a_rotation_rewraps_every_data_key_and_retires_the_former_key(vault, host):
    """SE3."""
    merchants = [f"acct_{number}" for number in range(120)]
    tokens = [await token_of(vault, VISA, merchant=each) for each in merchants]
    status = await vault.rotate(Rotate())
    assert (status.version, status.versions, status.data_keys_behind) == (2, (2,), 0)
    assert (status.data_keys, status.cards, status.uses_max) == (120, 120, 1)
    later = await build(FakeHost(host.folder), Settings())
    for merchant, token in zip(merchants, tokens, strict=True):
        assert await numbers_of(later, token, merchant=merchant) == (VISA,)


async def test_no_request_fails_while_keys_rotate(host):
    """SE3: nothing is remembered, so that every request needs its data key unwrapped."""
    vault = await build(host, Settings(remember_keys_s=0.0, key_uses_max=7))
    merchants = [f"acct_{number}" for number in range(5)]

    async def customer(merchant):
        for count in range(20):
            number = f"4{count:015d}"
            token = await token_of(vault, number, merchant=merchant)
            assert await numbers_of(vault, token, merchant=merchant) == (number,)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        customers = [group.create_task(customer(each)) for each in merchants]
        rotations = 0
        while not all(each.done() for each in customers):
            await vault.rotate(Rotate())
            rotations += 1
    status = await vault.status(StatusQuery())
    assert rotations > 3
    assert (status.version, status.data_keys_behind) == (rotations + 1, 0)
    assert status.versions == (status.version,)


async def test_a_rotation_that_was_broken_off_is_finished_at_the_next_start(vault, host):
    """SE3."""
    token = await token_of(vault, VISA)
    await vault._keeper.rotate()
    later = await build(FakeHost(host.folder), Settings())
    status = await later.status(StatusQuery())
    assert (status.version, status.versions, status.data_keys_behind) == (2, (2,), 0)
    assert await numbers_of(later, token) == (VISA,)


async def test_a_broken_off_rotation_is_gone_on_with_rather_than_begun_again(vault):
    await vault._keeper.rotate()
    assert (await vault.rotate(Rotate())).versions == (2,)


async def test_without_its_keys_the_vault_does_not_start(vault, host):
    """SE7."""
    await token_of(vault, VISA)
    host.path("vault-keys").unlink()
    with pytest.raises(KeyMissing):
        await build(FakeHost(host.folder), Settings())


async def test_the_status_says_no_key(vault, host):
    await token_of(vault, VISA)
    status = await vault.status(StatusQuery())
    assert status.keeper == "file" and status.rotated == host.clock.now()
    assert len(msgspec.json.encode(status)) < 300


def test_a_data_key_cannot_be_set_to_seal_too_often():
    """SE3."""
    with pytest.raises(ValueError, match="key_uses_max"):
        Settings(key_uses_max=2**32)

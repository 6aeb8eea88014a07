"""The file of key encryption keys: sealed, replaced whole, refused when it is not ours."""

import os

import pytest
from tests.services.floor import FakeClock

from sycee.runtime.secrets import Unsafe
from sycee.services.vault.adapters.keeper import KeyMissing, Wrapped
from sycee.services.vault.adapters.sealed_file import SealedFile

SEAL = bytes(range(32))


async def keeper_at(path, seal=SEAL, may_begin=True):
    keeper = SealedFile(path, seal, FakeClock(), os.urandom)
    await keeper.open(may_begin)
    return keeper


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vault-keys"


@pytest.fixture
async def keeper(path):
    return await keeper_at(path)


async def test_what_was_wrapped_is_unwrapped_after_a_restart(keeper, path):
    wrapped = await keeper.wrap(b"data key", b"home")
    later = await keeper_at(path, may_begin=False)
    assert await later.unwrap(wrapped, b"home") == b"data key"


async def test_a_wrapped_key_opens_only_where_it_belongs(keeper):
    """SE2."""
    wrapped = await keeper.wrap(b"data key", b"home")
    with pytest.raises(KeyMissing):
        await keeper.unwrap(wrapped, b"elsewhere")
    with pytest.raises(KeyMissing):
        await keeper.unwrap(Wrapped(wrapped.version, wrapped.text[:-1]), b"home")


async def test_former_keys_unwrap_until_they_are_retired(keeper, path):
    """SE3."""
    wrapped = await keeper.wrap(b"data key", b"home")
    assert (await keeper.rotate()).versions == (1, 2)
    assert (await keeper.wrap(b"other", b"home")).version == 2
    assert await keeper.unwrap(wrapped, b"home") == b"data key"
    assert (await keeper.retire()).versions == (2,)
    for each in (keeper, await keeper_at(path)):
        with pytest.raises(KeyMissing, match="retired"):
            await each.unwrap(wrapped, b"home")


async def test_retiring_nothing_changes_nothing(keeper, path):
    before = path.read_bytes()
    assert (await keeper.retire()).versions == (1,)
    assert path.read_bytes() == before


def test_no_key_is_in_the_file_in_clear(keeper, path):
    """SE1."""
    (key,) = keeper._keys.keys.values()
    assert key not in path.read_bytes()


async def test_another_installations_file_is_refused(keeper, path):
    """SE7."""
    with pytest.raises(KeyMissing, match="vault-seal"):
        await keeper_at(path, seal=SEAL[::-1])


async def test_a_file_that_everybody_can_read_is_refused(keeper, path):
    """SE7."""
    path.chmod(0o644)
    with pytest.raises(Unsafe):
        await keeper_at(path)


async def test_a_file_that_is_gone_is_not_made_anew_over_sealed_numbers(path):
    with pytest.raises(KeyMissing, match="gone"):
        await keeper_at(path, may_begin=False)
    assert not path.exists()

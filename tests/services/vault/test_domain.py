"""Tokens that are no card numbers, fingerprints, and seals that open only where they belong."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.clock import SECOND_NS, Instant
from sycee.services.vault import domain
from sycee.services.vault.contract import TooMany

KEY = bytes(range(32))
NONCE = bytes(12)
HOME = ("acct_shop", "9123", 1)


@pytest.mark.parametrize(
    ("body", "digit"), [("7992739871", 3), ("424242424242424", 2), ("37828224631000", 5), ("0", 0)]
)
def test_the_check_digit_is_luhns(body, digit):
    assert domain.check_digit(body) == digit


@given(st.binary(min_size=16, max_size=16))
def test_a_token_has_19_digits_and_is_no_card_number(entropy):
    """SE4."""
    token = domain.token_of(entropy)
    assert len(token) == 19 and token.isdigit() and token.startswith("9")
    assert domain.check_digit(token[:-1]) != int(token[-1])


def test_tokens_of_other_entropy_are_others():
    tokens = {domain.token_of(number.to_bytes(16, "big")) for number in range(1000)}
    assert len(tokens) == 1000


def test_a_fingerprint_follows_from_number_and_key():
    """SE4."""
    first = domain.fingerprint(KEY, "4242424242424242")
    assert len(first) == 16 and first.isalnum()
    assert first == domain.fingerprint(KEY, "4242424242424242")
    assert first != domain.fingerprint(KEY, "4242424242424241")
    assert first != domain.fingerprint(KEY[::-1], "4242424242424242")


def test_six_and_four_digits_may_be_known():
    """SE5."""
    kept = domain.kept("9", "mark", "4242424242424242")
    assert (kept.bin, kept.last4) == ("424242", "4242")


def test_a_seal_opens_where_it_belongs():
    bound = domain.bound_number(*HOME)
    assert domain.open_sealed(KEY, domain.seal(KEY, NONCE, b"secret", bound), bound) == b"secret"


@pytest.mark.parametrize(
    "elsewhere",
    [
        domain.bound_number("acct_other", "9123", 1),
        domain.bound_number("acct_shop", "9124", 1),
        domain.bound_number("acct_shop", "9123", 2),
        domain.bound_key("acct_shop", "9123", 1),
        domain.bound_number("acct_sho", "p9123", 1),
    ],
    ids=["another tenant", "another row", "another key version", "another table", "shifted"],
)
def test_a_seal_opens_nowhere_else(elsewhere):
    """SE2."""
    sealed = domain.seal(KEY, NONCE, b"secret", domain.bound_number(*HOME))
    with pytest.raises(InvalidTag):
        domain.open_sealed(KEY, sealed, elsewhere)


@given(st.data())
def test_a_seal_that_was_cut_or_changed_does_not_open(data):
    """SE2."""
    bound = domain.bound_number(*HOME)
    sealed = domain.seal(KEY, NONCE, b"4242424242424242", bound)
    if data.draw(st.booleans()):
        changed = sealed[: data.draw(st.integers(domain.NONCE_BYTES + 16, len(sealed) - 1))]
    else:
        place = data.draw(st.integers(0, len(sealed) - 1))
        flip = data.draw(st.integers(1, 255))
        changed = sealed[:place] + bytes([sealed[place] ^ flip]) + sealed[place + 1 :]
    with pytest.raises(InvalidTag):
        domain.open_sealed(KEY, changed, bound)


@pytest.mark.parametrize(
    ("uses", "more", "age_s", "is_spent"),
    [
        (0, 1, 0, False),
        (9, 1, 0, False),
        (9, 2, 0, True),
        (10, 1, 0, True),
        (0, 1, 59, False),
        (0, 1, 60, True),
    ],
)
def test_a_data_key_is_spent_by_use_and_by_age(uses, more, age_s, is_spent):
    """SE3."""
    key = domain.SealingKey("acct_shop", "cards", 1, Instant(5), uses, 1, b"")
    now = Instant(5 + age_s * SECOND_NS)
    assert domain.is_spent(key, more, now, uses_max=10, period_s=60) is is_spent


def test_a_batch_has_a_size():
    domain.check_size(100)
    with pytest.raises(TooMany):
        domain.check_size(101)

"""The rules of identity, as tables."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.services.identity import domain
from sycee.services.identity.contract import CreateMerchant, Limits, MerchantInvalid, Role

GOOD = {"id": "acct_1", "name": "Teahouse"}


@pytest.mark.parametrize(
    ("role", "livemode", "prefix"),
    [
        (Role.SECRET, False, "sk_test_"),
        (Role.SECRET, True, "sk_live_"),
        (Role.PUBLISHABLE, False, "pk_test_"),
        (Role.PUBLISHABLE, True, "pk_live_"),
        (Role.READ_ONLY, False, "rk_test_"),
        (Role.READ_ONLY, True, "rk_live_"),
        (Role.OPERATOR, False, "op_test_"),
        (Role.OPERATOR, True, "op_live_"),
    ],
)
def test_a_key_tells_its_role_and_mode_in_its_prefix(role, livemode, prefix):
    """IA5."""
    assert domain.secret_text(role, livemode, b"\xff" * 32).startswith(prefix)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_keys_keep_all_of_their_entropy(one, other):
    texts = {domain.secret_text(Role.SECRET, False, entropy) for entropy in (one, other)}
    assert len(texts) == len({one, other})
    assert all(re.fullmatch(r"sk_test_[0-9A-Za-z]{43}", text) for text in texts)


def test_the_digest_depends_on_the_pepper():
    assert domain.digest(b"a", "sk_test_1") != domain.digest(b"b", "sk_test_1")


def test_the_digest_of_any_text_can_be_taken():
    assert len(domain.digest(b"a", "\ud800")) == 32


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"id": "shop"}, "id"),
        ({"id": "acct_"}, "id"),
        ({"id": "acct_" + "x" * 60}, "id"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"country": "USA"}, "country"),
        ({"country": "us"}, "country"),
        ({"default_currency": "usd"}, "default_currency"),
        ({"default_currency": "XXQ"}, "default_currency"),
        ({"limits": Limits(amount_minor_max=0)}, "amount_minor_max"),
        ({"limits": Limits(duplicate_window_s=-1)}, "duplicate_window_s"),
        ({"limits": Limits(reads_per_s=-1)}, "reads_per_s"),
        ({"limits": Limits(writes_per_s=-1)}, "writes_per_s"),
        ({"limits": Limits(currencies=("USD", "usd"))}, "currencies"),
    ],
)
def test_a_merchant_that_cannot_be_used_is_refused(changes, param):
    with pytest.raises(MerchantInvalid) as refused:
        domain.check_merchant(CreateMerchant(**{**GOOD, **changes}))
    assert refused.value.param == param


def test_the_first_broken_rule_is_named():
    with pytest.raises(MerchantInvalid) as refused:
        domain.check_merchant(CreateMerchant(id="shop", name="", country="?"))
    assert refused.value.param == "id"


def test_a_good_merchant_passes():
    domain.check_merchant(CreateMerchant(**GOOD, limits=Limits(currencies=("USD", "JPY"))))

"""Which keys sign when, how Ed25519 keys are derived, and what is written into the headers."""

import base64
import hmac
import time

import pytest
import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from tests.services.floor import NOON

from sycee.kernel.clock import Instant, after
from sycee.runtime import signatures
from sycee.services.notify.contract import OverlapNotAllowed
from sycee.services.notify.domain import rotation
from sycee.services.notify.domain.keys import Derivation
from sycee.services.notify.domain.rotation import Former, Keys, Signing

SHOP, ENDPOINT = "acct_shop", "we_1"
OLD, NEW = (signatures.secret_text(bytes(range(start, start + 32))) for start in (0, 100))
BODY = b'{"id": "evt_1", "object": "event"}'
FIRST = Keys(b"first")


@pytest.mark.parametrize(
    ("overlap_s", "refusal"),
    [(-1, OverlapNotAllowed), (0, None), (604_800, None), (604_801, OverlapNotAllowed)],
)
def test_an_overlap_is_from_nothing_to_seven_days(overlap_s, refusal):
    if refusal is None:
        rotation.check_overlap(overlap_s)
        return
    with pytest.raises(refusal, match="overlap_s") as refused:
        rotation.check_overlap(overlap_s)
    assert refused.value.param == "overlap_s"


def test_a_rotation_makes_the_present_secret_the_former_one():
    second = rotation.rotated(FIRST, b"second", NOON, 60)
    assert second == Keys(b"second", 2, Former(b"first", after(NOON, 60)))
    assert rotation.rotated(second, b"third", NOON, 5) == (
        Keys(b"third", 3, Former(b"second", after(NOON, 5)))
    )
    assert rotation.rotated(second, b"third", NOON, 0) == Keys(b"third", 3)


@pytest.mark.parametrize(
    ("keys", "at_ns", "signing"),
    [
        (FIRST, 0, [(b"first", 1)]),
        (Keys(b"new", 7), 0, [(b"new", 7)]),
        (Keys(b"new", 7, Former(b"old", Instant(10))), 0, [(b"new", 7), (b"old", 6)]),
        (Keys(b"new", 7, Former(b"old", Instant(10))), 9, [(b"new", 7), (b"old", 6)]),
        (Keys(b"new", 7, Former(b"old", Instant(10))), 10, [(b"new", 7)]),
        (Keys(b"new", 7, Former(b"old", Instant(10))), 11, [(b"new", 7)]),
    ],
)
def test_former_keys_sign_until_their_overlap_ends(keys, at_ns, signing):
    expected = tuple(Signing(secret, generation) for secret, generation in signing)
    assert rotation.signing_at(keys, Instant(at_ns)) == expected


@given(st.lists(st.integers(0, 604_800), max_size=6), st.integers(0, 10**6))
def test_the_newest_keys_always_sign_and_never_more_than_two_generations(overlaps, later_s):
    keys = FIRST
    for number, overlap_s in enumerate(overlaps):
        keys = rotation.rotated(keys, b"%d" % number, NOON, overlap_s)
    signing = rotation.signing_at(keys, after(NOON, later_s))
    assert signing[0] == Signing(keys.secret, len(overlaps) + 1)
    assert len(signing) == (2 if overlaps and overlaps[-1] > later_s else 1)


def test_keys_are_derived_as_the_documents_say():
    """WH1: RFC 5869 written out; a key that changed would lock every receiver out."""
    secret = bytes(range(32))
    extracted = hmac.digest(b"\0" * 32, secret, "sha256")
    label = b"sycee webhook ed25519|3|we_1|acct_shop"
    seed = hmac.digest(extracted, label + b"\1", "sha256")
    expected = Ed25519PrivateKey.from_private_bytes(seed)
    found = Derivation(secret).key(SHOP, ENDPOINT, 3)
    assert found.private_bytes_raw() == expected.private_bytes_raw()
    assert Derivation(secret + b"more").key(SHOP, ENDPOINT, 3).private_bytes_raw() == seed
    assert signatures.public_text(Derivation(secret).key(SHOP, ENDPOINT, 1)) == (
        "whpk_Sacx5SH3sAAx5BYHRMrtMBtb0xmJIWfDO6VzObgP+Vg="
    )


def test_every_secret_merchant_endpoint_and_generation_has_a_key_of_its_own():
    """SE8."""
    places = [
        (b"a" * 32, "acct_1", "we_1", 1),
        (b"b" * 32, "acct_1", "we_1", 1),
        (b"a" * 32, "acct_2", "we_1", 1),
        (b"a" * 32, "acct_1", "we_2", 1),
        (b"a" * 32, "acct_1", "we_1", 2),
        (b"a" * 32, "acct_1|we_1", "we_1", 1),
    ]
    keys = {Derivation(secret).key(*place).private_bytes_raw() for secret, *place in places}
    assert len(keys) == len(places)


def test_every_secret_and_every_key_signs_and_each_alone_suffices():
    """WH1."""
    keys = tuple(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
    headers = dict(signatures.signed("evt_1", int(time.time()), BODY, (NEW, OLD), keys))
    content = f"evt_1.{headers['webhook-timestamp']}.".encode() + BODY
    for secret in (NEW, OLD):
        signed = headers["Stripe-Signature"]
        assert stripe.Webhook.construct_event(BODY, signed, secret, api_key="sk_test_x")
        assert Webhook(secret).verify(BODY, headers)["id"] == "evt_1"
    parts = [each.split(",") for each in headers["webhook-signature"].split(" ")]
    assert [version for version, _ in parts] == ["v1", "v1", "v1a", "v1a"]
    for key, (_, text) in zip(keys, parts[2:], strict=True):
        key.public_key().verify(base64.b64decode(text, validate=True), content)
        with pytest.raises(InvalidSignature):
            key.public_key().verify(base64.b64decode(text), content + b" ")


def test_a_secret_that_did_not_sign_is_not_taken():
    """WH1."""
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    headers = dict(signatures.signed("evt_1", int(time.time()), BODY, (NEW,), (key,)))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(BODY, headers["Stripe-Signature"], OLD)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, headers)


def test_a_public_key_is_written_as_the_standard_writes_it():
    """WH1: the key of RFC 8032, 7.1, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    text = signatures.public_text(Ed25519PrivateKey.from_private_bytes(seed))
    assert text == "whpk_" + base64.b64encode(raw).decode()

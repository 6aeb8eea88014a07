"""What docs/concepts/webhooks.md tells receivers to do, done."""

import json
import re
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sycee.runtime import signatures
from sycee.services.notify.domain import retries

PAGE = (Path(__file__).parents[3] / "docs" / "concepts" / "webhooks.md").read_text()
SECRET = signatures.secret_text(bytes(range(32)))
BODY = json.dumps({"id": "evt_1", "object": "event"}).encode()


@pytest.fixture
def example(monkeypatch):
    monkeypatch.setattr("stripe.api_key", "sk_test_x")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    return names


@pytest.mark.parametrize("verify", ["by_stripe", "by_standard_webhooks"])
def test_the_documented_verification_accepts_ours_and_refuses_others(example, verify):
    """WH1."""
    signed = signatures.signed("evt_1", int(time.time()), BODY, (SECRET,))
    headers = {name.lower(): value for name, value in signed}
    assert example[verify](BODY, headers, SECRET) == "evt_1"
    with pytest.raises(Exception, match=r"[Ss]ignature"):
        example[verify](BODY + b" ", headers, SECRET)


def test_the_documented_verification_by_the_public_key_takes_ours_and_nothing_else(example):
    """WH1."""
    former, key, other = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(3))
    now, verify = int(time.time()), example["by_public_key"]

    def headers(at_s=now):
        signed = signatures.signed("evt_1", at_s, BODY, (SECRET,), (key, former))
        return {name.lower(): value for name, value in signed}

    for each in (key, former):
        assert verify(BODY, headers(), signatures.public_text(each)) == "evt_1"
    public = signatures.public_text(key)
    changed = {"webhook-id": "evt_2"}, {"webhook-timestamp": str(now + 1)}
    for body, shown, asked in (
        (BODY + b" ", headers(), public),
        (BODY, headers(), signatures.public_text(other)),
        (BODY, headers() | changed[0], public),
        (BODY, headers() | changed[1], public),
        (BODY, headers() | {"webhook-signature": "v1a,! v1a, v1 x"}, public),
        (BODY, headers(now - 301), public),
        (BODY, headers(now + 301), public),
    ):
        with pytest.raises(ValueError, match=r"signature|timestamp"):
            verify(body, shown, asked)


def test_the_documented_schedule_is_the_real_one():
    (listed,) = re.findall(r"Pauses are (.*?), each", PAGE)
    units = {"s": 1, "min": 60, "h": 3600}
    pauses = [int(n) * units[unit] for n, unit in re.findall(r"(\d+) (s|min|h)", listed)]
    assert pauses == list(retries.PAUSES_S)

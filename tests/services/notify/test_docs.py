"""What docs/concepts/webhooks.md tells receivers to do, done."""

import json
import re
import time
from pathlib import Path

import pytest

from sycee.runtime import signatures
from sycee.services.notify.domain import retries

PAGE = (Path(__file__).parents[3] / "docs" / "concepts" / "webhooks.md").read_text()
SECRET = signatures.secret_text(bytes(range(32)))
BODY = json.dumps({"id": "evt_1", "object": "event"}).encode()


@pytest.fixture
def example(monkeypatch):
    monkeypatch.setattr("stripe.api_key", "sk_test_x")
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
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


def test_the_documented_schedule_is_the_real_one():
    (listed,) = re.findall(r"Pauses are (.*?), each", PAGE)
    units = {"s": 1, "min": 60, "h": 3600}
    pauses = [int(n) * units[unit] for n, unit in re.findall(r"(\d+) (s|min|h)", listed)]
    assert pauses == list(retries.PAUSES_S)

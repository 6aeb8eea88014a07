"""How a webhook is signed: as Stripe does it and as Standard Webhooks 1.0 does it, side by side."""

from __future__ import annotations

import base64
import hmac

PREFIX = "whsec_"
KEY_BYTES = 32

Headers = list[tuple[str, str]]


def secret_text(entropy: bytes) -> str:
    """Write an endpoint's signing secret."""
    assert len(entropy) == KEY_BYTES, "a signing secret takes 32 bytes of entropy"
    return PREFIX + base64.b64encode(entropy).decode()


def signed(message: str, at_s: int, body: bytes, secret: str) -> Headers:
    """The headers that prove who sent this body, and when.

    ``Stripe-Signature`` signs ``t.body`` by the whole secret as text, in hex; Standard Webhooks
    sign ``id.t.body`` by the bytes that the secret stands for, in base64.
    """
    stripe = hmac.digest(secret.encode(), b"%d.%b" % (at_s, body), "sha256").hex()
    key = base64.b64decode(secret.removeprefix(PREFIX))
    standard = hmac.digest(key, b"%b.%d.%b" % (message.encode(), at_s, body), "sha256")
    return [
        ("Stripe-Signature", f"t={at_s},v1={stripe}"),
        ("webhook-id", message),
        ("webhook-timestamp", str(at_s)),
        ("webhook-signature", f"v1,{base64.b64encode(standard).decode()}"),
    ]

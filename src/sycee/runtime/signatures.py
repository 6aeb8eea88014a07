"""How a webhook is signed: as Stripe does it and as Standard Webhooks 1.0 does it, side by side."""

from __future__ import annotations

import base64
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "whsec_"
PUBLIC_PREFIX = "whpk_"
KEY_BYTES = 32

Headers = list[tuple[str, str]]


def secret_text(entropy: bytes) -> str:
    """Write an endpoint's signing secret."""
    assert len(entropy) == KEY_BYTES, "a signing secret takes 32 bytes of entropy"
    return PREFIX + base64.b64encode(entropy).decode()


def public_text(key: Ed25519PrivateKey) -> str:
    """Write the public half of a key, as Standard Webhooks do."""
    return PUBLIC_PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def signed(
    message: str,
    at_s: int,
    body: bytes,
    secrets: tuple[str, ...],
    keys: tuple[Ed25519PrivateKey, ...] = (),
) -> Headers:
    """The headers that prove who sent this body, and when; a receiver accepts any one signature.

    ``Stripe-Signature`` signs ``t.body`` by each whole secret as text, in hex; Standard Webhooks
    sign ``id.t.body`` by the bytes that each secret stands for (``v1``) and by each Ed25519 key
    (``v1a``), in base64.
    """
    stripe_content = b"%d.%b" % (at_s, body)
    content = b"%b.%b" % (message.encode(), stripe_content)
    stripe = [hmac.digest(secret.encode(), stripe_content, "sha256").hex() for secret in secrets]
    standard = [("v1", hmac.digest(_bytes(secret), content, "sha256")) for secret in secrets]
    standard += [("v1a", key.sign(content)) for key in keys]
    return [
        ("Stripe-Signature", ",".join([f"t={at_s}", *(f"v1={each}" for each in stripe)])),
        ("webhook-id", message),
        ("webhook-timestamp", str(at_s)),
        (
            "webhook-signature",
            " ".join(f"{version},{base64.b64encode(each).decode()}" for version, each in standard),
        ),
    ]


def _bytes(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))

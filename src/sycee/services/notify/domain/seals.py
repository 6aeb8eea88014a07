"""How a signing secret is kept: sealed by AES-256-GCM, to its merchant and endpoint (SE1, SE2)."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import EndpointId

KEY_BYTES = 32
NONCE_BYTES = 12


class Seal:
    """Seals and opens by one key. A sealed text opens only for the endpoint that it was made for.

    Nonces are random: one key may seal 2³² secrets (NIST SP 800-38D, 8.3).
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key[:KEY_BYTES])

    def close(self, nonce: bytes, secret: str, merchant: MerchantId, endpoint: EndpointId) -> bytes:
        """The secret, sealed under a fresh random nonce."""
        assert len(nonce) == NONCE_BYTES, "a nonce takes 12 bytes of entropy"
        return nonce + self._cipher.encrypt(nonce, secret.encode(), _bound(merchant, endpoint))

    def open(self, sealed: bytes, merchant: MerchantId, endpoint: EndpointId) -> str:
        """The secret in the clear."""
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return self._cipher.decrypt(nonce, text, _bound(merchant, endpoint)).decode()


def _bound(merchant: MerchantId, endpoint: EndpointId) -> bytes:
    return f"{merchant}|{endpoint}".encode()

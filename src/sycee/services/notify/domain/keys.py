"""The Ed25519 keys of endpoints: derived from a secret of the installation, and kept nowhere."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import EndpointId
from sycee.services.notify.domain.seals import KEY_BYTES

READY_MAX = 1_024
"""Keys that are kept ready in memory; deriving one costs as much as signing with it."""


class Derivation:
    """Derives by HKDF-SHA256 (RFC 5869): the same on every process that has the same secret.

    The label keeps these keys apart from whatever else is made of that secret.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret[:KEY_BYTES]
        self._ready = lru_cache(READY_MAX)(self._derived)

    def key(self, merchant: MerchantId, endpoint: EndpointId, generation: int) -> Ed25519PrivateKey:
        """The key of one generation of one endpoint."""
        return self._ready(merchant, endpoint, generation)

    def _derived(
        self, merchant: MerchantId, endpoint: EndpointId, generation: int
    ) -> Ed25519PrivateKey:
        # Only the last part may hold the separator, so that no two derivations read alike.
        label = f"sycee webhook ed25519|{generation}|{endpoint}|{merchant}"
        seed = HKDF(SHA256(), KEY_BYTES, salt=None, info=label.encode()).derive(self._secret)
        return Ed25519PrivateKey.from_private_bytes(seed)

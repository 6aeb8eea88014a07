"""Signs for endpoints, makes their secrets, and shows what receivers may know of their keys."""

from __future__ import annotations

import secrets

from sycee.kernel.clock import Instant, seconds
from sycee.runtime import signatures
from sycee.runtime.signatures import Headers
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import Endpoint, EndpointId, SigningKeys
from sycee.services.notify.domain import rotation, seals
from sycee.services.notify.domain.keys import Derivation
from sycee.services.notify.domain.rotation import Former, Keys
from sycee.services.notify.domain.seals import Seal


class Signer:
    """Holds what opens the secrets and derives the keys of all endpoints."""

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret)
        self._derivation = Derivation(secret)

    def fresh_secret(self, merchant: MerchantId, endpoint: EndpointId) -> bytes:
        """A new secret for an endpoint, under its seal."""
        text = signatures.secret_text(secrets.token_bytes(signatures.KEY_BYTES))
        nonce = secrets.token_bytes(seals.NONCE_BYTES)
        return self._seal.close(nonce, text, merchant, endpoint)

    def opened(self, sealed: bytes, merchant: MerchantId, endpoint: EndpointId) -> str:
        """A secret in the clear."""
        return self._seal.open(sealed, merchant, endpoint)

    def headers(
        self, endpoint: Endpoint, keys: Keys, message: str, now: Instant, body: bytes
    ) -> Headers:
        """The signatures of every generation of keys that signs now."""
        merchant, id = endpoint.merchant, endpoint.id
        signing = rotation.signing_at(keys, now)
        return signatures.signed(
            message,
            seconds(now),
            body,
            tuple(self._seal.open(each.secret, merchant, id) for each in signing),
            tuple(self._derivation.key(merchant, id, each.generation) for each in signing),
        )

    def shown(self, endpoint: Endpoint, keys: Keys, former: Former | None) -> SigningKeys:
        """The public halves; ``former`` is None when it is not to be shown any more."""
        return SigningKeys(
            endpoint.id,
            keys.generation,
            self._public(endpoint, keys.generation),
            None if former is None else self._public(endpoint, keys.generation - 1),
            None if former is None else former.until,
        )

    def _public(self, endpoint: Endpoint, generation: int) -> str:
        key = self._derivation.key(endpoint.merchant, endpoint.id, generation)
        return signatures.public_text(key)

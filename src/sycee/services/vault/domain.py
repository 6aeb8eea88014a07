"""Tokens, fingerprints and seals: what they are made of, and what they are bound to."""

from __future__ import annotations

import hmac

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sycee.kernel.clock import SECOND_NS, Instant
from sycee.services.identity.contract import MerchantId
from sycee.services.vault.contract import CardToken, KeptNumber, TooMany

KEY_BYTES = 32
NONCE_BYTES = 12
BATCH_MAX = 100
CARDS = "cards"
"""The class of data that one data key of a merchant seals."""

_TOKEN_DIGITS = 17
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FINGERPRINT_LENGTH = 16


class SealingKey(msgspec.Struct, frozen=True):
    """One merchant's key for one class of data, wrapped by a key encryption key."""

    merchant: MerchantId
    kind: str
    version: int
    created: Instant
    uses: int
    """How often it has sealed; counted before it seals."""
    kek: int
    wrapped: bytes


class SealedNumber(msgspec.Struct, frozen=True):
    """A number as it is kept."""

    merchant: MerchantId
    kept: KeptNumber
    key_version: int
    sealed: bytes


def check_size(count: int) -> None:
    """Refuse a batch that would hold up all others."""
    if count > BATCH_MAX:
        raise TooMany(f"At most {BATCH_MAX} in one call.")


def token_of(entropy: bytes) -> CardToken:
    """Digits like a card number's whose check digit is wrong. No scheme's numbers begin with 9."""
    body = f"9{int.from_bytes(entropy, 'big') % 10**_TOKEN_DIGITS:0{_TOKEN_DIGITS}d}"
    wrong = (check_digit(body) + 1 + entropy[0] % 9) % 10
    return CardToken(f"{body}{wrong}")


def check_digit(body: str) -> int:
    """The digit that makes a card number of ``body`` (ISO/IEC 7812-1 annex B, Luhn)."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(body[::-1])]
    return -sum(digit // 10 + digit % 10 for digit in doubled) % 10


def fingerprint(key: bytes, number: str) -> str:
    """Equal for equal numbers; a keyed hash, as numbers are few enough to try (PCI DSS 3.5.1.1)."""
    rest = int.from_bytes(hmac.digest(key, number.encode(), "sha256"), "big")
    digits = []
    for _ in range(_FINGERPRINT_LENGTH):
        rest, digit = divmod(rest, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)


def kept(token: CardToken, mark: str, number: str) -> KeptNumber:
    """What may be known of a number."""
    return KeptNumber(token, mark, number[:6], number[-4:])


def bound_number(merchant: MerchantId, token: CardToken, version: int) -> bytes:
    """What a sealed number is bound to: tenant, table, column, row, key version (SE2)."""
    return msgspec.msgpack.encode((merchant, "cards", "sealed", token, version))


def bound_key(merchant: MerchantId, kind: str, version: int) -> bytes:
    """What a wrapped data key is bound to."""
    return msgspec.msgpack.encode((merchant, "data_keys", "wrapped", kind, version))


def seal(key: bytes, nonce: bytes, secret: bytes, bound: bytes) -> bytes:
    """AES-256-GCM under a fresh random nonce (NIST SP 800-38D)."""
    assert len(nonce) == NONCE_BYTES, "a nonce takes 12 bytes of entropy"
    return nonce + AESGCM(key).encrypt(nonce, secret, bound)


def open_sealed(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """What was sealed; raises ``InvalidTag`` when it was sealed by or to anything else."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)


def is_spent(key: SealingKey, more: int, now: Instant, uses_max: int, period_s: int) -> bool:
    """Whether a data key has sealed enough, or for long enough (SE3)."""
    return key.uses + more > uses_max or now - key.created >= period_s * SECOND_NS

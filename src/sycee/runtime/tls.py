"""Mutual TLS between processes: each side shows a certificate of the installation's own CA."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sycee.runtime import secrets

_CLOCK_SKEW = timedelta(minutes=5)


class Tls(msgspec.Struct, frozen=True):
    """What a process shows and whom it trusts, all in PEM."""

    certificate: bytes
    key: bytes
    authority: bytes
    """The only CA whose certificates are accepted, from callers and from the called."""


class Authority(msgspec.Struct, frozen=True):
    """A CA of one's own, in PEM; for laptops and tests, where no other issues certificates."""

    certificate: bytes
    key: bytes


def load(certificate: Path, key: Path, authority: Path) -> Tls:
    """Read the three files; a key that strangers can read raises ``secrets.Unsafe``."""
    return Tls(certificate.read_bytes(), secrets.read(key), authority.read_bytes())


def new_authority(name: str = "Sycee", days: int = 3650) -> Authority:
    """A self-signed CA that may sign services, and no further CAs."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _certificate(name, name, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate.public_bytes(Encoding.PEM), _pem(key))


def issue(authority: Authority, services: Sequence[str], days: int = 30) -> Tls:
    """A fresh key, and a certificate under which a process may call, and serve ``services``."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_name = issuer.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    issuer_key = load_pem_private_key(authority.key, None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey), "our authorities sign with ECDSA"
    key = ec.generate_private_key(ec.SECP256R1())
    usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    certificate = (
        _certificate(services[0], str(issuer_name), key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, services)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return Tls(certificate.public_bytes(Encoding.PEM), _pem(key), authority.certificate)


def _certificate(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

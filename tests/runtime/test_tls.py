"""Certificates of the installation's own authority; what they refuse is in test_rpc."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from sycee.runtime import secrets, tls


def files(folder: Path, mode: int) -> tuple[Path, Path, Path]:
    identity = tls.issue(tls.new_authority(), ["ledger", "payments"])
    paths = folder / "certificate.pem", folder / "key.pem", folder / "authority.pem"
    for path, content in zip(
        paths, (identity.certificate, identity.key, identity.authority), strict=True
    ):
        path.write_bytes(content)
        path.chmod(mode)
    return paths


def test_a_certificate_names_the_services_and_its_authority() -> None:
    authority = tls.new_authority()
    identity = tls.issue(authority, ["ledger", "payments"])
    certificate = x509.load_pem_x509_certificate(identity.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["ledger", "payments"]
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))


def test_an_identity_is_loaded_from_files(tmp_path: Path) -> None:
    identity = tls.load(*files(tmp_path, 0o600))
    assert identity.key.startswith(b"-----BEGIN PRIVATE KEY-----")


def test_a_key_open_to_strangers_is_refused(tmp_path: Path) -> None:
    """SE7."""
    with pytest.raises(secrets.Unsafe):
        tls.load(*files(tmp_path, 0o644))

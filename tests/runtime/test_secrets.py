"""Secrets stay private, whole and the same."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sycee.runtime import secrets


def test_a_made_secret_is_private_and_random(tmp_path: Path) -> None:
    """SE7, SE8."""
    path = tmp_path / "secrets" / "key"
    secrets.make(path, 32)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(secrets.of_size(path, 32)) == 32
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_the_first_to_make_it_wins(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:

        def make(number: int) -> bytes:
            secrets.make(path, 32)
            return path.read_bytes()

        assert len(set(pool.map(make, range(32)))) == 1


def test_a_secret_is_replaced_by_a_private_one(tmp_path: Path) -> None:
    """SE7."""
    path = tmp_path / "secrets" / "keys"
    secrets.replace(path, b"first")
    secrets.replace(path, b"second")
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keys"]


def test_a_secret_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    secrets.replace(path, b"first")

    def failing(_: int) -> None:
        raise OSError("the disk failed")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="the disk failed"):
        secrets.replace(path, b"second")
    assert path.read_bytes() == b"first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        (None, 0o600),
        (b"k" * 31, 0o600),
        (b"\0" * 32, 0o600),
        (b"k" * 32, 0o644),
        (b"k" * 32, 0o606),
    ],
)
def test_an_unsafe_secret_is_refused(tmp_path: Path, content: bytes | None, mode: int) -> None:
    """SE7."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(secrets.Unsafe):
        secrets.of_size(path, 32)

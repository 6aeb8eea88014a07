"""``serve``: one service in a process, reached where the configuration says, with mutual TLS."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sycee.kernel.refusal import DeadlineExceeded, Unavailable
from sycee.runtime import deadline, rpc
from sycee.runtime.tls import Authority, Tls, issue, new_authority
from sycee.services.fraud.contract import Block, Fraud, ListBlocks, ListKind
from sycee.services.identity.contract import MerchantId
from tests.system.platform import ROOT, STOP_TIMEOUT_S, environment

SHOP = MerchantId("acct_shop")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def files(folder: Path, tls: Tls) -> list[str]:
    """A certificate as files, and the settings that name them."""
    settings = []
    for name in ("certificate", "key", "authority"):
        path = folder / name
        path.write_bytes(getattr(tls, name))
        path.chmod(0o600)
        settings += ["--set", f"tls.{name}={path}"]
    return settings


@contextmanager
def serving(folder: Path, address: str, authority: Authority) -> Iterator[None]:
    """The fraud service in a process of its own."""
    command = [sys.executable, "-m", "sycee.cli", "serve", "fraud", "--data", str(folder / "data")]
    command += ["--set", f"addresses.fraud={address}"]
    command += files(folder, issue(authority, ["fraud"]))
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment()) as process:
        assert process.stdout is not None and process.stdout.readline(), "it did not start"
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(STOP_TIMEOUT_S) == 0


async def test_a_service_answers_callers_of_its_own_authority_only(tmp_path: Path) -> None:
    """PH1: a caller without a certificate, or with a foreign one, is not let in."""
    authority, address = new_authority(), f"127.0.0.1:{free_port()}"
    strangers = [None, issue(new_authority(), ["payments"])]
    with serving(tmp_path, address, authority):
        friend = rpc.remote("fraud", Fraud, address, issue(authority, ["payments"]))
        entry = await friend.block(Block(SHOP, ListKind.EMAIL, "Thief@example.com"))
        assert entry.value == "thief@example.com"
        assert (await friend.list_blocks(ListBlocks(SHOP))).entries == (entry,)
        await rpc.disconnect(friend)
        for stranger in strangers:
            caller = rpc.remote("fraud", Fraud, address, stranger)
            with pytest.raises((Unavailable, DeadlineExceeded)), deadline.within(1.0):
                await caller.list_blocks(ListBlocks(SHOP))
            await rpc.disconnect(caller)


def test_a_directory_whose_sockets_would_have_too_long_names_is_refused(tmp_path: Path) -> None:
    refused = sycee("serve", "fraud", "--data", str(tmp_path / ("d" * 100)))
    assert refused.returncode == 2
    assert "name a shorter directory" in refused.stderr and "Traceback" not in refused.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = sycee("up", "--data", str(tmp_path), "--port", port)
    assert refused.returncode == 2
    assert "A port cannot be opened" in refused.stderr and "Traceback" not in refused.stderr


def test_a_service_that_does_not_exist_is_refused_by_name() -> None:
    refused = sycee("serve", "bank")
    assert refused.returncode == 2
    assert "bank" in refused.stderr and "ledger" in refused.stderr


def sycee(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sycee.cli", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        check=False,
        timeout=STOP_TIMEOUT_S,
    )

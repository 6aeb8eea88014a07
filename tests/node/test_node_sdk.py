"""The official Node SDK, unchanged: runs where Node is, and npm can bring the SDK."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.system.platform import Platform
from tests.system.shops import open_shop

SDK = "stripe@23"
INSTALL_TIMEOUT_S = 120
CHECKS_TIMEOUT_S = 120
CHECKS_MIN = 25
SCRIPT = Path(__file__).with_name("checks.mjs")


class Checked(msgspec.Struct):
    """How one check of the script ended."""

    name: str
    error: str | None


@pytest.fixture(scope="session")
def sdk(pytestconfig: pytest.Config) -> Path:
    """Where the SDK is; it is brought once and kept with pytest's other caches."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not installed")
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(SDK.replace("@", "-"))
    if not (folder / "node_modules" / "stripe").exists():
        _install(npm, folder)
    return folder


def _install(npm: str, folder: Path) -> None:
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    try:
        done = subprocess.run(
            [npm, "install", *options, SDK],
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm brought nothing in time")
    if done.returncode != 0:
        pytest.skip(f"npm could not bring {SDK}: {done.stderr[-300:]}")


def test_the_node_sdk_works_unchanged(platform: Platform, sdk: Path) -> None:
    done = subprocess.run(
        ["node", str(SCRIPT), str(sdk), platform.url, open_shop(platform).secret_key],
        capture_output=True,
        text=True,
        check=False,
        timeout=CHECKS_TIMEOUT_S,
    )
    checked = [msgspec.json.decode(line, type=Checked) for line in done.stdout.splitlines()]
    failed = {each.name: each.error for each in checked if each.error is not None}
    assert not failed, failed
    assert done.returncode == 0, done.stderr
    assert len(checked) >= CHECKS_MIN

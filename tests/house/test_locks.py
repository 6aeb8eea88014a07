"""The lock files agree with pyproject, are hashed, and say nothing of where packages came from."""

import re
import tomllib
from pathlib import Path

import pytest
from tools.lock import LOCKS

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)(?: ; (.+?))? \\$", re.M)
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def pins(lock):
    """Versions by name: more than one where they differ by Python."""
    found = {}
    for name, version, _ in PIN.findall((ROOT / lock).read_text()):
        found.setdefault(name, []).append(version)
    return found


def direct(*extras):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {re.match(r"[a-z0-9-]+", line).group() for line in lines}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_a_hash_or_a_comment(lock):
    for line in (ROOT / lock).read_text().splitlines():
        assert PIN.match(line) or HASH.match(line) or line.lstrip().startswith("#"), line


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_hashed(lock):
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.M)[1:]
    assert len(blocks) == sum(map(len, pins(lock).values()))
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_and_no_path_is_written(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|index-url|find-links|(?:^|\s)/\w", text)


def test_every_direct_dependency_is_pinned():
    assert direct("engine") <= pins("requirements.lock").keys()
    assert direct("engine", "tigerbeetle", "dev") <= pins("requirements-dev.lock").keys()


def test_developers_run_the_versions_that_users_run():
    developers = pins("requirements-dev.lock")
    users = pins("requirements.lock")
    assert {name: developers[name] for name in users} == users


def test_the_stubs_that_hide_the_types_of_grpc_are_absent():
    assert "grpc-stubs" not in pins("requirements-dev.lock")


def test_every_direct_dependency_is_described():
    described = (ROOT / "docs" / "reference" / "dependencies.md").read_text()
    rows = set(re.findall(r"^\| `([a-z0-9-]+)` \|", described, re.M))
    assert rows == direct("dev", "engine", "tigerbeetle")

"""Every code block of every document is run or parsed, and every command they name exists."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import PARSED, PLAIN, RUN, Block, blocks, parse, run
from tests.system.platform import ROOT, environment, running

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DEVELOPERS = {"test", "check", "bench", "faults"}
"""Commands that the starter gives to ``tools``."""


def of(path):
    return blocks(str(path.relative_to(ROOT)), path.read_text())


def blocks_in(*languages):
    found = [block for path in DOCUMENTS for block in of(path) if block.language in languages]
    return [pytest.param(block, id=str(block)) for block in found]


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """What a reader has: a running platform, its keys, and ``./sycee`` in the folder."""
    folder = tmp_path_factory.mktemp("reader")
    starter = folder / "sycee"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sycee.cli "$@"\n')
    starter.chmod(0o755)
    with running(tmp_path_factory.mktemp("platform"), "one") as platform:
        python = Path(sys.executable).parent
        keys = {
            "SYCEE_URL": platform.url,
            "SYCEE_DATA": str(platform.data),
            "SYCEE_KEY": platform.ready.secret_key,
            "SYCEE_PUBLISHABLE_KEY": platform.ready.publishable_key,
            "SYCEE_OPERATOR_KEY": platform.ready.operator_key,
            "SYCEE_LEDGER_KEY": platform.ready.ledger_key,
            "SYCEE_GRPC": platform.ready.grpc,
            "SYCEE_PROTO": str(ROOT / "api"),
            "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
        }
        yield folder, {**environment(), **keys}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_names_a_language_that_is_tested(path):
    known = (*RUN, *PARSED, PLAIN)
    assert [str(block) for block in of(path) if block.language not in known] == []


@pytest.mark.parametrize("block", blocks_in(*PARSED))
def test_every_block_that_is_shown_can_be_parsed(block: Block):
    parse(block)


@pytest.mark.parametrize("block", blocks_in(*RUN))
def test_every_block_that_can_run_does(block: Block, installation):
    if "curl " in block.text and shutil.which("curl") is None:
        pytest.skip("curl is not installed; the block is not run")
    run(block, *installation)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_exists(path):
    named = set(re.findall(r"\./sycee ([a-z][a-z-]*)", path.read_text()))
    assert named - DEVELOPERS <= commands_of_users(named - DEVELOPERS)


def commands_of_users(named):
    """The commands that the starter's help lists; it is asked only if there is a question."""
    if not named:
        return set()
    told = subprocess.run(
        [sys.executable, "-m", "sycee.cli", "--help"],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    ).stdout
    return set(re.findall(r"^ {2,}([a-z][a-z-]*)\b", told, re.M))

"""Checks that other programs make for us."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tools.check.tree import Finding, Tree

_PLACE = re.compile(r"^([^\s:]+\.py):(\d+)(?::\d+)?:? (.*)$")


_LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"


def ruff_lint(tree: Tree) -> list[Finding]:
    """Style and likely mistakes."""
    return _run(tree, "-m", "ruff", "check", "--output-format=concise", ".")


def ruff_format(tree: Tree) -> list[Finding]:
    """Layout."""
    return _run(tree, "-m", "ruff", "format", "--check", ".")


def mypy(tree: Tree) -> list[Finding]:
    """Types, strictly."""
    return _run(tree, "-m", "mypy")


def fence_floors(tree: Tree) -> list[Finding]:
    """Fence 1: ``cli > assembly > gateway > services > runtime > kernel``, by import-linter."""
    return _run(tree, "-c", _LINT_IMPORTS, "--no-cache", "--no-logo")


def _run(tree: Tree, *arguments: str) -> list[Finding]:
    """One finding per line that names a place; if none does, the whole output is one."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree.root,
        env={**os.environ, "PYTHONPATH": f"{tree.root / 'src'}{os.pathsep}{tree.root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 0:
        return []
    output = (ended.stdout + ended.stderr).strip()
    places = [match for line in output.splitlines() if (match := _PLACE.match(line))]
    if not places:
        return [Finding("the whole tree", 1, output)]
    return [Finding(match[1], int(match[2]), match[3]) for match in places]

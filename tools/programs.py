"""Programs that describe themselves: every file of a folder whose docstring says what it does."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def found(folder: str, root: Path = ROOT, using: str = "") -> Mapping[str, str]:
    """Each program's name and the first line of its docstring.

    A file is one when it can be started and its text contains ``using``.
    """
    programs = {}
    for path in sorted((root / folder).glob("*.py")):
        source = path.read_text()
        syntax = ast.parse(source, str(path))
        text = ast.get_docstring(syntax)
        if text and using in source and any(_is_start(statement) for statement in syntax.body):
            programs[path.stem] = text.splitlines()[0]
    return programs


def listing(programs: Mapping[str, str]) -> str:
    """One line per program."""
    width = max(map(len, programs), default=0)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in programs.items())


def run(folder: str, name: str, arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run one program as a module, so that it may import its neighbours; its exit status."""
    module = ".".join([*Path(folder).parts, name])
    command = [sys.executable, "-m", module, *arguments]
    found_in = os.pathsep.join([str(root), str(root / "src")])
    environment = {**os.environ, "PYTHONPATH": found_in}
    return subprocess.run(command, cwd=root, env=environment, check=False).returncode


def _is_start(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test)

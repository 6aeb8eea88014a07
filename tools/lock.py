"""``python -m tools.lock``: write the lock files from pyproject, for every supported Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS: dict[str, tuple[str, ...]] = {
    "requirements.lock": ("--extra", "engine"),
    "requirements-dev.lock": (
        *("--extra", "engine", "--extra", "tigerbeetle", "--extra", "dev"),
        *("--constraint", "requirements.lock"),
    ),
}
"""Each lock file and what it takes beyond the runtime dependencies."""

# Nothing about where packages came from is written, and no local settings decide it.
_COMPILE = [
    *("uv", "pip", "compile", "--quiet", "--no-config", "--no-header"),
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-emit-find-links", "pyproject.toml"),
]


def command(lock: str, upgrade: bool) -> list[str]:
    """How one lock file is made; without ``upgrade`` the versions that still fit stay."""
    return [
        *_COMPILE,
        *LOCKS[lock],
        *(("--upgrade",) if upgrade else ()),
        "--output-file",
        lock,
    ]


def main(arguments: list[str]) -> int:
    """Write every lock file; ``--upgrade`` takes the newest versions."""
    if shutil.which("uv") is None:
        print("tools.lock: needs uv; install it with: pip install uv", file=sys.stderr)
        return 1
    for lock in LOCKS:
        subprocess.run(command(lock, "--upgrade" in arguments), cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

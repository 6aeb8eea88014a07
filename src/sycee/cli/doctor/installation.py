"""What this installation has on disk: secrets, certificates, and whether somebody works on it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sycee.assembly.configuration import Configuration
from sycee.assembly.secrets import NAMES, SIZE
from sycee.assembly.wiring import tls_of
from sycee.cli.doctor.findings import Finding, fail, ok, warn
from sycee.runtime import secrets
from sycee.runtime.host import Profile


def findings(configuration: Configuration) -> Iterator[Finding]:
    """Secrets and certificates as the platform would take them, and who holds the data."""
    data = Path(configuration.data).resolve()
    yield _secrets(data, configuration.profile)
    yield _certificates(configuration)
    yield _in_use(data)


def is_in_use(data: Path) -> bool:
    """Whether a running platform holds any of the data directory's locks."""
    return any(_is_held(lock) for lock in data.glob("*.lock"))


def _secrets(data: Path, profile: Profile) -> Finding:
    name, folder = f"secrets ({profile.value})", data / "secrets"
    absent = [each for each in NAMES if not (folder / each).exists()]
    for each in NAMES:
        if each in absent:
            continue
        try:
            secrets.of_size(folder / each, SIZE)
        except (secrets.Unsafe, OSError) as problem:
            return fail(name, str(problem), "Correct it, or restore it from its copy.")
    if not absent:
        return ok(name, f"{len(NAMES)} in {folder}")
    says = f"absent: {', '.join(absent)}"
    if profile is Profile.PRODUCTION:
        return fail(name, says, f"Make them once: ./sycee secrets --data {data}")
    return ok(name, f"{says}; made at the first start")


def _certificates(configuration: Configuration) -> Finding:
    try:
        tls = tls_of(configuration)
    except (secrets.Unsafe, OSError) as problem:
        return fail("certificates", str(problem), "Correct the files that [tls] names.")
    if tls is None:
        return ok("certificates", "no TLS between services is configured")
    return ok("certificates", configuration.tls.certificate)


def _in_use(data: Path) -> Finding:
    if is_in_use(data):
        advice = "Stop it before another start, or name another directory with --data."
        return warn("in use", "another sycee runs on these data", advice)
    return ok("in use", "nobody works on these data")


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

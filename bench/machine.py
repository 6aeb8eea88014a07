"""What machine a figure was measured on."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """Enough to judge whether two figures may be compared."""

    processor: str
    cores: int
    memory_mib: int
    kernel: str
    python: str


def describe() -> Machine:
    """Read the machine's facts."""
    page_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        memory_mib=page_bytes // 2**20,
        kernel=platform.release(),
        python=platform.python_version(),
    )


def report(figures: object) -> None:
    """Print one JSON document: the machine, then the figures."""
    document = {"machine": describe(), "figures": figures}
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    sys.stdout.flush()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()

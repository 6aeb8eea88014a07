"""``doctor``: looks for what could stand in the way, changes nothing, and says what to do."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence

import msgspec

from sycee.assembly.configuration import Configuration
from sycee.cli.doctor import disk, installation, machine, network
from sycee.cli.doctor.findings import Finding, Grade, fail, ok
from sycee.cli.options import add_configuration, configured
from sycee.runtime.config import ConfigurationInvalid, Loaded
from sycee.runtime.config.load import DEFAULT


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    add_configuration(parser)
    parser.add_argument("--profile", choices=["dev", "production"], help="how strict")
    parser.add_argument("--topology", choices=["one", "processes"], help="how many processes")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Look at everything; 1 when something fails."""
    findings = list(look(options))
    sys.stdout.write(_as_json(findings) if options.json else _for_people(findings))
    return 1 if any(finding.grade is Grade.FAIL for finding in findings) else 0


def look(options: Namespace) -> Iterator[Finding]:
    """Everything there is to see; without a valid configuration, the machine alone."""
    yield from machine.findings()
    try:
        loaded = configured(options)
    except ConfigurationInvalid as invalid:
        yield fail("configuration", str(invalid), "Correct it; the rest is looked at then.")
        return
    yield ok("configuration", _sources(loaded))
    yield from disk.findings(loaded.value)
    yield from installation.findings(loaded.value)
    yield from network.findings(loaded.value)


def _sources(loaded: Loaded[Configuration]) -> str:
    """How many values came from where; ``config show`` names them."""
    counts: dict[str, int] = {}
    for setting in loaded.settings:
        counts[setting.source] = counts.get(setting.source, 0) + 1
    given = [f"{source} ({count})" for source, count in counts.items() if source != DEFAULT]
    return f"valid; from {', '.join(given)}" if given else "valid; all defaults"


def _as_json(findings: Sequence[Finding]) -> str:
    return msgspec.json.format(msgspec.json.encode(findings)).decode() + "\n"


def _for_people(findings: Sequence[Finding]) -> str:
    lines: list[str] = []
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        lines.append(f"{finding.grade.value:<4}  {finding.name:<{width}}  {finding.says}")
        if finding.advice:
            lines.append(f"{'':{width + 6}}  → {finding.advice}")
    failures = sum(finding.grade is Grade.FAIL for finding in findings)
    verdict = f"{failures} in the way." if failures else "Nothing stands in the way."
    return "\n".join([*lines, "", verdict, ""])

"""The exceptions to our own checks, each with its reason. All of them are here."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tools.check.tree import Finding


class Exempt(msgspec.Struct, frozen=True):
    """One check does not hold of one file; ``containing`` narrows it to some findings."""

    check: str
    path: str
    reason: str
    containing: str = ""

    def covers(self, check: str, finding: Finding) -> bool:
        """Whether this exception is about that finding."""
        same = self.check == check and self.path == finding.path
        return same and self.containing in finding.text


EXCEPTIONS: tuple[Exempt, ...] = ()


def unexcused(
    check: str, findings: Iterable[Finding], exceptions: Iterable[Exempt] = EXCEPTIONS
) -> list[Finding]:
    """What remains of a check's findings; an exception that excuses nothing is one itself."""
    found = list(findings)
    ours = [exception for exception in exceptions if exception.check == check]
    remaining = [each for each in found if not any(one.covers(check, each) for one in ours)]
    for exception in ours:
        if not any(exception.covers(check, each) for each in found):
            text = f"the exception from {check} is not needed any more"
            remaining.append(Finding(exception.path, 1, text))
    return remaining

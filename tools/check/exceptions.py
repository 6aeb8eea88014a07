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


EXCEPTIONS: tuple[Exempt, ...] = (
    Exempt(
        "lines",
        "tests/faults/lab/careless.py",
        "a mutant that loses what it acknowledged, which the harness must catch",
        containing="may lose",
    ),
    Exempt(
        "fence 4, insides",
        "src/sycee/assembly/configuration.py",
        "how the simulated rail behaves is a setting of the installation",
        containing="testcard.rail",
    ),
    Exempt(
        "fence 4, insides",
        "src/sycee/assembly/proof.py",
        "the books are proven also while nothing runs, by the services' own proofs",
        containing=".jobs",
    ),
    Exempt(
        "fence 6, purity",
        "src/sycee/services/accounting/domain/dates.py",
        "reads and writes dates as text, and no clock",
    ),
    Exempt(
        "fence 6, purity",
        "src/sycee/services/notify/domain/keys.py",
        "deriving only computes: the secret comes from outside",
    ),
    Exempt(
        "fence 6, purity",
        "src/sycee/services/notify/domain/retries.py",
        "reads dates of HTTP out of text, and no clock",
    ),
    Exempt(
        "fence 6, purity",
        "src/sycee/services/notify/domain/seals.py",
        "sealing only computes: the nonce comes from outside",
    ),
    Exempt(
        "fence 6, purity",
        "src/sycee/services/payments/domain/velocity.py",
        "computes the calendar's days and months, and reads no clock",
    ),
    Exempt(
        "fence 6, purity",
        "src/sycee/services/vault/domain.py",
        "sealing only computes: keys and nonces come from outside",
    ),
    Exempt(
        "names",
        "src/sycee/assembly/storage.py",
        "what is in use is the data directory",
        containing="DataInUse",
    ),
    Exempt(
        "sleep",
        "tests/runtime/until.py",
        "asks again, for a bounded time, what announces itself to nobody",
    ),
    Exempt(
        "sleep",
        "tests/system/shops.py",
        "asks again, for a bounded time, what other processes announce to nobody",
    ),
    Exempt(
        "sleep",
        "tests/runtime/queue/test_local.py",
        "that nothing happens shows only over a while; too short a while lets no test fail",
        containing="asyncio.sleep(0.2)",
    ),
)


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

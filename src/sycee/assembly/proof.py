"""Proves a data directory: the books from their journal, then payments against the books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from sycee.assembly.storage import path_of
from sycee.kernel.currencies import BY_CODE
from sycee.runtime.database.sqlite_reading import open_sqlite_reading
from sycee.services.ledger import jobs as ledger_jobs
from sycee.services.ledger.app import SEGMENTS
from sycee.services.ledger.contract import Ledger, TrialBalanceQuery
from sycee.services.payments import jobs as payments_jobs

Progress = Callable[[int, int], None]

_CODES = {number: code for code, (number, _) in BY_CODE.items()}


class Wrong(msgspec.Struct, frozen=True):
    """One row that is not as it must be."""

    row: str
    problem: str


class Line(msgspec.Struct, frozen=True):
    """The posted sums of one currency, in minor units."""

    currency: str
    debits: int
    credits: int


class Proof(msgspec.Struct, frozen=True):
    """What was proved. No findings: all is right."""

    batches: int
    accounts: int
    transfers: int
    lines: tuple[Line, ...]
    findings: tuple[Wrong, ...]


async def prove(data: Path, progress: Progress) -> Proof:
    """Check everything that can be checked of the databases in ``data``, without changing them.

    Payments may go on meanwhile: their horizon is read before the books, their records after.
    """
    payments = await open_sqlite_reading(path_of(data, "payments"), "payments")
    horizon = await payments_jobs.horizon(payments)
    audit = await _audit(data, progress)
    wrong = [Wrong(finding.row, finding.problem) for finding in audit.findings]
    lines: tuple[Line, ...] = ()
    if audit.ledger is not None:
        lines = await _lines(audit.ledger)
        found = await payments_jobs.verify(payments, audit.ledger, progress, horizon)
        wrong += [Wrong(finding.row, finding.problem) for finding in found]
    await payments.close()
    return Proof(audit.batches, audit.accounts, audit.transfers, lines, tuple(wrong))


async def _audit(data: Path, progress: Progress) -> ledger_jobs.Audit:
    if (data / SEGMENTS).exists():
        return await asyncio.to_thread(ledger_jobs.verify_segments, data / SEGMENTS, progress)
    ledger = await open_sqlite_reading(path_of(data, "ledger"), "ledger")
    try:
        return await ledger_jobs.verify(ledger, progress)
    finally:
        await ledger.close()


async def _lines(ledger: Ledger) -> tuple[Line, ...]:
    balance = await ledger.trial_balance(TrialBalanceQuery())
    return tuple(
        Line(
            _CODES.get(line.ledger, str(line.ledger)),
            int(line.debits_posted),
            int(line.credits_posted),
        )
        for line in balance.lines
    )

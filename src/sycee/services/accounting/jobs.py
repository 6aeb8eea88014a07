"""What runs beside the calls: settling what a crash left open."""

from __future__ import annotations

import asyncio
from functools import partial

from sycee.kernel.refusal import Refusal
from sycee.runtime import logs
from sycee.services.accounting.service.parts import Parts, WrongBooks
from sycee.services.accounting.service.posting import Posting
from sycee.services.accounting.store import entries as rows

_PAGE = 100

_log = logs.logger("accounting")


async def keep_settling(posting: Posting, parts: Parts) -> None:
    """Settle in time what nobody asks for again."""
    while True:
        await settle_all(posting, parts)
        await asyncio.sleep(parts.settings.settle_every_s)


async def settle_all(posting: Posting, parts: Parts) -> None:
    """Settle every open transaction that no call is working on."""
    after = ("", "")
    while page := await parts.database.read(partial(rows.open_anywhere, after=after, limit=_PAGE)):
        for entry in page:
            after = (entry.owner, entry.id)
            if posting.is_at_work(entry):
                continue
            try:
                await posting.settle(entry)
            except Refusal as refusal:
                _log.info("transaction_left_open", transaction=entry.id, code=refusal.code)
            except WrongBooks:
                _log.fault("transaction_wrong", transaction=entry.id)

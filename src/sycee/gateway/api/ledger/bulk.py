"""``/api/ledger/imports`` and ``/export``: books as text, in and out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from sycee.gateway.api.ledger.shapes import LONG_S, PATH, SCOPE, SEERS, Owned, owner
from sycee.gateway.refusals import BodyInvalid
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.shapes import Public, answer
from sycee.runtime import deadline
from sycee.services.accounting.contract import (
    Accounting,
    BulkFormat,
    ExportPart,
    GetImport,
    ImportPart,
    ImportProgress,
    Owner,
)

IMPORT = f"{PATH}/imports/{{id}}"
LINES = 200
"""Lines that go to the books at a time, so that no call takes long and progress shows early."""
MEDIA = {
    BulkFormat.CSV: b"text/csv; charset=utf-8",
    BulkFormat.JSONL: b"application/x-ndjson",
    BulkFormat.BEANCOUNT: b"text/x-beancount; charset=utf-8",
}
ENDINGS = {BulkFormat.CSV: "csv", BulkFormat.JSONL: "jsonl", BulkFormat.BEANCOUNT: "beancount"}
EXPORTED = frozenset(media.partition(b";")[0] for media in MEDIA.values())


class Importing(msgspec.Struct, frozen=True):
    """How the text is written, and which part of the whole it is."""

    format: BulkFormat
    first_line: Annotated[int, Meta(ge=1, le=2**53)] = 1
    """Which line of the whole text the body begins with."""
    is_last: bool = True
    """Nothing follows. Otherwise send on from line ``lines + 1`` of the answer."""


class Exporting(Owned, frozen=True, kw_only=True):
    """How the text is to be written."""

    format: BulkFormat


class LedgerBulk:
    """Taking books in, and giving them out."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        one, scope, export = "ledger_import", SCOPE, f"GET {PATH}/export"
        return [
            route(
                f"POST {IMPORT}",
                self.take,
                Importing,
                answers=one,
                scope=scope,
                takes_text=True,
            ),
            route(f"GET {IMPORT}", self.progress, Owned, answers=one, roles=SEERS, scope=scope),
            route(
                export,
                self.export,
                Exporting,
                answers="text",
                roles=SEERS,
                scope=scope,
                also=EXPORTED,
            ),
        ]

    async def take(self, request: Request, given: Importing) -> Answer:
        """Import accounts and transactions from text, going on where it ended before."""
        try:
            text = request.body.decode()
        except UnicodeDecodeError:
            raise BodyInvalid("The text is not valid UTF-8.") from None
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        command = ImportPart(
            owner(request), request.arguments["id"], given.format, given.first_line, ""
        )
        return answer(render_import(await self._taken(command, lines, given.is_last)))

    async def _taken(self, command: ImportPart, lines: list[str], is_last: bool) -> ImportProgress:
        """Part by part; a record that does not fit into one is sent again within a larger one."""
        place, count = 0, LINES
        while True:
            part = lines[place : place + count]
            is_end = place + len(part) == len(lines)
            text = "".join(line + "\n" for line in part)
            step = replace(
                command,
                first_line=command.first_line + place,
                text=text,
                is_last=is_last and is_end,
            )
            with deadline.within(LONG_S):
                progress = await self._accounting.import_part(step)
            if is_end:
                return progress
            done = progress.lines + 1 - command.first_line
            if done > place:
                place, count = min(done, len(lines)), LINES
            else:
                # Ends at the latest when the part is larger than the books take.
                count *= 2

    async def progress(self, request: Request, given: Owned) -> Answer:
        """Say how far an import is."""
        query = GetImport(owner(request, given), request.arguments["id"])
        return answer(render_import(await self._accounting.get_import(query)))

    async def export(self, request: Request, given: Exporting) -> Answer:
        """Export all accounts and transactions as text that can be imported."""
        whose, form = owner(request, given), given.format
        first = await self._accounting.export_part(ExportPart(whose, form))
        name = f'attachment; filename="ledger.{ENDINGS[form]}"'.encode()
        return Answer(
            200,
            first.text.encode(),
            MEDIA[form],
            ((b"content-disposition", name),),
            self._rest(whose, form, first.next),
        )

    async def _rest(self, whose: Owner, form: BulkFormat, after: str) -> AsyncIterator[bytes]:
        while after:
            part = await self._accounting.export_part(ExportPart(whose, form, after))
            after = part.next
            if part.text:
                yield part.text.encode()


def render_import(progress: ImportProgress) -> Public:
    """How far an import is."""
    return {
        "id": progress.id,
        "object": "ledger_import",
        "format": progress.format.value,
        "lines": progress.lines,
        "accounts": progress.accounts,
        "transactions": progress.transactions,
        "is_done": progress.is_done,
    }

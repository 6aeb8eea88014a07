"""``/api/blocks``: a merchant's block list."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.shapes import Id, Public, answer, unix
from sycee.services.fraud.contract import (
    Block,
    BlockEntry,
    Fraud,
    ListBlocks,
    ListKind,
    Unblock,
)

PATH = "/api/blocks"


class ListingBlocks(msgspec.Struct, frozen=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Unblocking(msgspec.Struct, frozen=True):
    """Which value."""

    kind: ListKind
    value: Id


class Blocking(msgspec.Struct, frozen=True):
    """Which value, and why."""

    kind: ListKind
    value: Id
    note: Annotated[str, Meta(max_length=500)] = ""


class BlockList:
    """Values that no payment may come from."""

    def __init__(self, fraud: Fraud) -> None:
        self._fraud = fraud

    def routes(self) -> list[Route]:
        """Their routes."""
        many = "list of block"
        return [
            route(f"POST {PATH}", self.block, Blocking, answers="block", scope="fraud"),
            route(f"DELETE {PATH}", self.unblock, Unblocking, answers="unblocked", scope="fraud"),
            route(f"GET {PATH}", self.list_all, ListingBlocks, answers=many, scope="fraud"),
        ]

    async def block(self, request: Request, given: Blocking) -> Answer:
        """Put a value on the block list."""
        command = Block(request.merchant, given.kind, given.value, given.note)
        return answer(render_block(await self._fraud.block(command)))

    async def unblock(self, request: Request, given: Unblocking) -> Answer:
        """Take a value off the block list."""
        gone = await self._fraud.unblock(Unblock(request.merchant, given.kind, given.value))
        return answer({"object": "unblocked", "value": gone.value})

    async def list_all(self, request: Request, given: ListingBlocks) -> Answer:
        """List the block list, newest first."""
        found = await self._fraud.list_blocks(ListBlocks(request.merchant, given.limit))
        data = [render_block(entry) for entry in found.entries]
        return answer({"object": "list", "data": data, "has_more": False, "url": PATH})


def render_block(entry: BlockEntry) -> Public:
    """One entry of the block list."""
    return {
        "object": "block",
        "kind": entry.kind.value,
        "value": entry.value,
        "note": entry.note,
        "created": unix(entry.created),
    }

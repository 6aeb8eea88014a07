"""``expand``: shows related objects in place of their ids, up to four levels deep."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Answer, Request
from sycee.gateway.stripe.shapes import Public, answer
from sycee.kernel.refusal import NotFound

DEPTH_MAX = 4
PATHS_MAX = 20

Fetch: TypeAlias = Callable[[Request, str], Awaitable[Public]]
"""Finds one object by its id and renders it."""

EXPANDABLE: Mapping[str, Mapping[str, str]] = {
    "payment_intent": {
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payment_method": {"customer": "customer"},
    "setup_intent": {"customer": "customer", "payment_method": "payment_method"},
    "product": {"default_price": "price"},
    "price": {"product": "product"},
    "balance_transaction": {"source": "source"},
    "customer": {"invoice_settings.default_payment_method": "payment_method"},
}
"""Object -> its field -> what is fetched for it."""

NEVER_SET: Mapping[str, frozenset[str]] = {
    "payment_intent": frozenset({"application", "on_behalf_of", "review"}),
    "charge": frozenset(
        {"application", "application_fee", "failure_balance_transaction", "on_behalf_of", "review"}
        | {"source_transfer", "refunds"}
    ),
    "refund": frozenset({"source_transfer_reversal", "transfer_reversal"}),
    "customer": frozenset({"default_source", "test_clock"}),
    "product": frozenset({"tax_code"}),
    "setup_intent": frozenset(
        {"application", "latest_attempt", "mandate", "on_behalf_of", "single_use_mandate"}
    ),
}
"""Fields that may be expanded and are always null here."""


class Expander:
    """Knows how to fetch each kind of object."""

    def __init__(self) -> None:
        self._fetch: dict[str, Fetch] = {}

    def fetches(self, kind: str, fetch: Fetch) -> None:
        """Say how one kind is fetched."""
        self._fetch[kind] = fetch

    async def shown(self, request: Request, public: Public, paths: list[str]) -> Answer:
        """The object as an answer, with what the paths name in place of ids."""
        return answer(await self.expanded(request, public, paths) if paths else public)

    async def expanded(self, request: Request, public: Public, paths: list[str]) -> Public:
        """The object with what the paths name in place of ids; each id is fetched once."""
        if len(paths) > PATHS_MAX:
            raise ParameterInvalid(f"More than {PATHS_MAX} paths to expand.", param="expand")
        seen: dict[tuple[str, str], Public | None] = {}
        for path in paths:
            steps = path.split(".")
            if public.get("object") in ("list", "search_result"):
                await self._expand_list(request, public, path, seen)
            elif len(steps) > DEPTH_MAX:
                raise ParameterInvalid(f"{path!r} goes deeper than four levels.", param="expand")
            else:
                await self._expand(request, public, steps, path, seen)
        return public

    async def _expand_list(
        self,
        request: Request,
        public: Public,
        path: str,
        seen: dict[tuple[str, str], Public | None],
    ) -> None:
        prefix, _, rest = path.partition(".")
        if prefix != "data" or not rest or rest.count(".") >= DEPTH_MAX:
            raise _not_expandable(path)
        items = public["data"]
        assert isinstance(items, list)
        for item in items:
            await self._expand(request, item, rest.split("."), path, seen)

    async def _expand(
        self,
        request: Request,
        public: Public,
        steps: list[str],
        path: str,
        seen: dict[tuple[str, str], Public | None],
    ) -> None:
        """Walk down one path, replacing ids on the way."""
        kind = str(public["object"])
        holder, field, target, rest = _step(kind, public, steps, path)
        value = holder.get(field)
        if isinstance(value, str) and target:
            value = await self._fetched(request, target, value, seen)
            if value is not None:
                holder[field] = value
        if rest and isinstance(value, dict):
            await self._expand(request, value, rest, path, seen)

    async def _fetched(
        self,
        request: Request,
        target: str,
        id: str,
        seen: dict[tuple[str, str], Public | None],
    ) -> Public | None:
        """A copy for this place: an object that shows itself further down would have no end."""
        if (target, id) not in seen:
            try:
                seen[target, id] = await self._fetch[target](request, id)
            except NotFound:
                seen[target, id] = None
        return copy.deepcopy(seen[target, id])


def _step(
    kind: str, public: Public, steps: list[str], path: str
) -> tuple[Public, str, str, list[str]]:
    """The object that holds the id, the field, what to fetch, and the rest of the path."""
    expandable = EXPANDABLE.get(kind, {})
    if steps[0] in expandable:
        return public, steps[0], expandable[steps[0]], steps[1:]
    if steps[0] in NEVER_SET.get(kind, ()):
        return public, steps[0], "", []
    inner = ".".join(steps[:2])
    holder = public.get(steps[0])
    if inner in expandable and isinstance(holder, dict):
        return holder, steps[1], expandable[inner], steps[2:]
    raise _not_expandable(path)


def _not_expandable(path: str) -> ParameterInvalid:
    return ParameterInvalid(f"This property cannot be expanded ({path[:200]}).", param="expand")

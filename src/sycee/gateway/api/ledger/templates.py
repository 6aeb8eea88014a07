"""``/api/ledger/templates``: transactions by a named and versioned form."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.api.ledger.shapes import (
    PATH,
    SCOPE,
    SEERS,
    MetadataGiven,
    Name,
    Owned,
    Paged,
    When,
    metadata,
    owner,
    paged,
)
from sycee.gateway.api.ledger.times import instant_or_none, written
from sycee.gateway.api.ledger.transactions import render_transaction
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Priority, Route, route
from sycee.gateway.stripe.shapes import Public, Text, answer
from sycee.services.accounting.contract import (
    Accounting,
    DefineTemplate,
    GetTemplate,
    ListTemplates,
    Move,
    Parameter,
    ParameterKind,
    Rounding,
    RunTemplate,
    Share,
    Source,
    Template,
    TransactionId,
)

TEMPLATES = f"{PATH}/templates"
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ParameterGiven(msgspec.Struct, frozen=True):
    """One value that a run must give."""

    name: Name
    kind: ParameterKind


class SourceGiven(msgspec.Struct, frozen=True):
    """Where a move takes money from, as far as it is there."""

    account: Name
    up_to: Name | None = None
    unlimited: bool = False


class ShareGiven(msgspec.Struct, frozen=True):
    """What one destination gets: a fixed amount, a percentage, or, with neither, the remainder."""

    account: Name
    fixed: Name | None = None
    percent: Name | None = None


class MoveGiven(msgspec.Struct, frozen=True):
    """An amount from sources, tried in order, split over shares, exactly."""

    sources: list[SourceGiven]
    shares: list[ShareGiven]
    amount: Name | None = None
    """Minor units or a parameter in braces, as text: ``"{amount}"``."""
    complete: bool = True
    rounding: Rounding = Rounding.LARGEST_REMAINDER


class DefiningTemplate(msgspec.Struct, frozen=True):
    """A version of a template, which never changes."""

    name: Name
    version: Version
    currency: Name
    parameters: list[ParameterGiven]
    moves: list[MoveGiven]
    description: Text = ""


class AskingTemplate(Owned, frozen=True, kw_only=True):
    """Which version; left out, the newest."""

    version: Version | None = None


class RunningTemplate(msgspec.Struct, frozen=True):
    """The values of all parameters, as texts."""

    id: Name
    arguments: dict[str, str]
    version: Version | None = None
    """Left out, the newest."""
    effective: When | None = None
    metadata: MetadataGiven | None = None


class LedgerTemplates:
    """Templates and their runs."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        one, scope, who = "ledger_template", SCOPE, SEERS
        named, made = f"{TEMPLATES}/{{name}}", "ledger_transaction"
        return [
            route(f"POST {TEMPLATES}", self.define, DefiningTemplate, answers=one, scope=scope),
            route(
                f"GET {TEMPLATES}",
                self.list_page,
                Paged,
                answers=f"page of {one}",
                roles=who,
                scope=scope,
            ),
            route(
                f"GET {named}", self.retrieve, AskingTemplate, answers=one, roles=who, scope=scope
            ),
            route(
                f"POST {named}/run",
                self.run,
                RunningTemplate,
                answers=made,
                scope=scope,
                priority=Priority.SETTLE,
            ),
        ]

    async def define(self, request: Request, given: DefiningTemplate) -> Answer:
        """Keep a version of a template for ever."""
        command = DefineTemplate(
            owner(request),
            given.name,
            given.version,
            given.currency,
            tuple(Parameter(each.name, each.kind) for each in given.parameters),
            tuple(_move(each) for each in given.moves),
            given.description,
        )
        return answer(render_template(await self._accounting.define_template(command)))

    async def list_page(self, request: Request, given: Paged) -> Answer:
        """List templates, every version."""
        query = ListTemplates(owner(request, given), given.after, given.limit)
        found = await self._accounting.list_templates(query)
        has_more = bool(found.next)
        return answer(paged(TEMPLATES, found.templates, found.next, has_more, render_template))

    async def retrieve(self, request: Request, given: AskingTemplate) -> Answer:
        """Retrieve a version of a template, or the newest."""
        query = GetTemplate(owner(request, given), request.arguments["name"], given.version)
        return answer(render_template(await self._accounting.get_template(query)))

    async def run(self, request: Request, given: RunningTemplate) -> Answer:
        """Make a transaction by a template, whole or not at all, once per id."""
        command = RunTemplate(
            owner(request),
            TransactionId(given.id),
            request.arguments["name"],
            given.arguments,
            given.version,
            instant_or_none(given.effective, "effective"),
            metadata(given.metadata),
        )
        return answer(render_transaction(await self._accounting.run_template(command)))


def _move(given: MoveGiven) -> Move:
    return Move(
        tuple(Source(each.account, each.up_to, each.unlimited) for each in given.sources),
        tuple(Share(each.account, each.fixed, each.percent) for each in given.shares),
        given.amount,
        given.complete,
        given.rounding,
    )


def render_template(template: Template) -> Public:
    """A version of a template."""
    return {
        "object": "ledger_template",
        "name": template.name,
        "version": template.version,
        "currency": template.currency,
        "parameters": [
            {"name": each.name, "kind": each.kind.value} for each in template.parameters
        ],
        "moves": [_render_move(each) for each in template.moves],
        "description": template.description,
        "defined": written(template.defined),
    }


def _render_move(move: Move) -> Public:
    return {
        "sources": [
            {"account": each.account, "up_to": each.up_to, "unlimited": each.unlimited}
            for each in move.sources
        ],
        "shares": [
            {"account": each.account, "fixed": each.fixed, "percent": each.percent}
            for each in move.shares
        ],
        "amount": move.amount,
        "complete": move.complete,
        "rounding": move.rounding.value,
    }

"""What a command says, as the digest by which a repetition is told from another command."""

from __future__ import annotations

from sycee.kernel.clock import Instant
from sycee.services.accounting.contract import (
    DefineTemplate,
    Exchange,
    Leg,
    Metadata,
    PostTransaction,
    RunTemplate,
)
from sycee.services.accounting.domain.canonical import Json, digest


def posting_digest(command: PostTransaction, metadata: Metadata) -> bytes:
    """Of a transaction given by its legs."""
    legs = [_leg(leg) for leg in command.legs]
    return digest({"kind": "legs", "legs": legs, **_common(command.effective, metadata)})


def exchange_digest(command: Exchange, metadata: Metadata) -> bytes:
    """Of an exchange."""
    return digest(
        {
            "kind": "exchange",
            "source": command.source,
            "sold": command.sold,
            "target": command.target,
            "bought": command.bought,
            "liquidity": command.liquidity,
            "rate": command.rate,
            "rounding": command.rounding.value,
            "sold_minor": _number(command.sold_minor),
            "bought_minor": _number(command.bought_minor),
            **_common(command.effective, metadata),
        }
    )


def run_digest(command: RunTemplate, metadata: Metadata) -> bytes:
    """Of a template's run, as it was asked for."""
    return digest(
        {
            "kind": "run",
            "template": command.name,
            "version": command.version,
            "arguments": dict(command.arguments),
            **_common(command.effective, metadata),
        }
    )


def template_digest(command: DefineTemplate) -> bytes:
    """Of a version of a template."""
    return digest(
        {
            "currency": command.currency,
            "description": command.description,
            "parameters": [[each.name, each.kind.value] for each in command.parameters],
            "moves": [
                {
                    "amount": move.amount,
                    "complete": move.complete,
                    "rounding": move.rounding.value,
                    "sources": [[s.account, s.up_to, s.unlimited] for s in move.sources],
                    "shares": [[s.account, s.fixed, s.percent] for s in move.shares],
                }
                for move in command.moves
            ],
        }
    )


def _leg(leg: Leg) -> Json:
    return [leg.account, leg.side.value, str(int(leg.amount_minor)), leg.currency]


def _common(effective: Instant | None, metadata: Metadata) -> dict[str, Json]:
    return {"effective": _number(effective), "metadata": metadata}


def _number(value: int | None) -> str | None:
    return None if value is None else str(int(value))

"""Templates of transactions: a small declarative form, which is data and no program.

Words in braces stand for parameters: ``"merchants:{merchant}:available"``, ``"{amount}"``. Money
goes from the account that is debited to the one that is credited; what is *there*, in a source, is
the balance of its credits over its debits, less what is pending.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Refusal
from sycee.services.accounting.contract.shared import (
    NO_METADATA,
    Metadata,
    Owner,
    Rounding,
    TransactionId,
)


class ParameterKind(Enum):
    """What an argument must be. All arguments are texts."""

    ACCOUNT = "account"
    """An account's name."""
    AMOUNT = "amount"
    """A whole number of minor units: ``1250``."""
    CURRENCY = "currency"
    """An ISO 4217 code."""
    PERCENT = "percent"
    """A decimal from 0 to 100 with at most 6 places: ``2.9``."""
    TEXT = "text"
    """A part of an account's name."""


class Parameter(msgspec.Struct, frozen=True):
    """One value that a run must give."""

    name: str
    """Small letters, digits and ``_``."""
    kind: ParameterKind


class Source(msgspec.Struct, frozen=True):
    """Where a move takes money from: what is there, at most ``up_to`` minor units of it."""

    account: str
    up_to: str | None = None
    """An amount, or None for no limit of its own."""
    unlimited: bool = False
    """It gives whatever is still wanted, and may go below zero as far as its own bound allows: for
    accounts that stand for the world outside."""


class Share(msgspec.Struct, frozen=True):
    """What one destination gets: a fixed amount, a percentage of the whole, or the remainder.

    At most one of ``fixed`` and ``percent`` is given; neither means the remainder.
    """

    account: str
    fixed: str | None = None
    """Minor units."""
    percent: str | None = None
    """Of the whole amount of the move."""


class Move(msgspec.Struct, frozen=True):
    """Take an amount from sources, tried in order, and split it over shares, exactly.

    Fixed shares come first, in order, then percentages, rounded as ``rounding`` names, each limited
    to what is left; the one remainder gets the rest. Without a remainder there are only
    percentages, which make up 100, rounded by ``LARGEST_REMAINDER``.
    """

    sources: tuple[Source, ...]
    shares: tuple[Share, ...]
    amount: str | None = None
    """Minor units. None is all that is there, and only of a move that is not ``complete``."""
    complete: bool = True
    """The sources must give the whole amount, or the run is refused; otherwise up to the amount,
    as much as is there."""
    rounding: Rounding = Rounding.LARGEST_REMAINDER


class DefineTemplate(msgspec.Struct, frozen=True):
    """A version of a template, which never changes. Repeating the same is the same."""

    owner: Owner
    name: str
    version: int
    """1 or more; a higher one is newer."""
    currency: str
    """An ISO 4217 code, or a parameter in braces."""
    parameters: tuple[Parameter, ...]
    moves: tuple[Move, ...]
    """1 to 20, done in order, all or nothing."""
    description: str = ""


class Template(msgspec.Struct, frozen=True):
    """A version of a template. Fields as of ``DefineTemplate``."""

    name: str
    version: int
    currency: str
    parameters: tuple[Parameter, ...]
    moves: tuple[Move, ...]
    description: str
    defined: Instant


class GetTemplate(msgspec.Struct, frozen=True):
    """Ask for a version of a template, or for the newest."""

    owner: Owner
    name: str
    version: int | None = None


class ListTemplates(msgspec.Struct, frozen=True):
    """An owner's templates, every version, in order of name and version, from a cursor on."""

    owner: Owner
    after: str = ""
    limit: int = 100
    """1 to 1000."""


class Templates(msgspec.Struct, frozen=True):
    """A page of templates; an empty ``next`` says that it is the last."""

    templates: tuple[Template, ...]
    next: str


class RunTemplate(msgspec.Struct, frozen=True):
    """Make a transaction by a template, all or nothing, once per ``id``.

    ``version`` None is the newest; a repeated run uses the version of the first. ``arguments`` name
    every parameter and no other. The ``id`` is a transaction's, and shares its names.
    """

    owner: Owner
    id: TransactionId
    name: str
    arguments: dict[str, str]
    version: int | None = None
    effective: Instant | None = None
    metadata: Metadata = NO_METADATA


class TemplateInvalid(Refusal, code="template_invalid", status=422):
    """The template makes no sense; ``param`` names the field, such as ``moves[0].shares``."""


class TemplateDiffers(Refusal, code="template_differs", status=409):
    """This version of the template exists, with other contents."""


class ArgumentInvalid(Refusal, code="argument_invalid", status=422):
    """An argument is missing, too many, or not what its parameter takes; ``param`` names it. Or
    the arguments together make no sense, such as percentages that do not make up 100."""


class Contended(Refusal, code="contended", status=503):
    """The balances that a share is a percentage of changed at every try. Repeat it."""

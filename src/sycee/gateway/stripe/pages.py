"""Cursor pages: the parameters that every list takes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.stripe.shapes import Expanding, Id
from sycee.kernel.clock import SECOND_NS, Instant
from sycee.services.payments.contract.shared import Page

Second = Annotated[int, Meta(ge=0, le=9_000_000_000)]


class Span(msgspec.Struct, frozen=True):
    """An interval of Unix seconds."""

    gt: Second | None = None
    gte: Second | None = None
    lt: Second | None = None
    lte: Second | None = None


class Paging(Expanding, frozen=True, kw_only=True):
    """Where to begin, and how many."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    starting_after: Id | None = None
    ending_before: Id | None = None


class DatedPaging(Paging, frozen=True, kw_only=True):
    """A page of objects created within a time."""

    created: Second | Span | None = None


def page(given: Paging) -> Page:
    """The page as the contract takes it."""
    if given.starting_after and given.ending_before:
        raise ParameterInvalid(
            "Use starting_after or ending_before, not both.", param="ending_before"
        )
    first, last = created_between(given.created) if isinstance(given, DatedPaging) else (None, None)
    return Page(given.limit, given.starting_after, given.ending_before, first, last)


def created_between(created: int | Span | None) -> tuple[Instant | None, Instant | None]:
    """First instant inside and first instant after."""
    if created is None:
        return None, None
    if isinstance(created, int):
        return _instant(created), _instant(created + 1)
    firsts = [each for each in (created.gte, _next(created.gt)) if each is not None]
    ends = [each for each in (created.lt, _next(created.lte)) if each is not None]
    return (
        _instant(max(firsts)) if firsts else None,
        _instant(min(ends)) if ends else None,
    )


def _next(second: int | None) -> int | None:
    return None if second is None else second + 1


def _instant(second: int) -> Instant:
    return Instant(second * SECOND_NS)

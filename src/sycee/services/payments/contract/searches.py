"""What a search may refuse."""

from __future__ import annotations

from sycee.kernel.refusal import Refusal


class QueryUnreadable(Refusal, code="query_unreadable", status=400):
    """The query breaks the language; the fact ``position`` counts its characters from 0."""

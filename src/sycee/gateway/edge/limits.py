"""How much, how many and how long: the bounds of one door."""

from __future__ import annotations

import msgspec

IMPORTS = b"/api/ledger/imports/"
"""Where books come in as text."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on connections and requests (AE2, AE3, RE4)."""

    head_bytes_max: int = 32_768
    """Request line and header fields together."""
    header_fields_max: int = 100
    """How many header fields."""
    body_bytes_max: int = 262_144
    """The body, counted as it arrives when its length is not announced."""
    import_bytes_max: int = 16_777_216
    """The body of an import of books, which comes in pieces of any size up to this."""
    head_timeout_s: float = 10
    """From the first octet of a request, or the connection, to the end of its head."""
    body_idle_timeout_s: float = 10
    """Between two pieces of a body."""
    body_timeout_s: float = 30
    """From the end of the head to the end of the body."""
    keep_alive_s: float = 75
    """How long an idle connection is kept."""
    connections_per_ip_max: int = 1024
    """Connections of one address at one time; raise it behind a proxy."""
    in_flight_max: int = 1024
    """Requests worked on at one time; beyond it 503, reads first, captures and refunds last."""
    drain_timeout_s: float = 10
    """At the end, how long requests in flight may take to finish."""

    def body_max(self, target: bytes) -> int:
        """How large the body of a request to this target may be."""
        return self.import_bytes_max if target.startswith(IMPORTS) else self.body_bytes_max

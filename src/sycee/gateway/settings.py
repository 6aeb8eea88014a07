"""What can be configured of the doors; apart from them, so that reading it loads none."""

from __future__ import annotations

import msgspec

from sycee.gateway.edge.limits import Limits
from sycee.gateway.grpc.compiling import Decoder
from sycee.gateway.rates import Rates


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``[gateway]`` section."""

    public_url: str = ""
    """Base address in links that callers follow; empty means the address that is listened on."""
    public_docs: bool = True
    """Serve ``/docs`` and ``/openapi.json`` at the public door."""
    ledger_decoder: Decoder = Decoder.AUTO
    """Batches over gRPC: ``compiled`` loads Numba before the door opens, ``auto`` at the first
    batch of 16 KiB or more, ``plain`` never."""
    limits: Limits = Limits()
    """Bounds on connections and requests."""
    rates: Rates = Rates()
    """How often one key may ask at the doors of one process."""

"""What a process tells when it takes requests."""

from __future__ import annotations

import msgspec


class Ready(msgspec.Struct, frozen=True):
    """Where everything is; empty texts are not of this process."""

    url: str = ""
    grpc: str = ""
    internal: str = ""
    data: str = ""
    secret_key: str = ""
    publishable_key: str = ""
    operator_key: str = ""
    ledger_key: str = ""

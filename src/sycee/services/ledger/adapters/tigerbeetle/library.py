"""The C library inside the ``tigerbeetle`` package (its header: tb_client.h), and nothing above it.

The package's own client makes a Python object of every event; only its library is used here.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from types import ModuleType
from typing import Final

from sycee.runtime import logs
from sycee.services.ledger.domain.engine import EngineMissing

RELEASE: Final = "0.17."
"""The releases whose records, operations and result codes are known here."""
LOG_EVERY_S: Final = 10.0
"""While the cluster is away the library complains several times a second."""

_log = logs.logger("tigerbeetle")


class Packet(ctypes.Structure):
    """One request (tb_packet_t)."""

    user_data: int
    data: int | None
    data_size: int
    operation: int
    status: int

    _fields_ = (
        ("user_data", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("data_size", ctypes.c_uint32),
        ("user_tag", ctypes.c_uint16),
        ("operation", ctypes.c_uint8),
        ("status", ctypes.c_uint8),
        ("opaque", ctypes.c_uint8 * 64),
    )


class Client(ctypes.Structure):
    """A session's handle (tb_client_t); it must not move while the session is open."""

    _fields_ = (("opaque", ctypes.c_uint64 * 4),)


_ID = ctypes.c_uint8 * 16
COMPLETION = ctypes.CFUNCTYPE(
    None,
    ctypes.c_size_t,
    ctypes.POINTER(Packet),
    ctypes.c_uint64,
    ctypes.c_void_p,
    ctypes.c_uint32,
)
"""Called in the library's thread: context, packet, timestamp, reply, its size."""
_INIT = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(Client),
    ctypes.POINTER(_ID),
    ctypes.c_char_p,
    ctypes.c_uint32,
    ctypes.c_size_t,
    COMPLETION,
)
_SUBMIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Client), ctypes.POINTER(Packet))
_DEINIT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Client))
_LOG_LINE = ctypes.CFUNCTYPE(None, ctypes.c_uint, ctypes.c_void_p, ctypes.c_uint)

_INIT_FAILURES: Final = {
    2: "out of memory",
    3: "an address is not of the form host:port or port",
    4: "too many addresses",
    5: "the system gives it no more threads or files (io_uring may be forbidden here)",
    6: "no network",
}


class Library:
    """The library's functions. All of them let other Python threads run meanwhile."""

    def __init__(self, cdll: ctypes.CDLL) -> None:
        self._init = _INIT(("tb_client_init", cdll))
        self._init_echo = _INIT(("tb_client_init_echo", cdll))
        self._submit = _SUBMIT(("tb_client_submit", cdll))
        self._deinit = _DEINIT(("tb_client_deinit", cdll))

    def open(
        self,
        client: Client,
        cluster_id: int,
        addresses: str,
        completion: ctypes._FuncPointer,
        is_echo: bool = False,
    ) -> None:
        """Open a session, connected or not; one that only echoes needs no cluster."""
        init = self._init_echo if is_echo else self._init
        cluster = _ID(*cluster_id.to_bytes(16, "little"))
        text = addresses.encode("ascii", "replace")
        failure: int = init(client, cluster, text, len(text), 0, completion)
        if failure:
            reason = _INIT_FAILURES.get(failure, f"failure {failure}")
            raise EngineMissing(f"TigerBeetle's client cannot start with {addresses!r}: {reason}")

    def submit(self, client: Client, packet: Packet) -> bool:
        """Hand a request over; False when the session has ended."""
        failure: int = self._submit(client, packet)
        return failure == 0

    def close(self, client: Client) -> None:
        """End a session: requests in flight complete as shut down; returns when all is still."""
        self._deinit(client)


@cache
def load() -> Library:
    """The library of the installed package; ``EngineMissing`` says what to install."""
    try:
        version = metadata.version("tigerbeetle")
        client, inner = import_module("tigerbeetle.client"), import_module("tigerbeetle.lib")
    except (metadata.PackageNotFoundError, ImportError) as absent:
        raise EngineMissing(
            "ledger.engine is tigerbeetle, whose client is not installed: "
            "pip install 'sycee[tigerbeetle]'"
        ) from absent
    if not version.startswith(RELEASE):
        raise EngineMissing(
            f"tigerbeetle {version} is installed; this Sycee speaks {RELEASE}x: "
            "pip install 'sycee[tigerbeetle]'"
        )
    _take_log(client)
    cdll: ctypes.CDLL = inner.tbclient
    return Library(cdll)


_last_line = [0.0]
_LEVELS: Final[dict[int, Callable[[str], None]]] = {
    0: lambda line: _log.warning("client_error", line=line),
    1: lambda line: _log.warning("client_warning", line=line),
}


def _write_line(level: int, text: int, size: int) -> None:
    write = _LEVELS.get(level)
    now = time.monotonic()
    if write is not None and now - _last_line[0] >= LOG_EVERY_S:
        _last_line[0] = now
        write(ctypes.string_at(text, size).decode("utf-8", "replace"))


_LINE = _LOG_LINE(_write_line)
"""Kept for the life of the process: the library may call it at any time."""


def _take_log(client: ModuleType) -> None:
    """Let the library's lines come here, the few that matter, instead of to its own logger."""
    client.configure_logging(debug=False, handler=_LINE)

"""Names to addresses, on threads of its own, so that slow name servers hold up nobody else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a host, as text; raises ``OSError`` when there are none."""


def system_resolver(threads: int) -> Resolve:
    """The operating system's resolver, with so many questions under way at once."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    async def resolve(host: str) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(pool, _addresses, host)

    return resolve


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))

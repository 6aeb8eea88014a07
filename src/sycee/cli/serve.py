"""``serve``: some services in this process; the others are reached where they are configured."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from sycee.assembly.configuration import Configuration
from sycee.assembly.failures import CannotStart
from sycee.assembly.keys import first_keys
from sycee.assembly.storage import Databases, queue_of
from sycee.assembly.wiring import SERVICES, Assembled, address, assemble, tls_of
from sycee.cli.options import add_configuration, configured
from sycee.cli.ready import Ready
from sycee.runtime import logs, rpc
from sycee.runtime.floor import Floor
from sycee.runtime.floor import run as run_floor

LOOPBACK = "127.0.0.1"
UNIX = "unix:"
SOCKET_PATH_BYTES_MAX = 103
"""The least of what systems take: macOS 104 with the end of the text, Linux 108."""

Tell = Callable[[Ready], None]


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    add_configuration(parser)
    parser.add_argument(
        "services", nargs="+", choices=SERVICES, metavar="service", help="|".join(SERVICES)
    )
    parser.add_argument("--profile", choices=["dev", "production"], help="how strict")
    parser.add_argument(
        "--attached", action="store_true", help="stop when standard input is closed"
    )


def run(options: Namespace) -> int:
    """Serve until SIGTERM or SIGINT; prints one line of JSON when ready."""
    configuration = configured(options).value
    run_floor(stand(configuration, frozenset(options.services), _tell, options.attached))
    return 0


def _tell(ready: Ready) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(ready) + b"\n")
    sys.stdout.flush()


async def stand(
    configuration: Configuration, here: Collection[str], tell: Tell, attached: bool = False
) -> None:
    """Build the services, open the doors, and stand until it is time to stop."""
    logs.configure(
        "+".join(sorted(here)) if len(here) < len(SERVICES) else "sycee", _level(configuration)
    )
    data = configuration.folder
    queue = queue_of(configuration)
    databases = Databases(data, queue)
    async with Floor(data, configuration.profile, databases.open, queue) as floor:
        if attached:
            _stop_when_detached(floor)
        assembled = await assemble(floor, configuration, here)
        floor.job("queue", queue.run)
        await _open_inner_door(floor, configuration, assembled, here)
        ready = await _open_doors(floor, configuration, assembled)
        floor.ready()
        tell(ready)
        await floor.stopped()


async def _open_inner_door(
    floor: Floor, configuration: Configuration, assembled: Assembled, here: Collection[str]
) -> None:
    """Let other processes call the services that live here, unless everything lives here."""
    if len(here) == len(SERVICES):
        return
    by_address: dict[str, dict[str, tuple[type, object]]] = {}
    for name, service in assembled.services.items():
        by_address.setdefault(address(configuration, name), {})[name] = service
    for where, services in by_address.items():
        if where.startswith(UNIX):
            _prepare_socket(Path(where.removeprefix(UNIX)))
        server = await rpc.serve(services, where, tls_of(configuration))
        floor.door(server.drain)


def _prepare_socket(path: Path) -> None:
    """Make the socket's folder, which only its owner may enter."""
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise CannotStart(
            f"The path of the socket {path} is longer than the {SOCKET_PATH_BYTES_MAX} bytes that"
            " systems take: name a shorter directory with --data, or set the services' addresses."
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


async def _open_doors(floor: Floor, configuration: Configuration, assembled: Assembled) -> Ready:
    """Open the public doors when the gateway lives here, and say where everything is."""
    data = configuration.folder
    if assembled.doors is None:
        return Ready(data=str(data))
    rest, grpc = assembled.doors
    keys = await first_keys(assembled.identity, data, configuration.profile)
    host = configuration.host
    try:
        public = await rest.serve(host, configuration.port)
        internal = await rest.serve_internal(LOOPBACK, configuration.internal_port)
        await grpc.open(f"{host}:{configuration.grpc_port}")
    except (OSError, RuntimeError) as error:
        raise CannotStart(f"A port cannot be opened: {error}. Choose others with --port.") from None
    for drain in (public.drain, internal.drain, grpc.drain):
        floor.door(drain)
    return Ready(
        url=f"http://{host}:{public.port}",
        grpc=f"{host}:{grpc.port}",
        internal=f"http://{LOOPBACK}:{internal.port}",
        data=str(data),
        secret_key=keys.secret_key,
        publishable_key=keys.publishable_key,
        operator_key=keys.operator_key,
        ledger_key=keys.ledger_key,
    )


def _stop_when_detached(floor: Floor) -> None:
    """Stop when whoever started this process is gone, however it went."""
    loop = asyncio.get_running_loop()
    # Ctrl-C reaches the whole group of processes; the one that started them says who drains when.
    loop.remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        # Without Python's buffer, whose lock this thread would hold while the process ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(floor.stop)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _level(configuration: Configuration) -> logs.Level:
    return logs.Level[configuration.log_level.name]

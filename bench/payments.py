"""Payments per second, durable, through the public API: create + confirm pairs.

Platform, twins and floor stand idle beside each other and are loaded in turn, round after round, on
the same cores as the load, which is a process of its own: a machine that is busy with other things
is so for all of them. Platform and twin both count velocity, with limits that are never reached.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from bench.http_load import Load
from bench.machine import report

ROOT = Path(__file__).resolve().parent.parent
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Running(msgspec.Struct, frozen=True):
    """A server under test."""

    url: str
    secret_key: str
    pid: int
    start_s: float
    operator_key: str = ""
    publishable_key: str = ""


class Figures(msgspec.Struct, frozen=True):
    """One server at one number of connections."""

    load: Load
    server_cpu_us_per_pair: float
    rss_mib: float
    cpu_us_per_pair_by_process: dict[str, float]


class Measured(msgspec.Struct, frozen=True):
    """One server in all rounds."""

    start_s: float
    runs: list[Figures]


class Ratio(msgspec.Struct, frozen=True):
    """How often the pairs/s of a twin go into those of all in one, loaded in the same round."""

    twin: str
    connections: int
    median: float
    rounds: list[float]


Together = dict[str, Measured]

TWINS = ["twin", "lean twin"]
SERVERS = ["one", "processes", *TWINS, "floor"]


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            found.extend(int(child) for child in children)
    return found


def cpu_s(pid: int) -> dict[str, float]:
    """User and system time so far of each process of a tree, by the service that it is."""
    used: dict[str, float] = {}
    for member in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{member}/stat").read_text().rsplit(") ", 1)[1].split()
            name = part(member)
            ticks = int(fields[11]) + int(fields[12])
            used[name] = used.get(name, 0.0) + ticks / TICKS_PER_S
    return used


def part(pid: int) -> str:
    """What a process is: the service after ``serve``, else its program or command."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    if "serve" in words:
        return words[words.index("serve") + 1]
    return "all in one" if "sycee.cli" in words else Path(words[0]).name


def rss_mib(pid: int) -> float:
    """Resident memory of a process tree."""
    total = 0
    for member in tree(pid):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1])
    return round(total * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment() -> dict[str, str]:
    """The children's environment: this tree's code first."""
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


def load(server: Running, connections: int, seconds: float, run: str) -> Figures:
    """Run the load process against a server and read both sides' figures."""
    before = cpu_s(server.pid)
    command = [sys.executable, "-m", "bench.http_load", "--url", server.url]
    command += ["--key", server.secret_key, "--connections", str(connections)]
    command += ["--seconds", str(seconds), "--run", run]
    output = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=environment())
    measured = msgspec.json.decode(output.stdout, type=Load)
    pairs = max(1, measured.pairs)
    by_part = {
        name: round((used_s - before.get(name, 0.0)) * 1e6 / pairs, 1)
        for name, used_s in cpu_s(server.pid).items()
    }
    return Figures(measured, round(sum(by_part.values()), 1), rss_mib(server.pid), by_part)


@contextlib.contextmanager
def child(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block."""
    process = subprocess.Popen(
        [*SLOW_DISK, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment(),
    )
    try:
        yield process
    finally:
        # Under strace it is the traced process that must hear of it.
        for member in tree(process.pid)[:2]:
            os.kill(member, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


SECRET_KEY = "sk_test_twin"
"""The key of the twins' merchant."""

COUNTING = [
    *("--set", "fraud.velocity_card_per_hour=1000000"),
    *("--set", "fraud.velocity_customer_per_hour=1000000"),
]
"""Settings that have the platform count what the twin counts; off in the dev profile."""

SLOW_DISK: list[str] = []
"""Put before a server's command: strace, which makes each sync of the disk take longer."""


def slow_down(delay_us: int) -> None:
    """Have every later server find a disk whose syncs take ``delay_us`` longer."""
    SLOW_DISK[:] = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"]
    SLOW_DISK.extend(["-e", "trace=fdatasync,fsync"])
    SLOW_DISK.extend(["-e", f"inject=fdatasync,fsync:delay_enter={delay_us}"])


@contextlib.contextmanager
def platform(topology: str, directory: Path, *settings: str) -> Iterator[Running]:
    """Sycee itself, on an empty or existing data directory."""
    command = [sys.executable, "-m", "sycee.cli", "up", "--json", "--port", "0"]
    command += ["--topology", topology, "--data", str(directory), *settings]
    start = time.perf_counter()
    with child(command) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        ready = msgspec.json.decode(line, type=dict[str, object])
        start_s = round(time.perf_counter() - start, 3)
        yield Running(
            str(ready["url"]),
            str(ready["secret_key"]),
            process.pid,
            start_s,
            str(ready["operator_key"]),
            str(ready["publishable_key"]),
        )


@contextlib.contextmanager
def other(module: str, *options: str) -> Iterator[Running]:
    """A twin or the floor."""
    port = free_port()
    start = time.perf_counter()
    with child([sys.executable, "-m", module, "--port", str(port), *options]) as process:
        wait_for(port)
        start_s = round(time.perf_counter() - start, 3)
        yield Running(f"http://127.0.0.1:{port}", SECRET_KEY, process.pid, start_s)


def wait_for(port: int) -> None:
    """Return when the port accepts."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")


def started(name: str, directory: Path) -> AbstractContextManager[Running]:
    """One of ``SERVERS``, on an empty directory."""
    if name == "floor":
        return other("bench.floor")
    if name in TWINS:
        options = ["--database", f"{directory}/twin.db", "--key", SECRET_KEY]
        return other("bench.twin", *options, *(["--lean"] if name == "lean twin" else []))
    return platform(name, directory, *COUNTING)


def measured(names: list[str], connections: list[int], seconds: float, rounds: int) -> Together:
    """Warm all up, then load them in turn."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for name in names:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sycee-bench-"))
            servers[name] = stack.enter_context(started(name, Path(folder)))
        together = {name: Measured(server.start_s, []) for name, server in servers.items()}
        for server in servers.values():
            load(server, 16, 1, "warm")
        for number, each in itertools.product(connections, range(rounds)):
            for name, server in servers.items():
                together[name].runs.append(load(server, number, seconds, f"c{number}r{each}"))
            sys.stderr.write(f"{number} connections, round {each + 1} of {rounds}\n")
    return together


def ratios(together: Together, connections: list[int]) -> list[Ratio]:
    """All in one over each twin."""
    found = []
    for twin, number in itertools.product(TWINS, connections):
        if "one" in together and twin in together:
            pairs = zip(together["one"].runs, together[twin].runs, strict=True)
            loads = [(own.load, its.load) for own, its in pairs if own.load.connections == number]
            rounds = [round(own.pairs_per_s / its.pairs_per_s, 2) for own, its in loads]
            found.append(Ratio(twin, number, round(statistics.median(rounds), 2), rounds))
    return found


def history(payments: int) -> Load:
    """Fill one data directory with payments at full speed, and compare first and last second."""
    with (
        tempfile.TemporaryDirectory(prefix="sycee-bench-") as directory,
        platform("one", Path(directory)) as server,
    ):
        probe = load(server, 64, 3, "probe").load
        return load(server, 64, payments / probe.pairs_per_s, "history").load


def main() -> None:
    """Measure everything once and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--history", type=int, default=0, help="payments; 100000 for the bar")
    parser.add_argument("--only", nargs="+", default=SERVERS, choices=SERVERS)
    parser.add_argument("--sync-delay-us", type=int, default=0, help="a slower disk, by strace")
    options = parser.parse_args()
    if options.sync_delay_us:
        slow_down(options.sync_delay_us)
    together = measured(options.only, options.connections, options.seconds, options.rounds)
    figures: dict[str, object] = {"sync_delay_us": options.sync_delay_us, **together}
    figures["ratios"] = ratios(together, options.connections)
    if options.history:
        figures["history"] = history(options.history)
    report(figures)


if __name__ == "__main__":
    main()

"""Runs commands as a user does, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import msgspec

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sycee.cli", *words]


def environment(**more: str) -> dict[str, str]:
    """This tree's code first, and nothing that configures the platform from outside."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SYCEE_")}
    path = os.pathsep.join([str(ROOT / "src"), *filter(None, [own.get("PYTHONPATH")])])
    return {**own, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **more}


def ran(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a folder without configuration."""
    return subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(**more),
        timeout=TIMEOUT_S,
        check=False,
    )


class Received(msgspec.Struct):
    """One webhook, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A shop's own server, which takes webhooks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.status = 200
        self.received: Queue[Received] = Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhook"

    def next(self) -> Received:
        """The next webhook; waits for it, not for ever."""
        return self.received.get(timeout=30)


@contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    """A receiver that answers while the block runs."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.received.put(Received(self.path, dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Answering)
    found = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Running:
    """A command that goes on until it is stopped; its lines come as they are written."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        """The next line of its output; empty when there will be none."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def stop(self, number: int) -> int:
        """Send a signal; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def running(folder: Path, *words: str, **more: str) -> Iterator[Running]:
    """A command while the block runs; it is ended after a while, so that no test hangs."""
    mapping: Mapping[str, str] = environment(**more)
    process = subprocess.Popen(
        command(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=mapping,
    )
    alarm = threading.Timer(TIMEOUT_S, process.kill)
    alarm.start()
    try:
        yield Running(process)
    finally:
        alarm.cancel()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

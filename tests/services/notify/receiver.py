"""A webhook receiver on a real socket, which answers as it is told and keeps what it got."""

from __future__ import annotations

import asyncio
import contextlib

import h11

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(status, body=b"", **headers):
    lines = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body)]
    lines += [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Got:
    """One request."""

    def __init__(self, request, body):
        self.target = request.target
        self.headers = {name.decode(): value.decode() for name, value in request.headers}
        self.body = body


class Receiver:
    """Answers with what ``answers`` holds, then with ``last``; waits for ``gate`` before."""

    def __init__(self, *answers, last=OK, ssl=None):
        self.answers = list(answers)
        self.last = last
        self.gate = asyncio.Event()
        self.gate.set()
        self.got = []
        self.connections = 0
        self.arrived = asyncio.Event()
        self.port = 0
        self._ssl = ssl
        self._server = None
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.gate.set()
        self._server.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        await self._server.wait_closed()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/in?shop=1"

    async def _serve(self, reader, writer):
        self.connections += 1
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            await self._take(reader, writer)
        writer.close()
        self._tasks.discard(asyncio.current_task())

    async def _take(self, reader, writer):
        protocol = h11.Connection(h11.SERVER)
        request, body = None, b""
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                protocol.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                break
        if request is None:
            return
        reply = self.answers.pop(0) if self.answers else self.last
        self.got.append(Got(request, body))
        self.arrived.set()
        await self.gate.wait()
        writer.write(reply)
        await writer.drain()

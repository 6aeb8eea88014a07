"""The floor: a bare ASGI app that reads a form and answers JSON, and does nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, MutableMapping
from urllib.parse import parse_qsl

import msgspec
import uvicorn

Scope = MutableMapping[str, object]
Receive = Callable[[], Awaitable[MutableMapping[str, object]]]
Send = Callable[[MutableMapping[str, object]], Awaitable[None]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a payment that was never made."""
    if scope["type"] != "http":
        return
    message = await receive()
    body = message["body"]
    assert isinstance(body, bytes)
    answer = msgspec.json.encode(
        {"id": "pi_floor", "status": "succeeded", **dict(parse_qsl(body.decode()))}
    )
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def main() -> None:
    """Serve on the given port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(app, port=options.port, log_level="error", lifespan="off", loop="uvloop")


if __name__ == "__main__":
    main()

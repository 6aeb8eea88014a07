"""``listen``: forwards events to a local address, signed as webhooks are; nobody connects to us."""

from __future__ import annotations

import base64
import contextlib
import hmac
import itertools
import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TextIO, TypeVar
from urllib.parse import urlsplit

from sycee import __version__
from sycee.cli.access import access, add_access
from sycee.cli.exchange import NoAnswer, exchange
from sycee.cli.feed import Feed, Happened
from sycee.runtime import signatures
from sycee.runtime.backoff import pauses

LOOK_EVERY_S = 0.5
TARGET_TIMEOUT_S = 30.0
ATTEMPTS = 5
"""How often an event is offered to a target that is away."""
_PAUSE_S, _PAUSE_S_MAX = 0.2, 2.0
_HEADERS = [
    ("Content-Type", "application/json; charset=utf-8"),
    ("User-Agent", f"Sycee/{__version__} (listen)"),
]
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Result = TypeVar("Result")


class Teller:
    """Writes lines as they come."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--forward-to",
        metavar="URL",
        type=_target,
        help="where events are posted; left out, they are only shown",
    )
    parser.add_argument(
        "--events",
        metavar="TYPES",
        default="",
        help="only these types, separated by commas (default: all)",
    )
    parser.add_argument(
        "--secret", metavar="whsec_…", type=_secret, help="what events are signed with"
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=_since,
        help="also what happened since: 10m, 2h, 1d, Unix seconds or 2026-05-01T12:00Z",
    )
    parser.add_argument("--count", metavar="N", type=_count, help="stop after so many events")
    parser.add_argument("--print-json", action="store_true", help="show whole events, one a line")
    add_access(parser)


def run(options: Namespace) -> int:
    """Forward until SIGTERM or SIGINT, or until enough came."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        _listen(options)
    except KeyboardInterrupt:
        # Asked again while it ends: it ends.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
    return 0


def own_secret(key: str) -> str:
    """A signing secret that is the same for the same API key, and does not give it away."""
    return signatures.secret_text(hmac.digest(key.encode(), b"sycee listen", "sha256"))


def _listen(options: Namespace) -> None:
    found = access(options)
    feed = Feed(found, [each.strip() for each in options.events.split(",") if each.strip()])
    secret = options.secret or own_secret(found.key)
    tell = Teller(sys.stderr if options.print_json else sys.stdout)
    _when_there(found.url, lambda: feed.begin(options.since), tell)
    tell(f"Ready! Your webhook signing secret is {secret}")
    for event in itertools.islice(_happening(feed, found.url, tell), options.count):
        tell(f"-->  {event.type} [{event.id}]")
        if options.print_json:
            sys.stdout.buffer.write(event.body + b"\n")
            sys.stdout.flush()
        if options.forward_to:
            tell(_forwarded(event, options.forward_to, secret))


def _happening(feed: Feed, url: str, tell: Teller) -> Iterator[Happened]:
    """Event after event, for ever."""
    while True:
        fresh = _when_there(url, feed.fresh, tell)
        yield from fresh
        if not fresh:
            time.sleep(LOOK_EVERY_S)


def _when_there(url: str, ask: Callable[[], Result], tell: Teller) -> Result:
    """Ask the platform, and go on asking for as long as it is away."""
    try:
        return ask()
    except NoAnswer as failure:
        tell(f"{url} is away ({failure}); waiting for it.")
    waits = pauses(_PAUSE_S, _PAUSE_S_MAX)
    while True:
        time.sleep(next(waits))
        with contextlib.suppress(NoAnswer):
            answer = ask()
            tell(f"{url} is back.")
            return answer


def _forwarded(event: Happened, target: str, secret: str) -> str:
    """Post an event, again when nobody answers, and say how that ended."""
    outcome = ""
    for attempt, pause_s in zip(range(ATTEMPTS), pauses(_PAUSE_S, _PAUSE_S_MAX), strict=False):
        if attempt:
            time.sleep(pause_s)
        # Signed anew: receivers refuse signatures that are minutes old.
        headers = signatures.signed(event.id, int(time.time()), event.body, (secret,))
        try:
            answer = exchange("POST", target, [*_HEADERS, *headers], event.body, TARGET_TIMEOUT_S)
        except NoAnswer as failure:
            outcome = f"no answer: {failure}"
            continue
        outcome = str(answer.status)
        break
    return f"<--  [{outcome}] POST {target} [{event.id}]"


def _target(text: str) -> str:
    url = text if "://" in text else f"http://{text}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArgumentTypeError(f"{text!r} is no http or https address")
    return url


def _secret(text: str) -> str:
    try:
        base64.b64decode(text.removeprefix(signatures.PREFIX), validate=True)
    except ValueError:
        raise ArgumentTypeError("a secret is whsec_ and base64") from None
    if not text.startswith(signatures.PREFIX):
        raise ArgumentTypeError("a secret begins with whsec_")
    return text


def _since(text: str) -> int:
    """Unix seconds of a time that is given as such, as an age, or in ISO 8601 (UTC by default)."""
    if text.isdecimal():
        return int(text)
    if text[:-1].isdecimal() and text[-1] in _UNITS_S:
        return int(time.time()) - int(text[:-1]) * _UNITS_S[text[-1]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError("a count is 1 or more")
    return int(text)

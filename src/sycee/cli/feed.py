"""A merchant's events as they happen, each once, read from the public API."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import msgspec

from sycee.assembly.failures import CannotStart
from sycee.cli.access import Access
from sycee.cli.exchange import Answer, NoAnswer, exchange

OVERLAP_S = 30
"""How far every look reaches back: an event may become visible after one that is younger."""
_PAGE = 100


class Happened(msgspec.Struct, frozen=True):
    """An event, and the very octets that the API shows of it."""

    id: str
    type: str
    created: int
    body: bytes = b""


class _Page(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw]
    has_more: bool


class _Error(msgspec.Struct, frozen=True):
    message: str = ""


class _Refused(msgspec.Struct, frozen=True):
    error: _Error = _Error()


_decode_page = msgspec.json.Decoder(_Page).decode
_decode_event = msgspec.json.Decoder(Happened).decode


class Feed:
    """Looks again and again, remembers what it has seen, and tells what is new, oldest first."""

    def __init__(self, access: Access, types: Sequence[str]) -> None:
        self._access = access
        self._types = types
        self._from_s = 0
        self._seen: dict[str, int] = {}

    def begin(self, since_s: int | None) -> None:
        """Tell events from ``since_s`` on, or only those that are still to come."""
        if since_s is not None:
            self._from_s = since_s
            return
        self._from_s = _server_time_s(self._ask({"limit": "1"})) - OVERLAP_S
        self.fresh()

    def fresh(self) -> list[Happened]:
        """What has happened since the last look. Raises ``NoAnswer`` when the API is away."""
        found: dict[str, Happened] = {}
        now_s = 0
        for answer, events in self._pages():
            # The earliest answer's time: what happens while pages are turned is of the next look.
            now_s = now_s or _server_time_s(answer)
            found.update((event.id, event) for event in events if event.id not in self._seen)
        self._from_s = max(self._from_s, now_s - OVERLAP_S)
        self._seen.update((event.id, event.created) for event in found.values())
        self._seen = {id: at_s for id, at_s in self._seen.items() if at_s >= self._from_s}
        return sorted(found.values(), key=lambda event: (event.created, event.id))

    def _pages(self) -> Iterator[tuple[Answer, list[Happened]]]:
        after: dict[str, str] = {}
        while True:
            since = {"created[gte]": str(self._from_s), "limit": str(_PAGE)}
            answer = self._ask({**since, **after})
            page = _decode_page(answer.body)
            events = [_event(raw) for raw in page.data]
            yield answer, events
            if not page.has_more or not events:
                return
            after = {"starting_after": events[-1].id}

    def _ask(self, query: dict[str, str]) -> Answer:
        pairs = [*query.items(), *(("types[]", each) for each in self._types)]
        answer = exchange(
            "GET",
            f"{self._access.url}/v1/events?{urlencode(pairs)}",
            [("Authorization", f"Bearer {self._access.key}")],
        )
        if answer.status == 200:
            return answer
        said = _said(answer)
        if answer.status == 429 or answer.status >= 500:
            raise NoAnswer(said)
        raise CannotStart(f"{self._access.url} does not show its events: {said}")


def _event(raw: msgspec.Raw) -> Happened:
    return msgspec.structs.replace(_decode_event(raw), body=bytes(raw))


def _said(answer: Answer) -> str:
    try:
        message = msgspec.json.decode(answer.body, type=_Refused).error.message
    except msgspec.MsgspecError:
        message = "this is no answer of the platform"
    return f"[{answer.status}] {message}"


def _server_time_s(answer: Answer) -> int:
    """The platform's clock, which is the one that events are dated by."""
    date = answer.headers.get("date")
    return int(parsedate_to_datetime(date).timestamp() if date else time.time())

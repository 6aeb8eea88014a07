"""Asks the platform about books, and words what it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from sycee.assembly.failures import CannotStart
from sycee.cli.access import Access
from sycee.cli.exchange import Answer, NoAnswer, exchange, opened

PAGE = 500
TIMEOUT_S = 150.0
"""Somewhat more than the platform gives itself for its longest work."""

Shape = TypeVar("Shape", bound=msgspec.Struct)
Query = Mapping[str, str | int | None]
_NO_QUERY: Query = {}


class Refused(CannotStart):
    """The platform said no, or nothing; the text says what and why."""


class Problem(msgspec.Struct, frozen=True):
    """A refusal, as the platform words it."""

    code: str = ""
    message: str = "this is no answer of the platform"
    param: str | None = None
    line: str | None = None
    field: str | None = None


class Page(msgspec.Struct, frozen=True):
    """A page of any list."""

    data: list[msgspec.Raw]
    has_more: bool
    next: str | None = None


class Desk:
    """The platform's ``/api/ledger``, for whoever holds a key."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def get(self, path: str, shape: type[Shape], query: Query = _NO_QUERY) -> Shape:
        """Ask for one object."""
        return msgspec.json.decode(self._ask("GET", self._url(path, query)).body, type=shape)

    def post(self, path: str, shape: type[Shape], body: Mapping[str, object]) -> Shape:
        """Have something done."""
        headers = [("Content-Type", "application/json")]
        octets = msgspec.json.encode({key: each for key, each in body.items() if each is not None})
        answer = self._ask("POST", self._url(path, _NO_QUERY), headers, octets)
        return msgspec.json.decode(answer.body, type=shape)

    def send(self, path: str, shape: type[Shape], query: Query, text: bytes) -> Shape:
        """Send text."""
        headers = [("Content-Type", "text/plain; charset=utf-8")]
        answer = self._ask("POST", self._url(path, query), headers, text)
        return msgspec.json.decode(answer.body, type=shape)

    def pages(self, path: str, shape: type[Shape], query: Query = _NO_QUERY) -> Iterator[Shape]:
        """Every object of a list."""
        after: str | None = None
        while True:
            page = self.get(path, Page, {**query, "limit": PAGE, "after": after})
            for each in page.data:
                yield msgspec.json.decode(each, type=shape)
            if not page.has_more:
                return
            after = page.next

    @contextmanager
    def stream(self, path: str, query: Query) -> Iterator[Iterator[bytes]]:
        """Read a long answer piece by piece. Raises ``Refused`` also when it breaks off."""
        try:
            with opened("GET", self._url(path, query), self._key(), timeout_s=TIMEOUT_S) as read:
                answer, pieces = read
                if answer.status != 200:
                    raise refused(msgspec.structs.replace(answer, body=b"".join(pieces)))
                yield pieces
        except NoAnswer as failure:
            raise Refused(f"{self._access.url}: the answer broke off: {failure}") from None

    def _ask(
        self, method: str, url: str, headers: list[tuple[str, str]] | None = None, body: bytes = b""
    ) -> Answer:
        try:
            answer = exchange(method, url, [*self._key(), *(headers or [])], body, TIMEOUT_S)
        except NoAnswer as failure:
            raise Refused(f"{self._access.url} does not answer: {failure}") from None
        if answer.status != 200:
            raise refused(answer)
        return answer

    def _key(self) -> list[tuple[str, str]]:
        return [("Authorization", f"Bearer {self._access.key}")]

    def _url(self, path: str, query: Query) -> str:
        given = {key: value for key, value in query.items() if value is not None}
        return f"{self._access.url}/api/ledger/{path}?{urlencode(given)}".rstrip("?")


def part(text: str) -> str:
    """A name as a part of a path."""
    return quote(text, safe=":")


def problem(answer: Answer) -> Problem:
    """What a refusal says."""
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except msgspec.MsgspecError:
        return Problem()


def refused(answer: Answer) -> Refused:
    """A refusal in one line, which names the field that is at fault."""
    told = problem(answer)
    if told.line is not None:
        return Refused(told.message)
    field = f"{told.param}: " if told.param and told.param not in told.message else ""
    return Refused(f"{field}{told.message} [{answer.status} {told.code}]")

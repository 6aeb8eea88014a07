"""Events that were committed together travel together: a message costs both sides 50 µs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from sycee.runtime.host import Message
from sycee.runtime.queue.outbox import Entry

EVENTS_MAX = 64
BYTES_MAX = 256 * 1024
"""A bundle is closed when it holds this much; a server takes a megabyte by default."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


class Bundle(msgspec.Struct, frozen=True):
    """Neighbours in an outbox, all of one topic."""

    entries: Sequence[Entry]

    @property
    def topic(self) -> str:
        """The topic of all of them."""
        return self.entries[0].message.topic

    @property
    def last(self) -> Entry:
        """The last one."""
        return self.entries[-1]

    @property
    def key(self) -> str:
        """The same for the same events."""
        return f"{self.entries[0].message.key}+{len(self.entries)}"

    def encoded(self) -> bytes:
        """As one message's body."""
        return _encode([(entry.message.key, entry.message.payload) for entry in self.entries])


def bundles(entries: Sequence[Entry]) -> Iterator[Bundle]:
    """All entries, in order, in as few bundles as they fit in."""
    for _, neighbours in groupby(entries, lambda entry: entry.message.topic):
        bundled: list[Entry] = []
        size = 0
        for entry in neighbours:
            if bundled and (len(bundled) == EVENTS_MAX or size >= BYTES_MAX):
                yield Bundle(bundled)
                bundled, size = [], 0
            bundled.append(entry)
            size += len(entry.message.payload)
        yield Bundle(bundled)


def messages(topic: str, body: bytes) -> list[Message]:
    """The events of one message."""
    return [Message(topic, key, payload) for key, payload in _decode(body)]

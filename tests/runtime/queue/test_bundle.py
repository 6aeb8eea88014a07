"""Bundles hold all events, in order, of one topic each, and no more than they may."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sycee.runtime.host import Message
from sycee.runtime.queue.bundle import BYTES_MAX, EVENTS_MAX, bundles, messages
from sycee.runtime.queue.outbox import Entry

sizes = st.sampled_from([0, 1, BYTES_MAX // 2, BYTES_MAX])
events = st.lists(st.tuples(st.sampled_from("ab"), sizes), max_size=12)


def outbox(published: list[tuple[str, int]]) -> list[Entry]:
    return [
        Entry(seq, Message(topic, f"evt_{seq}", bytes(size)))
        for seq, (topic, size) in enumerate(published, 1)
    ]


@given(events)
def test_what_is_unpacked_is_what_was_bundled(published: list[tuple[str, int]]) -> None:
    entries = outbox(published)
    bundled = list(bundles(entries))
    unpacked = [event for one in bundled for event in messages(one.topic, one.encoded())]
    assert unpacked == [entry.message for entry in entries]
    assert len({one.key for one in bundled}) == len(bundled)
    for one in bundled:
        assert sum(len(entry.message.payload) for entry in one.entries[:-1]) < BYTES_MAX


def test_a_bundle_holds_only_so_many() -> None:
    bundled = list(bundles(outbox([("a", 1)] * (2 * EVENTS_MAX + 1))))
    assert [len(one.entries) for one in bundled] == [EVENTS_MAX, EVENTS_MAX, 1]
    assert [one.last.seq for one in bundled] == [EVENTS_MAX, 2 * EVENTS_MAX, 2 * EVENTS_MAX + 1]

"""Snapshots: named sections of bytes as of one batch, written in one step, proved when read.

A file is a head of one page, the sections, each from a page's beginning on, and a table. The head
says where the table is and holds its hash; the table holds the hash of every piece of a section. So
pieces are hashed by several threads, on the way to the disk and back, and nothing is copied.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from mmap import mmap
from struct import Struct
from typing import Final, NamedTuple

import msgspec

from sycee.runtime import logs
from sycee.services.ledger.adapters.embedded.disk import Disk, File

PAGE: Final = 4096
PIECE_BYTES: Final = 8 << 20
"""Hashed at once; a write is synced after each, so that no commit waits for more than that."""
KEPT: Final = 2
"""How many snapshots are kept: should the newest be damaged, there is another."""

_MAGIC: Final = b"SYCEESNP"
_HEAD = Struct("<8sIQ32sQQ32s")
"""Magic, version, batch, its hash, where the table begins, its size, and its hash."""
_VERSION: Final = 1
_NAME = re.compile(r"(\d{16})-([0-9a-f]{16})\.snapshot")
_UNFINISHED: Final = ".unfinished"

log = logs.logger("ledger")


class Section(msgspec.Struct, frozen=True, array_like=True):
    """Where a section lies, and the hashes of its pieces."""

    name: str
    offset: int
    size: int
    hashes: tuple[bytes, ...]


class Snapshot(NamedTuple):
    """The state after one batch. The sections are memory of their own, and may be written to."""

    seq: int
    hash: bytes
    """Of the batch."""
    sections: Mapping[str, memoryview]


class SnapshotDamaged(Exception):
    """A snapshot is not as it was written."""


class Snapshots:
    """The snapshots of one journal, in a folder. One process saves, one at a time."""

    def __init__(self, disk: Disk, threads: int = os.cpu_count() or 1) -> None:
        self._disk = disk
        self._threads = threads

    def save(self, seq: int, batch_hash: bytes, sections: Mapping[str, memoryview]) -> None:
        """Write a snapshot, which is there whole or not at all, and remove those too many.

        The sections must not change meanwhile. Raises ``OSError``.
        """
        name = f"{seq:016}-{batch_hash[:8].hex()}.snapshot"
        file = self._disk.create(name + _UNFINISHED, PAGE)
        try:
            self._write(file, seq, batch_hash, sections)
        finally:
            file.close()
        self._disk.rename(name + _UNFINISHED, name)
        self._disk.sync()
        kept = [*self._names()][:KEPT]
        for other in self._disk.names():
            if other not in kept and (_NAME.match(other) is not None):
                self._disk.remove(other)

    def newest(self, is_of_journal: Callable[[int, bytes], bool]) -> Snapshot | None:
        """The latest snapshot that is sound and of this journal; the log says which were not.

        ``is_of_journal`` is asked whether the batch with this number has this hash.
        """
        for name in self._names():
            try:
                found = self._read(name, is_of_journal)
            except (OSError, SnapshotDamaged) as why:
                log.warning("snapshot_skipped", file=name, why=str(why))
            else:
                return found
        return None

    def _names(self) -> Iterator[str]:
        """The newest first."""
        return filter(_NAME.fullmatch, reversed(self._disk.names()))

    def _write(
        self, file: File, seq: int, batch_hash: bytes, sections: Mapping[str, memoryview]
    ) -> None:
        table, end = [], PAGE
        with ThreadPoolExecutor(self._threads) as pool:
            for name, content in sections.items():
                octets = content.cast("B")
                hashes = pool.map(_hash, _pieces(octets))
                for number, piece in enumerate(_pieces(octets)):
                    file.write(end + number * PIECE_BYTES, piece)
                    file.sync()
                table.append(Section(name, end, len(octets), tuple(hashes)))
                end += -(-len(octets) // PAGE) * PAGE
        encoded = msgspec.msgpack.encode(table)
        file.write(end, encoded)
        size, digest = len(encoded), sha256(encoded).digest()
        head = _HEAD.pack(_MAGIC, _VERSION, seq, batch_hash, end, size, digest)
        file.write(0, head + sha256(head).digest())
        file.sync()

    def _read(self, name: str, is_of_journal: Callable[[int, bytes], bool]) -> Snapshot:
        file = self._disk.open(name)
        try:
            seq, batch_hash, table = _read_table(file)
            if not is_of_journal(seq, batch_hash):
                raise SnapshotDamaged(f"batch {seq} of the journal is another one")
            sections = {section.name: self._section(file, section) for section in table}
        finally:
            file.close()
        return Snapshot(seq, batch_hash, sections)

    def _section(self, file: File, section: Section) -> memoryview:
        """A section in memory, read and hashed piece by piece."""
        content = memoryview(mmap(-1, max(1, section.size)))[: section.size]
        pieces = list(_pieces(content))
        if len(pieces) != len(section.hashes):
            raise SnapshotDamaged(f"{section.name} has another size")

        def is_sound(number: int) -> bool:
            piece = pieces[number]
            file.read_into(section.offset + number * PIECE_BYTES, piece)
            return _hash(piece) == section.hashes[number]

        with ThreadPoolExecutor(self._threads) as pool:
            if not all(pool.map(is_sound, range(len(pieces)))):
                raise SnapshotDamaged(f"{section.name} is not as it was written")
        return content


def _read_table(file: File) -> tuple[int, bytes, list[Section]]:
    """The batch of a snapshot, its hash, and where the sections lie."""
    found = file.read(0, PAGE)
    head, digest = found[: _HEAD.size], found[_HEAD.size : _HEAD.size + 32]
    if len(head) < _HEAD.size or sha256(head).digest() != digest:
        raise SnapshotDamaged("its head is not as it was written")
    magic, version, seq, batch_hash, begin, size, table_hash = _HEAD.unpack(head)
    if magic != _MAGIC or version != _VERSION:
        raise SnapshotDamaged(f"version {version} is not known")
    encoded = file.read(begin, size)
    if sha256(encoded).digest() != table_hash:
        raise SnapshotDamaged("its table is not as it was written")
    with suppress(msgspec.DecodeError):
        return seq, batch_hash, msgspec.msgpack.decode(encoded, type=list[Section])
    raise SnapshotDamaged("its table cannot be read")


def _pieces(content: memoryview) -> Iterator[memoryview]:
    return (content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES))


def _hash(piece: memoryview) -> bytes:
    return sha256(piece).digest()

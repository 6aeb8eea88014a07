"""Mutants of what keeps the journal on disk, and of who may write it."""

from __future__ import annotations

from tools.mutants.mutant import CONTAINERS, LEDGER, Mutant, mutants

MUTANTS = (
    *mutants(
        f"{LEDGER}/adapters/embedded",
        CONTAINERS,
        [
            (
                "no sync after an append",
                "segment_container",
                "        segment.file.sync()\n        for frame in frames:",
                "        for frame in frames:",
            ),
            (
                "no look at the owner before a write",
                "segment_container",
                "            self._owner.check()\n            self._write(batches)\n",
                "            self._write(batches)\n",
            ),
            (
                "no look at the owner after a write",
                "segment_container",
                "            self._write(batches)\n            self._owner.check()\n",
                "            self._write(batches)\n",
            ),
            (
                "a journal goes on after a sync that failed",
                "segment_container",
                '        self._failure = f"{why}; the ledger must be started again"\n',
                "",
            ),
            (
                "a torn tail is left where it is",
                "segment_container",
                "    last.file.cut(last.end)\n",
                "",
            ),
            (
                "what was found is not written once more",
                "segment_container",
                "            last.file.write(last.end, frame)\n",
                "",
            ),
            (
                "a former owner's late segment belongs to the journal",
                "segment_container",
                "if other.epoch > place.epoch and other.first <= place.first",
                "if False",
            ),
            (
                "a batch is not compared with its hash",
                "frame",
                "    return batch if batch.hash == header.hash else None\n",
                "    return batch\n",
            ),
            (
                "a frame is not compared with its checksum",
                "frame",
                "if crc32(checked, salt) != int.from_bytes(",
                "if salt < 0 * int.from_bytes(",
            ),
            (
                "damage counts as a torn write",
                "frame",
                "or _zeros(frame) > header.zeros",
                "or _zeros(frame) >= header.zeros",
            ),
            (
                "a segment's beginning is not on disk when it has its name",
                "segment",
                "    blank.sync()\n    disk.rename",
                "    disk.rename",
            ),
            (
                "a segment's name is not on disk when it is used",
                "segment",
                "    disk.rename(name, place.name)\n    disk.sync()\n",
                "    disk.rename(name, place.name)\n",
            ),
            (
                "a batch follows any other",
                "segment",
                "if header.seq != head.seq + 1 or header.previous != head.hash:",
                "if header.seq != head.seq + 1:",
            ),
            (
                "a journal may end before what was synced later",
                "segment",
                "if header is not None and header.since > head.seq + 1:",
                "if header is None and at < 0:",
            ),
            (
                "two owners at once",
                "disk",
                "fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
                "fcntl.flock(file.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)",
            ),
            (
                "an owner takes over the epoch before",
                "owner",
                "epoch = 1 + max(epoch_seen, before.epoch if before else 0)",
                "epoch = max(1, epoch_seen, before.epoch if before else 0)",
            ),
            (
                "rows are added by a former owner",
                "sqlite_container",
                "if book.epoch(connection) != self._owner.epoch:",
                "if book.epoch(connection) < 0:",
            ),
            (
                "rows are not compared with their hashes",
                "sqlite_container",
                "if following(before, batch.timestamp, batch.body).hash != batch.hash:",
                "if batch.timestamp < 0:",
            ),
            (
                "a snapshot is not compared with its hashes",
                "snapshots",
                "            return _hash(piece) == section.hashes[number]\n",
                "            return bool(section.hashes[number])\n",
            ),
            (
                "a snapshot has its name before it is whole",
                "snapshots",
                "        file.write(0, head + sha256(head).digest())\n        file.sync()\n",
                "        file.write(0, head + sha256(head).digest())\n",
            ),
        ],
    ),
    Mutant(
        "SQLite commits without waiting for the disk",
        "src/sycee/runtime/database/sqlite_session.py",
        '= FULL",',
        '= NORMAL",',
        CONTAINERS,
    ),
)

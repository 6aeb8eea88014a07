"""A process that writes a journal, and says after each append how far it is; or reads one.

What it writes follows from the seed alone, so that whoever finds the journal knows what must be in
it. ``careless`` plants one mistake: nothing is synced when it is appended.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from sycee.services.ledger.adapters.embedded import disk
from sycee.services.ledger.adapters.embedded.container import Container
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.domain.journal import BEGINNING, Batch, following

KINDS = ("rows", "segments")
SIZES = (134, 700, 5_000, 40_000)
SEGMENT_BYTES = (16_384, 262_144)
"""Small, so that many begin."""


def opened(kind: str, folder: Path, is_careless: bool = False) -> Container:
    """The journal of a folder, in the container of that kind."""
    if is_careless:
        _be_careless()
    if kind == "segments":
        return open_segments(disk.Folder(folder), *SEGMENT_BYTES)
    from sycee.services.ledger.adapters.embedded.sqlite_container import open_rows

    return open_rows(folder / "ledger.sqlite")


def groups(seed: int) -> Iterator[list[Batch]]:
    """All that is ever written, in the groups in which it is appended."""
    dice, head = Random(seed), BEGINNING
    while True:
        group = []
        for _ in range(dice.choice((1, 1, 2))):
            head = following(head, head.timestamp + 1, dice.randbytes(dice.choice(SIZES)))
            group.append(head)
        yield group


def found(container: Container, seed: int) -> int:
    """How many batches there are; raises ``AssertionError`` when one is not what was written."""
    expected = (batch for group in groups(seed) for batch in group)
    count = 0
    for batch, wanted in zip(container.batches(0), expected, strict=False):
        assert batch == wanted, f"batch {batch.seq} is not what was written"
        count += 1
    assert count == container.head.seq
    return count


def main(kind: str, folder: str, seed: str, appends: str, is_careless: str = "") -> None:
    """Open, say how many batches there are, append so often (or for ever), and say how far."""
    container = opened(kind, Path(folder), bool(is_careless))
    count = found(container, int(seed))
    _say(f"found {count}")
    left = int(appends)
    for group in groups(int(seed)):
        rest = [batch for batch in group if batch.seq > count]
        if not rest:
            continue
        if not left:
            break
        container.append(rest)
        _say(f"kept {rest[-1].seq}")
        left -= 1
    container.close()


def _say(text: str) -> None:
    sys.stdout.buffer.write(f"{text}\n".encode())
    sys.stdout.buffer.flush()


def _be_careless() -> None:
    from tests.faults.lab import careless  # noqa: F401 - it changes how SQLite is opened

    forgetful: Callable[[object], None] = lambda file: None  # noqa: E731
    disk._File.sync = forgetful  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main(*sys.argv[1:])

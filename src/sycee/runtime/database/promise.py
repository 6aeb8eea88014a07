"""What a database promises to services, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

Value: TypeAlias = int | str | bytes | None
"""What a column may hold. No float: nothing near money is one; a score or a rate is an int."""

Row: TypeAlias = tuple[Value, ...]
Result = TypeVar("Result")


class Session(Protocol):
    """What a unit of work may do. Statements use ``?`` placeholders and portable SQL."""

    def run(self, sql: str, *values: Value) -> int:
        """Execute one statement; the number of rows it changed."""
        ...

    def row(self, sql: str, *values: Value) -> Row | None:
        """The first row, or None."""
        ...

    def rows(self, sql: str, *values: Value) -> Sequence[Row]:
        """All rows."""
        ...

    def publish(self, topic: str, key: str, payload: bytes) -> None:
        """Put an event into the outbox, in this same transaction.

        ``key`` is the event's own id, unique for ever; consumers drop what they have seen.
        """
        ...


class Database(Protocol):
    """One service's database. All writing goes through one writer, in the order of calls."""

    @property
    def is_exclusive(self) -> bool:
        """Whether nobody else can write here as long as this process lives.

        Then every other writer has ended, and what it had taken in hand may be taken over.
        """
        ...

    async def write(self, unit: Callable[[Session], Result]) -> Result:
        """Run ``unit`` in a durable transaction shared with its neighbours in time.

        The unit is a plain function: it may read and write through its session and must do
        nothing else that waits. It is atomic: when it raises, nothing of it stays and the
        exception reaches this caller alone. The answer comes only after the commit is on disk.
        Raises ``Unavailable`` when the database is stopped or its disk refused a write.
        """
        ...

    async def read(self, query: Callable[[Session], Result]) -> Result:
        """Run a read-only query that sees every write acknowledged before the call."""
        ...

    async def close(self) -> None:
        """Finish what is queued, then close. Later calls raise ``Unavailable``."""
        ...


class Publisher(Database, Protocol):
    """A database whose outbox can be relayed."""

    @property
    def name(self) -> str:
        """The service whose database this is."""
        ...

    def on_publish(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called on the event loop after every commit that published something."""
        ...

"""Books as text, in and out.

Text goes in parts of whole lines. ``CSV`` has one row per leg under a heading of column names,
``JSONL`` one object per line, ``BEANCOUNT`` its ``open`` directives and transactions. A record
(account, transaction) must be in one part, or be the start of one that the next part repeats:
always send on from line ``lines + 1`` of the answer.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.services.accounting.contract.shared import Owner

PART_BYTES_MAX = 1_048_576


class BulkFormat(Enum):
    """How books are written as text."""

    CSV = "csv"
    JSONL = "jsonl"
    BEANCOUNT = "beancount"


class ImportPart(msgspec.Struct, frozen=True):
    """The next lines of an import, beginning at line ``first_line`` of the whole text.

    Lines that were imported before under this ``id`` are skipped: a repeated part does nothing
    twice, and an import goes on where it ended.
    """

    owner: Owner
    id: str
    """Names the import: letters, digits, ``-``, ``_`` and ``.``, at most 60."""
    format: BulkFormat
    first_line: int
    """From 1; at most one more than the lines imported so far."""
    text: str
    """At most ``PART_BYTES_MAX`` bytes."""
    is_last: bool = False
    """Nothing follows: a record at the end is complete."""


class GetImport(msgspec.Struct, frozen=True):
    """Ask how far an import is."""

    owner: Owner
    id: str


class ImportProgress(msgspec.Struct, frozen=True):
    """How far an import is."""

    id: str
    format: BulkFormat
    lines: int
    """Lines that are done: go on with the next."""
    accounts: int
    """Accounts of these lines."""
    transactions: int
    """Transactions of these lines."""
    is_done: bool


class ExportPart(msgspec.Struct, frozen=True):
    """Ask for the next part of all accounts and transactions, in the order of recording."""

    owner: Owner
    format: BulkFormat
    after: str = ""
    """``next`` of the part before."""
    limit: int = 500
    """Records; 1 to 1000."""


class Exported(msgspec.Struct, frozen=True):
    """A part of an export: the parts laid end to end are one text that can be imported."""

    text: str
    next: str
    """Empty when this part is the last."""


class LineInvalid(Refusal, code="line_invalid", status=422):
    """A line cannot be imported. ``facts`` has ``line``, ``field`` and ``reason`` (the code of the
    refusal behind it). Everything before it is imported; mend it and go on with the same id."""


class ImportGap(Refusal, code="import_gap", status=409):
    """The part begins later than the import has come; ``facts`` has ``lines``."""


class ImportDiffers(Refusal, code="import_differs", status=409):
    """The id names an import in another format."""

"""One door to all formats."""

from __future__ import annotations

from collections.abc import Sequence

from sycee.services.accounting.contract import BulkFormat
from sycee.services.accounting.domain.bulk import beancount, commas, jsonl
from sycee.services.accounting.domain.bulk.beancount import Kinds
from sycee.services.accounting.domain.bulk.records import Reading, Record


def read(
    format: BulkFormat, lines: Sequence[str], before: int, heading: str, is_last: bool
) -> Reading:
    """The records of lines that follow line ``before`` of a text with this heading."""
    if format is BulkFormat.CSV:
        return commas.read(lines, before, heading, is_last)
    if format is BulkFormat.BEANCOUNT:
        return beancount.read(lines, before, heading, is_last)
    return jsonl.read(lines, before, heading)


def heading(format: BulkFormat) -> str:
    """What a text begins with."""
    return {
        BulkFormat.CSV: commas.HEADING,
        BulkFormat.BEANCOUNT: beancount.HEADING,
        BulkFormat.JSONL: "",
    }[format]


def write(format: BulkFormat, record: Record, kinds: Kinds) -> str:
    """A record as text. ``kinds`` has every account that it names."""
    if format is BulkFormat.CSV:
        return commas.write(record)
    if format is BulkFormat.BEANCOUNT:
        return beancount.write(record, kinds)
    return jsonl.write(record)

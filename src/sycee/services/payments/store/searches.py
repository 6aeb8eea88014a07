"""What searches look through, as rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from sycee.runtime.database import Session, Value
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Customer
from sycee.services.payments.contract.intents import Charge, Payment
from sycee.services.payments.domain import documents
from sycee.services.payments.domain.documents import Document
from sycee.services.payments.domain.searches import Clause, Comparison, Query

COUNTED_MAX = 10_000
DONE = "~"
"""The position when there is nothing more to look through; no id."""

_COLUMNS = tuple(name for name in Document.__struct_fields__ if name != documents.METADATA)
_KEEP = " ".join(
    (
        "INSERT INTO search_documents (",
        ", ".join(_COLUMNS),
        ") VALUES (",
        ", ".join("?" * len(_COLUMNS)),
        ") ON CONFLICT (id) DO UPDATE SET",
        ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS[3:]),
    )
)
_TABLES = {"payment": "payments", "charge": "charges", "customer": "customers"}
_OPERATORS = {
    Comparison.EXACT: "=",
    Comparison.ABOVE: ">",
    Comparison.BELOW: "<",
    Comparison.AT_LEAST: ">=",
    Comparison.AT_MOST: "<=",
}

_payment = msgspec.msgpack.Decoder(Payment).decode
_charge = msgspec.msgpack.Decoder(Charge).decode
_customer = msgspec.msgpack.Decoder(Customer).decode


def _document_of_customer(body: bytes) -> Document | None:
    customer = _customer(body)
    return None if customer.deleted else documents.of_customer(customer)


_DOCUMENT_OF: Mapping[str, Callable[[bytes], Document | None]] = {
    "payment": lambda body: documents.of_payment(_payment(body)),
    "charge": lambda body: documents.of_charge(_charge(body)),
    "customer": _document_of_customer,
}
KINDS = tuple(_TABLES)


def keep(session: Session, document: Document) -> None:
    """Let searches find an object as it is now."""
    values = [getattr(document, column) for column in _COLUMNS]
    session.run(_KEEP, *values)
    session.run("DELETE FROM search_metadata WHERE document = ?", document.id)
    for key, value in document.metadata.items():
        session.run(
            "INSERT INTO search_metadata (document, key, merchant, kind, value)"
            " VALUES (?, ?, ?, ?, ?)",
            document.id,
            key,
            document.merchant,
            document.kind,
            value,
        )


def refresh(session: Session, kind: str, ids: Sequence[str]) -> None:
    """Let searches find these objects as they are now, and no more what is gone."""
    for id in ids:
        sql = " ".join(("SELECT body FROM", _TABLES[kind], "WHERE id = ?"))
        row = session.row(sql, id)
        if row is not None:
            _refresh(session, kind, id, row[0])


def look_through(session: Session, kind: str, limit: int) -> bool:
    """Index the next rows of before; whether there may be more."""
    row = session.row("SELECT position FROM search_progress WHERE kind = ?", kind)
    position = str(row[0]) if row else ""
    if position == DONE:
        return False
    sql = " ".join(("SELECT id, body FROM", _TABLES[kind], "WHERE id > ? ORDER BY id LIMIT ?"))
    found = session.rows(sql, position, limit)
    for id, body in found:
        _refresh(session, kind, str(id), body)
    session.run(
        "INSERT INTO search_progress (kind, position) VALUES (?, ?)"
        " ON CONFLICT (kind) DO UPDATE SET position = excluded.position",
        kind,
        str(found[-1][0]) if len(found) == limit else DONE,
    )
    return len(found) == limit


def bodies(
    session: Session,
    kind: str,
    merchant: MerchantId,
    query: Query,
    before: tuple[int, str] | None,
    limit: int,
) -> list[bytes]:
    """The objects that match, newest first, as they are now; one more than the limit at most."""
    condition, values = _conditions(kind, merchant, query)
    sql = " ".join(
        (
            "SELECT whole.body FROM search_documents AS document JOIN",
            _TABLES[kind],
            "AS whole ON whole.id = document.id WHERE",
            condition,
            "" if before is None else "AND (document.created, document.id) < (?, ?)",
            "ORDER BY document.created DESC, document.id DESC LIMIT ?",
        )
    )
    if before is not None:
        values += before
    rows = session.rows(sql, *values, limit + 1)
    return [_body(row[0]) for row in rows]


def count(session: Session, kind: str, merchant: MerchantId, query: Query) -> int:
    """How many match; it does not count on beyond its maximum."""
    condition, values = _conditions(kind, merchant, query)
    sql = " ".join(
        (
            "SELECT COUNT(*) FROM (SELECT 1 FROM search_documents AS document WHERE",
            condition,
            "LIMIT ?) AS counted",
        )
    )
    row = session.row(sql, *values, COUNTED_MAX)
    return row[0] if row and isinstance(row[0], int) else 0


def _refresh(session: Session, kind: str, id: str, body: Value) -> None:
    document = _DOCUMENT_OF[kind](_body(body))
    if document is not None:
        keep(session, document)
        return
    session.run("DELETE FROM search_documents WHERE id = ?", id)
    session.run("DELETE FROM search_metadata WHERE document = ?", id)


def _conditions(kind: str, merchant: MerchantId, query: Query) -> tuple[str, list[Value]]:
    """The condition on ``document``: of one merchant, whatever the query says."""
    values: list[Value] = [merchant, kind]
    clauses: list[str] = []
    for clause in query.clauses:
        sql, needed = _condition(kind, merchant, clause)
        clauses.append(sql)
        values += needed
    word = " OR " if query.is_any else " AND "
    joined = " ".join(("(", word.join(clauses), ")"))
    held = "document.merchant = ? AND document.kind = ? AND "
    if not query.is_any and any(map(_is_of_metadata, query.clauses)):
        # Metadata mostly names one object: looked up by its id, not along all of the merchant's.
        held = "document.merchant || '' = ? AND document.kind || '' = ? AND "
    return held + joined, values


def _is_of_metadata(clause: Clause) -> bool:
    return clause.key is not None and clause.value is not None and not clause.is_negated


def _condition(kind: str, merchant: MerchantId, clause: Clause) -> tuple[str, list[Value]]:
    if clause.key is not None:
        return _of_metadata(kind, merchant, clause, clause.key)
    column = "document." + documents.FIELDS[kind][clause.field].column
    if clause.value is None:
        return column + (" IS NOT NULL" if clause.is_negated else " IS NULL"), []
    value: Value = clause.value
    if clause.comparison is Comparison.SUBSTRING:
        value = _pattern(str(clause.value))
        held = column + " LIKE ? ESCAPE '!'"
    else:
        held = " ".join((_ranged(column, clause), _OPERATORS[clause.comparison], "?"))
    if clause.is_negated:
        return " ".join(("(", column, "IS NULL OR NOT", held, ")")), [value]
    return held, [value]


def _ranged(column: str, clause: Clause) -> str:
    """The column, for a range without its index: a wide one would have to be sorted by time."""
    is_plain = clause.comparison is Comparison.EXACT or clause.field == "created"
    return column if is_plain else "+" + column


def _of_metadata(
    kind: str, merchant: MerchantId, clause: Clause, key: str
) -> tuple[str, list[Value]]:
    is_within = (clause.value is None) is clause.is_negated
    values: list[Value] = [merchant, kind, key]
    same = ""
    if clause.value is not None:
        values.append(clause.value)
        same = "AND value = ?"
    sql = " ".join(
        (
            "document.id",
            "IN" if is_within else "NOT IN",
            "(SELECT document FROM search_metadata WHERE merchant = ? AND kind = ? AND key = ?",
            same,
            ")",
        )
    )
    return sql, values


def _pattern(text: str) -> str:
    for letter in "!%_":
        text = text.replace(letter, "!" + letter)
    return f"%{text}%"


def _body(value: Value) -> bytes:
    assert isinstance(value, bytes), "a body is MessagePack"
    return value

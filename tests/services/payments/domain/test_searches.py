"""The query language: what is read, and what is refused where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.services.payments.contract.searches import QueryUnreadable
from sycee.services.payments.domain.searches import (
    CLAUSES_MAX,
    QUERY_LENGTH_MAX,
    Clause,
    Comparison,
    Query,
    read_query,
)

READ = [
    ('status:"succeeded"', Clause("status", Comparison.EXACT, "succeeded")),
    ("amount>1000", Clause("amount", Comparison.ABOVE, 1000)),
    ("amount>=-5", Clause("amount", Comparison.AT_LEAST, -5)),
    ("created<=7", Clause("created", Comparison.AT_MOST, 7)),
    ("created<'7'", Clause("created", Comparison.BELOW, "7")),
    ("email~'amy'", Clause("email", Comparison.SUBSTRING, "amy")),
    ('-currency:"usd"', Clause("currency", Comparison.EXACT, "usd", is_negated=True)),
    ('metadata["a b"]:"v"', Clause("metadata", Comparison.EXACT, "v", key="a b")),
    ("metadata['k']:null", Clause("metadata", Comparison.EXACT, None, key="k")),
    ('  name:"a \\"b\\" \\\\"  ', Clause("name", Comparison.EXACT, 'a "b" \\')),
]
UNREADABLE = [
    ("", 0, "name"),
    ("status", 6, "One of"),
    ("status:paid", 7, "quoted text"),
    ("amount>1.5", 7, "whole number"),
    ('status:"a', 7, "no end"),
    ('status:"a\\', 7, "no end"),
    ("metadata[k]:1", 9, "quoted text"),
    ("metadata[", 9, "quoted text"),
    ("metadata['k':1", 12, "closing ]"),
    ("a>null", 2, "null"),
    ("a~'ab'", 2, "at least 3"),
    ("a~123", 2, "at least 3"),
    ("a:'1'b:2", 5, "space"),
    ("a:1 AND b:2 OR c:3", 12, "mixed"),
    ("a:1 AND", 7, "name"),
    (" ".join(["a:1"] * (CLAUSES_MAX + 1)), 4 * CLAUSES_MAX, "at most"),
    ("a" * (QUERY_LENGTH_MAX + 1), QUERY_LENGTH_MAX, "at most"),
]


@pytest.mark.parametrize(("text", "clause"), READ)
def test_a_clause_is_read(text: str, clause: Clause) -> None:
    assert read_query(text) == Query((clause,))


@pytest.mark.parametrize(("word", "is_any"), [("", False), ("AND ", False), ("or ", True)])
def test_clauses_are_joined_by_one_word(word: str, is_any: bool) -> None:
    one, two = Clause("a", Comparison.EXACT, 1), Clause("b", Comparison.EXACT, 2)
    assert read_query(f"a:1 {word}b:2") == Query((one, two), is_any)


@pytest.mark.parametrize(("text", "position", "reason"), UNREADABLE)
def test_a_broken_query_is_refused_where_it_breaks(text: str, position: int, reason: str) -> None:
    with pytest.raises(QueryUnreadable, match=reason) as refused:
        read_query(text)
    assert refused.value.facts["position"] == str(position)


@given(st.text(), st.sampled_from("\"'"))
def test_any_text_comes_back_from_its_quotes(value: str, quote: str) -> None:
    escaped = value.replace("\\", "\\\\").replace(quote, "\\" + quote)
    query = f"name:{quote}{escaped}{quote}"
    assert read_query(query).clauses[0].value == value


@given(st.text(alphabet="ab:~<>=-[]'\"\\ 1.ANDORnul", max_size=60))
def test_any_text_is_read_or_refused_inside_it(text: str) -> None:
    try:
        assert 1 <= len(read_query(text).clauses) <= CLAUSES_MAX
    except QueryUnreadable as refused:
        assert 0 <= int(refused.facts["position"]) <= len(text)

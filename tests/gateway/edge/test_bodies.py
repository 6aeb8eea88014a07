"""One text has one meaning: strict JSON and strict forms (AE2)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.gateway.edge.forms import read_form
from sycee.gateway.edge.strict_json import read_json
from sycee.gateway.refusals import BodyInvalid


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b'{"a":1,"a":2}', id="a key twice"),
        pytest.param(b'{"b":{"a":1,"\\u0061":2}}', id="a key twice, once escaped"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":-Infinity}', id="-Infinity"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="5,000 digits"),
        pytest.param(b'{"a":-0}', id="minus zero"),
        pytest.param(b'{"a":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"\\udc00":1}', id="half a surrogate pair in a key"),
        pytest.param(b'{"a":"\\u0000"}', id="an escaped NUL"),
        pytest.param(b'{"a":"\0"}', id="a raw NUL"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a":"\xc0\x80"}', id="an overlong NUL"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="a byte order mark"),
        pytest.param(b'{"a":' + b"[" * 100_000, id="100,000 open brackets"),
        pytest.param(b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", id="33 levels"),
        pytest.param(b'{"a":1}x', id="something behind"),
        pytest.param(b'{"a":1,}', id="a comma too many"),
        pytest.param(b'{"a":01}', id="a leading zero"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b"[1]", id="an array"),
        pytest.param(b"1", id="a number"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_doubtful_json_is_refused(octets):
    with pytest.raises(BodyInvalid):
        read_json(octets)


def test_32_levels_of_json_pass():
    read_json(b'{"a":' + b"[" * 31 + b"]" * 31 + b"}")


def test_brackets_in_texts_are_not_depth():
    assert read_json(b'{"a":"' + b"[" * 100 + b'"}')["a"] == "[" * 100


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets):
    """AE1."""
    for read in (read_json, read_form):
        with contextlib.suppress(BodyInvalid):
            assert isinstance(read(octets), dict)


@pytest.mark.parametrize(
    ("octets", "tree"),
    [
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=", {"a": ""}),
        (b"a", {"a": ""}),
        (b"a=1&&b=2", {"a": "1", "b": "2"}),
        (b"a=1%2B1+x%C3%A9", {"a": "1+1 xé"}),
        (b"a%5Bb%5D=1", {"a": {"b": "1"}}),
        (b"a[b][c]=d&a[b][e]=f", {"a": {"b": {"c": "d", "e": "f"}}}),
        (b"a[]=x&a[]=y", {"a": ["x", "y"]}),
        (b"a[0]=x&a[1]=y", {"a": {"0": "x", "1": "y"}}),
        (b"a[0][b]=x", {"a": {"0": {"b": "x"}}}),
        (b"a=b=c", {"a": "b=c"}),
    ],
)
def test_forms_become_trees(octets, tree):
    assert read_form(octets) == tree


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"a=1&a=2", id="a name twice"),
        pytest.param(b"a[b]=1&a[b]=2", id="a nested name twice"),
        pytest.param(b"a=1&a[b]=2", id="a text and a hash"),
        pytest.param(b"a[b]=1&a=2", id="a hash and a text"),
        pytest.param(b"a[]=1&a[b]=2", id="a list and a hash"),
        pytest.param(b"a[b]=1&a[]=2", id="a hash and a list"),
        pytest.param(b"a[][b]=1", id="items without numbers"),
        pytest.param(b"a[b=1", id="an open bracket"),
        pytest.param(b"a]b[=1", id="turned brackets"),
        pytest.param(b"a[b]c=1", id="a name behind brackets"),
        pytest.param(b"[a]=1", id="brackets alone"),
        pytest.param(b"=1", id="no name"),
        pytest.param(b"a=%", id="a lone percent sign"),
        pytest.param(b"a=%zz", id="not hexadecimal"),
        pytest.param(b"a=%0", id="half an escape"),
        pytest.param(b"a=%00", id="an escaped NUL"),
        pytest.param(b"a=\0", id="a raw NUL"),
        pytest.param(b"a=%ff", id="not UTF-8"),
        pytest.param(b"a=%ed%a0%80", id="a surrogate"),
        pytest.param(b"a" + b"[b]" * 8 + b"=1", id="nine levels"),
        pytest.param(b"&".join(b"a%d=1" % n for n in range(1001)), id="1,001 parameters"),
        pytest.param(b"a" * 301 + b"=1", id="a name of 301 characters"),
    ],
)
def test_doubtful_forms_are_refused(octets):
    with pytest.raises(BodyInvalid):
        read_form(octets)

"""JSON in its canonical form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.services.accounting.contract import AccountingMetadataInvalid, Metadata
from sycee.services.accounting.domain.canonical import canonical, metadata, metadata_key

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("{ }", "{}"),
        ('{"b":1,"a":2}', '{"a":2,"b":1}'),
        ('{"a":[1, null,true,false,"x"]}', '{"a":[1,null,true,false,"x"]}'),
        (r'{"a":"\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/"}',
         '{"a":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'),
        ('{"\\u20ac":1,"\\r":2,"1":3,"\\ud83d\\ude00":4,"\\ufb33":5,"\\u0080":6}',
         '{"\\r":2,"1":3,"\x80":6,"€":1,"😀":4,"\ufb33":5}'),
        ('{"a":-0}', '{"a":0}'),
        ('{"a":9007199254740991}', '{"a":9007199254740991}'),
    ],
)  # fmt: skip
def test_the_form_is_that_of_rfc_8785(given, written):
    """The fourth and fifth are the standard's own examples, but for its fractions."""
    assert metadata(given) == written


@given(VALUES)
def test_what_is_written_says_the_same_and_has_one_form(value):
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"a"',
        "{",
        '{"a":1.5}',
        '{"a":1e3}',
        '{"a":9007199254740992}',
        '{"a":"' + "x" * 4090 + '"}',
        '{"a":"' + "x" * 20_000 + '"}',
        "{" + ",".join(f'"{n}":1' for n in range(51)) + "}",
        '{"a":' + "[" * 17 + "]" * 17 + "}",
        '{"a":' + "[" * 3000 + "]" * 3000 + "}",
        '{"a":"\\ud800"}',
        '{"a":"' + "\ud800" + '"}',
    ],
)
def test_what_may_not_be_kept_is_refused(text):
    with pytest.raises(AccountingMetadataInvalid) as refusal:
        metadata(Metadata(text))
    assert refusal.value.param == "metadata"


def test_as_much_as_may_be_kept_is():
    assert metadata("{" + ",".join(f'"{n}":1' for n in range(50)) + "}")
    assert metadata('{"a":"' + "x" * 4088 + '"}')
    assert metadata('{"a":' + "[" * 15 + "]" * 15 + "}")


def test_the_key_is_the_beginning_of_the_hash():
    expected = "44136fa355b3678a1146ad16f7e8649e"
    assert metadata_key(Metadata("{}")).encode().hex() == expected

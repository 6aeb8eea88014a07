"""How long texts and metadata may be, and how an update changes them."""

import pytest

from sycee.services.payments.contract.shared import MetadataInvalid, TextTooLong
from sycee.services.payments.domain import texts

FULL = {f"key{n}": "v" for n in range(50)}


def test_a_text_has_the_limit_of_its_name_or_the_usual_one():
    texts.check_texts({"a": "12", "b": "x" * 5000, "c": None}, {"a": 2})
    for given in ({"a": "123"}, {"b": "x" * 5001}):
        with pytest.raises(TextTooLong) as refused:
            texts.check_texts(given, {"a": 2})
        assert refused.value.param in given


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [("a", None, "a"), ("a", "", None), ("a", "b", "b"), (None, "b", "b"), (None, None, None)],
)
def test_none_leaves_a_text_and_an_empty_one_clears_it(before, change, after):
    assert texts.changed_text(before, change) == after


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ({"a": "1"}, None, {"a": "1"}),
        ({"a": "1"}, {}, {"a": "1"}),
        ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
        ({"a": "1"}, {"a": "2"}, {"a": "2"}),
        ({"a": "1"}, {"a": ""}, {}),
        ({}, {"a": ""}, {}),
        ({}, {"k" * 40: "v" * 500}, {"k" * 40: "v" * 500}),
        ({}, FULL, FULL),
        ({**FULL}, {"key0": "", "new": "v"}, {**dict(list(FULL.items())[1:]), "new": "v"}),
    ],
)
def test_an_update_sets_and_removes_keys(before, change, after):
    assert texts.changed_metadata(before, change) == after


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({}, {"": "v"}),
        ({}, {"k" * 41: "v"}),
        ({}, {"k": "v" * 501}),
        (FULL, {"new": "v"}),
    ],
)
def test_metadata_beyond_its_limits_is_refused(before, change):
    with pytest.raises(MetadataInvalid):
        texts.changed_metadata(before, change)


def test_former_metadata_names_only_what_changed():
    before, after = (
        {"same": "1", "gone": "2", "other": "3"},
        {"same": "1", "other": "4", "new": "5"},
    )
    assert texts.former_metadata(before, after) == {"gone": "2", "other": "3", "new": None}

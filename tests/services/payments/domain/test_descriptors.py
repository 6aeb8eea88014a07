"""What card networks print on a payer's statement."""

import string

import pytest
from tests.services.payments.counter import refused

from sycee.services.payments.contract.intents import DescriptorInvalid, PaymentFields
from sycee.services.payments.domain.payments import check_fields

FIELDS = pytest.mark.parametrize(
    "field", ["statement_descriptor", "statement_descriptor_suffix"], ids=["descriptor", "suffix"]
)
NOT_PRINTED = (
    "<",
    ">",
    "'",
    '"',
    "*",
    "\\",
    "\t",
    "\n",
    "\x7f",
    "\xa0",
    "×",
    "王",
    "Ж",
    "e\u0301",
    "😀",
)


@FIELDS
@pytest.mark.parametrize("character", NOT_PRINTED)
def test_a_character_that_is_not_printed_is_refused_not_dropped(field, character):
    with pytest.raises(DescriptorInvalid) as refusal:
        check_fields(PaymentFields(**{field: f"LUNCH{character}"}))
    assert refusal.value.param == field
    assert refusal.value.detail == (
        f"{field} may hold Latin letters, digits, spaces and punctuation,"
        " but none of < > ' \" * \\."
    )


@FIELDS
@pytest.mark.parametrize("text", ["12345", "  .  ", "1234-5678"])
def test_a_letter_is_needed(field, text):
    with pytest.raises(DescriptorInvalid) as refusal:
        check_fields(PaymentFields(**{field: text}))
    assert (refusal.value.param, refusal.value.detail) == (
        field,
        f"{field} has at least one letter.",
    )


@pytest.mark.parametrize(
    ("fields", "no"),
    [
        ({"statement_descriptor": "SHOP"}, DescriptorInvalid),
        ({"statement_descriptor": "LUNCH"}, None),
        ({"statement_descriptor_suffix": "A"}, None),
        ({"statement_descriptor": "", "statement_descriptor_suffix": ""}, None),
        ({"statement_descriptor": "Café Ünal, 2. Straße"}, None),
    ],
)
def test_a_descriptor_stands_alone_and_a_suffix_may_be_short(fields, no):
    with refused(no):
        check_fields(PaymentFields(**fields))


@pytest.mark.parametrize("character", sorted(set(string.printable[:95]) - set("<>'\"*\\")))
def test_everything_else_of_ascii_is_printed(character):
    check_fields(PaymentFields(statement_descriptor=f"LUNCH{character}"))

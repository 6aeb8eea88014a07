"""Single lines of texts of books."""

import pytest

from sycee.services.accounting.contract import BulkFormat
from sycee.services.accounting.domain.bulk import formats
from sycee.services.accounting.domain.bulk.records import amount_text, minor_units


def read(format, *lines, heading="", is_last=True):
    return formats.read(format, lines, 0, heading, is_last)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.34", "USD", 12_34),
        ("12.3", "USD", 12_30),
        ("-0.01", "USD", -1),
        ("12.340", "USD", 12_34),
        ("7", "JPY", 7),
        ("7.0", "JPY", 7),
        ("7.5", "JPY", None),
        ("0.001", "KWD", 1),
        ("0.001", "USD", None),
        ("1e3", "USD", None),
        ("", "USD", None),
        ("+1", "USD", None),
        ("٣", "USD", None),
    ],
)
def test_an_amount_is_read_exactly(text, currency, minor):
    assert minor_units(text, currency) == minor
    if minor is not None:
        assert minor_units(amount_text(minor, currency), currency) == minor


def test_what_was_given_out_by_others_under_our_mark_is_refused():
    head = 'option "title" "Sycee"'
    for account in ("Assets::USD", "Assets:X-zz:USD", "Assets:X-ff:USD"):
        reading = read(BulkFormat.BEANCOUNT, head, f"2020-01-01 open {account} USD")
        assert reading.bad is not None
        assert reading.bad[:2] == (2, "account")


def test_a_posting_of_nothing_is_no_leg():
    reading = read(
        BulkFormat.BEANCOUNT,
        "2020-01-01 * ",
        "  Assets:A  0 USD",
        "  Assets:B  5 USD",
        "  Assets:C",
    )
    (placed,) = reading.records
    assert [leg.account for leg in placed.record.legs] == ["Assets:B", "Assets:C"]


def test_metadata_without_quotation_marks_is_text():
    lines = ("2020-01-01 * ", "  id: t1", "  count: 5", "  Assets:A  5 USD")
    (placed,) = read(BulkFormat.BEANCOUNT, *lines).records
    assert (placed.record.id, placed.record.metadata) == ("t1", '{"count":"5"}')


def test_an_open_directive_takes_no_postings():
    reading = read(BulkFormat.BEANCOUNT, "2020-01-01 open Assets:A USD", "  Assets:A  5 USD")
    assert reading.bad is not None
    assert reading.bad[:2] == (2, "posting")


def test_a_record_that_may_go_on_is_left_for_the_next_part():
    lines = ("record,id,account,currency,debit,credit", "leg,t,a,USD,1,", "")
    reading = read(BulkFormat.CSV, *lines, is_last=False)
    assert (reading.records, reading.lines) == ((), 1)
    reading = read(BulkFormat.BEANCOUNT, "", "2020-01-01 *", "", is_last=False)
    assert (reading.records, reading.lines) == ((), 1)


def test_an_account_between_legs_ends_their_transaction():
    lines = (
        "record,id,account,currency,debit,credit,kind",
        "leg,,a,USD,1,,",
        "account,,b,USD,,,asset",
        "leg,,a,USD,,1,",
        "",
    )
    reading = read(BulkFormat.CSV, *lines)
    assert [(one.first_line, one.last_line) for one in reading.records] == [(2, 2), (3, 3), (4, 5)]

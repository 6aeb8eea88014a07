"""The journal: what is written is what is replayed, and damage is noticed."""

from __future__ import annotations

import pytest
from tests.services.ledger.notation import (
    MAX,
    PENDING,
    account,
    changed,
    post,
    transfer,
)

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    Accounts,
    FieldOutOfRange,
    Transfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.entry import (
    CALL,
    HEADER,
    JournalDamaged,
    apply,
    called,
    decode_entry,
)
from sycee.services.ledger.domain.journal import BEGINNING, Replay, following
from sycee.services.ledger.domain.record import decode_transfer

COMMANDS = (
    Accounts((account(1, user_data_128=MAX), account(2, user_data_64=2**64 - 1))),
    Transfers((transfer(1, 1, 2, MAX - 1, flags=PENDING, timeout_s=2**32 - 1),)),
    Transfers((post(2, 1), transfer(3, 1, 2, 4, flags=2**16 - 1, code=2**16 - 1))),
    Transfers(()),
)


def chain(commands=COMMANDS):
    batches, head, books = [], BEGINNING, Books()
    for number, command in enumerate(commands, 1):
        body = apply(books, number * 1000, [called(command)]).body
        head = following(head, number * 1000, body)
        batches.append(head)
    return batches


def completed(transfer):
    """A post as it is kept, and given back but for its time."""
    return changed(
        transfer, debit_account_id=1, credit_account_id=2, amount=MAX - 1, ledger=1, code=1
    )


def replayed(batches):
    replay = Replay()
    for batch in batches:
        replay.take(batch)
    return replay


def test_an_entry_is_read_as_it_was_written():
    calls = [called(command) for command in COMMANDS]
    body = apply(Books(), 1000, calls).body
    assert [call.records for call in decode_entry(body)] == [
        called(COMMANDS[0]).records,
        called(COMMANDS[1]).records,
        # What recording filled in stays: the whole amount was posted.
        called(Transfers((completed(post(2, 1)), COMMANDS[2].transfers[1]))).records,
        b"",
    ]


def test_a_replay_gives_the_same_books():
    books = replayed(chain()).books
    line = read.trial_balance(books, TrialBalanceQuery()).lines[0]
    assert (line.debits_posted, line.credits_pending) == (MAX - 1, 0)


@pytest.mark.parametrize("name", ["body", "hash"])
@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_one_flipped_bit_is_noticed_and_its_batch_named(number, name):
    batches = chain()
    octets = bytearray(getattr(batches[number], name))
    octets[len(octets) // 2] ^= 1
    batches[number] = batches[number]._replace(**{name: bytes(octets)})
    with pytest.raises(JournalDamaged, match=f"batch {number + 1} is not as it was written"):
        replayed(batches)


def test_an_altered_time_is_noticed():
    batches = chain()
    batches[2] = batches[2]._replace(timestamp=batches[2].timestamp + 1)
    with pytest.raises(JournalDamaged, match="batch 3 is not as it was written"):
        replayed(batches)


def test_a_missing_batch_is_noticed():
    batches = chain()
    del batches[1]
    with pytest.raises(JournalDamaged, match="batch 2 is missing: batch 3 comes"):
        replayed(batches)


def test_two_batches_in_each_others_place_are_noticed():
    batches = chain()
    batches[1], batches[2] = (
        batches[2]._replace(seq=2),
        batches[1]._replace(seq=3),
    )
    with pytest.raises(JournalDamaged, match="batch 2 is not as it was written"):
        replayed(batches)


def test_a_batch_that_goes_back_in_time_is_noticed():
    first = chain()[0]
    second = following(first, replayed([first]).books.timestamp, first.body)
    with pytest.raises(JournalDamaged, match="batch 2 goes back in time"):
        replayed([first, second])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "engine version none"),
        (b"\x01", "engine version 01"),
        (b"\x02\x00\x00", "ends early"),
        (HEADER.pack(2, 0, 1, 1, 0) + CALL.pack(2, 1), "ends early"),
        (HEADER.pack(2, 0, 1, 1, 0) + CALL.pack(2, 1) + b"\x05" + bytes(127), "do not fill"),
        (HEADER.pack(2, 1, 1, 1, 0) + CALL.pack(2, 1) + b"\x05" + bytes(128), "do not fill"),
        (HEADER.pack(2, 0, 1, 1, 0) + CALL.pack(2, 2) + b"\x05" + bytes(128), "do not fill"),
        (HEADER.pack(2, 0, 1, 0, 0) + CALL.pack(9, 0), "unknown kind 9"),
    ],
)
def test_an_entry_that_another_engine_wrote_is_not_guessed_at(body, problem):
    batch = following(BEGINNING, 1000, body)
    with pytest.raises(JournalDamaged, match=f"batch 1 cannot be read: .*{problem}"):
        replayed([batch])


@pytest.mark.parametrize(
    "field",
    ["id", "amount", "debit_account_id", "credit_account_id", "pending_id", "user_data_128"],
)
@pytest.mark.parametrize("number", [-1, 2**128])
def test_a_wide_number_must_fit_its_field(field, number):
    event = changed(transfer(1, 1, 2, 3), **{field: U128(number)})
    with pytest.raises(FieldOutOfRange, match="transfer"):
        called(Transfers((event,)))


@pytest.mark.parametrize(
    ("field", "bits"),
    [
        ("ledger", 32),
        ("code", 16),
        ("flags", 16),
        ("timeout_s", 32),
        ("user_data_64", 64),
        ("user_data_32", 32),
        ("timestamp", 64),
    ],
)
def test_a_narrow_number_must_fit_its_field(field, bits):
    widest = changed(transfer(1, 1, 2, 3), **{field: 2**bits - 1})
    assert decode_transfer(called(Transfers((widest,))).records) == widest
    for number in (-1, 2**bits):
        with pytest.raises(FieldOutOfRange):
            called(Transfers((changed(widest, **{field: number}),)))


def test_an_account_must_fit_its_fields_too():
    with pytest.raises(FieldOutOfRange, match="account 1"):
        called(Accounts((account(1, ledger=-1),)))


def test_results_that_the_rules_do_not_give_are_noticed():
    first, second = chain()[:2]
    widened = bytearray(second.body)
    widened[-128 + 3 * 16] ^= 1  # The amount, last record: another one than was reserved.
    forged = following(first, second.timestamp, bytes(widened))
    assert replayed([first, forged]).head == forged
    expired = bytearray(first.body)
    expired[-8] ^= 1  # The time that the ledger gave.
    with pytest.raises(JournalDamaged, match="batch 1 was recorded by other rules"):
        replayed([following(BEGINNING, first.timestamp, bytes(expired))])

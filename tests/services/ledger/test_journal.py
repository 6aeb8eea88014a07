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
from sycee.services.ledger.domain.entry import (
    JournalDamaged,
    decode_entry,
    encode_command,
    encode_entry,
)
from sycee.services.ledger.domain.journal import BEGINNING, Replay, following

COMMANDS = (
    Accounts((account(1, user_data_128=MAX), account(2, user_data_64=2**64 - 1))),
    Transfers((transfer(1, 1, 2, MAX - 1, flags=PENDING, timeout_s=2**32 - 1),)),
    Transfers((post(2, 1), transfer(3, 1, 2, 4, flags=2**16 - 1, code=2**16 - 1))),
    Transfers(()),
)


def chain(commands=COMMANDS):
    batches, head = [], BEGINNING
    for number, command in enumerate(commands, 1):
        head = following(head, number * 1000, encode_entry([encode_command(command)]))
        batches.append(head)
    return batches


def replayed(batches):
    replay = Replay()
    for batch in batches:
        replay.take(batch)
    return replay


def test_an_entry_is_read_as_it_was_written():
    body = encode_entry([encode_command(command) for command in COMMANDS])
    assert tuple(decode_entry(body)) == COMMANDS


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
        (b"\x02", "engine version 02"),
        (b"\x01\x02\x00\x00", "ends early"),
        (b"\x01\x02\x00\x00\x00\x01" + bytes(127), "ends early"),
        (b"\x01\x09\x00\x00\x00\x00", "unknown kind 9"),
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
        encode_command(Transfers((event,)))


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
    assert tuple(decode_entry(encode_entry([encode_command(Transfers((widest,)))])))
    for number in (-1, 2**bits):
        with pytest.raises(FieldOutOfRange):
            encode_command(Transfers((changed(widest, **{field: number}),)))


def test_an_account_must_fit_its_fields_too():
    with pytest.raises(FieldOutOfRange, match="account 1"):
        encode_command(Accounts((account(1, ledger=-1),)))

"""What random walks do not reach: the edges of 128 bits, long chains, imports after an expiry."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import numba
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.services.ledger.adapters.embedded.pair import Pair
from tests.services.ledger.notation import (
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSING_DEBIT,
    IMPORTED,
    LINKED,
    MAX,
    OK,
    PENDING,
    account,
    post,
    transfer,
    void,
)

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.embedded import reading
from sycee.services.ledger.adapters.embedded.engine import EmbeddedEngine
from sycee.services.ledger.contract import AccountFlags, Accounts, LookupTransfers, Transfers
from sycee.services.ledger.contract import CreateTransferResult as Code
from sycee.services.ledger.domain.entry import CALL, HEADER, JournalDamaged, decode_entry
from sycee.services.ledger.domain.journal import BEGINNING, following

UNCOMPILED = bool(numba.config.DISABLE_JIT)
SECOND = 10**9
EDGES = [
    bound + by
    for bound in (0, 2**63, 2**64, 2**65, 2**127, 2**128 - 2**64, 2**128)
    for by in (-2, -1, 0, 1)
    if 0 <= bound + by <= MAX
]
AMOUNTS = st.sampled_from(EDGES) | st.integers(0, MAX)
KINDS = st.sampled_from(
    [0, PENDING, BALANCING_DEBIT, BALANCING_CREDIT, BALANCING_DEBIT | BALANCING_CREDIT]
)
SIDES = st.permutations([1, 2, 3, 4]).map(lambda order: order[:2])
MOVES = st.tuples(SIDES, AMOUNTS, KINDS, st.sampled_from([None, None, "post", "void"]), AMOUNTS)


@given(moves=st.lists(MOVES, max_size=25))
@settings(max_examples=10 if UNCOMPILED else 150, deadline=None)
def test_balances_at_the_edges_of_their_words_are_the_models(moves):
    pair = Pair()
    flags = (0, 2, 4, 0)
    pair.send(1_000, Accounts(tuple(account(n, flags=f) for n, f in enumerate(flags, 1))))
    for place, ((debit, credit), amount, kind, end, part) in enumerate(moves):
        number = 10 + 2 * place
        batch = [transfer(number, debit, credit, amount, flags=int(kind))]
        if end == "post":
            batch.append(post(number + 1, number, part))
        elif end == "void":
            batch.append(void(number + 1, number))
        pair.send(2_000 + 10 * place, Transfers(tuple(batch)))
    pair.compare(Random(1), instants=3)


def ended_chain(kinds, end):
    """Linked transfers of these kinds, and a last one that decides about them."""
    linked = [
        transfer(100 + n, 1, 2, 1, flags=int(kind) | LINKED, timeout_s=1 if kind else 0)
        for n, kind in enumerate(kinds)
    ]
    return Transfers((*linked, transfer(10**9, 3, 2, end)))


@pytest.mark.parametrize("kind", [0, PENDING])
@pytest.mark.parametrize("end", [1, 2])
def test_a_chain_of_thousands_leaves_nothing_behind_or_all(kind, end):
    """It splits pages of the index; taken back, all that it found is found again."""
    pair, size = Pair(cache_bytes=0), 400 if UNCOMPILED else 5_000
    limited = account(3, flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS)
    pair.send(1_000, Accounts((account(1), account(2), limited)))
    pair.send(1_010, Transfers((transfer(1, 1, 3, 1),)))
    known = [transfer(10**6 + n, 1, 2, 7, flags=PENDING * (n % 2)) for n in range(150)]
    pair.send(1_020, Transfers(tuple(known)))
    chain = ended_chain([kind] * size, end)
    codes = pair.send(SECOND, chain)[0]
    assert set(codes) == ({OK} if end == 1 else {Code.LINKED_EVENT_FAILED, Code.EXCEEDS_CREDITS})
    again = pair.send(2 * SECOND, chain, Transfers(tuple(known)))
    assert again[0][0] == (Code.EXISTS if end == 1 else Code.LINKED_EVENT_FAILED)
    assert set(again[1]) == {Code.EXISTS}
    pair.send(9 * SECOND, ended_chain([kind] * size, 1))
    pair.compare(Random(1), instants=2)


def test_a_chain_that_posts_what_it_reserved_is_taken_back_whole():
    pair = Pair(cache_bytes=0)
    limited = account(3, flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS)
    pair.send(1_000, Accounts((account(1), account(2), limited)))
    pair.send(1_010, Transfers((transfer(9, 1, 2, 5, flags=PENDING, timeout_s=3),)))
    chain = (
        transfer(10, 1, 2, 7, flags=PENDING | LINKED, timeout_s=1),
        post(11, 10, 3, flags=LINKED),
        void(12, 9, flags=LINKED),
        transfer(13, 1, 2, 8, flags=PENDING | CLOSING_DEBIT | LINKED, timeout_s=2),
        void(14, 13, flags=LINKED),
        transfer(15, 3, 2, 1),
    )
    for again in range(3):
        pair.send(2_000 + 100 * again, Transfers(chain[:-1]))
        pair.send(2_050 + 100 * again, Transfers(chain))
        pair.compare(Random(again), instants=5)
    assert pair.send(5 * SECOND, Transfers(()))[0] == []
    pair.send(5 * SECOND + 99, Transfers((post(99, 9), post(98, 10))))
    pair.compare(Random(5), instants=20)


@pytest.mark.parametrize("later", [-1, 0, 1])
@pytest.mark.parametrize("end", [post, void])
def test_a_transfer_is_over_at_the_nanosecond_at_which_it_expires(later, end):
    """Within an entry that began before."""
    pair = Pair(cache_bytes=0)
    pair.send(1_000, Accounts((account(1), account(2))))
    pair.send(2_000, Transfers((transfer(10, 1, 2, 5, flags=PENDING, timeout_s=1),)))
    due = 2_001 + SECOND
    before = (transfer(11, 1, 2, 1),) * (1 + later)
    codes = pair.send(due - 2, Transfers((*before, end(12, 10))))
    assert codes[0][-1] == (OK if later < 0 else Code.PENDING_TRANSFER_EXPIRED)
    pair.send(due + 10, Transfers(()))
    pair.compare(Random(1))


def test_imports_of_a_chain_that_failed_do_not_stand_in_the_way():
    pair = Pair(cache_bytes=0)
    opened = [account(n, flags=AccountFlags.IMPORTED, timestamp=n) for n in (1, 2)]
    pair.send(1_000, Accounts(tuple(opened)))
    flags = IMPORTED | LINKED
    failing = (
        transfer(10, 1, 2, 1, flags=flags, timestamp=800),
        transfer(11, 1, 9, 1, flags=IMPORTED, timestamp=801),
    )
    earlier = transfer(12, 1, 2, 1, flags=IMPORTED, timestamp=700)
    assert pair.send(2_000, Transfers((*failing, earlier)))[0][2] == OK
    open_chain = transfer(13, 1, 2, 1, flags=LINKED | PENDING)
    assert pair.send(3_000, Transfers((open_chain,))) == [[Code.LINKED_EVENT_CHAIN_OPEN]]
    assert pair.send(4_000, Transfers((earlier, replace(earlier, id=U128(14), timestamp=750))))
    pair.compare(Random(1))


def test_a_post_keeps_what_it_says_itself_and_takes_over_the_rest():
    pair, told = Pair(cache_bytes=0), ("user_data_128", "user_data_64", "user_data_32")
    pair.send(1_000, Accounts((account(1), account(2))))
    pending = dict.fromkeys(told, 7)
    for place, own in enumerate((*told, "code")):
        reserved = transfer(10 + place, 1, 2, 5, flags=PENDING, **pending)
        end = post(20 + place, 10 + place, **({own: 9} if own in told else {}))
        assert pair.send(2_000 + 100 * place, Transfers((reserved, end))) == [[OK, OK]]
        again = [
            post(20 + place, 10 + place, **{other: value})
            for other in told
            for value in (0, 7, 8, 9)
        ]
        pair.send(2_010 + 100 * place, Transfers(tuple(again)))
    pair.compare(Random(1))


def test_an_import_between_a_closing_and_its_expiry_leaves_the_account_closed():
    """At an instant before the expiry, though recorded after it."""
    pair = Pair(cache_bytes=0)
    opened = [account(n, flags=AccountFlags.IMPORTED, timestamp=n) for n in (1, 2)]
    pair.send(1_000, Accounts(tuple(opened)))
    closing = PENDING | CLOSING_DEBIT
    pair.send(2_000, Transfers((transfer(10, 1, 2, 0, flags=closing, timeout_s=1),)))
    pair.send(2 * SECOND, Transfers(()))
    imported = (
        transfer(11, 1, 2, 0, flags=closing | IMPORTED, timestamp=3_000),
        void(12, 11, flags=IMPORTED, timestamp=4_000),
    )
    assert pair.send(3 * SECOND, Transfers(imported)) == [[OK, OK]]
    for at in (1_999, 2_001, 2_999, 3_000, 3_999, 4_000, 2 * SECOND, 2 * SECOND + 1, 9 * SECOND):
        pair.compare_at(at)


@pytest.mark.parametrize("stamp", [2_001, 2_002, 2_003, 2_004, 2_005, 2_006])
def test_an_imported_account_shares_no_nanosecond_with_a_transfer(stamp):
    """In the same entry, in an old one, and beside an expiry, which is no transfer."""
    pair = Pair(cache_bytes=0)
    opened = [account(n, flags=AccountFlags.IMPORTED, timestamp=n) for n in (1, 2)]
    pair.send(1_000, Accounts(tuple(opened)))
    moves = tuple(
        transfer(stamp, 1, 2, 1, flags=IMPORTED, timestamp=stamp) for stamp in (2_001, 2_003)
    )
    late = transfer(20, 1, 2, 1, flags=IMPORTED, timestamp=2_005)
    more = account(3, flags=AccountFlags.IMPORTED, timestamp=stamp)
    pair.send(3_000, Transfers(moves))
    pair.send(4_000, Transfers((late,)), Accounts((more,)))
    pair.send(5_000, Accounts((more,)))
    pair.compare(Random(1))


def test_what_is_due_is_swept_out_when_most_of_it_is_over(monkeypatch):
    """The heap forgets what was resolved, and what is left expires in order."""
    from sycee.services.ledger.adapters.embedded.kernel import due, state

    if UNCOMPILED:
        monkeypatch.setattr(due, "HEAP_SLACK", 1024)
    slack = due.HEAP_SLACK
    pair = Pair(cache_bytes=0, room=(100_000, 400_000, 100_000))
    pair.send(1_000, Accounts((account(1), account(2))))
    draw, now, number, sizes = Random(3), 2_000, 10, []
    batch = slack // 16
    for _ in range(12):
        reserved = [
            transfer(number + n, 1, 2, n, flags=PENDING, timeout_s=draw.randint(50, 60))
            for n in range(batch)
        ]
        ends = [void(number + 2 * batch + n, number + n) for n in range(batch) if n % 50]
        number += 4 * batch
        now += 10**5
        pair.send(now, Transfers(tuple(reserved)), Transfers(tuple(ends)))
        sizes.append(int(pair.kernel.state.counts[state.DUE]))
    assert any(after < before for before, after in pairwise(sizes)), "swept"
    for second in range(49, 62):
        pair.send(now + second * SECOND, Transfers(()))
    assert pair.kernel.state.counts[state.DUE] == 0


def test_an_entry_with_a_call_of_an_unknown_kind_is_not_replayed():
    from sycee.services.ledger.adapters.embedded.books import decoded

    pair = Pair()
    pair.send(1_000, Accounts((account(1),)))
    body = bytearray(pair.journal[0][1])
    CALL.pack_into(body, HEADER.size, 3, 1)
    for decode in (decode_entry, decoded):
        with pytest.raises(JournalDamaged, match="unknown kind 3"):
            decode(bytes(body))


def test_sums_of_ledgers_and_of_what_is_open_need_more_than_128_bits():
    pair = Pair()
    pair.send(1_000, Accounts(tuple(account(n) for n in range(1, 9))))
    moves = [
        transfer(10 + n, 1 + n, 2 + n, MAX, flags=PENDING if n % 4 else 0) for n in range(0, 7, 2)
    ]
    assert pair.send(2_000, Transfers(tuple(moves))) == [[OK] * 4]
    pair.compare(Random(1))
    pair.send(3_000, Transfers((post(20, 12, 2**64),)))
    pair.compare(Random(1))


@pytest.mark.parametrize("room", [(40, 10_000, 10_000), (10_000, 10_000, 40)])
def test_full_books_refuse_before_anything_is_written_beyond_them(room):
    """And what was recorded before is unharmed."""
    pair = Pair(room=room)
    pair.send(1_000, Accounts(tuple(account(n) for n in range(1, 5))))
    sent = 0
    with pytest.raises(Unavailable, match="full"):
        for sent in range(2_000):
            batch = [transfer(10 + 4 * sent + n, 1, 2, 1, flags=PENDING) for n in range(4)]
            opened = [account(10 + 4 * sent + n) for n in range(4)]
            pair.send(2_000 + 100 * sent, Transfers(tuple(batch)), Accounts(tuple(opened)))
    books = pair.kernel
    ids = tuple(U128(10 + n) for n in range(4 * sent))
    assert len(reading.lookup_transfers(books, LookupTransfers(ids)).transfers) == 4 * sent


def replayed(*entries):
    """The kernel's engine, after it has replayed a journal whose hashes fit."""
    engine, head = EmbeddedEngine(Pair().fresh(), 0), BEGINNING
    for begin, body in entries:
        head = following(head, begin, body)
        engine.replay(head)
    return engine


def test_a_replay_refuses_what_these_rules_did_not_record():
    """MS3."""
    pair = Pair()
    pair.send(1_000, Accounts((account(1), account(2))))
    pair.send(2_000, Transfers((transfer(10, 1, 9, 5), transfer(11, 1, 2, 5))))
    assert replayed(*pair.journal).seq == 2
    opened, (begin, body) = pair.journal
    code = HEADER.size + CALL.size
    assert body[code : code + 2] == bytes([Code.CREDIT_ACCOUNT_NOT_FOUND, OK])
    other_code = body[:code] + bytes([Code.DEBIT_ACCOUNT_NOT_FOUND]) + body[code + 1 :]
    for damaged, why in (
        ((begin, other_code), "batch 2 was recorded by other rules"),
        ((begin + 1, body), "batch 2 was recorded by other rules"),
        ((1_001, body), "batch 2 goes back in time"),
        ((begin, b"\x07" + body[1:]), "batch 2 cannot be read"),
    ):
        with pytest.raises(JournalDamaged, match=why):
            replayed(opened, damaged)

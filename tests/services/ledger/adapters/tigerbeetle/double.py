"""A cluster in memory that speaks the wire's requests: the reference model behind their bytes.

It can be away (answers nothing until it is back), end its sessions, and take only small requests.
"""

from __future__ import annotations

import asyncio
from struct import Struct

from sycee.services.ledger.adapters.tigerbeetle.messages import (
    EVENTS_MAX,
    RECORD_BYTES,
    RECORDS_MAX,
    Kind,
    Operation,
)
from sycee.services.ledger.adapters.tigerbeetle.session import Reply, SessionEnded, TooMuch
from sycee.services.ledger.contract import (
    AccountFlags,
    LookupAccounts,
    LookupTransfers,
    TransferFlags,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.books import (
    CHANGE_BITS,
    EXPIRED_CHANGE,
    OPENED_CHANGE,
    Books,
)
from sycee.services.ledger.domain.entry import ACCOUNTS, TRANSFERS, Call, apply
from sycee.services.ledger.domain.record import encode_accounts, encode_transfers

RESULT = Struct("<QI4x")
CREATED = 2**32 - 1
ACCOUNT_FILTER = Struct("<16s16sQIH58xQQII")
QUERY_FILTER = Struct("<16sQIIH6xQQII")
EVENTS_FILTER = Struct("<QQI44x")
BALANCE = Struct("<16s16s16s16sQ56x")
EVENT_HEAD = Struct("<16s16s16s16sQIIHHIB39x")
EVENT_SIDE = Struct("<16s16s16s16s16s16sQIHH")
EVENT_TAIL = Struct("<QQQQ")
CLOSED = int(AccountFlags.CLOSED)
SIDES = ("debit", "credit")


def octets(number):
    return int(number).to_bytes(16, "little")


class Side:
    """An account as the events so far have left it."""

    def __init__(self, account):
        self.account = account
        self.flags = int(account.flags)
        self.sums = {"debit": [0, 0], "credit": [0, 0]}

    def row(self):
        one = self.account
        return EVENT_SIDE.pack(
            octets(one.id),
            *self.balances(),
            octets(one.user_data_128),
            one.user_data_64,
            one.user_data_32,
            one.code,
            self.flags,
        )

    def balances(self):
        return [octets(each) for name in SIDES for each in self.sums[name]]


class Cluster:
    """The state of all replicas as one."""

    def __init__(self, clock, batch_max=RECORDS_MAX):
        self.clock = clock
        self.batch_max = batch_max
        self.books = Books()
        self.sides = {}
        self.rows = []
        self.balances = []
        self.seen_changes = 0
        self.requests = []
        self.before_read = None
        self.is_away = False
        self.waiting = []
        self.arrived = asyncio.Event()
        self.wires = []

    def open(self):
        wire = Wire(self)
        self.wires.append(wire)
        return wire

    async def has_waiting(self, count):
        """Return when so many requests wait for it to come back."""
        while len(self.waiting) < count:
            self.arrived.clear()
            await self.arrived.wait()

    def leave(self):
        self.is_away = True

    def come_back(self):
        self.is_away = False
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            self.answer(*each)

    def evict(self):
        """End every session, as a cluster does that has too many."""
        for wire in self.wires:
            wire.end("the cluster ended the session")
        self.wires = []

    def answer(self, operation, body, answer):
        """What the cluster does with a request, at its next nanosecond."""
        self.requests.append((operation, body))
        if answer.cancelled():
            return
        if operation in (Operation.CREATE_ACCOUNTS, Operation.CREATE_TRANSFERS):
            self._answer(answer, lambda: self._create(operation, body))
            return
        if self.before_read is not None:
            self.before_read(operation)
        self._pulse()
        self._answer(answer, lambda: self._read(operation, body))

    def _answer(self, answer, work):
        try:
            reply = work()
        except TooMuch as much:
            answer.set_exception(much)
            return
        answer.set_result(Reply(self.books.timestamp, reply))

    def _pulse(self):
        apply(self.books, max(self.clock.now(), self.books.timestamp + 1), [])
        self._take_in()

    def create(self, operation, records):
        """What another client does meanwhile; all must succeed."""
        results = self._create(operation, records)
        assert all(status == CREATED for _, status in RESULT.iter_unpack(results))

    def _create(self, operation, records):
        if len(records) > self.batch_max * RECORD_BYTES:
            raise TooMuch
        kind = TRANSFERS if operation == Operation.CREATE_TRANSFERS else ACCOUNTS
        begin = max(self.clock.now(), self.books.timestamp + 1)
        codes = apply(self.books, begin, [Call(kind, records)]).codes[0]
        self._take_in()
        first = self.books.timestamp - len(codes) + 1
        return b"".join(
            RESULT.pack(first + place, code or CREATED) for place, code in enumerate(codes)
        )

    def _take_in(self):
        for change in self.books.changes[self.seen_changes :]:
            number, kind = change >> CHANGE_BITS, change & ((1 << CHANGE_BITS) - 1)
            if kind == OPENED_CHANGE:
                account = self.books.opened[number].account
                self.sides[account.id] = Side(account)
            else:
                self._event(self.books.transfers.at(number), number, kind == EXPIRED_CHANGE)
        self.seen_changes = len(self.books.changes)

    def _event(self, transfer, position, is_expiry):
        flags = TransferFlags(transfer.flags)
        reserved = transfer
        if transfer.pending_id:
            found = LookupTransfers((transfer.pending_id,))
            reserved = read.lookup_transfers(self.books, found).transfers[0]
        if is_expiry:
            kind, pending, posted = Kind.EXPIRED, -transfer.amount, 0
        elif TransferFlags.PENDING in flags:
            kind, pending, posted = Kind.PENDING, transfer.amount, 0
        elif TransferFlags.POST_PENDING in flags:
            kind, pending, posted = Kind.POSTED, -reserved.amount, transfer.amount
        elif TransferFlags.VOID_PENDING in flags:
            kind, pending, posted = Kind.VOIDED, -reserved.amount, 0
        else:
            kind, pending, posted = Kind.SINGLE_PHASE, 0, transfer.amount
        at = self.books.expired_at[position] if is_expiry else transfer.timestamp
        sides = [
            self.sides[number] for number in (transfer.debit_account_id, transfer.credit_account_id)
        ]
        closing = (TransferFlags.CLOSING_DEBIT, TransferFlags.CLOSING_CREDIT)
        for name, side, closes in zip(SIDES, sides, closing, strict=True):
            side.sums[name][0] += pending
            side.sums[name][1] += posted
            if reserved.flags & closes and kind != Kind.POSTED:
                side.flags = side.flags | CLOSED if kind == Kind.PENDING else side.flags & ~CLOSED
            if side.flags & AccountFlags.HISTORY:
                self.balances.append((at, side.account.id, BALANCE.pack(*side.balances(), at)))
        self.rows.append((at, self._row(kind, transfer, sides, at)))
        self.rows.sort()
        self.balances.sort()

    def _row(self, kind, transfer, sides, at):
        head = EVENT_HEAD.pack(
            octets(transfer.id),
            octets(transfer.amount),
            octets(transfer.pending_id),
            octets(transfer.user_data_128),
            transfer.user_data_64,
            transfer.user_data_32,
            transfer.timeout_s,
            transfer.code,
            transfer.flags,
            transfer.ledger,
            kind,
        )
        opened = (side.account.timestamp for side in sides)
        tail = EVENT_TAIL.pack(at, transfer.timestamp, *opened)
        return head + b"".join(side.row() for side in sides) + tail

    def _read(self, operation, body):
        if operation == Operation.LOOKUP_ACCOUNTS:
            query = LookupAccounts(self._ids(body))
            return encode_accounts(read.lookup_accounts(self.books, query).accounts)
        if operation == Operation.LOOKUP_TRANSFERS:
            query = LookupTransfers(self._ids(body))
            return encode_transfers(read.lookup_transfers(self.books, query).transfers)
        if operation == Operation.GET_CHANGE_EVENTS:
            first, last, limit = EVENTS_FILTER.unpack(body)
            assert 0 < limit <= EVENTS_MAX
            rows = [row for at, row in self.rows if first <= at <= (last or 2**63)]
            return b"".join(rows[:limit])
        if operation == Operation.QUERY_ACCOUNTS:
            return self._accounts(body)
        return self._of_account(operation, body)

    def _ids(self, body):
        if len(body) > self.batch_max * 16:
            raise TooMuch
        return tuple(
            int.from_bytes(body[place : place + 16], "little") for place in range(0, len(body), 16)
        )

    def _accounts(self, body):
        *unused, ledger, code, first, last, limit, flags = QUERY_FILTER.unpack(body)
        assert (any(map(any, unused[:1])), code, last, flags) == (False, 0, 0, 0)
        assert 0 < limit <= RECORDS_MAX
        wanted = tuple(
            book.account.id
            for book in self.books.opened
            if book.timestamp >= first and ledger in (0, book.ledger)
        )
        found = read.lookup_accounts(self.books, LookupAccounts(wanted[:limit]))
        return encode_accounts(found.accounts)

    def _of_account(self, operation, body):
        number, *_, first, last, limit, flags = ACCOUNT_FILTER.unpack(body)
        assert flags & 3 == 3
        assert 0 < limit <= RECORDS_MAX
        assert 0 < first <= last < 2**63
        account = int.from_bytes(number, "little")
        if operation == Operation.GET_ACCOUNT_BALANCES:
            found = [(at, row) for at, of, row in self.balances if of == account]
        else:
            book = self.books.accounts.get(account)
            moved = map(self.books.transfers.at, book.positions) if book else ()
            found = [(each.timestamp, encode_transfers((each,))) for each in moved]
        rows = [row for at, row in found if first <= at <= last]
        return b"".join((rows[::-1] if flags & 4 else rows)[:limit])


class Wire:
    """One session with the cluster."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._in_flight = set()
        self._ending = None

    def send(self, operation, body):
        if self._ending is not None:
            raise SessionEnded(self._ending)
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._in_flight.add(answer)
        answer.add_done_callback(self._in_flight.discard)
        if self._cluster.is_away:
            self._cluster.waiting.append((operation, body, answer))
            self._cluster.arrived.set()
        else:
            loop.call_soon(self._deliver, operation, body, answer)
        return answer

    def _deliver(self, operation, body, answer):
        if not answer.done():
            self._cluster.answer(operation, body, answer)

    def end(self, reason):
        self._ending = reason
        for answer in tuple(self._in_flight):
            if not answer.done():
                answer.set_exception(SessionEnded(reason))

    async def close(self):
        self.end("the session was closed")

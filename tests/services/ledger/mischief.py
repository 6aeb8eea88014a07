"""Makes batches that are mostly sensible and often a little wrong."""

from __future__ import annotations

from msgspec.structs import asdict
from tests.services.ledger.notation import (
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    IMPORTED,
    LINKED,
    MAX,
    PENDING,
    POST,
    VOID,
    account,
    changed,
    transfer,
)

from sycee.services.ledger.contract import AccountFlags

NUMBERS = range(1, 7)
_KINDS = (0, 0, 0, PENDING, PENDING, PENDING, BALANCING_DEBIT, BALANCING_CREDIT | PENDING)
_ODD_KINDS = (
    CLOSING_DEBIT,
    CLOSING_DEBIT | PENDING,
    CLOSING_CREDIT | PENDING,
    CLOSING_DEBIT | CLOSING_CREDIT | PENDING,
    BALANCING_DEBIT | BALANCING_CREDIT,
    512,
)
_WRONG_ACCOUNT = {
    "ledger": (0, 2),
    "code": (0, 2),
    "flags": (0, 1, 6, 8, 64),
    "timestamp": (1, 2**63),
    "debits_pending": (1,),
    "debits_posted": (1,),
    "credits_pending": (1,),
    "credits_posted": (1,),
    "user_data_128": (1, 2),
    "user_data_64": (1, 2),
    "user_data_32": (1, 2),
    "id": (0, MAX),
}
_WRONG_TRANSFER = {
    "id": (0, MAX, 1, 2, 3),
    "debit_account_id": (0, MAX, 9, *NUMBERS),
    "credit_account_id": (0, MAX, 9, *NUMBERS),
    "amount": (0, 1, MAX, MAX - 3, MAX // 2),
    "ledger": (0, 1, 2, 3),
    "code": (0, 1, 2),
    "pending_id": (0, MAX, 1, 2),
    "timeout_s": (0, 1, 2**32 - 1),
    "user_data_128": (0, 1, 2),
    "user_data_64": (0, 1, 2),
    "user_data_32": (0, 1, 2),
    "timestamp": (1, 2**63),
    "flags": (0, 6, 10, 12, 20, 36, 72, 136),
}


class Mischief:
    """Remembers what it made, to come back to it."""

    def __init__(self):
        self.made = []
        self.opened = []
        self.reserved = []

    def accounts(self, draw, now):
        imported = draw.random() < 0.2
        batch = [self._account(draw, now, imported) for _ in range(draw.randint(0, 4))]
        return [self._spoilt(draw, event, _WRONG_ACCOUNT) for event in batch]

    def transfers(self, draw, now):
        imported = draw.random() < 0.2
        batch = [self._transfer(draw, now, imported) for _ in range(draw.randint(0, 6))]
        return [self._spoilt(draw, event, _WRONG_TRANSFER) for event in batch]

    def _account(self, draw, now, imported):
        if self.opened and draw.random() < 0.3:
            return draw.choice(self.opened)
        flags = draw.choice((0, 0, 2, 4, 8, AccountFlags.CLOSED)) | draw.choice((0, 0, 0, LINKED))
        made = account(
            draw.choice((*NUMBERS, 7, 8)),
            ledger=draw.choice((1, 1, 1, 2)),
            flags=flags | (AccountFlags.IMPORTED if imported else 0),
            timestamp=self._past(draw, now) if imported else 0,
        )
        self.opened.append(made)
        return made

    def _transfer(self, draw, now, imported):
        if self.made and draw.random() < 0.15:
            return draw.choice(self.made)
        number = 10 + len(self.made)
        resolving = self.reserved and draw.random() < 0.4
        made = (self._resolution if resolving else self._move)(draw, number)
        flags = made.flags | draw.choice((0, 0, 0, 0, LINKED))
        if imported:
            made = changed(made, timestamp=self._past(draw, now))
            made = changed(made, timeout_s=0 if draw.random() < 0.8 else made.timeout_s)
        made = changed(made, flags=int(flags | (IMPORTED if imported else 0)))
        self.made.append(made)
        if made.flags & PENDING:
            self.reserved.append(made.id)
        return made

    def _move(self, draw, number):
        debit, credit = draw.sample(NUMBERS, 2)
        flags = draw.choice(_KINDS if draw.random() < 0.85 else _ODD_KINDS)
        timeout = draw.choice((0, 0, 1, 2, 2**32 - 1)) if flags & PENDING else 0
        amount = draw.choice((1, 2, 5, 10, 10, draw.choice((0, MAX, MAX - 9, MAX // 2))))
        return transfer(number, debit, credit, amount, flags=flags, timeout_s=timeout)

    def _resolution(self, draw, number):
        flags = draw.choice((POST, VOID))
        amounts = (0, 0, 0, 1) if flags == VOID else (MAX, MAX, 0, 1, 2, 5, 20)
        return transfer(
            number,
            amount=draw.choice(amounts),
            ledger=draw.choice((0, 0, 1)),
            code=draw.choice((0, 0, 1)),
            flags=flags,
            pending_id=draw.choice(self.reserved[-6:]),
        )

    def _past(self, draw, now):
        earlier = [event.timestamp for event in self.made + self.opened if event.timestamp]
        return draw.choice(
            (1, now - 1, now, now + 2, now + 99, *earlier, *(e + 1 for e in earlier))
        )

    def _spoilt(self, draw, event, wrongs):
        """The event with now and then a field or two wrong."""
        while draw.random() < 0.12:
            field = draw.choice(list(wrongs))
            value = draw.choice(wrongs[field])
            if field == "flags":
                value |= asdict(event)["flags"] & (LINKED | draw.choice((0, IMPORTED)))
            event = changed(event, **{field: value})
        return event

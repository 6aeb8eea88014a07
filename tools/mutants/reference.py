"""Mutants of the reference model."""

from __future__ import annotations

from tools.mutants.mutant import LEDGER, REFERENCE, mutants

MUTANTS = mutants(
    f"{LEDGER}/domain",
    REFERENCE,
    [
        (
            "a debit limit that pending amounts do not use up",
            "move",
            "and debit.debits_pending + debit.debits_posted + amount > debit.credits_posted",
            "and debit.debits_posted + amount > debit.credits_posted",
        ),
        (
            "a debit limit that is one too high",
            "move",
            "debit.debits_posted + amount > debit.credits_posted",
            "debit.debits_posted + amount > debit.credits_posted + 1",
        ),
        (
            "no credit limit",
            "move",
            "credit.flags & CREDITS_LIMITED\n        and credit",
            "False\n        and credit",
        ),
        (
            "a credit limit that counts pending debits",
            "move",
            "+ credit.credits_posted + amount > credit.debits_posted",
            "+ credit.credits_posted + amount > credit.debits_posted + credit.debits_pending",
        ),
        (
            "an account may pay itself",
            "move",
            "if debit == credit:",
            "if False:",
        ),
        (
            "a transfer between two ledgers",
            "move",
            "if debit.ledger != credit.ledger:",
            "if False:",
        ),
        (
            "a closed account pays",
            "move",
            "if debit.flags & CLOSED:",
            "if False:",
        ),
        (
            "a closed account is paid",
            "move",
            "if credit.flags & CLOSED:",
            "if False:",
        ),
        (
            "a balancing debit ignores what is reserved",
            "move",
            "debit.credits_posted - debit.debits_posted - debit.debits_pending",
            "debit.credits_posted - debit.debits_posted",
        ),
        (
            "a balancing transfer moves a negative amount",
            "move",
            "U128(max(room, 0))",
            "U128(room)",
        ),
        (
            "posted debits overflow",
            "move",
            "if debit.debits_posted > room:",
            "if debit.debits_posted > room + 1:",
        ),
        (
            "debits overflow in all",
            "move",
            "if debit.debits_pending + debit.debits_posted > room:",
            "if False:",
        ),
        (
            "credits overflow in all",
            "move",
            "if credit.credits_pending + credit.credits_posted > room:",
            "if False:",
        ),
        (
            "a timeout beyond the end of time",
            "move",
            "if expires_at(at, transfer.timeout_s) > TIMESTAMP_MAX:",
            "if False:",
        ),
        (
            "a credit is lost",
            "move",
            "        credit.credits_posted += amount\n",
            "",
        ),
        (
            "a closing transfer closes nothing",
            "move",
            "        debit.flags |= CLOSED\n",
            "        pass\n",
        ),
        (
            "an import may regress",
            "move",
            "if books.regresses(transfer.timestamp):",
            "if False:",
        ),
        (
            "an import may be older than its account",
            "move",
            "if transfer.timestamp <= credit.timestamp:",
            "if False:",
        ),
        (
            "more is posted than was reserved",
            "resolve",
            "if amount > pending.amount:",
            "if False:",
        ),
        (
            "a part is voided",
            "resolve",
            "if flags & VOID_PENDING and amount < pending.amount:",
            "if False:",
        ),
        (
            "what is not posted stays reserved",
            "resolve",
            "    debit.debits_pending -= pending.amount\n",
            "    debit.debits_pending -= min(pending.amount, 1)\n",
        ),
        (
            "a part is posted as the whole",
            "resolve",
            "        _post(amount, debit, credit)\n",
            "        _post(pending.amount, debit, credit)\n",
        ),
        (
            "an expired transfer may be posted",
            "resolve",
            "<= at:\n        return Code.PENDING_TRANSFER_EXPIRED",
            "< at:\n        return Code.PENDING_TRANSFER_EXPIRED",
        ),
        (
            "an expiry leaves its account closed",
            "resolve",
            "        _reopen(pending, debit, credit)\n        books.expire(position, pending)",
            "        books.expire(position, pending)",
        ),
        (
            "a void leaves its account closed",
            "resolve",
            "    else:\n        _reopen(pending, debit, credit)\n",
            "",
        ),
        (
            "a pending transfer is posted twice",
            "resolve",
            "POSTED: Code.PENDING_TRANSFER_ALREADY_POSTED,",
            "POSTED: _OK,",
        ),
        (
            "a post may name other accounts",
            "resolve",
            "if transfer.debit_account_id not in (0, pending.debit_account_id):",
            "if False:",
        ),
        *(
            (
                f"a repeated transfer with another {field} exists",
                "repeat",
                f"if transfer.{field} != existing.{field}:",
                "if False:",
            )
            for field in (
                "flags",
                "pending_id",
                "timeout_s",
                "debit_account_id",
                "credit_account_id",
                "amount",
                "user_data_128",
                "user_data_64",
                "user_data_32",
                "ledger",
                "code",
            )
        ),
        (
            "a repeated id is recorded again",
            "batch",
            "    if position is not None:\n",
            "    if position is not None and position < 0:\n",
        ),
        (
            "a failed id may come again",
            "batch",
            "            self.books.transfers.burn(event.id)\n",
            "            pass\n",
        ),
        (
            "every failed id is used up",
            "batch",
            "if code in self.kind.transient:",
            "if code and self.kind is _TRANSFERS:",
        ),
        (
            "a chain that fails stands up to there",
            "batch",
            "            if code:\n                self.books.undo_chain()\n",
            "            if code:\n                self.books.keep_chain()\n",
        ),
        (
            "a chain that is left open stands",
            "batch",
            "        if is_open:\n            self.books.undo_chain()\n",
            "        if is_open:\n            self.books.keep_chain()\n",
        ),
        (
            "two events share a nanosecond",
            "batch",
            "self.create(self.books, event, first + index)",
            "self.create(self.books, event, first)",
        ),
        (
            "a chain that is taken back leaves balances",
            "books",
            "            _restore(page)\n",
            "            pass\n",
        ),
        (
            "a chain that is taken back leaves its pending transfers resolved",
            "books",
            "            self.transfers.statuses[position] = UNRESOLVED\n",
            "            pass\n",
        ),
        (
            "expiries share a nanosecond",
            "books",
            "        self.timestamp += 1\n",
            "        self.timestamp += 0\n",
        ),
        (
            "time goes back in a journal",
            "journal",
            "if batch.timestamp <= self.books.timestamp:",
            "if False:",
        ),
        (
            "a replay does not look at hashes",
            "journal",
            "if following(self.head, batch.timestamp, batch.body).hash != batch.hash:",
            "if False:",
        ),
        (
            "a replay does not look at results",
            "journal",
            "if apply(self.books, batch.timestamp, calls).body != batch.body:",
            "if not apply(self.books, batch.timestamp, calls).body:",
        ),
    ],
)

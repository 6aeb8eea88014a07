"""Mutants of what lies around the kernel: its rows, its past, its snapshots, its service."""

from __future__ import annotations

from tools.mutants.mutant import ENGINE, LEDGER, SERVICE, mutants

MUTANTS = (
    *mutants(
        f"{LEDGER}/adapters/embedded",
        ENGINE,
        [
            (
                "a row that was just recorded is fetched as an old one",
                "books",
                "np.unique(numbers[numbers < self.state.counts[BASE]])",
                "np.unique(numbers[numbers <= self.state.counts[BASE]])",
            ),
            (
                "a replayed event keeps its timestamp",
                "books",
                "RECORD - 1] = 0\n",
                "RECORD - 1] += np.uint64(0)\n",
            ),
            (
                "a call of an unknown kind opens accounts",
                "books",
                "if kind not in (entry.ACCOUNTS, TRANSFERS):",
                "if kind > 99:",
            ),
            (
                "a transfer's nanosecond is looked for in the wrong entry",
                "rows",
                "        entry = int(np.searchsorted(lasts, timestamp))\n",
                '        entry = int(np.searchsorted(lasts, timestamp, "right"))\n',
            ),
            (
                "rows are read from their neighbours",
                "rows",
                "begin = self._begins[entry] + place * RECORD_BYTES",
                "begin = self._begins[entry] + max(place - 1, 0) * RECORD_BYTES",
            ),
            (
                "balances of the past have what came later",
                "reading",
                "    rows = rows[rows[:, RECORD - 1] <= np.uint64(at)]\n",
                "",
            ),
            (
                "a reservation of the past is never released",
                "reading",
                "held = _total(rows[side & pending]) - _total(released[side[ends]])",
                "held = _total(rows[side & pending])",
            ),
            (
                "an import behind an expiry opens a closed account",
                "reading",
                "    return flags | bits.CLOSED if closing else",
                "    return flags | bits.CLOSED if closing > 1 else",
            ),
            (
                "expiries are listed as transfers",
                "reading",
                "and not transfer.flags & bits.EXPIRED_ROW\n",
                "\n",
            ),
            (
                "a trial balance of 128 bits",
                "reading",
                "words[word + 1] << 64 | words[word + 2] << 128",
                "words[word + 1] << 64",
            ),
            (
                "postings are lost where segments meet",
                "postings",
                "            sides = sides[len(taken) :]\n",
                "            sides = sides[len(taken) + (self.tail_rows == SEGMENT) :]\n",
            ),
            (
                "a snapshot without what is due",
                "saving",
                '    yield "due", state.due[: counts[DUE]]\n',
                "",
            ),
            (
                "a snapshot without the places of what is open",
                "saving",
                '    yield "places", state.places[: counts[OPEN_TOP]]\n',
                "",
            ),
            (
                "a replay does not look at results",
                "engine",
                "if self.books.apply(entry.seq, entry.timestamp, batches).body != entry.body:",
                "if not self.books.apply(entry.seq, entry.timestamp, batches).body:",
            ),
            (
                "a snapshot of another journal is believed",
                "engine",
                "lambda seq, digest: container.hash_at(seq) == digest",
                "lambda seq, digest: True",
            ),
            (
                "what came after a snapshot is forgotten",
                "engine",
                "for entry in _read_ahead(container.batches(engine.seq)):",
                "for entry in _read_ahead(container.batches(engine.seq + 1)):",
            ),
        ],
    ),
    *mutants(
        LEDGER,
        SERVICE,
        [
            (
                "an answer before the disk",
                "service",
                "        await self._journal.append(recorded.begin, recorded.entry.body)\n"
                "        timestamp",
                "        asyncio.ensure_future("
                "self._journal.append(recorded.begin, recorded.entry.body))\n"
                "        timestamp",
            ),
            (
                "a reader sees what is not on disk",
                "service",
                "        if self._committer is None:\n            return query()\n",
                "        if True:\n            return query()\n",
            ),
            (
                "a ledger goes on after a write that failed",
                "service",
                "            self._is_stopped = True\n        except BaseException:",
                "            pass\n        except BaseException:",
            ),
            (
                "a clock that goes back takes the books along",
                "service",
                "begin = max(self._clock.now(), self._engine.timestamp + 1)",
                "begin = self._clock.now()",
            ),
            (
                "work is taken on without end",
                "service",
                "if self._queued_events + call.events > self._queue_events_max:",
                "if False:",
            ),
            (
                "a journal of rows is not chained",
                "store",
                '        self._head = batch._replace(body=b"")\n',
                "        self._head = self._head._replace(seq=batch.seq)\n",
            ),
        ],
    ),
)

"""A process that writes until it is killed; it is given a DSN and the first number.

Prints the number of each transfer once it is acknowledged: what may not be lost.
"""

from __future__ import annotations

import asyncio
import sys

from tests.services.ledger.notation import account, transfer

from sycee.runtime.clock import SystemClock
from sycee.services.ledger.adapters.postgresql.engine import Options, open_postgresql
from sycee.services.ledger.contract import Accounts, Transfers

CALLERS = 8


async def main(dsn: str, first: int) -> None:
    ledger = await open_postgresql(Options(dsn), SystemClock())
    await ledger.create_accounts(Accounts((account(1), account(2))))

    async def caller(place: int) -> None:
        number = first + place
        while True:
            answer = await ledger.create_transfers(Transfers((transfer(number, 1, 2, 3),)))
            assert answer.codes == (0,)
            print(number, flush=True)
            number += CALLERS

    await asyncio.gather(*map(caller, range(CALLERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

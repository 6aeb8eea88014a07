"""The twin: create and confirm as a FastAPI and aiosqlite developer first writes them.

Served by ``python -m bench.twin``. It keeps the promises of Sycee's two requests with one process,
one database, one connection (WAL, ``synchronous=FULL``) and one transaction per request; a confirm
takes two, because its attempt must be on disk before the rail is asked. Every statement is one that
a promise needs:

| promise | statement |
|---|---|
| only who holds a key may pay; keys are kept as hashes | ``FIND_MERCHANT`` |
| a repetition is answered byte for byte as at first (MS2) | ``FIND_KEY``, and ``ADD_KEY`` with |
| | the answer; a confirm claims its key first and adds the answer by ``SETTLE_KEY`` |
| a key with another request, or in flight, is refused (MS2) | the hash and answer of ``FIND_KEY`` |
| amount, currency, method and merchant are checked | none: ``shapes`` and ``checks`` |
| the card behind a token is kept as a method | ``ADD_METHOD`` |
| a payment can be found again, in whichever state | ``ADD_PAYMENT``, ``FIND_PAYMENT``, |
| | ``CHANGE_PAYMENT`` before the rail and after it |
| a card or customer that tries too often is declined | ``COUNT_TRY`` |
| an order is never lost nor given twice (MS9) | ``ADD_ATTEMPT`` and ``COMMIT`` before the rail, |
| | ``CLOSE_ATTEMPT``, which only an open one takes |
| money is reserved, then moved by double entry | ``ADD_TRANSFER``, ``MOVE`` in both halves |
| no account gives what it does not have | none: ``CHECK`` of ``accounts`` |
| a try leaves a charge, a sale its balance entry | ``ADD_CHARGE``, ``ADD_SALE`` |
| every change is told, with the whole object | ``ADD_EVENT`` |

What it leaves out is in its favour: the rail answers at once and keeps no book, nothing is swept up
after a crash, outbox rows are sent nowhere, the transfers form no hash chain, judgements are not
kept, velocity is counted by the clock's hour, and there are no block lists, metrics or traces.
``lean`` is the twin that keeps hardly any of it.
"""

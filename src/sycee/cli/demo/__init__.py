"""``demo``: drives a shop's day through the public API, and ties its sums to the ledger."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import uuid
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import stripe

from sycee.assembly.failures import CannotStart
from sycee.cli.access import kept_key
from sycee.cli.demo import report, tie
from sycee.cli.demo.platform import Proof, own_platform, prove
from sycee.cli.demo.shop import Shop
from sycee.cli.demo.tie import Column
from sycee.cli.demo.till import Amounts, Till
from sycee.cli.demo.visits import Visit, visits
from sycee.cli.progress import Progress

SEED = 20260501
PAYMENTS = 120
ASSISTANTS = 4
"""How many visits are served at once."""
REQUEST_TIMEOUT_S = 60
NETWORK_RETRIES = 2


class Where(msgspec.Struct, frozen=True):
    """The platform that is driven; without its data there is no proof of its books."""

    url: str
    key: str
    data: Path | None


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--payments", metavar="N", type=_count, default=PAYMENTS, help="how many")
    parser.add_argument("--seed", type=int, default=SEED, help="chooses who buys what")
    parser.add_argument("--url", help="drive this running platform, not one of the demo's own")
    parser.add_argument("--key", help="its secret key (default: $SYCEE_KEY, or from --data)")
    parser.add_argument("--data", metavar="DIR", help="its data; of an own platform, kept there")
    parser.add_argument(
        "--topology", choices=["one", "processes"], default="one", help="of an own platform"
    )


def run(options: Namespace) -> int:
    """Drive the day; 1 when a sum does not tie or something unexpected happened."""
    # Ended in order by either signal, so that the demo's own platform is ended as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        where = _running(options) if options.url else _own(options, stack)
        problems = _day(where, visits(options.seed, options.payments), options.seed)
    return 1 if problems else 0


def _running(options: Namespace) -> Where:
    data = Path(options.data) if options.data else None
    key = options.key or os.environ.get("SYCEE_KEY") or (kept_key(data) if data else None)
    if not key:
        raise CannotStart("Name the platform's secret key with --key sk_…, or its --data.")
    return Where(options.url.rstrip("/"), key, data)


def _own(options: Namespace, stack: ExitStack) -> Where:
    if options.data:
        data = Path(options.data).resolve()
    else:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sycee-demo-")))
    _say("Starting a platform …")
    ready = stack.enter_context(own_platform(data, options.topology))
    return Where(ready.url, ready.secret_key, data)


def _day(where: Where, planned: Sequence[Visit], seed: int) -> list[str]:
    client = _client(where)
    before = _first_balance(client, where.url)
    books = prove(where.data) if where.data else None
    till = Till()
    shop = Shop(client, till, uuid.uuid4().hex)
    _say(f"{len(planned)} visits to a shop at {where.url}, seed {seed}")
    if shop.open():
        _serve(shop, planned)
    wanted = tie.net(till.takings)
    columns = [Column("balance", tie.risen(before, tie.balance(client)), wanted)]
    proof = prove(where.data) if where.data else None
    if books is not None and proof is not None and not books.moved():
        columns.append(Column("ledger", proof.moved(), tie.turnover(till.takings)))
    problems = [*till.problems, *_wrong(columns, proof)]
    sys.stdout.write(report.day(till, columns, proof is not None, problems))
    return problems


def _first_balance(client: stripe.StripeClient, url: str) -> Amounts:
    """What the shop had before, which also tells whether it may come in at all."""
    try:
        return tie.balance(client)
    except stripe.APIConnectionError:
        raise CannotStart(f"{url} does not answer.") from None
    except stripe.StripeError as error:
        raise CannotStart(f"{url} does not let us in: {error.user_message}") from None


def _wrong(columns: Sequence[Column], proof: Proof | None) -> Iterator[str]:
    for column in columns:
        yield from column.wrong()
    if proof is not None:
        yield from proof.wrong()


def _serve(shop: Shop, planned: Sequence[Visit]) -> None:
    """All visits, a few at once."""
    with Progress("demo", sys.stderr) as progress, ThreadPoolExecutor(ASSISTANTS) as assistants:
        tasks = [assistants.submit(shop.serve, visit) for visit in planned]
        try:
            _watch(tasks, progress)
        finally:
            # When nobody watches any more, what has not begun does not begin.
            assistants.shutdown(cancel_futures=True)


def _watch(tasks: Sequence[Future[None]], progress: Progress) -> None:
    """Tell how far the day is: a bar on a terminal, else a line for each tenth."""
    total = len(tasks)
    for done, task in enumerate(as_completed(tasks), 1):
        task.result()
        progress.at(done, total)
        if not sys.stderr.isatty() and 10 * done // total > 10 * (done - 1) // total:
            _say(f"{done} of {total}")


def _client(where: Where) -> stripe.StripeClient:
    """The official SDK, pointed at the platform."""
    host = urlsplit(where.url).hostname or ""
    if host in ("127.0.0.1", "localhost", "::1"):
        # Its HTTP library would ask the environment's proxy even for this machine.
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = host
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        where.key,
        base_addresses={"api": where.url},
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=REQUEST_TIMEOUT_S),
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError("a count is 1 or more")
    return int(text)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()

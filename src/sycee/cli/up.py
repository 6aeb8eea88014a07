"""``up``: the whole platform, from nothing to the first payment."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import msgspec

from sycee.assembly.configuration import Topology
from sycee.assembly.wiring import SERVICES
from sycee.cli.options import add_configuration, configured
from sycee.cli.ready import Ready
from sycee.cli.serve import stand
from sycee.runtime import floor

_WELCOME = """\
Sycee is ready.

  REST        {url}   (reference: {url}/docs)
  gRPC        {grpc}
  metrics     {internal}/metrics
  data        {data}

{keys}
Take a payment:

  curl {url}/payment/create \\
    -H "Authorization: Bearer {secret_key}" \\
    -H "Content-Type: application/json" \\
    -d '{{"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"}}'

Stop with Ctrl-C.
"""
_KEYS = """\
  secret key       {secret_key}
  publishable key  {publishable_key}
  operator key     {operator_key}
"""
_LEDGER_KEY = "  ledger key       {ledger_key}\n"
"""Of an operator who writes to the ledger; the dev profile makes one."""
_NO_KEYS = "  The keys were told at the first start.\n"


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    add_configuration(parser)
    parser.add_argument("--port", type=int, help="port of the REST doors; 0 takes free ports")
    parser.add_argument("--topology", choices=["one", "processes"], help="how many processes")
    parser.add_argument("--profile", choices=["dev", "production"], help="how strict")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when ready")


def run(options: Namespace) -> int:
    """Start, stay in the foreground, and drain on SIGTERM or SIGINT."""
    configuration = configured(options).value

    def tell(ready: Ready) -> None:
        sys.stdout.write(_as_json(ready) if options.json else _for_people(ready))
        sys.stdout.flush()

    if configuration.topology is Topology.PROCESSES:
        from sycee.cli.fleet import run_fleet

        return floor.run(run_fleet(options, configuration, tell))
    floor.run(stand(configuration, SERVICES, tell))
    return 0


def _as_json(ready: Ready) -> str:
    return msgspec.json.encode(ready).decode() + "\n"


def _for_people(ready: Ready) -> str:
    fields = msgspec.structs.asdict(ready)
    shown = _KEYS + _LEDGER_KEY * bool(ready.ledger_key) if ready.secret_key else _NO_KEYS
    keys = shown.format(**fields)
    return _WELCOME.format(
        **{**fields, "keys": keys, "secret_key": ready.secret_key or "YOUR_SECRET_KEY"}
    )

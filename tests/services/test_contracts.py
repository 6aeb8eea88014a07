"""What a contract declares is what it may say."""

import importlib
from pathlib import Path

import sycee.services
from sycee.gateway.stripe.errors import WORDINGS
from sycee.kernel.refusal import Refusal
from sycee.runtime.rpc import operations

SERVICES = Path(sycee.services.__path__[0])
FILES = [*SERVICES.glob("*/contract.py"), *SERVICES.glob("*/contract/*.py")]
CONTRACTS = [
    ".".join(["sycee.services", *file.relative_to(SERVICES).with_suffix("").parts]).removesuffix(
        ".__init__"
    )
    for file in FILES
]


def test_every_refusal_of_a_contract_is_one_that_an_operation_may_give():
    told, declared = set(), set()
    for name in CONTRACTS:
        for thing in vars(importlib.import_module(name)).values():
            if isinstance(thing, type) and issubclass(thing, Refusal):
                declared.add(thing)
            elif isinstance(thing, type) and getattr(thing, "_is_protocol", False):
                told.update(no for each in operations(thing) for no in each.refusals)
    assert len(declared) > 40
    assert declared - told <= {Refusal}


def test_every_wording_is_of_a_refusal_that_exists():
    assert set(WORDINGS) <= set(Refusal.by_code)

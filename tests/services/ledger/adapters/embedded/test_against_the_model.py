"""The compiled kernel against the reference model: the same codes, bodies and answers."""

from __future__ import annotations

from random import Random

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import numba
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from tests.services.ledger.adapters.embedded.pair import STEPS_NS, Walk
from tests.services.ledger.test_against_second_model import RARE

from sycee.services.ledger.adapters.embedded import postings
from sycee.services.ledger.contract import CreateAccountResult, CreateTransferResult

UNCOMPILED = bool(numba.config.DISABLE_JIT)
WALKS = 12 if UNCOMPILED else 80
HURRIED = 2 if UNCOMPILED else 250
LONG = 60 if UNCOMPILED else 600
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    """So that these few rows fill segments of postings."""
    monkeypatch.setattr(postings, "SEGMENT", 16)


def walked(seed, steps):
    """A way at random, with an interruption in the middle."""
    draw = Random(seed)
    walk = Walk(draw, cache_bytes=draw.choice((0, 3_000, 10**6)))
    walk.go(steps, draw.choice((walk.go_on_from_a_snapshot, walk.go_on_from_a_replay)))
    walk.pair.compare(draw, instants=12)
    return walk


def hurried(seed):
    """A way at random of which only codes and bodies are compared."""
    walk = Walk(Random(seed), cache_bytes=0)
    walk.go(steps=40)
    return walk


def test_walks_agree_and_meet_nearly_every_code():
    walks = [walked(seed, steps=40) for seed in range(WALKS)]
    walks += [hurried(seed) for seed in range(WALKS, WALKS + HURRIED)]
    transfers = set().union(*(walk.transfer_codes for walk in walks))
    accounts = set().union(*(walk.account_codes for walk in walks))
    if not UNCOMPILED:
        assert {code for code in CreateTransferResult if code not in transfers} <= RARE
        missed = {code for code in CreateAccountResult if code not in accounts}
        assert missed <= RARE_OF_ACCOUNTS


RARE_OF_ACCOUNTS = {CreateAccountResult.RESERVED_FIELD}
"""Codes that no caller can be answered: a record has no place for what they refuse."""


def test_a_very_long_walk_agrees():
    walked(seed=2026, steps=LONG)


class ModelAndKernel(RuleBasedStateMachine):
    """Hypothesis looks for the shortest way to a disagreement."""

    def __init__(self):
        super().__init__()
        self.walk = Walk(Random(0), cache_bytes=0)

    @rule(seed=SEEDS)
    def step(self, seed):
        self.walk.draw = Random(seed)
        self.walk.step()

    @rule(seed=SEEDS)
    def step_again(self, seed):
        self.step(seed)

    @rule(step=st.sampled_from(STEPS_NS))
    def wait(self, step):
        self.walk.now += step

    @rule()
    def go_on_from_a_snapshot(self):
        self.walk.go_on_from_a_snapshot()

    @rule()
    def go_on_from_a_replay(self):
        self.walk.go_on_from_a_replay()

    def teardown(self):
        self.walk.pair.compare(Random(1), instants=8)


TestModelAndKernel = ModelAndKernel.TestCase
TestModelAndKernel.settings = settings(
    max_examples=5 if UNCOMPILED else 60, stateful_step_count=25, deadline=None
)

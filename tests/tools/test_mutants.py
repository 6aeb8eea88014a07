"""Mutants: each is there to be made, and one that nobody notices is told."""

import argparse

import pytest
from tools.mutants import trial
from tools.mutants.mutant import Mutant, Suite
from tools.mutants.trial import Fate

from tests.faults import mutants as campaign

ALL = [mutant for part in campaign.PARTS.values() for mutant in part]
PASSING = Suite(("tests/test_rule.py",))
RULE = "rule.py"


@pytest.fixture
def tree(tmp_path):
    """A rule, and a test that looks at one side of it."""
    (tmp_path / RULE).write_text("LIMIT = 5\n\n\ndef is_allowed(n):\n    return 0 < n <= LIMIT\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_rule.py").write_text(
        "from rule import is_allowed\n\n\ndef test_it():\n    assert not is_allowed(6)\n"
    )
    return tmp_path


def fate(tree, old, new):
    before = (tree / RULE).read_text()
    found = trial.try_one(tree, Mutant("it", RULE, old, new, PASSING))
    assert (tree / RULE).read_text() == before
    return found


def test_a_mutant_that_a_test_notices_is_killed(tree):
    assert trial.is_sound(tree, PASSING)
    assert fate(tree, "<= LIMIT", "<= LIMIT + 1") is Fate.KILLED


def test_a_mutant_that_no_test_notices_survives(tree):
    assert fate(tree, "0 < n", "0 <= n") is Fate.SURVIVED


@pytest.mark.parametrize(
    ("old", "new"), [("absent", "x"), ("LIMIT", "MOST"), ("5", "5"), ("def is_allowed", "def (")]
)
def test_a_mutant_that_cannot_be_made_is_a_mistake(tree, old, new):
    """Its text is missing, or there twice, or is not changed, or is no program any more."""
    assert fate(tree, old, new) is Fate.BROKEN


def test_a_mutant_that_goes_in_circles_is_noticed(tree, monkeypatch):
    monkeypatch.setattr(trial, "LIMIT_S", 3)
    assert fate(tree, "    return", "    while True:\n        pass\n    return") is Fate.STUCK


def test_tests_that_fail_anyway_are_told(tree):
    (tree / RULE).write_text("def is_allowed(n):\n    return True\n")
    assert not trial.is_sound(tree, PASSING)


def test_what_needs_numba_is_left_out_without_it(tree, monkeypatch):
    monkeypatch.setattr(trial.importlib.util, "find_spec", lambda name: None)
    suite = PASSING._replace(needs_numba=True)
    assert trial.try_one(tree, Mutant("it", RULE, "5", "6", suite)) is Fate.LEFT_OUT
    assert trial.is_sound(tree, suite)


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_every_mutant_can_be_made(mutant):
    text = (trial.ROOT / mutant.file).read_text()
    assert text.count(mutant.old) == 1
    compile(text.replace(mutant.old, mutant.new), mutant.file, "exec")


def test_every_suite_has_its_files():
    for suite in {mutant.suite.tests for mutant in ALL}:
        assert all((trial.ROOT / name).exists() for name in suite)


def test_no_two_mutants_of_a_part_are_alike():
    for part in campaign.PARTS.values():
        assert len({(mutant.name, mutant.file) for mutant in part}) == len(part)
        assert len({(mutant.file, mutant.old, mutant.new) for mutant in part}) == len(part)


def test_a_survivor_fails_the_campaign(tree, monkeypatch, capsys):
    monkeypatch.setattr(trial, "ROOT", tree)
    monkeypatch.setattr(trial, "COPIED", (RULE, "tests"))
    survivor = Mutant("nobody looks below", RULE, "0 < n", "0 <= n", PASSING)
    monkeypatch.setitem(campaign.PARTS, "kernel", (survivor,))
    options = argparse.Namespace(seed=1, part="kernel", word="")
    assert campaign.break_all(options) == 1
    assert "SURVIVED: nobody looks below" in capsys.readouterr().out

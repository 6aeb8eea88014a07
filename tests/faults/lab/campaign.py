"""One campaign's run: its seed, its progress, what it counted, what it found, its result line."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

SHOWN_MAX = 20


class Result(msgspec.Struct):
    """The result line."""

    campaign: str
    seed: int
    seconds: float
    counted: dict[str, float]
    violations: list[str]
    repeat: str


class Campaign:
    """Collects figures and violations, and tells them."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name = name
        self.seed: int = options.seed
        self.counted: defaultdict[str, float] = defaultdict(float)
        self.violations: list[str] = []
        self.options = options
        self._began = time.monotonic()
        sys.stderr.write(f"{name}: seed {self.seed}\n")

    def found(self, where: str, violations: Iterable[str]) -> None:
        """Note violations, and show the first of them at once."""
        for violation in violations:
            self.violations.append(f"{where}: {violation}")
            if len(self.violations) <= SHOWN_MAX:
                sys.stderr.write(f"\nVIOLATION {where}: {violation}\n")

    def at(self, done: int, total: int, note: str = "") -> None:
        """Show how far it is."""
        line = f"{self.name} {done}/{total} {note}"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{line}")
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def end(self) -> int:
        """Print the result line; the exit status."""
        given = {key: value for key, value in vars(self.options).items() if value is not None}
        given["seed"] = self.seed
        words = [f"--{key.replace('_', '-')} {value}" for key, value in given.items()]
        result = Result(
            self.name,
            self.seed,
            round(time.monotonic() - self._began, 1),
            {key: round(value, 3) for key, value in self.counted.items()},
            self.violations[:SHOWN_MAX],
            f"./sycee faults {self.name} {' '.join(words)}",
        )
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        sys.stdout.flush()
        return 1 if self.violations else 0


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options that every campaign has."""
    made = argparse.ArgumentParser(description=doc)
    made.add_argument("--seed", type=int, help="repeats a run's choices; printed by every run")
    return made


def read(made: argparse.ArgumentParser, argv: Sequence[str]) -> argparse.Namespace:
    """The options, with a seed of their own where none was given."""
    options = made.parse_args(argv)
    if options.seed is None:
        options.seed = secrets.randbelow(1_000_000)
    return options


def skip(name: str, why: str) -> int:
    """Tell that this machine does not allow the campaign; that is no failure."""
    sys.stdout.write(msgspec.json.encode({"campaign": name, "skipped": why}).decode() + "\n")
    return 0


def scratch(name: str) -> tempfile.TemporaryDirectory[str]:
    """A place for the data of one run."""
    return tempfile.TemporaryDirectory(prefix=f"sycee-{name}-")


def keep_log(data: Path, name: str) -> Path:
    """Copy a platform's log to where it outlives the run."""
    kept = Path(tempfile.gettempdir()) / f"sycee-{name}.log"
    kept.write_bytes((data / "platform.log").read_bytes())
    return kept

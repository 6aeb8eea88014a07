"""``config show``, ``secrets`` and ``verify``: what they print and refuse."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sycee.assembly.secrets import NAMES
from tests.system.platform import ROOT, Platform, environment, running


def sycee(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sycee.cli", *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment(), **variables},
        check=False,
    )


def test_every_value_is_shown_with_its_source(tmp_path: Path) -> None:
    (tmp_path / "sycee.toml").write_text("[payments]\nfee_basis_points = 150\n")
    told = sycee(
        tmp_path, "config", "show", "--json", "--set", "port=9000", SYCEE_LOG_LEVEL="warning"
    )
    shown = json.loads(told.stdout)
    assert shown["payments.fee_basis_points"] == {"value": 150, "source": "sycee.toml"}
    assert shown["port"] == {"value": 9000, "source": "command line"}
    assert shown["log_level"]["source"] == "environment SYCEE_LOG_LEVEL"
    assert shown["host"] == {"value": "127.0.0.1", "source": "default"}
    people = sycee(tmp_path, "config", "show").stdout
    assert "payments.fee_basis_points" in people and "# sycee.toml" in people


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "payment.fee_basis_points=1"], "Did you mean payments.fee_basis_points?"),
        (["--set", "port=many"], "port (command line): Expected `int`, got `str`."),
        (["--config", "absent.toml"], "There is no configuration file absent.toml."),
        (["--set", "tls.key=a.pem"], "tls takes certificate, key and authority together"),
        (["--set", "payments.keep_keys_s=60"], "keep_keys_s must be at least 86400"),
    ],
)
def test_what_is_configured_wrongly_stops_every_command(
    tmp_path: Path, words: list[str], message: str
) -> None:
    for command in (["config", "show"], ["up"], ["serve", "fraud"], ["verify"]):
        refused = sycee(tmp_path, *command, *words)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert message in refused.stderr and "Traceback" not in refused.stderr


def test_secrets_are_made_once(tmp_path: Path) -> None:
    assert "made" in sycee(tmp_path, "secrets", "--data", "here").stdout
    made = {path.name: path.read_bytes() for path in (tmp_path / "here" / "secrets").iterdir()}
    assert "was there" in sycee(tmp_path, "secrets", "--data", "here").stdout
    again = {path.name: path.read_bytes() for path in (tmp_path / "here" / "secrets").iterdir()}
    assert made == again and len(set(made.values())) == len(made) == len(NAMES)


def test_a_secret_that_is_no_secret_is_refused(tmp_path: Path) -> None:
    """SE7."""
    folder = tmp_path / "here" / "secrets"
    folder.mkdir(parents=True)
    (folder / "api-keys").write_bytes(bytes(32))
    (folder / "api-keys").chmod(0o600)
    refused = sycee(tmp_path, "secrets", "--data", "here")
    assert refused.returncode == 2 and "must hold 32 random bytes" in refused.stderr


def test_verify_says_where_there_is_nothing_to_prove(tmp_path: Path) -> None:
    refused = sycee(tmp_path, "verify", "--data", str(tmp_path))
    assert refused.returncode == 2 and "There is no database" in refused.stderr
    assert not list(tmp_path.glob("*.sqlite*"))


@pytest.fixture
def stopped(tmp_path: Path) -> Platform:
    """A platform that has taken one payment, and was stopped."""
    with running(tmp_path, "one") as platform:
        platform.client().v1.payment_intents.create(
            {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        )
        assert platform.stop() == 0
    return platform


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.sqlite*")
    }


def test_verify_changes_nothing_of_a_stopped_platform(stopped: Platform) -> None:
    before = contents(stopped.data)
    proof = stopped.verify()
    assert proof.returncode == 0 and "The books are right." in proof.stdout
    assert contents(stopped.data) == before


@pytest.mark.parametrize(
    ("database", "lie", "row"),
    [
        ("ledger", "UPDATE log SET body = body || X'00' WHERE seq = 2", "log 2"),
        ("ledger", "DELETE FROM log WHERE seq = 2", "log 2"),
        ("payments", "UPDATE charges SET captured = 1999", "ch_"),
        ("payments", "UPDATE payments SET status = 'canceled'", "pi_"),
        ("payments", "DELETE FROM balance_transactions", "ch_"),
    ],
)
def test_verify_names_the_row_that_is_wrong(
    stopped: Platform, database: str, lie: str, row: str
) -> None:
    """MS3."""
    with sqlite3.connect(stopped.data / f"{database}.sqlite") as connection:
        connection.execute(lie)
    connection.close()
    proof = stopped.verify()
    assert proof.returncode == 1
    assert any("WRONG" in line and row in line for line in proof.stdout.splitlines()), proof.stdout
    assert "Traceback" not in proof.stderr


def test_commands_are_listed_with_what_they_do() -> None:
    told = sycee(ROOT, "--help").stdout
    for command in ("up", "serve", "demo", "verify", "doctor", "config", "secrets", "listen"):
        assert f"\n    {command} " in told
    assert os.linesep + "    test " in told

"""Logs are lines of JSON, and keep no card number and no secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.runtime import logs, trace

log = logs.logger("test")


@pytest.fixture
def lines() -> Iterator[list[bytes]]:
    written: list[bytes] = []
    handlers = logging.getLogger().handlers[:]
    logs.configure("tests", logs.Level.INFO, written.append)
    yield written
    logs.configure("sycee")
    logging.getLogger().handlers[:] = handlers


def read(line: bytes) -> dict[str, object]:
    return msgspec.json.decode(line, type=dict[str, object])


def test_an_event_is_one_line_with_its_fields(lines: list[bytes]) -> None:
    log.info("payment_confirmed", payment="pi_1", amount_minor=2000)
    (line,) = lines
    assert line.endswith(b"\n")
    fields = read(line)
    assert fields["event"] == "payment_confirmed"
    assert fields["payment"] == "pi_1"
    assert fields["amount_minor"] == 2000
    assert (fields["level"], fields["process"], fields["area"]) == ("info", "tests", "test")
    assert str(fields["time"]).endswith("+00:00")


def test_the_trace_is_on_the_line(lines: list[bytes]) -> None:
    trace.begin("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    log.info("seen")
    trace.begin("")
    log.info("seen")
    assert read(lines[0])["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert "trace" not in read(lines[1])


def test_a_level_below_the_configured_one_is_not_written(lines: list[bytes]) -> None:
    log.debug("detail")
    assert not lines


def test_a_value_cannot_forge_a_line(lines: list[bytes]) -> None:
    """AU5."""
    log.warning("odd", text='x"}\n{"event": "forged\u2028\x00')
    (line,) = lines
    assert line.count(b"\n") == 1
    assert read(line)["text"] == 'x"}\n{"event": "forged\u2028\x00'


def test_a_fault_carries_its_stack_without_secrets(lines: list[bytes]) -> None:
    """SE6."""
    try:
        raise ValueError("bad card 4242424242424242")
    except ValueError:
        log.fault("job_failed")
    text = str(read(lines[0])["fault"])
    assert "Traceback" in text
    assert "4242424242424242" not in text


def test_what_libraries_log_becomes_our_lines(lines: list[bytes]) -> None:
    logging.getLogger("some.library").warning("card %s", "4242 4242 4242 4242")
    fields = read(lines[0])
    assert fields["area"] == "some.library"
    assert fields["message"] == f"card {logs.CARD}"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("4242424242424242", logs.CARD),
        ("378282246310005", logs.CARD),
        ("4242 4242 4242 4242", logs.CARD),
        ("4242-4242-4242-4242", logs.CARD),
        ("card=4242424242424242;", f"card={logs.CARD};"),
        ("4242424242424242 12/34", f"{logs.CARD}/34"),
        ("12 4242424242424242", logs.CARD),
        ("4242424242424241", "4242424242424241"),
        ("424242424242", "424242424242"),
        ("sk_live_abcdef123456", f"sk_live_{logs.SECRET}"),
        ("Bearer sk_test_abcdef123456.", f"Bearer sk_test_{logs.SECRET}."),
        ("rk_live_abcdef123456", f"rk_live_{logs.SECRET}"),
        ("whsec_MfKQ9r8GKYqrTwjU", f"whsec_{logs.SECRET}"),
        ("pi_3Mtw_secret_YrKJUKribcBj", f"pi_3Mtw_secret_{logs.SECRET}"),
        ("pi_01J0ABCDEFGHJKMNPQRSTVWX", "pi_01J0ABCDEFGHJKMNPQRSTVWX"),
    ],
)
def test_secrets_and_card_numbers_are_masked(text: str, kept: str) -> None:
    """SE6."""
    assert logs.redact(text) == kept


def test_a_card_number_is_masked_as_a_number_too(lines: list[bytes]) -> None:
    """SE6."""
    log.info("seen", number=4242424242424242, flag=True, score=0.5, none=None)
    assert read(lines[0])["number"] == logs.CARD


@given(st.integers(min_value=10**11, max_value=10**18 - 1), st.text(alphabet="ab =:,"))
def test_every_card_number_is_masked_wherever_it_stands(head: int, around: str) -> None:
    """SE6."""
    number = f"{head}{check_digit(str(head))}"
    assert number not in logs.redact(f"{around}{number}{around}")


def check_digit(digits: str) -> int:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10

"""The limit of requests in flight follows how long they wait."""

from __future__ import annotations

import pytest

from sycee.gateway.admission import GROW, LATE_S_MAX, LEAST, LOOKS, Admission
from sycee.gateway.routes import Priority

LATE = 2 * LATE_S_MAX


def busy(admission: Admission, in_flight: int) -> Admission:
    for _ in range(in_flight - admission.in_flight):
        admission.enter()
    return admission


def look(admission: Admission, late_s: float, windows: int = 1) -> None:
    for _ in range(LOOKS * windows):
        admission.note(late_s)


@pytest.mark.parametrize(
    ("in_flight", "full"),
    [
        (0, []),
        (79, []),
        (80, [Priority.READ]),
        (90, [Priority.READ, Priority.CREATE]),
        (100, [Priority.READ, Priority.CREATE, Priority.SETTLE]),
    ],
)
def test_reads_are_refused_before_payments_and_those_before_captures(in_flight, full):
    """RE4."""
    admission = busy(Admission(100), in_flight)
    assert [each for each in Priority if admission.is_full(each)] == full
    assert admission.is_calm is (not full)


def test_a_queue_that_stands_lowers_the_limit_down_to_the_least():
    admission = busy(Admission(1000), 500)
    look(admission, LATE)
    assert admission.limit == 400
    look(admission, LATE, windows=50)
    assert admission.limit == LEAST


def test_a_single_delay_lowers_nothing():
    admission = busy(Admission(1000), 500)
    for late_s in (1.0, *[0.0] * (LOOKS - 1)):
        admission.note(late_s)
    assert admission.limit == 1000


def test_a_limit_that_is_reached_grows_again_and_one_that_is_not_stays():
    admission = busy(Admission(1000), 100)
    look(admission, LATE)
    assert admission.limit == 80
    look(admission, 0.0)
    assert admission.limit == 80 + GROW + 80 // 16
    for _ in range(100):
        admission.leave()
    look(admission, 0.0)
    grown = admission.limit
    look(admission, 0.0, windows=9)
    assert admission.limit == grown
    busy(admission, 1000)
    look(admission, 0.0, windows=1000)
    assert admission.limit == 1000


def test_a_limit_below_the_least_is_kept():
    admission = busy(Admission(5), 5)
    look(admission, LATE, windows=9)
    assert admission.limit == 5

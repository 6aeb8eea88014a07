"""What risk control decides before books and rail are asked."""

import pytest
from tests.services.payments.domain.objects import attempt

from sycee.services.fraud.contract import Decision
from sycee.services.payments.domain.attempts import (
    BLOCKED,
    CHALLENGED,
    UNAUTHENTICATED,
    judged,
    takeback,
)

ASKABLE, AWAY, STRICT, PROVED = (
    {},
    {"off_session": True},
    {"asks_payer": False},
    {"authenticated": True},
)


@pytest.mark.parametrize(
    ("decision", "how", "ending"),
    [
        (Decision.APPROVE, ASKABLE, None),
        (Decision.REVIEW, ASKABLE, None),
        (Decision.DECLINE, ASKABLE, BLOCKED),
        (Decision.DECLINE, PROVED, BLOCKED),
        (Decision.CHALLENGE, ASKABLE, CHALLENGED),
        (Decision.CHALLENGE, PROVED, None),
        (Decision.CHALLENGE, AWAY, UNAUTHENTICATED),
        (Decision.CHALLENGE, STRICT, UNAUTHENTICATED),
    ],
)
def test_a_judgement_ends_an_attempt_or_lets_it_go_on(decision, how, ending):
    assert judged(attempt(decision=decision, **how)) == ending


def test_every_takeback_has_an_id_of_its_own():
    assert takeback(attempt(takebacks=1)) != takeback(attempt(takebacks=2))

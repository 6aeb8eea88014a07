"""How a set-up goes from one status to the next."""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import (
    Setup,
    SetupDeclined,
    SetupFields,
    SetupStateInvalid,
    SetupStatus,
)
from sycee.services.payments.contract.shared import MethodId, SetupId
from sycee.services.payments.domain.texts import changed_metadata, changed_text, check_texts


class Act(Enum):
    """What can be asked of a set-up that exists."""

    UPDATE = "update"
    CONFIRM = "confirm"
    ANSWER = "answer a challenge of"
    CANCEL = "cancel"


_UNFINISHED = frozenset(
    {
        SetupStatus.REQUIRES_PAYMENT_METHOD,
        SetupStatus.REQUIRES_CONFIRMATION,
        SetupStatus.REQUIRES_ACTION,
    }
)

ALLOWED: dict[Act, frozenset[SetupStatus]] = {
    Act.UPDATE: _UNFINISHED,
    Act.CONFIRM: _UNFINISHED,
    Act.ANSWER: frozenset({SetupStatus.REQUIRES_ACTION}),
    Act.CANCEL: _UNFINISHED,
}
"""The statuses in which each act is possible."""

EVENTS: dict[SetupStatus, str] = {
    SetupStatus.SUCCEEDED: "setup_intent.succeeded",
    SetupStatus.REQUIRES_ACTION: "setup_intent.requires_action",
    SetupStatus.REQUIRES_PAYMENT_METHOD: "setup_intent.setup_failed",
}
"""What is told when a confirmation ended in a status."""


def existing(setup: Setup | None, wanted: SetupId) -> Setup:
    """The set-up, unless it is unknown or foreign."""
    if setup is None:
        raise NotFound(f"No such setup intent: '{wanted}'", param="setup_intent")
    return setup


def check_fields(fields: SetupFields) -> None:
    """Refuse texts that are too long."""
    check_texts({"description": fields.description, "return_url": fields.return_url}, {})


def check(setup: Setup, act: Act) -> None:
    """Refuse what the set-up's status does not allow."""
    if setup.status not in ALLOWED[act]:
        raise SetupStateInvalid(
            f"You cannot {act.value} this setup intent because it has a status of"
            f" {setup.status.value}.",
            facts={"setup": setup.id, "status": setup.status.value},
        )


def method_of(setup: Setup) -> MethodId:
    """The method to be checked; without one, a set-up cannot be confirmed."""
    if setup.method is None:
        raise SetupStateInvalid(
            "You cannot confirm this setup intent because it has no payment method.",
            param="payment_method",
        )
    return setup.method


def changed(before: Setup, fields: SetupFields, method: MethodId | None) -> Setup:
    """The set-up after an update; a method that is brought must be confirmed (again)."""
    after = msgspec.structs.replace(
        before,
        customer=fields.customer or before.customer,
        description=changed_text(before.description, fields.description),
        metadata=changed_metadata(before.metadata, fields.metadata),
        usage=fields.usage or before.usage,
        return_url=changed_text(before.return_url, fields.return_url),
    )
    if method is None:
        return after
    return msgspec.structs.replace(
        after, status=SetupStatus.REQUIRES_CONFIRMATION, method=method, next_action_url=None
    )


def succeeded(setup: Setup) -> Setup:
    """The rail agrees."""
    return _moved(setup, SetupStatus.SUCCEEDED)


def challenged(setup: Setup) -> Setup:
    """The payer must prove who they are, at the bank's page."""
    return msgspec.structs.replace(
        _moved(setup, SetupStatus.REQUIRES_ACTION), next_action_url=challenge_url(setup)
    )


def challenge_url(setup: Setup) -> str:
    """The path of the bank's page; the client secret is the payer's ticket."""
    return f"/testcard/3ds/setups/{setup.merchant}/{setup.id}?client_secret={setup.client_secret}"


def declined(setup: Setup, code: str, decline_code: str | None, message: str | None) -> Setup:
    """The rail says no; another method is wanted."""
    return msgspec.structs.replace(
        _moved(setup, SetupStatus.REQUIRES_PAYMENT_METHOD),
        method=None,
        error_code=code,
        error_decline_code=decline_code,
        error_message=message or "The payment method was declined.",
    )


def unauthenticated(setup: Setup) -> Setup:
    """The payer did not prove who they are."""
    return declined(
        setup,
        "setup_intent_authentication_failure",
        None,
        "The payment method's owner could not be authenticated. Try another payment method.",
    )


def canceled(setup: Setup, reason: str | None) -> Setup:
    """Given up."""
    return msgspec.structs.replace(_moved(setup, SetupStatus.CANCELED), cancellation_reason=reason)


def refusal(setup: Setup) -> SetupDeclined | None:
    """What is answered when a confirmation ended with a no; None when it did not."""
    if setup.error_code is None:
        return None
    facts = {"setup": setup.id, "error_code": setup.error_code}
    if setup.error_decline_code is not None:
        facts["decline_code"] = setup.error_decline_code
    assert setup.error_message is not None, "a no has words"
    return SetupDeclined(setup.error_message, facts=facts)


def _moved(setup: Setup, status: SetupStatus) -> Setup:
    return msgspec.structs.replace(
        setup,
        status=status,
        next_action_url=None,
        error_code=None,
        error_decline_code=None,
        error_message=None,
    )

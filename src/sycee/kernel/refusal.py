"""A refusal is an expected no, declared on a contract; anything else that raises is a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class Refusal(Exception):
    """Base of every expected no.

    ``detail`` is for the customer who reads the error, ``param`` names the request field at fault
    in the contract's own words, ``facts`` are further strings that a door may show
    (``decline_code``, ``charge``). A subclass declares a stable ``code`` and an HTTP ``status``.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    by_code: ClassVar[dict[str, type[Refusal]]] = {}

    def __init__(
        self,
        detail: str,
        *,
        param: str | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.param = param
        self.facts: dict[str, str] = dict(facts or {})

    def __init_subclass__(cls, *, code: str, status: int) -> None:
        cls.code, cls.status = code, status
        previous = Refusal.by_code.setdefault(code, cls)
        assert previous is cls, f"refusal code {code!r} is declared twice"


class NotFound(Refusal, code="not_found", status=404):
    """No such object for this merchant; a foreign id and an unknown id answer alike."""


class Unavailable(Refusal, code="unavailable", status=503):
    """A part that this call needs is away or shedding load; the same call may be repeated."""


class DeadlineExceeded(Refusal, code="deadline_exceeded", status=504):
    """The answer did not come in time; whether the work was done is unknown."""


def refuses(
    *refusals: type[Refusal],
) -> Callable[[Callable[Asked, Answer]], Callable[Asked, Answer]]:
    """Say, on the contract itself, which refusals an operation may raise."""

    def mark(operation: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        operation.__dict__["refusals"] = refusals
        return operation

    return mark

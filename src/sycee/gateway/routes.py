"""The table of routes: which path and method is answered by whom, for which keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from enum import IntEnum
from typing import TypeAlias, TypeVar

import msgspec

from sycee.gateway.parameters import Reader
from sycee.gateway.refusals import MethodNotAllowed, UrlUnknown
from sycee.gateway.request import Answer, Request
from sycee.services.identity.contract import Role

Parameters = TypeVar("Parameters", bound=msgspec.Struct)
Handle: TypeAlias = Callable[[Request], Awaitable[Answer]]

READERS = frozenset({Role.SECRET, Role.READ_ONLY})
WRITERS = frozenset({Role.SECRET})
BROWSERS = frozenset({Role.PUBLISHABLE})
OPERATORS = frozenset({Role.OPERATOR})
ANYONE: frozenset[Role] = frozenset()
"""The route asks for no key."""


class Priority(IntEnum):
    """Under load the lowest is refused first (the share of the in-flight limit it may fill)."""

    READ = 80
    CREATE = 90
    SETTLE = 100
    """Captures, refunds, cancellations: money that is already promised."""
    ALWAYS = 1_000_000
    """Health: a busy process lives."""


class Route(msgspec.Struct, frozen=True):
    """One operation."""

    method: str
    path: str
    """Parts in braces are variable: ``/v1/charges/{id}``."""
    handle: Handle
    parameters: type[msgspec.Struct]
    roles: frozenset[Role]
    scope: str
    """What a narrowed key must hold, such as ``payments:write``; empty for public routes."""
    priority: Priority
    summary: str
    answers: str
    """The name of the object that is answered, in the OpenAPI document."""
    status: int
    operation: str
    """A name for logs, metrics and the OpenAPI document: ``post_v1_refunds``."""
    page: bool
    """A page for a person, not JSON."""
    also: frozenset[bytes] = frozenset()
    """Media types that it may answer beside JSON."""
    takes_text: bool = False
    """The body is text that belongs to the caller; the parameters are in the query."""


class Empty(msgspec.Struct, frozen=True):
    """No parameters."""


def route(
    verb: str,
    handle: Callable[[Request, Parameters], Awaitable[Answer]],
    parameters: type[Parameters],
    *,
    answers: str,
    roles: frozenset[Role] | None = None,
    browsers: bool = False,
    scope: str = "payments",
    priority: Priority | None = None,
    status: int = 200,
    page: bool = False,
    also: frozenset[bytes] = frozenset(),
    takes_text: bool = False,
) -> Route:
    """A route from ``"POST /v1/refunds"``, with the usual rights of its method."""
    method, path = verb.split(" ")
    reading = method == "GET"
    usual = (READERS if reading else WRITERS) | (BROWSERS if browsers else ANYONE)
    readers = {form: Reader(parameters, form=form) for form in (True, False)}
    return Route(
        method=method,
        path=path,
        handle=lambda request: handle(request, readers[request.form].read(request.parameters)),
        parameters=parameters,
        roles=usual if roles is None else roles,
        scope=f"{scope}:{'read' if reading else 'write'}",
        priority=priority or (Priority.READ if reading else Priority.CREATE),
        summary=(handle.__doc__ or "").strip().splitlines()[0],
        answers=answers,
        status=status,
        operation=_operation(method, path),
        page=page,
        also=also,
        takes_text=takes_text,
    )


def _operation(method: str, path: str) -> str:
    parts = [part.strip("{}").replace(".", "_") for part in path.split("/") if part]
    return "_".join([method.lower(), *parts])


class _Node:
    """One part of a path."""

    __slots__ = ("children", "methods", "variable")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.variable: _Node | None = None
        self.methods: dict[str, tuple[Route, tuple[str, ...]]] = {}


class Table:
    """Finds the route of a request in one step per part of its path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for each in self.routes:
            self._add(each)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the path's variable parts, or the refusal that says what is wrong."""
        if not path.startswith("/"):
            raise UrlUnknown(f"There is nothing at {method} {path[:200]!r}.")
        node: _Node | None = self._root
        values: list[str] = []
        for part in path[1:].split("/"):
            assert node is not None
            child = node.children.get(part)
            if child is None and part:
                child = node.variable
                values.append(part)
            if child is None:
                raise UrlUnknown(f"There is nothing at {method} {path[:200]!r}.")
            node = child
        return _of_method(node, method, path, values)

    def _add(self, each: Route) -> None:
        node, names = self._root, []
        for part in each.path[1:].split("/"):
            if part.startswith("{"):
                names.append(part[1:-1])
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.children.setdefault(part, _Node())
        assert each.method not in node.methods, f"{each.method} {each.path} is there twice"
        node.methods[each.method] = each, tuple(names)


def _of_method(
    node: _Node | None, method: str, path: str, values: list[str]
) -> tuple[Route, dict[str, str]]:
    if node is None or not node.methods:
        raise UrlUnknown(f"There is nothing at {method} {path[:200]!r}.")
    found = node.methods.get(method) or (method == "HEAD" and node.methods.get("GET"))
    if not found:
        allow = ", ".join(sorted(node.methods))
        raise MethodNotAllowed(f"{path[:200]!r} answers {allow}.", facts={"allow": allow})
    return found[0], dict(zip(found[1], values, strict=True))

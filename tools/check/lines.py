"""Single lines and calls that may not be anywhere, or only in certain places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tools.check.tree import Finding, Module, Tree

_FORBIDDEN = {
    re.compile(
        r"\bpypi\.(org|python)|python(hosted)|registry\.(npmjs)|deb\.(debian)|proxy\.(golang)"
    ): ("names the host of a package index"),
    re.compile(r"(?<![\w.])/(work|root|home|Users)/\w|/opt/(pypi|wheels)"): "a machine's own path",
    re.compile(r"synchronous\W{1,3}(=\W*)?(NORMAL|OFF|0|1)\b", re.I): (
        "a database that may lose what it acknowledged"
    ),
}

_SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s.+\sSET\s|DELETE\s+FROM\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|UNIQUE)|WITH\s.+\sAS\s)",
    re.S,
)
_SQL_HOMES = re.compile(
    r"src/sycee/(services/\w+/store(\.py|/)|services/\w+/adapters/\w+/book\.py|runtime/)"
)
"""Stores, the books that adapters keep, and the runtime's own tables."""

_TIMELESS = re.compile(r"tests/(simulation/|faults/(?!(.*/)?(test_|conftest)))")


def no_forbidden_line(tree: Tree) -> list[Finding]:
    """No index host, no path of one machine, no database that may lose a commit."""
    return [
        Finding(name, number, why)
        for name in tree.files
        for number, line in enumerate(_text(tree, name).splitlines(), 1)
        for pattern, why in _FORBIDDEN.items()
        if pattern.search(line)
    ]


def sql_at_home(tree: Tree) -> list[Finding]:
    """SQL is written in stores and the runtime alone."""
    return [
        module.finding(node, "SQL belongs into store.py")
        for module in tree.within("src/")
        if not _SQL_HOMES.match(module.path)
        for node in ast.walk(module.syntax)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.match(node.value)
    ]


def no_sleep_in_tests(tree: Tree) -> list[Finding]:
    """No test waits for time to pass; ``sleep(0)`` lets others run and is no waiting.

    Campaigns of faults strike at random moments: they are programs, and their tests are tests. In
    simulations time is virtual, and nobody waits for it.
    """
    return [
        finding
        for module in tree.within("tests/")
        if not _TIMELESS.match(module.path)
        for finding in _calls_of("sleep", module)
    ]


def no_any(tree: Tree) -> list[Finding]:
    """``Any`` is for the one place where contracts cross a wire."""
    return [
        module.finding(node, "Any")
        for module in tree.within("src/", "tools/")
        if not module.path.startswith("src/sycee/runtime/rpc/")
        for node in ast.walk(module.syntax)
        if (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in ("typing.Any", "t.Any"))
    ]


def _calls_of(name: str, module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.syntax):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func).rsplit(".", 1)[-1]
        arguments = [ast.unparse(argument) for argument in node.args]
        if called == name and arguments != ["0"]:
            yield module.finding(node, f"waits by {ast.unparse(node)}")


def _text(tree: Tree, name: str) -> str:
    try:
        return (tree.root / name).read_text()
    except UnicodeDecodeError:
        return ""

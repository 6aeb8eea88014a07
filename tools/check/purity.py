"""Fence 6: kernel, domain and contract do no I/O, read no clock and draw no random numbers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.check.tree import Finding, Module, Tree, below

ALLOWED = (
    "__future__",
    "abc",
    "array",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "copy",
    "dataclasses",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "hmac",
    "ipaddress",
    "itertools",
    "math",
    "msgspec",
    "operator",
    "re",
    "string",
    "struct",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
)
"""Modules that only compute. What is not listed is refused, so a new one is a decision."""

OURS = ("sycee.kernel", "sycee.services")
"""Which files of services is for the plan to say."""

IMPURE = frozenset({"open", "print", "input", "eval", "exec", "compile", "__import__", "id"})
"""Builtins that reach outside of the function, or differ from run to run."""

_PURE_PARTS = ("domain", "contract")


def fence_purity(tree: Tree) -> list[Finding]:
    """Fence 6, by a list of what is allowed."""
    return [
        finding
        for module in tree.product.values()
        if _is_pure(module.name)
        for finding in (*_imports(tree, module), *_calls(module))
    ]


def _is_pure(name: str) -> bool:
    parts = name.split(".")
    if parts[:2] == ["sycee", "services"]:
        return parts[3:4] != [] and parts[3] in _PURE_PARTS
    return below(name, ["sycee.kernel"])


def _imports(tree: Tree, module: Module) -> Iterator[Finding]:
    for found in tree.imports(module):
        if not below(found.target, [*ALLOWED, *OURS]):
            yield module.finding(found.line, f"pure code may not import {found.target}")


def _calls(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in IMPURE:
                yield module.finding(node, f"pure code may not call {node.func.id}()")
        elif isinstance(node, ast.Await):
            yield module.finding(node, "pure code may not wait")

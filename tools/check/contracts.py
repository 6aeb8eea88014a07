"""Contracts say everything a caller must know: what, in which unit, and when it refuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tools.check.tree import Finding, Module, Tree

UNITS = ("minor", "s", "ms", "us", "ns", "days", "bytes", "bps", "percent", "max", "min")
"""Ends of names that tell the unit of a number."""

_QUANTITY = re.compile(
    r"(amount|fee|net|price|cost|timeout|duration|delay|age|interval|latency|size|rate|score)(_|$)"
)
_NEVER = re.compile(r"never refuses|always answers", re.I)


def contracts_documented(tree: Tree) -> list[Finding]:
    """Every public class and operation is described, quantities have units, noes are declared."""
    return [
        finding
        for module in tree.within("src/sycee/services/")
        if "/contract" in module.path
        for node in module.syntax.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for finding in _class(module, node)
    ]


def _class(module: Module, node: ast.ClassDef) -> Iterator[Finding]:
    text = ast.get_docstring(node)
    if text is None:
        yield module.finding(node, f"{node.name} has no docstring")
    yield from _fields(module, node, text or "")
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _operation(module, node, member)


def _fields(module: Module, node: ast.ClassDef, text: str) -> Iterator[Finding]:
    for field, following in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        name, kind = field.target.id, ast.unparse(field.annotation)
        is_number = re.search(r"\b(int|float)\b", kind) is not None
        if not is_number or not _QUANTITY.search(name) or name.rsplit("_", 1)[-1] in UNITS:
            continue
        if not _is_text(following) and not re.search(rf"\b{name}\b", text):
            yield module.finding(field, f"{node.name}.{name}: in which unit?")


def _is_text(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _operation(
    module: Module, owner: ast.ClassDef, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[Finding]:
    if node.name.startswith("_"):
        return
    text = ast.get_docstring(node)
    if text is None:
        yield module.finding(node, f"{owner.name}.{node.name} has no docstring")
    if not any(ast.unparse(base) == "Protocol" for base in owner.bases):
        return
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    if not any(mark.startswith("refuses(") for mark in marks) and not _NEVER.search(text or ""):
        yield module.finding(
            node, f"{owner.name}.{node.name} neither @refuses nor says that it never refuses"
        )

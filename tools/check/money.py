"""No float comes near money."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tools.check.tree import Finding, Module, Tree

EXACT = re.compile(
    r"src/sycee/(kernel/(money|currencies|u128)\.py"
    r"|services/(accounting|ledger|payments)/domain(\.py|/))"
)
"""Where every number is exact: no float at all, and no division that makes one."""

_MONEY = re.compile(r"(^|_)(amounts?|minor|price|fee|balance|quantity)(_|$)")


def no_float_near_money(tree: Tree) -> list[Finding]:
    """No floats in the code of money, and none in anything named like money."""
    findings: list[Finding] = []
    for module in tree.within("src/"):
        findings += _exact(module) if EXACT.match(module.path) else _named(module)
    return findings


def _exact(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield module.finding(node, f"a float: {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float":
            yield module.finding(node, "the type float")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield module.finding(node, "a division that makes a float; // names its rounding")


def _named(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.syntax):
        for name, value in _bindings(node):
            if _MONEY.search(name) and _is_float(value):
                yield module.finding(node, f"{name} is a float")


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Names that this node gives a type or a value."""
    if isinstance(node, ast.AnnAssign):
        yield ast.unparse(node.target).rsplit(".", 1)[-1], node.annotation
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield ast.unparse(target).rsplit(".", 1)[-1], node.value
    elif isinstance(node, ast.arg):
        yield node.arg, node.annotation
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value


def _is_float(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return node is not None and re.search(r"\bfloat\b", ast.unparse(node)) is not None

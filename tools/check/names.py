"""Names that say nothing are out: of paths, and of classes."""

from __future__ import annotations

import ast
import re
from pathlib import PurePath

from tools.check.tree import Finding, Tree

OUT = re.compile(r"managers?|helpers?|utils?|common|misc|base|data|info|impl|v\d")
"""Style, "Words": each has a noun that says more."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|v\d")


def names_sensible(tree: Tree) -> list[Finding]:
    """Paths and classes without the words that fit everything; functions that name their object."""
    findings = [
        Finding(name, 1, f"the path says {word!r}")
        for name in tree.files
        if name.startswith(("src/", "tools/", "tests/", "bench/"))
        for part in PurePath(name).with_suffix("").parts
        for word in part.lower().split("_")
        if OUT.fullmatch(word)
    ]
    for module in tree.modules:
        for node in ast.walk(module.syntax):
            if isinstance(node, ast.ClassDef):
                findings += [
                    module.finding(node, f"the class is called {node.name}")
                    for word in _WORDS.findall(node.name)
                    if OUT.fullmatch(word.lower())
                ]
            elif getattr(node, "name", "") == "process":
                findings.append(module.finding(node, "process() names no object"))
    return findings

"""Reads a schema: a tree of Structs, whose leaves are keys with types, defaults and docs."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import get_type_hints

import msgspec


class Key(msgspec.Struct, frozen=True):
    """One thing that can be configured."""

    name: str
    """Dotted: ``payments.fee_basis_points``."""
    kind: object
    """The annotated type."""
    default: object
    doc: str

    @property
    def variable(self) -> str:
        """Its environment variable: ``SYCEE_PAYMENTS__FEE_BASIS_POINTS``."""
        return PREFIX + self.name.replace(".", "__").upper()

    @property
    def takes_text(self) -> bool:
        """Whether a text is taken as it is, rather than read as a value."""
        return self.kind is str or (isinstance(self.kind, type) and issubclass(self.kind, Enum))

    @property
    def kind_text(self) -> str:
        """The type in words for people."""
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return " or ".join(f"{member.value}" for member in self.kind)
        return self.kind.__name__ if isinstance(self.kind, type) else str(self.kind)


PREFIX = "SYCEE_"


def keys(schema: type[msgspec.Struct], prefix: str = "") -> Iterator[Key]:
    """Every key of a schema, in order of declaration."""
    hints = get_type_hints(schema)
    docs = field_docs(schema)
    for field in msgspec.structs.fields(schema):
        name, kind = prefix + field.name, hints[field.name]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from keys(kind, f"{name}.")
        else:
            yield Key(name, kind, field.default, docs.get(field.name, ""))


@cache
def field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The docstring below each field of a Struct."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    (definition,) = tree.body
    assert isinstance(definition, ast.ClassDef), "the source of a Struct is a class"
    docs: dict[str, str] = {}
    field: str | None = None
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            field = statement.target.id
        elif field is not None and isinstance(statement, ast.Expr):
            if isinstance(statement.value, ast.Constant):
                docs[field] = inspect.cleandoc(str(statement.value.value))
            field = None
        else:
            field = None
    return docs

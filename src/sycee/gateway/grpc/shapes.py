"""How a Struct's fields look in Protocol Buffers."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Proto
from msgspec import inspect

from sycee.gateway.grpc.offer import FROM_THE_KEY, KEPT_INSIDE, UNSIGNED_64
from sycee.kernel.u128 import U128

_ZEROS = (0, "", False, b"", None)
_TEXTS = (inspect.StrType, inspect.EnumType, inspect.LiteralType)


class Shape(msgspec.Struct, frozen=True):
    """One field, as both sides see it."""

    name: str
    kind: Proto.Type.ValueType
    struct: type[msgspec.Struct] | None
    """Of a message field."""
    type: inspect.Type
    """Of one element, without None."""
    repeated: bool
    is_map: bool
    optional: bool
    """Absence of a scalar is told apart from zero."""
    nullable: bool
    """The Struct may hold None."""
    required: bool
    """A message that must be there."""


def shapes(struct: type[msgspec.Struct], *, is_request: bool) -> Iterator[Shape]:
    """The fields that cross the door, in order of declaration."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        kept = (struct.__name__, field.name) in KEPT_INSIDE
        if not kept and not (is_request and field.name in FROM_THE_KEY):
            yield _shape(field)


def _shape(field: inspect.Field) -> Shape:
    element, nullable = _without_none(field.type)
    is_map = isinstance(element, inspect.DictType)
    repeated = isinstance(element, inspect.VarTupleType)
    if isinstance(element, inspect.VarTupleType):
        element = element.item_type
    struct = element.cls if isinstance(element, inspect.StructType) else None
    defaulted = not field.required and not _is_zero(field.default)
    scalar = not is_map and not repeated and struct is None
    return Shape(
        name=field.name,
        kind=_kind(field.name, element),
        struct=struct,
        type=element,
        repeated=repeated,
        is_map=is_map,
        optional=scalar and (nullable or defaulted),
        nullable=nullable,
        required=struct is not None and not repeated and field.required,
    )


def _is_zero(default: object) -> bool:
    return any(default is zero or default == zero for zero in _ZEROS)


def _without_none(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    if not isinstance(kind, inspect.UnionType):
        return kind, False
    (element,) = (each for each in kind.types if not isinstance(each, inspect.NoneType))
    return element, True


def _kind(name: str, element: inspect.Type) -> Proto.Type.ValueType:
    if isinstance(element, inspect.StructType | inspect.DictType):
        return Proto.TYPE_MESSAGE
    if isinstance(element, inspect.BoolType):
        return Proto.TYPE_BOOL
    if isinstance(element, inspect.IntType):
        return Proto.TYPE_UINT64 if name in UNSIGNED_64 else Proto.TYPE_INT64
    if isinstance(element, inspect.BytesType):
        return Proto.TYPE_BYTES
    if isinstance(element, inspect.CustomType) and element.cls is U128:
        return Proto.TYPE_BYTES
    assert isinstance(element, _TEXTS), f"{name} cannot be {element}"
    return Proto.TYPE_STRING

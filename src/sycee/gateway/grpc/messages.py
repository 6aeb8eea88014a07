"""Structs from messages and messages from Structs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Protocol, TypeAlias, cast

import msgspec
from google.protobuf.message import Message
from msgspec import inspect

from sycee.gateway.grpc.shapes import Shape, shapes
from sycee.gateway.refusals import ParameterInvalid, ParameterMissing
from sycee.kernel.money import Money, currency
from sycee.kernel.u128 import U128

Convert: TypeAlias = Callable[[object], object]
Classes: TypeAlias = Mapping[str, type[Message]]
"""Name of a message → its class."""

_U128_BYTES = 16


class Reader:
    """Makes one kind of Struct from its message."""

    def __init__(self, struct: type[msgspec.Struct], *, is_request: bool = False) -> None:
        self._struct = struct
        self._fields = [(shape, _reading(shape)) for shape in shapes(struct, is_request=is_request)]

    def read(self, message: Message, given: Mapping[str, object]) -> msgspec.Struct:
        """The Struct: ``given`` by the door, the rest by the caller."""
        values = dict(given)
        for shape, convert in self._fields:
            if _is_there(message, shape):
                values[shape.name] = convert(getattr(message, shape.name))
            elif shape.required:
                raise ParameterMissing(f"{shape.name} must be given", param=shape.name)
        return self._struct(**values)


class Writer:
    """Makes the message of one kind of Struct."""

    def __init__(self, struct: type[msgspec.Struct], classes: Classes) -> None:
        self._class = classes[struct.__name__]
        self._fields = [
            (shape.name, _writing(shape, classes)) for shape in shapes(struct, is_request=False)
        ]

    def write(self, value: object) -> Message:
        """The message; what is None is left out."""
        message = self._class()
        for name, assign in self._fields:
            field = getattr(value, name)
            if field is not None:
                assign(message, field)
        return message


def _is_there(message: Message, shape: Shape) -> bool:
    if shape.repeated or shape.is_map:
        return not shape.nullable or bool(getattr(message, shape.name))
    if shape.optional or shape.struct is not None:
        return message.HasField(shape.name)
    return True


def _reading(shape: Shape) -> Convert:
    if shape.is_map:
        return lambda texts: {
            _text(key, shape.name): _text(value, shape.name)
            for key, value in cast("Mapping[str, str]", texts).items()
        }
    one = _reading_one(shape)
    if shape.repeated:
        return lambda values: tuple(map(one, cast("Iterable[object]", values)))
    return one


def _reading_one(shape: Shape) -> Convert:
    if shape.struct is Money:
        return _money
    if shape.struct is not None:
        read = Reader(shape.struct).read
        return lambda message: read(cast("Message", message), {})
    if isinstance(shape.type, inspect.CustomType):
        return lambda octets: _number(cast("bytes", octets), shape.name)
    if isinstance(shape.type, inspect.EnumType):
        return _choosing({_word(choice): choice for choice in shape.type.cls}, shape.name)
    if isinstance(shape.type, inspect.LiteralType):
        return _choosing({text: text for text in map(str, shape.type.values)}, shape.name)
    if isinstance(shape.type, inspect.StrType):
        return lambda text: _text(cast("str", text), shape.name)
    return _as_it_is


def _text(text: str, name: str) -> str:
    """What no database keeps is refused by every door."""
    if "\0" in text:
        raise ParameterInvalid(f"{name} contains NUL", param=name)
    return text


def _money(message: object) -> Money:
    """Money of a currency that exists; a typing of it does not make sure of that."""
    given = cast("_MoneyMessage", message)
    return Money(given.minor, currency(given.currency))


class _MoneyMessage(Protocol):
    minor: int
    currency: str


def _as_it_is(value: object) -> object:
    return value


def _number(octets: bytes, name: str) -> U128:
    """Empty is zero, as everywhere in Protocol Buffers."""
    if octets and len(octets) != _U128_BYTES:
        raise ParameterInvalid(f"{name} takes {_U128_BYTES} bytes", param=name)
    return U128.decode(octets)


def _choosing(choices: Mapping[str, object], name: str) -> Convert:
    """What one of some texts means."""

    def choose(value: object) -> object:
        if value not in choices:
            listed = ", ".join(sorted(choices))
            raise ParameterInvalid(f"{name} is one of {listed}", param=name)
        return choices[cast("str", value)]

    return choose


def _word(choice: Enum) -> str:
    """How one of a few is called; what the contract numbers goes by its name."""
    return choice.value if isinstance(choice.value, str) else choice.name.lower()


Assign: TypeAlias = Callable[[Message, object], None]


def _writing(shape: Shape, classes: Classes) -> Assign:
    name = shape.name
    if shape.is_map:
        return lambda message, texts: getattr(message, name).update(texts)
    one = _writing_one(shape, classes)
    if shape.repeated:
        return lambda message, values: getattr(message, name).extend(
            map(one, cast("Iterable[object]", values))
        )
    if shape.struct is not None:
        return lambda message, value: getattr(message, name).CopyFrom(one(value))
    return lambda message, value: setattr(message, name, one(value))


def _writing_one(shape: Shape, classes: Classes) -> Convert:
    if shape.struct is not None:
        return Writer(shape.struct, classes).write
    if isinstance(shape.type, inspect.CustomType):
        return lambda number: cast("U128", number).encode()
    if isinstance(shape.type, inspect.EnumType):
        return lambda choice: _word(cast("Enum", choice))
    return _as_it_is

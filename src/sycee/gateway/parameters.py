"""Turns parameters as they came into a Struct, naming the parameter that does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

import msgspec
from msgspec import inspect

from sycee.gateway.refusals import (
    IntegerInvalid,
    ParameterInvalid,
    ParameterMissing,
    ParameterUnknown,
    TextTooLongHere,
)
from sycee.gateway.request import Raw

Parameters = TypeVar("Parameters", bound=msgspec.Struct)
Convert: TypeAlias = Callable[[Raw, str], object]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_INDEX = re.compile(r"[0-9]{1,4}")


class Reader(Generic[Parameters]):
    """Reads one kind of parameters.

    From a form, integers and booleans are texts; from JSON they must be what they are.
    """

    def __init__(self, parameters: type[Parameters], *, form: bool) -> None:
        kind = inspect.type_info(parameters)
        assert isinstance(kind, inspect.StructType)
        self._parameters = parameters
        self._fields = {
            field.encode_name: (field.name, _converter(field.type, form)) for field in kind.fields
        }
        self._needed = tuple(
            (field.name, field.encode_name) for field in kind.fields if field.required
        )

    def read(self, raw: Mapping[str, Raw], within: str = "") -> Parameters:
        """The Struct, or the refusal of the first parameter that is wrong."""
        values: dict[str, object] = {}
        for key, value in raw.items():
            name = f"{within}[{key}]" if within else key
            field = self._fields.get(key)
            if field is None:
                raise ParameterUnknown(f"Received unknown parameter: {name[:200]}", param=name)
            if value is not None:
                values[field[0]] = field[1](value, name)
        for field_name, key in self._needed:
            if field_name not in values:
                name = f"{within}[{key}]" if within else key
                raise ParameterMissing(f"Missing required param: {name}.", param=name)
        return self._parameters(**values)


def _converter(kind: inspect.Type, form: bool) -> Convert:
    """The function that reads one type; made once, when the routes are built."""
    if isinstance(kind, inspect.IntType):
        return _integer(kind, form)
    if isinstance(kind, inspect.StrType):
        return _text(kind)
    if isinstance(kind, inspect.BoolType):
        return _boolean(form)
    if isinstance(kind, inspect.LiteralType):
        return _choice({str(value): value for value in kind.values})
    if isinstance(kind, inspect.EnumType):
        return _choice({str(each.value): each for each in _members(kind.cls)})
    return _compound(kind, form)


def _compound(kind: inspect.Type, form: bool) -> Convert:
    if isinstance(kind, inspect.UnionType):
        return _union(kind, form)
    if isinstance(kind, inspect.ListType):
        return _sequence(_converter(kind.item_type, form), list)
    if isinstance(kind, inspect.VarTupleType):
        return _sequence(_converter(kind.item_type, form), tuple)
    if isinstance(kind, inspect.DictType):
        return _mapping(_converter(kind.value_type, form))
    assert isinstance(kind, inspect.StructType), f"parameters cannot be {kind}"
    return _nested(kind, form)


def _members(enumeration: type[Enum]) -> list[Enum]:
    return list(enumeration)


def _integer(kind: inspect.IntType, form: bool) -> Convert:
    least, most = kind.ge, kind.le

    def read(raw: Raw, name: str) -> object:
        if type(raw) is int:
            value = raw
        elif form and isinstance(raw, str) and _INTEGER.fullmatch(raw) and raw != "-0":
            value = int(raw)
        else:
            raise IntegerInvalid(f"Invalid integer: {name}.", param=name)
        if least is not None and value < least:
            raise IntegerInvalid(f"{name} must be at least {least}.", param=name)
        if most is not None and value > most:
            raise IntegerInvalid(f"{name} must be at most {most}.", param=name)
        return value

    return read


def _text(kind: inspect.StrType) -> Convert:
    longest = kind.max_length or 5000

    def read(raw: Raw, name: str) -> object:
        if not isinstance(raw, str):
            raise ParameterInvalid(f"Invalid string: {name}.", param=name)
        if len(raw) > longest:
            raise TextTooLongHere(f"{name} is longer than {longest} characters.", param=name)
        return raw

    return read


def _boolean(form: bool) -> Convert:
    words: dict[str, bool] = {"true": True, "false": False} if form else {}

    def read(raw: Raw, name: str) -> object:
        value = words.get(raw) if isinstance(raw, str) else raw
        if not isinstance(value, bool):
            raise ParameterInvalid(f"Invalid boolean: {name}.", param=name)
        return value

    return read


def _choice(values: dict[str, object]) -> Convert:
    def read(raw: Raw, name: str) -> object:
        if not isinstance(raw, str) or raw not in values:
            among = ", ".join(values) or "an empty text"
            raise ParameterInvalid(f"Invalid {name}: must be one of {among}.", param=name)
        return values[raw]

    return read


def _sequence(item: Convert, made: type[list[object]] | type[tuple[object, ...]]) -> Convert:
    def read(raw: Raw, name: str) -> object:
        values = _listed(raw)
        if values is None:
            raise ParameterInvalid(f"Invalid array: {name}.", param=name)
        return made([item(value, f"{name}[{index}]") for index, value in enumerate(values)])

    return read


def _listed(raw: Raw) -> list[Raw] | None:
    """A list, also from a form's ``a[0]=…&a[1]=…``."""
    if isinstance(raw, list):
        return raw
    if isinstance(raw, dict) and all(_INDEX.fullmatch(key) for key in raw):
        return [raw[key] for key in sorted(raw, key=int)]
    return None


def _mapping(item: Convert) -> Convert:
    def read(raw: Raw, name: str) -> object:
        if not isinstance(raw, dict):
            raise ParameterInvalid(f"Invalid hash: {name}.", param=name)
        return {key: item(value, f"{name}[{key}]") for key, value in raw.items()}

    return read


def _nested(kind: inspect.StructType, form: bool) -> Convert:
    reader = Reader(kind.cls, form=form)

    def read(raw: Raw, name: str) -> object:
        if not isinstance(raw, dict):
            raise ParameterInvalid(f"Invalid object: {name}.", param=name)
        return reader.read(raw, name)

    return read


def _union(kind: inspect.UnionType, form: bool) -> Convert:
    """One scalar and one compound at most; what came decides which is meant."""
    kinds = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    compounds = [each for each in kinds if isinstance(each, _COMPOUND)]
    scalars = [each for each in kinds if not isinstance(each, _COMPOUND)]
    assert len(compounds) <= 1 and len(scalars) <= 1, f"ambiguous: {kind}"
    if not (compounds and scalars):
        return _converter(kinds[0], form)
    compound, scalar = _converter(compounds[0], form), _converter(scalars[0], form)

    def read(raw: Raw, name: str) -> object:
        return (compound if isinstance(raw, (dict, list)) else scalar)(raw, name)

    return read


_COMPOUND = (inspect.StructType, inspect.DictType, inspect.ListType, inspect.VarTupleType)

"""The door's description of itself, built from the contracts: services, messages, numbers.

Field numbers are remembered in ``numbers.json``: a field keeps its number for ever, and a new field
gets the next one, so that programs built against an older description go on working.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import TypeAlias

import msgspec
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from sycee.gateway.grpc.offer import PACKAGE, Offered
from sycee.gateway.grpc.shapes import Shape, shapes

Numbers: TypeAlias = dict[str, dict[str, int]]
"""Message → field → number."""


def known_numbers() -> Numbers:
    """The numbers published so far."""
    text = resources.files(__package__).joinpath("numbers.json").read_bytes()
    return msgspec.json.decode(text, type=Numbers)


def numbered(offer: Sequence[Offered], known: Numbers) -> Numbers:
    """``known``, and after it what is new. Nothing is ever renumbered or given again."""
    numbers = {message: dict(fields) for message, fields in known.items()}
    for struct, is_request in messages(offer).items():
        fields = numbers.setdefault(struct.__name__, {})
        for shape in shapes(struct, is_request=is_request):
            fields.setdefault(shape.name, max(fields.values(), default=0) + 1)
    return numbers


def messages(offer: Sequence[Offered]) -> dict[type[msgspec.Struct], bool]:
    """Every Struct that crosses the door, each once, and whether it is the request of a call."""
    found: dict[type[msgspec.Struct], bool] = {}
    for each in offer:
        _collect(each.operation.request, True, found)
        _collect(each.operation.reply, False, found)
    names = {struct.__name__ for struct in found}
    assert len(names) == len(found), "two Structs of one name cannot share a package"
    return found


def _collect(
    struct: type[msgspec.Struct], is_request: bool, found: dict[type[msgspec.Struct], bool]
) -> None:
    if struct in found:
        return
    found[struct] = is_request
    for shape in shapes(struct, is_request=is_request):
        if shape.struct is not None:
            _collect(shape.struct, False, found)


def describe(offer: Sequence[Offered], numbers: Numbers) -> FileDescriptorProto:
    """The whole door as a file descriptor."""
    file = FileDescriptorProto(name="sycee.proto", package=PACKAGE, syntax="proto3")
    for service in dict.fromkeys(each.service for each in offer):
        _add_service(file, service, [each for each in offer if each.service == service])
    for struct, is_request in messages(offer).items():
        message = file.message_type.add(name=struct.__name__)
        numbers_left = dict(numbers[struct.__name__])
        for shape in shapes(struct, is_request=is_request):
            _add_field(message, shape, numbers_left.pop(shape.name))
        _reserve(message, numbers_left)
    return file


def method_name(operation: str) -> str:
    """``create_payment`` → ``CreatePayment``."""
    return operation.title().replace("_", "")


def service_name(service: str) -> str:
    """``payments`` → ``sycee.v1.Payments``."""
    return f"{PACKAGE}.{service.title()}"


def _add_service(file: FileDescriptorProto, service: str, offer: Sequence[Offered]) -> None:
    description = file.service.add(name=service.title())
    for each in offer:
        description.method.add(
            name=method_name(each.operation.name),
            input_type=_reference(each.operation.request),
            output_type=_reference(each.operation.reply),
            client_streaming=each.streamed or None,
            server_streaming=each.streamed or None,
        )


def _add_field(message: DescriptorProto, shape: Shape, number: int) -> None:
    label = (
        FieldDescriptorProto.LABEL_REPEATED
        if shape.repeated or shape.is_map
        else FieldDescriptorProto.LABEL_OPTIONAL
    )
    field = message.field.add(name=shape.name, number=number, label=label, type=shape.kind)
    if shape.is_map:
        field.type_name = f".{PACKAGE}.{message.name}.{_add_entry(message, shape.name)}"
    if shape.struct is not None:
        field.type_name = _reference(shape.struct)
    if shape.optional:
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{shape.name}")


def _reserve(message: DescriptorProto, gone: dict[str, int]) -> None:
    """Keep the names and numbers of fields that are no more."""
    for name, number in gone.items():
        message.reserved_name.append(name)
        message.reserved_range.add(start=number, end=number + 1)


def _add_entry(message: DescriptorProto, field: str) -> str:
    """The hidden message of a map field, from text to text."""
    entry = message.nested_type.add(name=f"{method_name(field)}Entry")
    entry.options.map_entry = True
    for name, number in (("key", 1), ("value", 2)):
        entry.field.add(
            name=name,
            number=number,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=FieldDescriptorProto.TYPE_STRING,
        )
    return entry.name


def _reference(struct: type[msgspec.Struct]) -> str:
    return f".{PACKAGE}.{struct.__name__}"


def fields_in_order(message: DescriptorProto) -> Iterator[FieldDescriptorProto]:
    """As a reader expects them: by number."""
    yield from sorted(message.field, key=lambda field: field.number)

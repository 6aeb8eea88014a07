"""The door's description as text: the published ``sycee.proto``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    ServiceDescriptorProto,
)

from sycee.gateway.grpc.offer import Offered
from sycee.gateway.grpc.schema import fields_in_order, messages, method_name

_SCALARS = {
    FieldDescriptorProto.TYPE_STRING: "string",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_UINT64: "uint64",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
}
_HEAD = """\
// The gRPC door of Sycee. Generated from the contracts; fields are only ever added.
//
// Metadata: `authorization: Bearer sk_…`; optionally `idempotency-key` and `traceparent`.
// Amounts count minor units. Times are nanoseconds since 1970, UTC. Numbers of 128 bits are 16
// bytes, big-endian. A refusal sets the status, and `sycee-code`, `sycee-param` and
// `sycee-facts-bin` (JSON) in the trailing metadata.
"""


def text(file: FileDescriptorProto, offer: Sequence[Offered]) -> str:
    """The file, the same for the same contracts."""
    docs = {method_name(each.operation.name): each.operation.doc for each in offer}
    notes = {struct.__name__: inspect.getdoc(struct) or "" for struct in messages(offer)}
    blocks = [
        f'{_HEAD}\nsyntax = "proto3";\n\npackage {file.package};',
        *("\n".join(_service(service, docs)) for service in file.service),
        *("\n".join(_message(message, notes[message.name])) for message in file.message_type),
    ]
    return "\n\n".join(blocks) + "\n"


def _service(service: ServiceDescriptorProto, docs: dict[str, str]) -> Iterator[str]:
    yield f"service {service.name} {{"
    for method in service.method:
        yield from _comment(docs[method.name], "  ")
        request = ("stream " * method.client_streaming) + method.input_type.lstrip(".")
        reply = ("stream " * method.server_streaming) + method.output_type.lstrip(".")
        yield f"  rpc {method.name}({request}) returns ({reply});"
    yield "}"


def _message(message: DescriptorProto, note: str) -> Iterator[str]:
    yield from _comment(note, "")
    if not message.field and not message.reserved_name:
        yield f"message {message.name} {{}}"
        return
    yield f"message {message.name} {{"
    for gone, name in zip(message.reserved_range, message.reserved_name, strict=True):
        yield f'  reserved {gone.start}; reserved "{name}";'
    for field in fields_in_order(message):
        yield f"  {_type(field, message)} {field.name} = {field.number};"
    yield "}"


def _type(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    entries = {entry.name for entry in message.nested_type}
    name = _SCALARS.get(field.type) or _local(field.type_name)
    if name in entries:
        return "map<string, string>"
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    return f"optional {name}" if field.proto3_optional else name


def _local(reference: str) -> str:
    return reference.rpartition(".")[2]


def _comment(note: str, indent: str) -> Iterator[str]:
    for line in note.replace("``", "`").splitlines():
        yield f"{indent}// {line}".rstrip()

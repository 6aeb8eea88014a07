"""The published description is the contracts', and its numbers never change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from sycee.gateway.grpc import generate, schema
from sycee.gateway.grpc.offer import Offered, offered
from sycee.runtime.rpc import Operation

API = generate.ROOT / "api"


class Before(msgspec.Struct, frozen=True):
    """A message as it was published."""

    first: str
    second: int


class After(msgspec.Struct, frozen=True):
    """The same message later: ``second`` is gone, ``third`` came in front."""

    third: bool
    first: str


def offer_of(struct: type[msgspec.Struct]) -> list[Offered]:
    operation = Operation("change", struct, struct, "Changes.", ())
    return [Offered("things", operation, frozenset(), "things:write", False)]


def fields(file: FileDescriptorProto) -> Iterator[tuple[object, ...]]:
    for message in file.message_type:
        for field in message.field:
            kind = (field.type, field.type_name, field.label, field.proto3_optional)
            yield message.name, field.name, field.number, kind


def test_the_committed_files_are_those_of_the_contracts() -> None:
    """Run ``python -m sycee.gateway.grpc.generate`` when this fails."""
    for path, contents in generate.generated(schema.known_numbers()).items():
        assert path.read_bytes() == contents, path


def test_the_text_says_what_the_door_does(tmp_path: Path) -> None:
    output = tmp_path / "sycee.desc"
    assert protoc.main(["", f"-I{API}", f"--descriptor_set_out={output}", "sycee.proto"]) == 0
    (file,) = FileDescriptorSet.FromString(output.read_bytes()).file
    ours = schema.describe(offered(), schema.known_numbers())
    assert set(fields(file)) == set(fields(ours))
    assert [service.name for service in file.service] == ["Payments", "Ledger"]
    for theirs, mine in zip(file.service, ours.service, strict=True):
        assert list(theirs.method) == list(mine.method)


def test_a_field_keeps_its_number_and_a_new_one_gets_the_next() -> None:
    published = schema.numbered(offer_of(Before), {})
    assert published == {"Before": {"first": 1, "second": 2}}
    later = schema.numbered(offer_of(After), {"After": published["Before"]})
    assert later == {"After": {"first": 1, "second": 2, "third": 3}}


def test_the_number_of_a_field_that_is_gone_stays_reserved() -> None:
    numbers = {"After": {"first": 1, "second": 2, "third": 3}}
    (message,) = schema.describe(offer_of(After), numbers).message_type
    assert list(message.reserved_name) == ["second"]
    assert message.reserved_range[0].start == 2


@pytest.mark.parametrize(
    "lines",
    [pytest.param(fields.values(), id=name) for name, fields in schema.known_numbers().items()],
)
def test_no_number_is_given_twice(lines: list[int]) -> None:
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("CreatePayment", "origin"),
        ("PaymentQuery", "merchant"),
        ("PaymentFields", "new_method"),
        ("Card", "rail_token"),
    ],
)
def test_what_callers_may_not_say_or_see_is_not_described(message: str, field: str) -> None:
    """IA2, SE4."""
    described = {
        each.name: {field.name for field in each.field}
        for each in schema.describe(offered(), schema.known_numbers()).message_type
    }
    assert field not in described[message]

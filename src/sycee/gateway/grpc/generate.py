"""Writes ``api/sycee.proto`` and ``numbers.json``: ``python -m sycee.gateway.grpc.generate``."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sycee.gateway.grpc import proto, schema
from sycee.gateway.grpc.offer import offered

ROOT = Path(__file__).parents[4]


def generated(known: schema.Numbers) -> dict[Path, bytes]:
    """Every generated file and its contents; ``known`` numbers are kept."""
    offer = offered()
    numbers = schema.numbered(offer, known)
    text = proto.text(schema.describe(offer, numbers), offer)
    return {
        ROOT / "api" / "sycee.proto": text.encode(),
        Path(__file__).with_name("numbers.json"): (
            msgspec.json.format(msgspec.json.encode(numbers)) + b"\n"
        ),
    }


if __name__ == "__main__":
    for path, contents in generated(schema.known_numbers()).items():
        path.write_bytes(contents)

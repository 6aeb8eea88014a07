"""Trace context is read as W3C writes it, and never trusted further."""

from __future__ import annotations

import asyncio

import pytest

from sycee.runtime import trace

VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_valid_header_is_kept() -> None:
    assert trace.parse(VALID) == VALID


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        VALID.upper(),
        VALID + "\n",
        VALID[:-1],
        "ff" + VALID[2:],
        "00-" + "0" * 32 + VALID[35:],
        VALID[:36] + "0" * 16 + "-01",
    ],
)
def test_an_invalid_header_is_replaced(header: str) -> None:
    fresh = trace.parse(header)
    assert fresh != header
    assert trace.parse(fresh) == fresh


async def test_a_trace_belongs_to_its_task() -> None:
    async def work() -> str:
        trace.begin(VALID)
        return trace.trace_id()

    assert await asyncio.create_task(work()) == VALID[3:35]
    assert trace.trace_id() == ""

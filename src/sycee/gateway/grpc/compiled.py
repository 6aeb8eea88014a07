"""``wire.decode`` as machine code. Importing this loads Numba: import it where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import register_jitable

from sycee.gateway.grpc import wire
from sycee.services.ledger.contract.layout import RECORD_BYTES

Octets: TypeAlias = npt.NDArray[np.uint8]
Decode: TypeAlias = Callable[[Octets, Octets, npt.NDArray[np.int64]], tuple[int, int]]

_SIGNATURE = (
    "UniTuple(int64, 2)(Array(uint8, 1, 'C', True), uint8[::1], Array(int64, 1, 'C', True))"
)
"""``True``: the array is not written to."""


def _compiled() -> Decode:
    """Compiled for one kind of arguments and never for another; kept on disk where that works."""
    for part in wire.PARTS:
        register_jitable(part)
    try:
        return cast(Decode, njit(_SIGNATURE, cache=True)(wire.decode))
    except RuntimeError:  # no folder in which to keep it
        return cast(Decode, njit(_SIGNATURE)(wire.decode))


decode = _compiled()


class Compiled:
    """Decodes batches of one layout; not for several threads at once."""

    def __init__(self, fields: tuple[int, ...], events_max: int) -> None:
        self._fields = np.array(fields, dtype=np.int64)
        self._fields.flags.writeable = False
        self._records = np.empty(events_max * RECORD_BYTES, dtype=np.uint8)

    def decode(self, body: bytes) -> bytes | wire.Fault:
        """The records, or what is wrong."""
        octets = np.frombuffer(body, dtype=np.uint8)
        found, events = decode(octets, self._records, self._fields)
        if found != wire.GOOD:
            return wire.Fault(found, events)
        return self._records[: events * RECORD_BYTES].tobytes()

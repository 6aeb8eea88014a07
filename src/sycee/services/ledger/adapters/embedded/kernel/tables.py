"""Tables as compiled code sees them: an address and the width of a row, and nothing else.

Numba passes an array as nine numbers and counts references to it, at every call of a function. A
``Table`` is one pointer, made from an array where compiled code is entered; Python, which owns the
array, keeps it alive. Like all arrays here it is not checked for its bounds.

Uncompiled, for tests, a table is the array itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TypeVar

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from sycee.services.ledger.adapters.embedded.kernel.jit import IS_COMPILED

Array = TypeVar("Array")


class TableType(types.Type):
    """A table of rows of ``width`` numbers each."""

    def __init__(self, width: int, number: types.Number) -> None:
        self.width = width
        self.number = number
        super().__init__(name=f"Table({width}, {number})")


@register_model(TableType)
class _TableModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        pointer = manager.lookup(kind.number).get_data_type().as_pointer()
        super().__init__(manager, kind, pointer)


def _is_place(table, place):
    if not isinstance(table, TableType):
        return False
    if isinstance(place, types.BaseTuple):
        return len(place) == 2 and all(isinstance(part, types.Integer) for part in place)
    return table.width == 1 and isinstance(place, types.Integer)


@infer_global(operator.getitem)
class _Get(AbstractTemplate):
    def generic(self, args, kws):
        table, place = args
        return signature(table.number, table, place) if _is_place(table, place) else None


@infer_global(operator.setitem)
class _Set(AbstractTemplate):
    def generic(self, args, kws):
        table, place, value = args
        return signature(types.none, table, place, value) if _is_place(table, place) else None


def _address(context, builder, table_type, table, place_type, place):
    wide = ir.IntType(64)

    def number(kind, value):
        return context.cast(builder, value, kind, types.int64)

    if isinstance(place_type, types.BaseTuple):
        row, word = cgutils.unpack_tuple(builder, place)
        offset = builder.mul(number(place_type[0], row), ir.Constant(wide, table_type.width))
        offset = builder.add(offset, number(place_type[1], word))
    else:
        offset = number(place_type, place)
    return builder.gep(table, [offset])


@lower_builtin(operator.getitem, TableType, types.Any)
def _get(context, builder, sig, args):
    table_type, place_type = sig.args
    return builder.load(_address(context, builder, table_type, args[0], place_type, args[1]))


@lower_builtin(operator.setitem, TableType, types.Any, types.Any)
def _set(context, builder, sig, args):
    table_type, place_type, value_type = sig.args
    value = context.cast(builder, args[2], value_type, table_type.number)
    builder.store(value, _address(context, builder, table_type, args[0], place_type, args[1]))
    return context.get_dummy_value()


def rows_of(width: int) -> Callable[[Array], Array]:
    """What makes a table from a contiguous array, with rows of ``width`` numbers."""
    if not IS_COMPILED:
        return lambda array: array

    @intrinsic
    def table(typing_context, array):
        def generate(context, builder, sig, args):
            return context.make_array(sig.args[0])(context, builder, args[0]).data

        return TableType(width, array.dtype)(array), generate

    return table

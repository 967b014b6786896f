"""Cells whose arrays are JAX's: the table's own dataclasses, which JAX learns to take apart and put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jax

from latchwork.core import spec
from latchwork.core.cells import Cell
from latchwork.core.table import CELLS, cell_row


def build_cell(layer: spec.Recurrent, arrays: Mapping[str, Any]) -> Cell[Any]:
    """The cell that `layer` describes, around its arrays."""
    row = cell_row(layer)
    register(row.cell)
    return row.build(layer, arrays)


@cache
def register(cell: type[Cell[Any]]) -> None:
    """Make a cell's dataclass a node of JAX's trees: its arrays are leaves, its settings part of the structure.

    Called for every cell of the table; for a cell of one's own that is in no row, before it is used.
    """
    fields = dataclasses.fields(cell)  # pyright: ignore[reportArgumentType]
    settings = [field.name for field in fields if field.metadata.get("static")]
    arrays = [field.name for field in fields if field.name not in settings]

    def taken_apart(one: Cell[Any]) -> tuple[list[tuple[Any, Any]], tuple[Any, ...]]:
        leaves = [(jax.tree_util.GetAttrKey(name), getattr(one, name)) for name in arrays]
        return leaves, tuple(getattr(one, name) for name in settings)

    def put_together(values: tuple[Any, ...], leaves: Iterable[Any]) -> Cell[Any]:
        made = object.__new__(cell)  # without `__init__`: JAX also makes trees of what is no array
        for name, value in zip((*arrays, *settings), (*leaves, *values), strict=True):
            object.__setattr__(made, name, value)
        return made

    jax.tree_util.register_pytree_with_keys(cell, taken_apart, put_together)


for _row in CELLS.values():
    register(_row.cell)

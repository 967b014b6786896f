"""What every layout of a table becomes: a long table, a row for each value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latchwork.forecasting.reading.column import Column, Table
from latchwork.forecasting.reading.notes import FACT, Note
from latchwork.forecasting.reading.numbers import Numbers
from latchwork.forecasting.reading.times import TimeColumn
from latchwork.transforms.calendar import Frequency

TIME, VALUE, SERIES = "time", "value", "series"


@dataclass(frozen=True)
class Layout:
    """How a table is laid out: what it is called, the long table, its time where that is known, keys, and notes."""

    name: str
    table: Table
    clock: TimeColumn | None = None
    keys: tuple[str, ...] = ()
    target: str = ""
    heads: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    frequency: Frequency | None = None


def is_empty(column: Column) -> bool:
    """Whether a column has no cell that says anything."""
    return column.kind == "text" and not any(column.texts or [])


def numbers_of(values: NDArray[np.float64]) -> Numbers:
    """Values as a column's numbers."""
    return Numbers(values, int(np.isfinite(values).sum()))


def described(layout: Layout) -> Note | None:
    """A note on layouts that are not the usual one."""
    return None if not layout.heads else Note(f"read as: {layout.name}", FACT)

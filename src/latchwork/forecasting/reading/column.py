"""A column and a table of columns: each as the file has it, and typed as a whole."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.notes import Note, some
from latchwork.forecasting.reading.numbers import Numbers, read_numbers
from latchwork.transforms.calendar import Times

UNNAMED = "index"  # a column without a name, nearly always the row numbers of a frame
TABLE = "table"  # the column that says which of several tables joined end to end a row is from


@dataclass(frozen=True)
class Column:
    """One column.

    texts: its cells as the file has them, None where it came as numbers or times. numbers: where enough of it is
    numbers. times: where it came as times; zone: theirs. levels: the header rows above it.
    """

    name: str
    texts: list[str] | None = None
    numbers: Numbers | None = None
    times: Times | None = None
    zone: str = ""
    levels: tuple[str, ...] = ()
    whole: NDArray[np.int64] | None = None

    @property
    def kind(self) -> str:
        """ "number", "time" or "text"."""
        return "time" if self.times is not None else "number" if self.numbers is not None else "text"

    @property
    def values(self) -> NDArray[np.float64]:
        """Its numbers, NaN for what is none."""
        if self.numbers is not None:
            return self.numbers.values
        length = len(self.texts if self.texts is not None else self.times if self.times is not None else ())
        return np.full(length, np.nan)

    @cached_property
    def labels(self) -> list[str]:
        """Its cells as names: as they stand in the file."""
        if self.texts is not None:
            return self.texts
        if self.whole is not None:
            return [str(number) for number in self.whole]
        if self.times is not None:
            return [str(time) for time in self.times]
        return ["" if np.isnan(v) else f"{v:.0f}" if v == np.rint(v) else f"{v:g}" for v in self.values]

    @cached_property
    def codes(self) -> tuple[NDArray[np.int64], list[str]]:
        """A number for each different cell in the order in which they come, and those cells."""
        places: dict[str, int] = {}
        codes = np.fromiter((places.setdefault(cell, len(places)) for cell in self.labels), np.int64, len(self.labels))
        return codes, list(places)

    @property
    def distinct(self) -> int:
        """How many different cells it has."""
        return len(self.codes[1])


@dataclass(frozen=True)
class Table:
    """Columns in order, all of one length. matrix: the columns are series without dates, from an array."""

    columns: dict[str, Column]
    notes: list[Note] = field(default_factory=list[Note])
    matrix: bool = False
    separator: str = ","

    @property
    def length(self) -> int:
        """Number of rows."""
        first = next(iter(self.columns.values()), None)
        if first is None:
            return 0
        return len(first.times) if first.times is not None else len(first.texts or first.values)

    def column(self, name: str) -> Column:
        """A column by name; case, outer spaces and a unit after the name aside. Raises InputError for no column."""
        if name in self.columns:
            return self.columns[name]
        wanted = name.strip().lower()
        for test in (lambda own: own == wanted, lambda own: own.startswith((f"{wanted} ", f"{wanted}("))):
            found = [column for own, column in self.columns.items() if test(own.strip().lower())]
            if len(found) == 1 or (found and test(wanted)):
                return found[0]
        raise InputError(f"got column {name!r}: the columns are {some(list(self.columns), 12)}")

    def with_decimal(self, mark: str) -> Table:
        """The table with its texts read under another decimal mark."""
        columns = {name: _typed_again(column, mark) for name, column in self.columns.items()}
        notes = [note for note in self.notes if "--decimal" not in note]
        return Table(columns, notes, self.matrix, self.separator)


def _typed_again(column: Column, mark: str) -> Column:
    if column.texts is None:
        return column
    numbers = read_numbers(column.texts, decimal=mark)
    return Column(column.name, column.texts, numbers if numbers.are_numbers else None, levels=column.levels)


def column_of(name: str, values: NDArray[Any]) -> Column:
    """A column of an array's values: numbers, times, or whatever else as text."""
    if values.dtype.kind == "M":
        return Column(name, times=values.astype("datetime64[s]"))
    if values.dtype.kind in "iu":
        floats = values.astype(np.float64)
        return Column(name, numbers=Numbers(floats, len(floats)), whole=values)
    if values.dtype.kind in "fb":
        return Column(name, numbers=finite_numbers(values.astype(np.float64)))
    try:  # numbers with None among them, Decimal
        return Column(name, numbers=finite_numbers(np.array([_number(v) for v in values], dtype=np.float64)))
    except (TypeError, ValueError):
        texts = ["" if v is None or (isinstance(v, float) and np.isnan(v)) else str(v).strip() for v in values]
        numbers = read_numbers(texts)
        return Column(name, texts, numbers if numbers.are_numbers and numbers.said else None)


def _number(value: Any) -> float:
    if value is None:
        return np.nan
    if isinstance(value, str):
        raise TypeError(value)
    return float(value)


def finite_numbers(values: NDArray[np.float64]) -> Numbers:
    """Values as a column's numbers, NaN for what is not finite."""
    finite = np.where(np.isfinite(values), values, np.nan)
    return Numbers(finite, int(np.isfinite(finite).sum()))


def unique_name(name: str, taken: Container[str]) -> str:
    """A name, numbered where it is taken."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate

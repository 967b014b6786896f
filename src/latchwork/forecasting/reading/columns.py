"""Columns of a table as numbers: one by name, or a covariate of text as a column of 0 and 1 for each of its values."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.column import Table
from latchwork.forecasting.reading.numbers import is_missing, read_numbers

MOST_CATEGORIES = 8  # of a covariate of text


def numeric(table: Table, name: str) -> NDArray[np.float64]:
    """A column as float64, NaN where there is no number. Raises InputError where it holds dates or text."""
    column = table.column(name)
    if column.kind == "time":
        raise InputError(f"got column {name!r}: it holds dates, a number is needed")
    if column.kind == "text":
        found = read_numbers(column.texts or [])
        if len(found.texts) > 0.5 * max(1, len(found.values)):
            example = found.texts[0]
            raise InputError(
                f"got column {name!r} with values such as {example[:40]!r}: it holds text, a number is needed"
            )
        return found.values
    return column.values


def numbers_or_categories(table: Table, name: str) -> dict[str, NDArray[np.float64]]:
    """A covariate as numbers; where it holds text, one column of 0 and 1 for each of its most frequent values."""
    column = table.column(name)
    if column.kind != "text":
        return {column.name: numeric(table, name)}
    cells = column.texts or []
    common = [value for value, _ in Counter(cells).most_common(MOST_CATEGORIES) if not is_missing(value)]
    return {f"{column.name}={value}": np.array([float(cell == value) for cell in cells]) for value in common}

"""How a table is laid out: rows are times, or its columns are."""

from __future__ import annotations

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.column import Table
from latchwork.forecasting.reading.long import Layout
from latchwork.forecasting.reading.notes import some
from latchwork.forecasting.reading.period_rows import periods_in_rows
from latchwork.forecasting.reading.told import Columns
from latchwork.forecasting.reading.wide import series_in_columns, series_in_rows


def find_layout(table: Table, told: Columns) -> Layout:
    """The table in long form where its columns are times, as it is otherwise."""
    if told.time is None or told.wide:
        found = series_in_columns(table) or periods_in_rows(table, told) or series_in_rows(table, told)
        if found is not None:
            return found
    if told.wide:
        raise InputError(
            f"got --wide with columns {some(list(table.columns), 6)}: their heads are no dates, years or counts"
        )
    return Layout("rows are times", table)

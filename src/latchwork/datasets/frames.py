"""Long and wide tables as frames of pandas, polars or pyarrow (through narwhals), and as Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets import wide
from latchwork.datasets.files import Parsed
from latchwork.datasets.long import Coded, Long, assemble
from latchwork.datasets.roles import Columns, assign


def parse_parquet(path: Path, *, numbers: bool, asked: Columns, steps: bool = False) -> Parsed:
    """Read a Parquet file as `parse_frame` does a frame."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise InputError("reading Parquet needs pyarrow: pip install pyarrow") from None
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise InputError(f"a Parquet file that cannot be read: {str(error).partition(chr(10))[0]}") from None
    return parse_frame(table, numbers=numbers, asked=asked, steps=steps)


def parse_frame(frame: Any, *, numbers: bool, asked: Columns, steps: bool = False) -> Parsed:
    """Read a long table (`series, time, features..., label`), or a wide one (`label, t0, t1, ...`)."""
    columns = _columns(frame)
    header = list(columns)
    if not header or not len(columns[header[0]]):
        raise InputError("the frame has no rows")
    if wide.is_wide(header, asked):
        texts = [_texts(values) for values in columns.values()]
        if wide.names_rows(header, texts):
            return wide.parse_wide(header, texts, asked, numbers=numbers)
    roles = assign(header, asked)
    if roles.series is None:
        raise InputError(
            f"the columns are {', '.join(header)[:200]}: expected series, time, features..., label "
            "(a column `series`, or --series NAME, says which rows belong together)"
        )
    values = np.stack([_numbers(columns[header[at]], header[at]) for at in roles.features], axis=1)
    times = None if roles.time is None else _times(columns[header[roles.time]], header[roles.time])
    labels = None if roles.label is None else _coded(columns[header[roles.label]], header[roles.label])
    series = _coded(columns[header[roles.series]], header[roles.series])
    rows = Long(header, roles, series, values, times, labels)
    return assemble(rows, numbers=numbers, asked=asked, steps=steps)


def _columns(frame: Any) -> dict[str, np.ndarray]:
    import narwhals as nw

    eager: Any = nw.from_native(frame)
    if isinstance(eager, nw.LazyFrame):
        eager = eager.collect()
    index = nw.maybe_get_index(eager)
    if index is not None and getattr(index, "names", [None]) != [None]:  # columns that pandas has put into the index
        eager = nw.from_native(frame.reset_index())
    return {str(name): np.asarray(eager[name].to_numpy()) for name in eager.columns}


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind not in "fiub":
        try:
            values = np.array([np.nan if value is None else value for value in values.tolist()], np.float64)
        except (TypeError, ValueError):
            raise InputError(f"column {name!r} holds {values.dtype} where numbers belong") from None
    missing = np.flatnonzero(~np.isfinite(values.astype(np.float64)))
    if missing.size:
        raise InputError(f"row {missing[0]}, column {name!r}: the value is missing: fill or remove it first")
    return values.astype(np.float64)


def _times(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind == "O":
        try:
            values = values.astype("datetime64[us]")
        except (TypeError, ValueError):
            raise InputError(f"column {name!r}: expected numbers or dates") from None
    if values.dtype.kind not in "fiuM":
        raise InputError(f"column {name!r}: expected numbers or dates, got {values.dtype}")
    missing = np.flatnonzero(np.isnat(values) if values.dtype.kind == "M" else ~np.isfinite(values))
    if missing.size:
        raise InputError(f"row {missing[0]}, column {name!r}: the time is missing")
    return values


def _coded(values: np.ndarray, name: str) -> Coded:
    texts = _texts(values)
    empty = next((row for row, text in enumerate(texts) if text == ""), None)
    if empty is not None:
        raise InputError(f"row {empty}: the column {name!r} is empty")
    codes: dict[str, int] = {}
    return Coded(np.array([codes.setdefault(text, len(codes)) for text in texts]), list(codes))


def _texts(values: np.ndarray) -> list[str]:
    """Texts without what is missing; whole numbers as such."""
    found: list[str] = []
    for value in values.tolist():
        if value is None or value != value or type(value).__name__ == "NAType":  # noqa: PLR0124 - NaN
            found.append("")
        elif isinstance(value, float) and value.is_integer():
            found.append(str(int(value)))
        else:
            found.append(str(value))
    return found

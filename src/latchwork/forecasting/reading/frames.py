"""Frames of pandas, polars and pyarrow as tables: indexes, several header rows, names that come twice, time zones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.column import Column, Table, column_of, unique_name
from latchwork.forecasting.reading.notes import ASSUMED, FACT, Note, some
from latchwork.forecasting.reading.zones import offsets_in
from latchwork.transforms.calendar import DAY, seconds


def read_parquet(path: Path) -> Table:
    """A Parquet file as a table."""
    try:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(f"got {path}: reading Parquet needs pyarrow (pip install pyarrow)") from error
    try:
        return from_frame(parquet.read_table(path))
    except (OSError, ValueError) as error:
        raise InputError(f"got {path}: a Parquet file that cannot be read ({str(error).splitlines()[0]})") from error


def from_frame(source: Any) -> Table:
    """A frame or series of any library that narwhals knows. Raises InputError for anything else."""
    notes: list[Note] = []
    levels: dict[str, tuple[str, ...]] = {}
    if hasattr(source, "columns") and hasattr(source, "index") and hasattr(source, "iloc"):
        source, levels = _plain_columns(source, notes)
    try:
        native = nw.from_native(source, allow_series=True)
    except TypeError as error:
        raise InputError(
            f"got {type(source).__name__}: give a path, a pandas, polars or pyarrow frame, or an array"
        ) from error
    if isinstance(native, nw.Series):
        native = native.alias(native.name or "value").to_frame()
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    columns: dict[str, Column] = {}
    for name, values in _index_columns(nw.maybe_get_index(native), notes):
        columns[name] = _zoned(name, values)
    for name in native.columns:
        own = unique_name(str(name), columns)
        column = _series_column(own, native[name])
        columns[own] = replace(column, levels=levels.get(str(name), ()))
    return Table(columns, notes)


def _plain_columns(frame: Any, notes: list[Note]) -> tuple[Any, dict[str, tuple[str, ...]]]:
    """A pandas frame with one text a column as its name, and the header rows that these came from."""
    names = list(frame.columns)
    several = any(isinstance(name, tuple) for name in names)
    parts = [tuple(str(p) for p in (name if isinstance(name, tuple) else (name,))) for name in names]
    texts: list[str] = []
    for part in parts:
        texts.append(unique_name(" ".join(dict.fromkeys(p for p in part if p)), texts))
    joined = [" ".join(dict.fromkeys(p for p in part if p)) for part in parts]
    repeated = [name for name in dict.fromkeys(joined) if joined.count(name) > 1]
    if repeated:
        notes.append(Note(f"several columns are called {some(repeated)}: the later ones are numbered", ASSUMED))
    if several:
        notes.append(Note(f"the names of the columns are put together from the frame's levels: {some(texts, 4)}", FACT))
    if texts != names:
        frame = frame.set_axis(texts, axis=1)
    return frame, dict(zip(texts, parts, strict=True)) if several else {}


def _index_columns(index: Any, notes: list[Note]) -> list[tuple[str, Any]]:
    """The columns that a frame's index holds; none for row numbers."""
    if index is None or getattr(index, "dtype", None) is None or "Range" in type(index).__name__:
        return []
    if hasattr(index, "levels") and hasattr(index, "get_level_values"):
        names = [str(name) if name is not None else f"index {i + 1}" for i, name in enumerate(index.names)]
        notes.append(Note(f"took the frame's index as the columns {some(names)}", FACT))
        return [(name, _stamps(index.get_level_values(i))) for i, name in enumerate(names)]
    if np.asarray(index).dtype.kind in "iu" and getattr(index, "name", None) is None:
        return []  # row numbers that a selection left over
    notes.append(Note("took the frame's index as the time column", FACT))
    return [(str(getattr(index, "name", None) or "time"), _stamps(index))]


def _stamps(index: Any) -> Any:
    return index.to_timestamp() if hasattr(index, "to_timestamp") else index


def _zoned(name: str, index: Any) -> Column:
    """An index as a column, in its own zone."""
    zone = getattr(index, "tz", None)
    if zone is None:
        return column_of(name, np.asarray(index))
    return _in_zone(name, np.asarray(index.tz_convert("UTC").tz_localize(None)), str(zone))


def _series_column(name: str, series: Any) -> Column:
    zone = getattr(series.dtype, "time_zone", None)
    if zone:
        plain = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return _in_zone(name, plain.to_numpy(), str(zone))
    return column_of(name, series.to_numpy())


def _in_zone(name: str, utc: Any, zone: str) -> Column:
    """Times of a named zone: its wall clock for steps of days and more, UTC below."""
    utc = utc.astype("datetime64[s]")
    if zone == "UTC":
        return Column(name, times=utc, zone="Z")
    offsets = offsets_in(utc, zone)
    if not np.isfinite(offsets).any():
        return Column(name, times=utc, zone="Z")
    gaps = np.diff(np.unique(seconds(utc[~np.isnat(utc)])))
    fine = gaps.size and np.median(gaps) < DAY / 1.5
    if fine:
        return Column(name, times=utc, zone=f"utc:{zone}")
    local = utc + np.where(np.isfinite(offsets), offsets, 0).astype(np.int64).astype("timedelta64[s]")
    return Column(name, times=local, zone=zone)

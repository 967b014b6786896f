"""A table as people keep it: named columns of text, numbers or times, and notes on how it was read."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.dates import parse_times
from latchwork.forecasting.reading.numbers import is_missing, parse_numbers

LARGEST_FILE = 2 << 30  # bytes; a panel of ten thousand series is a hundredth of it
UNNAMED = "index"  # a column without a name, nearly always the row numbers of a frame
COMMENTS = ("#", "%", "//", "!")


@dataclass(frozen=True)
class Table:
    """Columns in order; each is `list[str]`, float64 or datetime64[s], all of one length."""

    columns: dict[str, list[str] | NDArray[Any]]
    notes: list[str] = field(default_factory=list[str])

    @property
    def length(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))


def read_table(source: Any) -> Table:
    """Read a path (CSV, gzip, Parquet), a frame of any library narwhals knows, a mapping, or an array.

    Raises InputError, in one line, for what cannot be a table.
    """
    if isinstance(source, (str, Path)):
        return _read_path(Path(source))
    if isinstance(source, Table):
        return source
    if isinstance(source, Mapping):
        return Table({str(name): _column(np.asarray(values)) for name, values in source.items()})
    if isinstance(source, (list, tuple, np.ndarray)):
        return _from_array(source)
    try:
        return _from_frame(nw.from_native(source, allow_series=True))
    except TypeError as error:
        raise InputError(
            f"got {type(source).__name__}: give a path, a pandas, polars or pyarrow frame, or an array"
        ) from error


def _from_array(source: Any) -> Table:
    try:
        values = np.asarray(source, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("got an array that is not numeric: give numbers, (time,) or (series, time)") from error
    if values.ndim not in {1, 2}:
        raise InputError(f"got an array of shape {values.shape}: give (time,) or (series, time)")
    rows = values[None] if values.ndim == 1 else values
    names = ["value"] if len(rows) == 1 else [f"series {i}" for i in range(len(rows))]
    return Table(dict(zip(names, rows, strict=True)))


def _from_frame(native: Any) -> Table:
    notes: list[str] = []
    if isinstance(native, nw.Series):
        native = native.alias(native.name or "value").to_frame()
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    index = nw.maybe_get_index(native)
    columns: dict[str, list[str] | NDArray[Any]] = {}
    if index is not None and getattr(index, "dtype", None) is not None and "Range" not in type(index).__name__:
        stamps = index.to_timestamp() if hasattr(index, "to_timestamp") else index
        columns[str(getattr(index, "name", None) or "time")] = _column(np.asarray(stamps))
        notes.append("took the frame's index as the time column")
    for name in native.columns:
        columns[str(name)] = _column(native[name].to_numpy())
    return Table(columns, notes)


def _column(values: NDArray[Any]) -> list[str] | NDArray[Any]:
    if values.dtype.kind == "M":
        return values.astype("datetime64[s]")
    if values.dtype.kind in "iufb":
        return values.astype(np.float64)
    try:  # numbers with None among them, Decimal
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    except (TypeError, ValueError):
        return ["" if v is None or (isinstance(v, float) and np.isnan(v)) else str(v) for v in values]


def _read_path(path: Path) -> Table:
    if not path.exists():
        raise InputError(f"got {path}: there is no such file")
    if path.is_dir():
        raise InputError(f"got {path}: that is a folder, give one file")
    if path.stat().st_size > LARGEST_FILE:
        raise InputError(f"got {path} of {path.stat().st_size >> 20} MB: at most {LARGEST_FILE >> 20} MB are read")
    data = path.read_bytes()
    if data[:4] == b"PAR1":
        return _read_parquet(path)
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, path)
    if data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(f"got {path}: this is a spreadsheet or zip file; save the sheet as CSV")
    notes: list[str] = []
    rows = _rows(_decode(data, path, notes), path, notes)
    return _typed(rows, path, notes)


def _read_parquet(path: Path) -> Table:
    try:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(f"got {path}: reading Parquet needs pyarrow (pip install pyarrow)") from error
    try:
        return _from_frame(nw.from_native(parquet.read_table(path)))
    except (OSError, ValueError) as error:
        raise InputError(f"got {path}: a Parquet file that cannot be read ({str(error).splitlines()[0]})") from error


def _gunzip(data: bytes, path: Path) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            plain = stream.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"got {path}: a gzip file that is damaged or cut short") from error
    if len(plain) > LARGEST_FILE:
        raise InputError(f"got {path}: more than {LARGEST_FILE >> 20} MB when unpacked")
    return plain


def _decode(data: bytes, path: Path, notes: list[str]) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\x00" in data[:4096]:
        raise InputError(f"got {path}: this is not a text file; give CSV (any separator), CSV in gzip, or Parquet")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        notes.append("read as Windows-1252 text (it is not UTF-8)")
        return data.decode("cp1252", errors="replace")


def _rows(text: str, path: Path, notes: list[str]) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(COMMENTS)]
    if not lines:
        raise InputError(f"got {path}: the file is empty")
    separator = _separator(lines)
    csv.field_size_limit(1 << 20)
    try:
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        rows = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        raise InputError(f"got {path}: not a table that can be read ({error})") from error
    if separator not in {",", "\0"}:
        notes.append(f"columns are separated by {'tabs' if separator == chr(9) else repr(separator)}")
    return rows


def _separator(lines: list[str]) -> str:
    """The mark that gives most lines the same number of columns; semicolons before commas."""
    sample = lines[:50] + lines[len(lines) // 2 :][:150]
    best, best_score = "\0", 0.0
    for mark in (";", "\t", "|", ",", " "):
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=mark, skipinitialspace=True))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        score = count / sum(widths.values())
        if mark == " ":  # only where nothing else divides the lines: dates contain spaces
            score *= 0.5
        if width > 1 and score > best_score + (0.05 if best != "\0" else 0.0):
            best, best_score = mark, score
    return best if best_score > 0.3 else "\0"


def _typed(rows: list[list[str]], path: Path, notes: list[str]) -> Table:
    width = Counter(len(row) for row in rows[:100_000]).most_common(1)[0][0]
    kept = [row for row in rows if len(row) == width or (len(row) > width and not any(row[width:]))]
    ragged = len(rows) - len(kept)
    body = [row[:width] for row in kept]
    start = _first_data_row(body)
    header, body = _header(body, start, notes)
    repeated = [row for row in body if row == header]
    if repeated:
        notes.append(f"dropped {len(repeated)} repeated header line{'s' * (len(repeated) > 1)}")
        body = [row for row in body if row != header]
    if ragged:
        notes.append(f"dropped {ragged} line{'s' * (ragged > 1)} that did not have {width} columns (titles, footers)")
    if not body:
        raise InputError(f"got {path}: a header and no rows of data")
    columns: dict[str, list[str] | NDArray[Any]] = {}
    for name, cells in zip(header, zip(*body, strict=True), strict=True):
        if not name and all(is_missing(cell) for cell in cells):
            continue  # a trailing separator
        columns[_unique(name or UNNAMED, columns)] = _infer(cells)
    return Table(columns, notes)


def _infer(cells: tuple[str, ...]) -> list[str] | NDArray[Any]:
    """Numbers where nearly all cells that say something are numbers, else text; dates are decided later."""
    sample = [cell for cell in cells[:2000] if not is_missing(cell)]
    if not sample:
        return np.full(len(cells), np.nan)
    values, unreadable = parse_numbers(sample)
    if unreadable > 0.4 * len(values):
        return list(cells)
    whole, _ = parse_numbers(cells)
    return whole


def _looks_like_data(row: list[str]) -> bool:
    """A row that has a number or a date in it, not counting names such as 2019 alone."""
    cells = [cell for cell in row if not is_missing(cell)]
    _, unreadable = parse_numbers(cells)
    dates = int((~np.isnat(parse_times(cells).times)).sum()) if cells else 0
    return bool(cells) and (unreadable < len(cells) or dates > 0)


def _first_data_row(rows: list[list[str]]) -> int:
    for index, row in enumerate(rows[:20]):
        if _looks_like_data(row):
            # a header of years ("store", "2019", "2020") has numbers too, but unlike the rows below it
            below = rows[index + 1] if index + 1 < len(rows) else None
            if index == 0 and below is not None and _header_of_years(row, below):
                continue
            return index
    return min(1, len(rows))


def _header_of_years(row: list[str], below: list[str]) -> bool:
    years = [cell for cell in row[1:] if len(cell) == 4 and cell.isdigit() and 1500 <= int(cell) <= 2200]
    _, unreadable = parse_numbers([row[0]])
    return len(years) == len(row) - 1 >= 2 and unreadable == 1 and below[1:] != sorted(below[1:])


def _header(rows: list[list[str]], start: int, notes: list[str]) -> tuple[list[str], list[list[str]]]:
    if start == 0:
        notes.append("the file has no header: columns are named column 1, column 2, ...")
        return [f"column {i + 1}" for i in range(len(rows[0]))], rows
    heads = rows[:start]
    header = max(heads, key=lambda row: len({cell for cell in row if cell}))
    if start > 1:
        notes.append(f"found {start} header lines: used {', '.join(cell for cell in header if cell)!r}")
    return header, rows[start:]


def _unique(name: str, taken: Mapping[str, Any]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate

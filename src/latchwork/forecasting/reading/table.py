"""A table as people keep it: named columns, each as the file has it and typed as a whole, and notes on the reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.files import check_file, is_parquet, read_text
from latchwork.forecasting.reading.notes import ASSUMED, CHANGED, GUESSED, Note, count_of, some
from latchwork.forecasting.reading.numbers import Mark, Numbers, clearly_text, find_mark, is_missing, read_numbers
from latchwork.forecasting.reading.rows import Sheet, read_rows
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


def read_table(source: Any) -> Table:
    """Read a path (CSV, gzip, Parquet), a frame of any library narwhals knows, a mapping, or an array.

    Raises InputError, in one line, for what cannot be a table.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, (str, Path)):
        path = Path(source)
        check_file(path)
        if is_parquet(path):
            from latchwork.forecasting.reading.frames import read_parquet

            return read_parquet(path)
        text, notes = read_text(path)
        sheet = read_rows(text, str(path))
        return from_sheet(replace(sheet, notes=[*notes, *sheet.notes]))
    if isinstance(source, Mapping):
        return Table({str(name): column_of(str(name), np.asarray(values)) for name, values in source.items()})
    if isinstance(source, (list, tuple, np.ndarray)):
        return _from_array(source)
    from latchwork.forecasting.reading.frames import from_frame

    return from_frame(source)


def from_sheet(sheet: Sheet) -> Table:
    """Rows of text as columns, each typed as a whole, with one decimal mark for those that do not show their own."""
    columns: dict[str, Column] = {}
    notes = list(sheet.notes)
    texts: list[tuple[str, list[str], tuple[str, ...]]] = []
    for place, cells in enumerate(zip(*sheet.rows, strict=True)):
        name = sheet.names[place]
        if not name and all(is_missing(cell) for cell in cells):
            continue  # a trailing separator
        levels = tuple(level[place] for level in sheet.levels)
        texts.append((unique_name(name or UNNAMED, {n for n, _, _ in texts}), list(cells), levels))
    repeated = [name for name, count in Counter(n for n in sheet.names if n).items() if count > 1]
    if repeated:
        notes.append(Note(f"several columns are called {some(repeated)}: the later ones are numbered", ASSUMED))
    usual = _usual_mark([cells for _, cells, _ in texts]) or _mark_of_rows([cells for _, cells, _ in texts])
    guessed: list[str] = []
    for name, cells, levels in texts:
        if clearly_text(cells):
            columns[name] = Column(name, cells, levels=levels)
            continue
        numbers = read_numbers(cells, usual=usual)
        if (
            not numbers.mark.certain and sheet.separator == ";"
        ):  # where semicolons divide, the comma is the decimal mark
            numbers = read_numbers(cells, decimal=",")
            numbers = replace(numbers, mark=Mark(",", False))
        counted = numbers.are_numbers and not _are_names(cells, numbers)
        columns[name] = Column(name, cells, numbers if counted else None, levels=levels)
        if counted and not numbers.mark.certain:
            example = next(cell for cell in cells if "." in cell or "," in cell)
            value = numbers.values[cells.index(example)]
            other = "," if numbers.mark.decimal == "." else "."
            guessed.append(f"{name}: {example} is read as {value:g} (--decimal {other} reads it the other way)")
    notes += [Note(text, GUESSED) for text in guessed]
    if sheet.tables:
        columns[unique_name(TABLE, columns)] = Column(TABLE, sheet.tables)
    return Table(columns, notes, separator=sheet.separator)


FEW_NAMES = 3  # rows for each different cell, from which words among numbers make a column of names


def _are_names(cells: Sequence[str], numbers: Numbers) -> bool:
    """Whether a column of numbers and words is one of names, some of which are digits: few cells, each often."""
    if len(numbers.texts) <= 0.05 * numbers.said:
        return False
    different = set(cells)
    return len(different) * FEW_NAMES <= len(cells) and len(set(numbers.texts)) * FEW_NAMES <= len(numbers.texts)


def notes_on(columns: Sequence[Column]) -> list[Note]:
    """What was met in the cells of the columns that are used: texts among numbers, bounds, flags, codes."""
    notes: list[Note] = []
    for column in columns:
        found = column.numbers
        if found is None:
            continue
        if found.texts:
            share = len(found.texts) / max(1, found.said)
            shown = some([repr(text[:20]) for text in dict.fromkeys(found.texts)], 3)
            many = f"{count_of(len(found.texts), 'cell')} of text among the numbers"
            text = f"{column.name}: {many} ({shown}), no value there"
            notes.append(Note(text, GUESSED if share > 0.1 else CHANGED))
        if found.bounds:
            sign = next((t for t in column.texts or [] if t.strip()[:1] in "<>≤≥~≈"), "<1")
            value = read_numbers([sign]).values[0]
            notes.append(
                Note(f"{column.name}: {count_of(found.bounds, 'cell')} such as {sign!r}, read as {value:g}", CHANGED)
            )
        if found.flags:
            shown = some([repr(flag.strip()) for flag in found.flags], 4)
            notes.append(
                Note(
                    f"{column.name}: {count_of(sum(found.flags.values()), 'number')} with marks ({shown}), left off",
                    ASSUMED,
                )
            )
        for code, number in found.codes.items():
            notes.append(Note(f"{column.name}: {count_of(number, 'cell')} of {code:g} taken as missing", CHANGED))
    return notes


def _usual_mark(columns: Sequence[Sequence[str]]) -> str | None:
    """The decimal mark that the columns show which show one."""
    marks: Counter[str] = Counter()
    for cells in columns:
        sample = cells[:400] if len(cells) > 400 else cells
        if any("," in cell or "." in cell for cell in sample):
            found = find_mark(sample)
            if found.seen and read_numbers(sample, decimal=found.decimal).are_numbers:
                marks[found.decimal] += 1
    return marks.most_common(1)[0][0] if len(marks) == 1 else None


def _mark_of_rows(columns: Sequence[Sequence[str]]) -> str | None:
    """The decimal mark that rows show where columns are too short to: in a table with a series a row."""
    if len(columns) < 2 * len(columns[0]):
        return None
    open_ones = [
        cells for cells in columns if any("," in c or "." in c for c in cells) and read_numbers(cells).are_numbers
    ]
    if len(open_ones) < 0.5 * len(columns):
        return None
    found = [find_mark(row) for row in zip(*open_ones, strict=True)]
    marks = {mark.decimal for mark in found if mark.certain and mark.seen}
    return marks.pop() if len(marks) == 1 else None


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
        return Column(name, numbers=_numbers(values.astype(np.float64)))
    try:  # numbers with None among them, Decimal
        return Column(name, numbers=_numbers(np.array([_number(v) for v in values], dtype=np.float64)))
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


def _numbers(values: NDArray[np.float64]) -> Numbers:
    finite = np.where(np.isfinite(values), values, np.nan)
    return Numbers(finite, int(np.isfinite(finite).sum()))


def _from_array(source: Any) -> Table:
    try:
        values = np.asarray(source, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("got an array that is not numeric: give numbers, (time,) or (series, time)") from error
    if values.ndim not in {1, 2}:
        raise InputError(f"got an array of shape {values.shape}: give (time,) or (series, time)")
    rows = values[None] if values.ndim == 1 else values
    names = ["value"] if len(rows) == 1 else [f"series {i}" for i in range(len(rows))]
    columns = {name: Column(name, numbers=_numbers(row)) for name, row in zip(names, rows, strict=True)}
    return Table(columns, matrix=len(rows) > 1)


def unique_name(name: str, taken: Container[str]) -> str:
    """A name, numbered where it is taken."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate

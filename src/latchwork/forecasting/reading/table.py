"""A table as people keep it: named columns, each as the file has it and typed as a whole, and notes on the reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latchwork.core.errors import InputError
from latchwork.forecasting.reading.column import TABLE, UNNAMED, Column, Table, column_of, finite_numbers, unique_name
from latchwork.forecasting.reading.files import check_file, is_parquet, read_text
from latchwork.forecasting.reading.frames import from_frame, read_parquet
from latchwork.forecasting.reading.notes import ASSUMED, CHANGED, GUESSED, Note, count_of, some
from latchwork.forecasting.reading.numbers import Mark, Numbers, clearly_text, find_mark, is_missing, read_numbers
from latchwork.forecasting.reading.rows import Sheet, read_rows


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
            return read_parquet(path)
        text, notes = read_text(path)
        sheet = read_rows(text, str(path))
        return from_sheet(replace(sheet, notes=[*notes, *sheet.notes]))
    if isinstance(source, Mapping):
        return Table({str(name): column_of(str(name), np.asarray(values)) for name, values in source.items()})
    if isinstance(source, (list, tuple, np.ndarray)):
        return _from_array(source)
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


def _from_array(source: Any) -> Table:
    try:
        values = np.asarray(source, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("got an array that is not numeric: give numbers, (time,) or (series, time)") from error
    if values.ndim not in {1, 2}:
        raise InputError(f"got an array of shape {values.shape}: give (time,) or (series, time)")
    rows = values[None] if values.ndim == 1 else values
    names = ["value"] if len(rows) == 1 else [f"series {i}" for i in range(len(rows))]
    columns = {name: Column(name, numbers=finite_numbers(row)) for name, row in zip(names, rows, strict=True)}
    return Table(columns, matrix=len(rows) > 1)

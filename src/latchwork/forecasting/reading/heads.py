"""Where a table's header ends and its data begin, and what the columns are called."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np

from latchwork.forecasting.reading.cells import read_clock, take_apart
from latchwork.forecasting.reading.counts import readings_of_numbers
from latchwork.forecasting.reading.dates import readings
from latchwork.forecasting.reading.notes import ASSUMED, FACT, Note
from latchwork.forecasting.reading.numbers import is_missing, is_number

LOOKED_AT = 200  # rows from the middle of the table that say what a column holds
MOST_HEADERS = 30
REGULAR = 0.3  # what a reading of heads as dates may cost
WIDE = 3  # numbers that count on in a first row make it a header of years or counts


def kind_of(cell: str) -> str:
    """What a cell holds: "n" a number, "t" a time, "c" a time of day, "m" nothing, "w" words."""
    if is_missing(cell):
        return "m"
    if not cell.isdigit() and take_apart(cell) is not None:
        return "n" if not any(c.isalpha() for c in cell) and is_number(cell) else "t"
    if ":" in cell and read_clock(cell) is not None:
        return "c"
    return "n" if is_number(cell) else "w"


def kinds_of_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """What each column holds mostly, by rows from the middle of the table."""
    begin = len(rows) // 3
    sample = rows[begin : begin + LOOKED_AT] or rows
    if len(rows) > 1:
        sample = [row for row in sample if row is not rows[0]]
    kinds: list[str] = []
    for cells in zip(*sample, strict=True):
        counts = Counter(kind for cell in cells if (kind := kind_of(cell)) != "m")
        kinds.append(counts.most_common(1)[0][0] if counts else "m")
    return kinds


def looks_like_data(row: Sequence[str], kinds: Sequence[str], least: int = 0) -> bool:
    """Whether a row holds what the columns hold: at least half of its numbers and times stand where such are."""
    agree = disagree = 0
    for cell, kind in zip(row, kinds, strict=True):
        if kind in "ntc":
            own = kind_of(cell)
            agree += own == kind or (own in "nt" and kind in "nt" and own == kind)
            disagree += own not in {kind, "m"}
    return agree > 0 and agree >= disagree and agree > least - 1


def find_header(rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> int:
    """The number of rows above the first row of data; 0 where there is no header."""
    if not any(kind in "ntc" for kind in kinds):  # words alone: the first row names the columns
        return min(1, len(rows))
    for index, row in enumerate(rows[:MOST_HEADERS]):
        below = rows[index + 1] if index + 1 < len(rows) else None
        if looks_like_data(row, kinds) and not _counts_on(row, below) and not _is_above(row, below, kinds):
            return index
    return min(1, len(rows))


def _is_above(row: Sequence[str], below: Sequence[str] | None, kinds: Sequence[str]) -> bool:
    """Whether a row of few cells, years over quarters, stands above a row of a header."""
    filled = sum(bool(cell) for cell in row)
    if below is None or filled > 0.5 * len(row):
        return False
    return sum(bool(cell) for cell in below) >= 2 * filled and not looks_like_data(below, kinds)


def _counts_on(row: Sequence[str], below: Sequence[str] | None) -> bool:
    """Whether a row is a header of years or counts: whole numbers that go on by one, unlike the row below."""
    whole = [int(cell) for cell in row if cell.isdigit()]
    words = [cell for cell in row if cell and not cell.isdigit()]
    if len(whole) < WIDE or any(kind_of(cell) in "ntc" for cell in words) or below is None:
        return False
    if not (words or row[0] == ""):
        return False
    steps = {b - a for a, b in itertools.pairwise(whole)}
    if steps not in ({1}, {-1}, {5}, {10}):
        return _are_dates([c for c in row if c.isdigit()]) and not _are_dates([c for c in below[len(words) :] if c])
    under = [cell for cell, head in zip(below, row, strict=True) if head.isdigit()]
    if not all(cell.isdigit() for cell in under if cell):
        return True
    values = [int(cell) for cell in under if cell]
    return {b - a for a, b in itertools.pairwise(values)} != steps


def _are_dates(cells: Sequence[str]) -> bool:
    """Whether digits are dates without marks between, on a calendar: 20200131, 202001."""
    if len({len(cell) for cell in cells}) != 1 or len(cells[0]) not in {5, 6, 8} or not all(c.isdigit() for c in cells):
        return False
    if len(cells[0]) == 5:
        found = [r for r in readings_of_numbers(np.array(cells, float), named=True, first=False) if r.style == "day"]
    else:
        found = readings(list(cells))
    return bool(found) and found[0].share == 1 and found[0].cost < REGULAR


def header_names(
    heads: Sequence[Sequence[str]], width: int, kinds: Sequence[str], notes: list[Note]
) -> tuple[list[str], list[list[str]], int]:
    """Names of the columns from all header rows, those rows as they are used, and how many rows above were titles."""
    if not heads:
        notes.append(Note("the file has no header: columns are named column 1, column 2, ...", ASSUMED))
        return [f"column {i + 1}" for i in range(width)], [], 0
    used = [heads[-1]]
    for row in reversed(heads[:-1]):
        filled = [i for i, cell in enumerate(row) if cell]
        if len(filled) < 2 or filled[-1] < (width - 1) / 2 or list(row) == list(used[0]):
            break
        used.insert(0, row)
    levels = [_spread(row, used[i + 1 :]) for i, row in enumerate(used)]
    lone = len(levels) > 1 and sum(bool(cell) for cell in levels[-1]) <= max(1, 0.2 * width)  # the index's name alone
    names: list[str] = []
    for column in range(width):
        parts = [level[column] for level in levels if level[column]]
        whole = lone and (kinds[column] in "tc" or column == 0)
        names.append(parts[-1] if parts and whole else " ".join(dict.fromkeys(parts)))
    if len(used) > 1:
        shown = ", ".join(name for name in names[:4] if name)
        notes.append(
            Note(f"the names of the columns are put together from {len(used)} header rows: {shown}, ...", FACT)
        )
    return names, levels, len(heads) - len(used)


def _spread(row: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """A header row with names carried over the empty cells to their right, where a row below divides them."""
    filled: list[str] = []
    for column, cell in enumerate(row):
        divided = any(level[column] for level in below)
        filled.append(cell or (filled[-1] if filled and divided and column > 1 else ""))
    return filled

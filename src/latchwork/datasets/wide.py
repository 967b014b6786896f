"""Tables with one row a sequence: the UCR archive's text files, and wide CSV files with names for the steps.

UCR: no header, numbers only, the class first, then a value for each step; sequences that are shorter end in NaN. Wide
CSV: a header, of which the columns that end in a number are steps (`t0, t1, ...`, or `x_0, ..., y_0, ...` for several
features); `label` and `series` are found as in a long table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed, read_bytes, read_text
from latchwork.datasets.roles import LABEL, ROW_NUMBERS, SERIES, Columns, place_of
from latchwork.datasets.sequences import pad

_STEP = re.compile(r"^(.*?)[ _.-]*(\d+)$")
FEWEST_STEPS = 2
FIRST_BYTES = 1 << 20  # in which the first line must end


def is_ucr(path: Path) -> bool:
    """Whether a text file has numbers alone in its first line, more than two of them."""
    first = _first_line(path)
    cells = _cells(first)
    return len(cells) > FEWEST_STEPS and all(map(_is_number, cells))


def is_wide(header: Sequence[str], asked: Columns) -> bool:
    """Whether a header names steps, not the columns of a long table."""
    names = {name.lower() for name in header}
    asked = asked if asked.known is None else asked.among(header)
    if asked.series is not None or asked.time is not None or names & {"time", "timestamp", "date", "datetime", "step"}:
        return False
    return len(_steps(header, asked)) >= FEWEST_STEPS


def names_rows(header: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether no series has two rows: if one has, the table is a long one, whatever its columns are called."""
    series = _special(header, None, "", SERIES)
    return series is None or len(set(columns[series])) == len(columns[series])


def parse_ucr(path: Path, *, numbers: bool) -> Parsed:
    """Read the UCR archive's form: the class (or the number to predict), then the values."""
    rows: list[np.ndarray] = []
    for number, line in enumerate(read_text(path), 1):
        if not line.strip():
            continue
        try:
            rows.append(np.array(list(map(float, _cells(line)))))
        except ValueError as error:
            what = str(error).rpartition(": ")[2][:40]
            raise InputError(f"line {number}: got {what} where a number belongs") from None
    if len({len(row) for row in rows}) > 1:
        lengths = sorted({len(row) for row in rows})
        raise InputError(f"its lines have {lengths[0]} to {lengths[-1]} numbers: pad shorter sequences with NaN")
    table = np.stack(rows)
    labels, whole = table[:, 0], table[:, 0] == np.floor(table[:, 0])
    if not numbers and not whole.all():
        raise InputError(
            f"line {np.flatnonzero(~whole)[0] + 1} begins with {labels[~whole][0]:g}: without a header the class comes "
            "first, a whole number"
        )
    sequences = [_without_end(values[:, None], number) for number, values in enumerate(table[:, 1:], 1)]
    inputs, lengths_found = pad(sequences)
    found = labels if numbers else labels.astype(np.int64).astype(str)
    note = "read as the UCR archive's form: one sequence a line, the label first"
    return Parsed(inputs, lengths_found, found, notes=(note,))


def parse_wide(header: list[str], columns: Sequence[Sequence[str]], asked: Columns, *, numbers: bool) -> Parsed:
    """Read one sequence a row, from the columns of a table as texts."""
    asked = asked if asked.known is None else asked.among(header)
    steps = _steps(header, asked)
    names = list(dict.fromkeys(name for name, _, _ in steps))
    order = sorted(steps, key=lambda step: step[1])
    values = np.stack(
        [np.stack([_numbers(columns[at], header[at]) for name, _, at in order if name == feature], axis=1)
         for feature in names] if len({sum(n == name for n, _, _ in steps) for name in names}) == 1 else
        _refuse(names, steps), axis=2,
    )  # fmt: skip
    sequences = [_without_end(row, number) for number, row in enumerate(values, 2)]
    inputs, lengths = pad(sequences)
    label = _special(header, asked.label, "--label", LABEL)
    series = _special(header, None, "", SERIES)
    labels = None
    if label is not None:
        texts = [text.strip() for text in columns[label]]
        labels = _numbers(texts, header[label]) if numbers else np.array(texts)
    used = {label, series, *(at for _, _, at in steps)}
    left = [header[at] for at in range(len(header)) if at not in used]
    note = f"one sequence a row: {len(order) // len(names)} steps of {', '.join(name or 'value' for name in names)}"
    note += f"; label: {header[label]}" if label is not None else ""
    note += f"; left out: {', '.join(name or '(a column without a name)' for name in left)}" if left else ""
    found = tuple(name or "value" for name in names)
    named = None if series is None else tuple(columns[series])
    return Parsed(inputs, lengths, labels, found, named, (note,),
                  Columns(label=None if label is None else header[label], ignore=tuple(left)))  # fmt: skip


def _steps(header: Sequence[str], asked: Columns) -> list[tuple[str, int, int]]:
    """Each column that is a step: the feature's name, the step's number, the place."""
    special = {
        place for place in (_special(header, asked.label, "--label", LABEL), _special(header, None, "", SERIES))
        if place is not None
    }  # fmt: skip
    ignored = {name.lower() for name in asked.ignore} | set(ROW_NUMBERS)
    found: list[tuple[str, int, int]] = []
    for at, name in enumerate(header):
        match = _STEP.match(name)
        if match is None or at in special or name.lower() in ignored:
            continue
        feature = match[1]
        found.append(("" if feature.lower() in ("t", "step", "time", "value", "v") else feature, int(match[2]), at))
    return found


def _special(header: Sequence[str], name: str | None, option: str, usual: Sequence[str]) -> int | None:
    if name is not None:
        return place_of(header, name, option)
    lowered = [column.lower() for column in header]
    return next((lowered.index(one) for one in usual if one in lowered), None)


def _refuse(names: list[str], steps: list[tuple[str, int, int]]) -> list[np.ndarray]:
    counts = ", ".join(f"{name or 'value'} {sum(n == name for n, _, _ in steps)}" for name in names)
    raise InputError(f"its features have different numbers of steps: {counts[:200]}")


def _without_end(values: np.ndarray, line: int) -> np.ndarray:
    """A sequence `[time, feature]` without the NaN at its end; NaN before the end is refused."""
    there = np.flatnonzero(~np.isnan(values).all(axis=1))
    if not there.size:
        raise InputError(f"line {line}: the sequence has no value")
    real = values[: there[-1] + 1]
    if np.isnan(real).any():
        step = int(np.argwhere(np.isnan(real))[0][0])
        raise InputError(f"line {line}: the value at step {step} is missing: fill or remove it first")
    return real


def _numbers(texts: Sequence[str], name: str) -> np.ndarray:
    try:
        return np.array([float(text) if text.strip() else np.nan for text in texts])
    except ValueError:
        wrong = next(text for text in texts if text.strip() and not _is_number(text))
        raise InputError(f"column {name!r}: got {wrong[:40]!r} where a number belongs") from None


def _cells(line: str) -> list[str]:
    for separator in (",", "\t", ";"):
        if separator in line:
            return [cell for cell in line.strip().split(separator) if cell.strip()]
    return line.split()


def _first_line(path: Path) -> str:
    beginning = read_bytes(path, FIRST_BYTES).decode("utf-8", "replace").lstrip("\ufeff")
    return next((line for line in beginning.splitlines() if line.strip()), "")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

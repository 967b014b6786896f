"""The `.ts` format of the UCR and UEA archives (https://www.timeseriesclassification.com).

Header lines start with `@`, names in any case; comments start with `#`. After `@data` each line is one
sequence: its dimensions separated by `:`, values by `,`, and at the end the class (`@classLabel true A B`)
or the number to predict (`@targetLabel true`).

Missing values (`?`) are accepted where the header says `@missing true`. Each is filled with the last value
seen before it in its own sequence and dimension: what one would know at that moment, with nothing from the
future or from other sequences. Before the first value that one is used, and a dimension without any value
is zero. No column is added that marks them, so that two parts of one set, of which only one misses values,
keep the same features.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed, read_text
from latchwork.datasets.sequences import pad


class _Header(NamedTuple):
    missing: bool
    labelled: bool
    numbers: bool
    classes: frozenset[str]


def parse(path: Path, *, numbers: bool) -> Parsed:
    """Read a `.ts` file; `numbers` says that numbers are to be predicted (`@targetLabel`), not classes."""
    lines = enumerate(read_text(path), 1)
    header = _header(lines)
    if header.labelled and numbers and not header.numbers:
        raise InputError("it has classes (@classLabel), not numbers to predict (@targetLabel)")
    if header.labelled and header.numbers and not numbers:
        raise InputError("it has numbers to predict (@targetLabel), not classes: use a SequenceRegressor")

    sequences: list[np.ndarray] = []
    labels: list[str] = []
    filled = empty = 0
    for number, line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        *dimensions, last = text.split(":")
        if header.labelled:
            labels.append(_label(last.strip(), header, number))
        else:
            dimensions.append(last)
        sequence = _sequence(dimensions, number, sequences[0].shape[1] if sequences else None)
        gaps = np.isnan(sequence)
        if gaps.any():
            if not header.missing:
                step, dimension = np.argwhere(gaps)[0]
                _refuse(number, f"the value at step {step}, dimension {dimension} is missing, "
                        "and the header does not say @missing true")  # fmt: skip
            sequence, unseen = _carried_forward(sequence, gaps)
            filled += int(gaps.sum())
            empty += unseen
        sequences.append(sequence)
    if not sequences:
        raise InputError("there is no sequence after @data")

    inputs, lengths = pad(sequences)
    found = np.array(labels, np.float64 if header.numbers else None) if header.labelled else None
    return Parsed(inputs, lengths, found, notes=_notes(filled, empty))


def _header(lines: Iterator[tuple[int, str]]) -> _Header:
    missing = labelled = numbers = False
    classes: frozenset[str] = frozenset()
    for number, line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not text.startswith("@"):
            _refuse(number, "a line of the header starts with @, and the values come after a line @data")
        name, *values = text.split()
        match name[1:].lower(), values:
            case "data", []:
                return _Header(missing, labelled, numbers, classes)
            case "timestamps", ["true"]:
                _refuse(number, "time stamps are not read: write evenly spaced values, with @timeStamps false")
            case "missing", [value]:
                missing = _switch(value, number)
            case "classlabel", [value, *names]:
                labelled = _switch(value, number)
                classes = frozenset(names)
            case "targetlabel", [value, *_]:
                labelled = numbers = _switch(value, number)
            case _:
                pass  # @problemName, @univariate, @seriesLength...: the data itself says these
    raise InputError("there is no line @data: not a .ts file, or cut short")


def _switch(value: str, number: int) -> bool:
    if value.lower() not in ("true", "false"):
        _refuse(number, f"got {value!r}: expected true or false")
    return value.lower() == "true"


def _label(label: str, header: _Header, number: int) -> str:
    if header.numbers:
        try:
            float(label)
        except ValueError:
            _refuse(number, f"the number to predict is {label!r}")
    elif not label or (header.classes and label not in header.classes):
        known = ", ".join(sorted(header.classes)[:10])
        _refuse(number, f"the class is {label!r}, which @classLabel does not name ({known})")
    return label


def _sequence(dimensions: list[str], number: int, expected: int | None) -> np.ndarray:
    """[time, dimension], missing values as NaN."""
    if not dimensions:
        _refuse(number, "expected values, a colon and a label")
    if expected is not None and len(dimensions) != expected:
        _refuse(number, f"it has {len(dimensions)} dimensions, the sequences before have {expected}")
    columns: list[list[float]] = []
    for place, text in enumerate(dimensions):
        if "(" in text:
            _refuse(number, "time stamps are not read: write evenly spaced values")
        try:
            columns.append(list(map(float, text.replace("?", "nan").split(","))))
        except ValueError as error:
            what = str(error).rpartition(": ")[2][:40]
            _refuse(number, f"dimension {place} holds {what} where a number belongs")
    if len(set(map(len, columns))) > 1:
        counts = ", ".join(str(len(column)) for column in columns[:10])
        _refuse(number, f"its dimensions have different numbers of values ({counts})")
    return np.array(columns).T


def _carried_forward(sequence: np.ndarray, gaps: np.ndarray) -> tuple[np.ndarray, int]:
    """Fill the gaps as this module's docstring says; also how many dimensions had no value at all."""
    steps = np.arange(len(sequence))[:, None]
    last_seen = np.maximum.accumulate(np.where(gaps, -1, steps), axis=0)
    first_seen = (~gaps).argmax(axis=0)
    filled = np.take_along_axis(sequence, np.where(last_seen < 0, first_seen, last_seen), axis=0)
    unseen = gaps.all(axis=0)
    filled[:, unseen] = 0
    return filled, int(unseen.sum())


def _notes(filled: int, empty: int) -> tuple[str, ...]:
    if not filled:
        return ()
    note = f"{filled} missing values were filled with the last value before them in their own sequence"
    if empty:
        note += f"; {empty} dimensions without any value became zero"
    return (note,)


def _refuse(number: int, why: str) -> NoReturn:
    raise InputError(f"line {number}: {why}")

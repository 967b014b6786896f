"""Weka's `.arff`, as the UCR and UEA archives write it: values in columns, or a line of one string a dimension."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed, read_text
from latchwork.datasets.sequences import pad


def parse(path: Path, *, numbers: bool) -> Parsed:
    """Read an `.arff` file: the last attribute is the class, or the number to predict.

    A missing value (`?`) at the end of a sequence ends it; elsewhere it is refused.
    """
    lines = enumerate(read_text(path), 1)
    attributes, relational = _header(lines)
    if not attributes:
        raise InputError("there is no @attribute before @data: not an .arff file, or cut short")
    sequences: list[np.ndarray] = []
    labels: list[str] = []
    for number, line in lines:
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        cells = next(csv.reader([text], quotechar="'" if "'" in text else '"', skipinitialspace=True))
        if relational:
            dimensions = cells[0].replace("\\n", "\n").split("\n")
            values = [_values(dimension.split(","), number) for dimension in dimensions]
            if len({len(one) for one in values}) > 1:
                raise InputError(f"line {number}: its dimensions have different numbers of values")
            sequence = np.stack(values, axis=1)
        else:
            if len(cells) != len(attributes):
                raise InputError(f"line {number} has {len(cells)} values, the header has {len(attributes)} attributes")
            sequence = _values(cells[:-1], number)[:, None]
        sequences.append(_without_end(sequence, number))
        labels.append(cells[-1].strip().strip("'\""))
    if not sequences:
        raise InputError("there is no sequence after @data")
    inputs, lengths = pad(sequences)
    if not numbers:
        return Parsed(inputs, lengths, np.array(labels))
    try:
        return Parsed(inputs, lengths, np.array(labels, np.float64))
    except ValueError:
        raise InputError(f"its last attribute is a class ({labels[0]!r}), not a number to predict") from None


def _header(lines: Iterator[tuple[int, str]]) -> tuple[list[str], bool]:
    attributes: list[str] = []
    relational = inside = False
    for _, line in lines:
        words = line.strip().lower().split()
        if not words or words[0].startswith("%"):
            continue
        if words[0] == "@data":
            return attributes, relational
        if words[0] == "@end":
            inside = False
        elif words[0] == "@attribute" and not inside:
            attributes.append(words[1] if len(words) > 1 else "")
            if words[-1] == "relational":
                relational = inside = True
    raise InputError("there is no line @data: not an .arff file, or cut short")


def _values(texts: list[str], line: int) -> np.ndarray:
    try:
        return np.array([np.nan if text.strip() == "?" else float(text) for text in texts])
    except ValueError as error:
        what = str(error).rpartition(": ")[2][:40]
        raise InputError(f"line {line}: got {what} where a number belongs") from None


def _without_end(values: np.ndarray, line: int) -> np.ndarray:
    there = np.flatnonzero(~np.isnan(values).all(axis=1))
    real = values[: there[-1] + 1] if there.size else values[:0]
    if not len(real) or np.isnan(real).any():
        raise InputError(f"line {line}: a value is missing (?): fill or remove it first")
    return real

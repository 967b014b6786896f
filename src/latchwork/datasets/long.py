"""A long table, one row a step, as sequences: whatever it was read from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from latchwork.core.errors import InputError
from latchwork.datasets.files import Parsed
from latchwork.datasets.roles import Assigned, Columns, settled
from latchwork.datasets.sequences import pad


class Coded(NamedTuple):
    """A column of texts: the number of each row's text, and the texts."""

    codes: np.ndarray
    texts: list[str]


@dataclass(frozen=True)
class Long:
    """The columns of a long table.

    Attributes:
        header: the names of all columns.
        roles: which is what.
        series: the series of each row.
        values: [row, feature], in the order of `roles.features`.
        times: of each row, numbers or dates; None where rows stand in order already.
        labels: of each row; None where there are none.
    """

    header: list[str]
    roles: Assigned
    series: Coded
    values: np.ndarray
    times: np.ndarray | None
    labels: Coded | None


def assemble(rows: Long, *, numbers: bool, asked: Columns, steps: bool = False) -> Parsed:
    """The table's series, padded, with their labels.

    Args:
        rows: the table.
        numbers: whether labels are numbers to predict.
        asked: what the user or a model says of the columns.
        steps: whether there is a label at every step; else a series has one.

    Raises:
        InputError: two rows of one time, several labels of one series, other features than the model's.
    """
    rows = _features_settled(_label_settled(rows), asked)
    header, roles, names = rows.header, rows.roles, rows.series.texts
    if rows.times is None:
        order = np.argsort(rows.series.codes, kind="stable")
    else:
        order = in_time_order(rows.series.codes, rows.times, names, header[roles.time or 0])
    ends = np.cumsum(np.bincount(rows.series.codes))[:-1]
    inputs, lengths = pad(np.split(rows.values[order], ends))
    labels = None
    if rows.labels is not None and steps:
        labels = _at_every_step(rows.labels, order, ends, inputs.shape[1])
    elif rows.labels is not None:
        labels = _one_label_each(rows.series.codes, rows.labels, names)
        labels = _as_numbers(labels) if numbers else labels
    features = tuple(header[column] for column in roles.features)
    return Parsed(inputs, lengths, labels, features, tuple(names), (roles.in_words(header),), roles.named(header))


def _label_settled(rows: Long) -> Long:
    """A column that is called `y` and changes within a series is a feature: the second of three axes, say."""
    if not rows.roles.doubtful_label or rows.labels is None:
        return rows
    codes, texts = rows.labels
    pairs = len(np.unique(np.stack([rows.series.codes, codes]), axis=1).T)
    if pairs == len(rows.series.texts):
        return rows
    try:
        values = np.array(list(map(float, texts)))[codes]
    except ValueError:
        return rows  # texts: what is wrong with them as labels is said later
    place = rows.roles.label
    assert place is not None
    at = sum(feature < place for feature in rows.roles.features)
    features = (*rows.roles.features[:at], place, *rows.roles.features[at:])
    roles = replace(rows.roles, label=None, features=features, doubtful_label=False)
    return replace(rows, roles=roles, labels=None, values=np.insert(rows.values, at, values, axis=1))


def _features_settled(rows: Long, asked: Columns) -> Long:
    """Without columns that only count the rows, and in the order of the model's features."""
    count = np.arange(len(rows.values))
    kept = list(rows.roles.features)
    for place in rows.roles.row_numbers:
        column = rows.values[:, rows.roles.features.index(place)]
        if len(kept) > 1 and (np.array_equal(column, count) or np.array_equal(column, count + 1)):
            kept.remove(place)
    roles = settled(rows.header, replace(rows.roles, features=tuple(kept)), asked)
    if roles.features == rows.roles.features:
        return replace(rows, roles=roles)
    places = [rows.roles.features.index(place) for place in roles.features]
    return replace(rows, roles=roles, values=rows.values[:, places])


def in_time_order(series: np.ndarray, times: np.ndarray, names: list[str], name: str) -> np.ndarray:
    """The rows series by series, each in the order of time; `InputError` where two of a series are of one time."""
    order = np.lexsort((times, series))
    same = (series[order][1:] == series[order][:-1]) & (times[order][1:] == times[order][:-1])
    if same.any():
        row = order[1:][same][0]
        raise InputError(f"series {names[series[row]]!r} has two rows for {name} {times[row]}")
    return order


def _one_label_each(series: np.ndarray, labels: Coded, names: list[str]) -> np.ndarray:
    first = np.zeros(len(names), np.int64)
    first[series[::-1]] = labels.codes[::-1]
    wrong = np.flatnonzero(first[series] != labels.codes)
    if wrong.size:
        row = wrong[0]
        raise InputError(
            f"series {names[series[row]]!r} has the labels {labels.texts[first[series[row]]]!r} and "
            f"{labels.texts[labels.codes[row]]!r}: expected one for a series (with --targets steps one at every step)"
        )
    return np.array(labels.texts)[first]


def _at_every_step(labels: Coded, order: np.ndarray, ends: np.ndarray, time: int) -> np.ndarray:
    """[sequence, time] of texts, empty past the end of a sequence."""
    texts = np.array(labels.texts)
    parts = np.split(labels.codes[order], ends)
    found = np.full((len(parts), time), "", texts.dtype)
    for row, part in zip(found, parts, strict=True):
        row[: len(part)] = texts[part]
    return found


def _as_numbers(labels: np.ndarray) -> np.ndarray:
    try:
        return labels.astype(np.float64)
    except ValueError:
        wrong = next(label for label in labels.tolist() if not _is_number(label))
        raise InputError(f"the label {wrong!r} is not a number to predict") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

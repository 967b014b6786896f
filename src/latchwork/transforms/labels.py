"""Class labels as numbers and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

MISSING = ("", "nan", "NaN", "NAN", "<NA>", "NaT")
"""Texts that libraries write where a text is missing; `None` and `NA` may be names."""

Label = str | int | bool | float


@dataclass(frozen=True)
class Labels:
    """The classes of a training set, sorted: strings, whole numbers or truth values.

    Example:
        >>> labels = fit_labels(["pie", "burger", "pie"])
        >>> labels.encode(["burger", "pie"])
        array([0, 1], dtype=int32)
        >>> labels.decode([1])
        array(['pie'], dtype='<U6')
    """

    classes: tuple[Label, ...]

    def encode(self, labels: Any) -> NDArray[np.int32]:
        """Each label's number; raises `InputError` on one that was not in the training set."""
        numbers = {label: number for number, label in enumerate(self.classes)}
        numbers |= {label.strip(): number for label, number in numbers.items() if isinstance(label, str)}  # old files
        values = as_labels(labels).tolist()
        unknown = next((value for value in values if value not in numbers), None)
        if unknown is not None:
            known = ", ".join(map(repr, self.classes[:10])) + (", ..." if len(self.classes) > 10 else "")
            raise InputError(f"the label {unknown!r} was not in the training set, which had {known}")
        return np.array([numbers[value] for value in values], np.int32)

    def decode(self, numbers: Any) -> NDArray[Any]:
        """The labels of class numbers."""
        return np.array(self.classes)[np.asarray(numbers)]


def fit_labels(labels: Any) -> Labels:
    """The classes that occur; raises `InputError` where there are fewer than two or one is missing."""
    classes = tuple(sorted(set(as_labels(labels).tolist())))
    if len(classes) < 2:
        raise InputError(f"there is one class only, {classes[0]!r}: a classifier needs two or more" if classes else
                         "there is not one label")  # fmt: skip
    return Labels(classes)


def saved_labels(classes: Any, outputs: int | None) -> Labels:
    """The labels in a file's list of classes, one for each output; raises `InputError` on anything else."""
    labels = as_labels(classes, as_they_are=True).tolist() if isinstance(classes, list) else []
    if len(labels) != outputs or len(set(labels)) != outputs:
        raise InputError(f"its classes are {str(cast('object', classes))[:60]}, its network has {outputs} outputs")
    return Labels(tuple(labels))


def as_labels(labels: Any, *, as_they_are: bool = False) -> NDArray[Any]:
    """Class labels as an array of whole numbers, text without blanks around it, or truth values.

    Args:
        labels: one for each sequence; whole numbers may come as floats, text as bytes, either as Python objects.
        as_they_are: leave the texts, as of a file that was written with them.

    Raises:
        InputError: another shape, a missing value, fractions, or values of several kinds.
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        hint = _hint(values) if values.ndim == 2 else ""
        raise InputError(f"got labels of shape {values.shape}, expected one label for each sequence: (batch,){hint}")
    if values.dtype.kind == "O":
        listed = values.tolist()
        missing = next((row for row, value in enumerate(listed) if _is_missing(value)), None)
        if missing is not None:
            raise InputError(f"the label of row {missing} is missing: leave such rows out")
        kinds = sorted({type(value).__name__ for value in listed})
        if len(kinds) > 1:
            raise InputError(f"labels mix {' and '.join(kinds)}: give all numbers, all text or all truth values")
        values = np.array(values.tolist())
    if values.dtype.kind == "f":
        missing = np.flatnonzero(~np.isfinite(values))
        if missing.size:
            raise InputError(f"the label of row {missing[0]} is missing")
        fractions = values[values != np.floor(values)]
        if fractions.size:
            raise InputError(
                f"the label {fractions[0]} has a fraction: classes are whole numbers or text "
                "(a SequenceRegressor predicts numbers)"
            )
        return values.astype(np.int64)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind not in "iubU":
        raise InputError(f"labels must be text or whole numbers, got {values.dtype}")
    return _as_texts(values) if values.dtype.kind == "U" and not as_they_are else values


def _as_texts(values: NDArray[np.str_]) -> NDArray[np.str_]:
    """Without the blanks around them, which nobody sees; what stands for a missing text is no class."""
    values = np.char.strip(values)
    missing = np.flatnonzero(np.isin(values, MISSING))
    if missing.size:
        raise InputError(f"the label of row {missing[0]} is missing ({str(values[missing[0]])!r}): leave such rows out")
    return values


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _hint(values: NDArray[Any]) -> str:
    """What somebody may have meant by labels with two axes."""
    if values.shape[1] == 1:
        return "; use y[:, 0]"
    if values.dtype.kind not in "iufb" or not np.isin(values, (0, 1)).all():
        return "; labels at every step are for targets='steps'"
    if (values.sum(axis=1) == 1).all():
        return "; for one-hot rows use y.argmax(axis=1)"
    return "; several labels a sequence are for targets='labels', one at every step for targets='steps'"

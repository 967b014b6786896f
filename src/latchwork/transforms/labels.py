"""Class labels as numbers and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

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
    labels = as_labels(classes).tolist() if isinstance(classes, list) else []
    if len(labels) != outputs or len(set(labels)) != outputs:
        raise InputError(f"its classes are {str(cast('object', classes))[:60]}, its network has {outputs} outputs")
    return Labels(tuple(labels))


def as_labels(labels: Any) -> NDArray[Any]:
    """Class labels as an array of whole numbers, text or truth values.

    Args:
        labels: one for each sequence; whole numbers may come as floats, text as bytes, either as Python objects.

    Raises:
        InputError: another shape, a missing value, fractions, or values of several kinds.
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        hint = ""
        if values.ndim == 2:
            hint = "; for one-hot rows use y.argmax(axis=1)" if values.shape[1] > 1 else "; use y[:, 0]"
        raise InputError(f"got labels of shape {values.shape}, expected one label for each sequence: (batch,){hint}")
    if values.dtype.kind == "O":
        kinds = sorted({type(value).__name__ for value in values.tolist()})
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
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind not in "iubU":
        raise InputError(f"labels must be text or whole numbers, got {values.dtype}")
    return values

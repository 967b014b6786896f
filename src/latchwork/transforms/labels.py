"""Class labels as numbers and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.errors import InputError

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
        values = np.asarray(labels).ravel().tolist()
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
    values = np.asarray(labels)
    if values.ndim != 1:
        raise InputError(f"got labels of shape {values.shape}, expected one label for each sequence: (batch,)")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise InputError(f"the label of row {int(np.argmin(np.isfinite(values)))} is missing")
        if (values == values.round()).all():
            values = values.astype(np.int64)
    if values.dtype.kind not in "iubfUS" and not all(isinstance(value, str | int) for value in values):
        raise InputError(f"labels must be strings or whole numbers, got {values.dtype}")
    classes = tuple(sorted(set(values.tolist())))
    if len(classes) < 2:
        raise InputError(f"there is one class only, {classes[0]!r}: a classifier needs two or more" if classes else
                         "there is not one label")  # fmt: skip
    return Labels(classes)

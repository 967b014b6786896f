"""Small helpers by Keras's names."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.keras.printing import figure_text
from latchwork.interop.keras.refusals import missing

Array = NDArray[Any]


def to_categorical(x: Any = None, num_classes: int | None = None, dtype: Any = "float32", **given: Any) -> Array:
    """Class numbers as one-hot rows.

    Example:
        >>> to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    classes = given.pop("nb_classes", num_classes)
    x = given.pop("y", x)
    if given:
        raise InputError(f"to_categorical takes no {min(given)!r}: it takes x and num_classes")
    numbers = np.asarray(x)
    if numbers.dtype.kind == "f" and (numbers != np.floor(numbers)).any():
        raise InputError("to_categorical takes whole numbers")
    numbers = numbers.astype(np.intp)
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    if numbers.size and numbers.min() < 0:
        raise InputError(f"to_categorical takes numbers from 0 on, got {numbers.min()}")
    count = int(numbers.max()) + 1 if classes is None else int(classes)
    if numbers.size and numbers.max() >= count:
        raise InputError(f"to_categorical: the class {numbers.max()} is not below num_classes={count}")
    hot = np.zeros((*numbers.shape, count), dtype)
    np.put_along_axis(hot, numbers[..., None], 1, axis=-1)
    return hot


def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """An array with norm 1 along an axis."""
    array = np.asarray(x, np.float64)
    size = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(size == 0, 1, size)


def set_random_seed(seed: int) -> None:
    """Seed Python's and NumPy's generators, which all first values, orders and drops are drawn from."""
    random.seed(seed)
    np.random.seed(seed)


class Sequence:
    """The base of data that comes batch by batch: override `__len__` and `__getitem__`."""

    def __init__(self, **given: Any) -> None:
        """`workers` and the like change no result."""

    def __len__(self) -> int:
        """Batches of an epoch."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> Any:
        """A batch: (x, y) or (x, y, sample_weight)."""
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """After each epoch."""


PyDataset = Sequence


class Windows(Sequence):
    """Batches of windows of a long array."""

    def __init__(self, starts: Array, data: Array, targets: Array | None, shape: tuple[int, int, int]) -> None:
        """Keep the arrays; windows are cut when they are asked for."""
        self.starts, self.data, self.targets, (self.length, self.rate, self.size) = starts, data, targets, shape

    def __len__(self) -> int:
        """Batches."""
        return math.ceil(len(self.starts) / self.size)

    def __getitem__(self, index: int) -> Any:
        """A batch of windows, with their targets where there are any."""
        starts = self.starts[index * self.size : (index + 1) * self.size]
        if not len(starts):
            raise IndexError(index)
        windows = self.data[starts[:, None] + self.rate * np.arange(self.length)]
        return windows if self.targets is None else (windows, self.targets[starts])

    def __iter__(self) -> Iterator[Any]:
        """All batches."""
        return (self[index] for index in range(len(self)))


def timeseries_dataset_from_array(
    data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1, sampling_rate: int = 1,
    batch_size: int = 128, shuffle: bool = False, seed: int | None = None, start_index: int | None = None,
    end_index: int | None = None,
) -> Windows:  # fmt: skip
    """Windows over an array, in batches; the target of a window is the one at its first step, as in Keras."""
    array = np.asarray(data)
    wanted = None if targets is None else np.asarray(targets)
    start, end = start_index or 0, len(array) if end_index is None else end_index
    last = end - start - (sequence_length - 1) * sampling_rate
    if wanted is not None:
        last = min(last, len(wanted))
    starts = np.arange(0, max(last, 0), sequence_stride)
    if not len(starts):
        raise InputError(f"{end - start} steps hold no window of {sequence_length} steps, {sampling_rate} apart")
    if shuffle:
        np.random.default_rng(seed if seed is not None else np.random.randint(2**31)).shuffle(starts)
    own = array[start:end]
    return Windows(starts, own, wanted, (sequence_length, sampling_rate, batch_size))


class Progbar:
    """A bar for loops of one's own."""

    def __init__(self, target: int | None, width: int = 30, verbose: int = 1, **given: Any) -> None:
        """See Keras's documentation."""
        self.target, self.width, self.verbose, self.seen = target, width, verbose, 0

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """So much is done."""
        self.seen = current
        if not self.verbose:
            return
        share = "" if not self.target else "=" * (self.width * current // self.target)
        figures = "".join(f" - {name}: {figure_text(float(value))}" for name, value in values or [])
        end = "\n" if self.target is not None and current >= self.target else ""
        sys.stdout.write(f"\r{current}/{self.target or '?'} [{share:<{self.width}}]{figures}{end}")
        sys.stdout.flush()

    def add(self, n: int, values: Any = None) -> None:
        """So much more is done."""
        self.update(self.seen + n, values)


def __getattr__(name: str) -> Any:
    missing(name)

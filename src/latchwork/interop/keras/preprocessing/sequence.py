"""Sequences of different lengths as one array, and windows over a long one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence as Sequences
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.keras.refusals import missing
from latchwork.interop.keras.utils import Sequence

Side = Literal["pre", "post"]


def pad_sequences(
    sequences: Sequences[Any], maxlen: int | None = None, dtype: Any = "int32", padding: Side = "pre",
    truncating: Side = "pre", value: float = 0.0,
) -> NDArray[Any]:  # fmt: skip
    """Sequences as rows of one length: short ones filled up with `value`, long ones cut.

    Example:
        >>> pad_sequences([[1], [2, 3]]).tolist()
        [[0, 1], [2, 3]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise InputError(f"pad_sequences: {name} is pre or post, got {side!r}")
    rows = [np.asarray(one) for one in sequences]
    if any(row.ndim == 0 for row in rows):
        raise InputError("pad_sequences takes a list of sequences, got a list of numbers")
    length = max((len(row) for row in rows), default=0) if maxlen is None else int(maxlen)
    features = next((row.shape[1:] for row in rows if len(row)), ())
    if dtype is str or (rows and isinstance(value, str)):
        raise InputError("pad_sequences: words have to become numbers first: see preprocessing.text.Tokenizer")
    padded = np.full((len(rows), length, *features), value, dtype)
    for at, row in enumerate(rows):
        if not len(row) or not length:
            continue
        if row.shape[1:] != features:
            raise InputError(f"pad_sequences: row {at} has steps of shape {row.shape[1:]}, others {features}")
        kept = row[-length:] if truncating == "pre" else row[:length]
        if padding == "post":
            padded[at, : len(kept)] = kept
        else:
            padded[at, length - len(kept) :] = kept
    return padded


class TimeseriesGenerator(Sequence):
    """Windows over a series, in batches, each with the target that follows it."""

    def __init__(
        self, data: Any, targets: Any, length: int, sampling_rate: int = 1, stride: int = 1, start_index: int = 0,
        end_index: int | None = None, shuffle: bool = False, reverse: bool = False, batch_size: int = 128,
    ) -> None:  # fmt: skip
        """See Keras's documentation."""
        super().__init__()
        self.data, self.targets = np.asarray(data), np.asarray(targets)
        if len(self.data) != len(self.targets):
            raise InputError(f"data has {len(self.data)} steps and targets {len(self.targets)}: as many are needed")
        self.length, self.sampling_rate, self.stride, self.batch_size = length, sampling_rate, stride, batch_size
        self.start_index, self.shuffle, self.reverse = start_index + length, shuffle, reverse
        self.end_index = len(self.data) - 1 if end_index is None else end_index
        if self.start_index > self.end_index:
            raise InputError(f"length={length} leaves no window in {len(self.data)} steps")

    def __len__(self) -> int:
        """Batches."""
        size = self.batch_size * self.stride
        return (self.end_index - self.start_index + size) // size

    def __getitem__(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """A batch of windows and their targets."""
        if self.shuffle:
            span = self.end_index + 1 - self.start_index
            rows = self.start_index + np.random.randint(0, span, self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, last, self.stride)
        windows = np.stack([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        return (windows[:, ::-1] if self.reverse else windows), self.targets[rows]

    def get_config(self) -> dict[str, Any]:
        """Its numbers."""
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        return {name: getattr(self, name) for name in names}

    def to_json(self, **given: Any) -> str:
        """The same as text."""
        return json.dumps({"class_name": "TimeseriesGenerator", "config": self.get_config()}, **given)


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> NDArray[Any]:
    """How likely the word of each rank is kept, by Zipf's law, as in Keras."""
    gamma, ranks = 0.577, np.arange(size)
    ranks[0] = 1
    shares = sampling_factor * (ranks * (np.log(ranks) + gamma) + 0.5 - 1.0 / (12.0 * ranks))
    return np.minimum(1.0, shares / np.sqrt(shares)) if size else np.zeros(0) * math.nan


def __getattr__(name: str) -> Any:
    missing(name)

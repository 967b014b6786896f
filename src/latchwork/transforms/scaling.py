"""Scalers of sequences: fitted on the training part alone, feature by feature, over real steps only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

BLOCK_VALUES = 1 << 20
"""About as many values are summed or scaled at a time."""

FLOAT32_STEP = 2.0**-24  # the largest error of rounding to float32, as a share of the value
WORTH = 1e-4  # of a standard deviation: rounding errors below it change no answer


@dataclass(frozen=True)
class Scaler:
    """(value - offset) / scale for each feature; statistics in float64, results in float32.

    Example:
        >>> scaler = standard_scaler(np.array([[[1.0], [3.0]]], np.float32))
        >>> scaler.transform(np.array([[[1.0], [3.0]]], np.float32)).ravel()
        array([-1.,  1.], dtype=float32)
    """

    offset: Float64
    scale: Float64

    def transform(self, inputs: NDArray[np.floating], lengths: NDArray[np.integer] | None = None) -> Float32:
        """Scaled inputs `[..., time, features]`; steps past a length stay zero."""
        if inputs.shape[-1] != len(self.offset):
            raise InputError(f"got {inputs.shape[-1]} features, expected {len(self.offset)} as in training")
        scaled = np.empty(inputs.shape, np.float32)
        size = _rows_of_a_block(inputs)
        for first in range(0, len(inputs), size):  # what is in float64 on the way stays small
            block = scaled[first : first + size]
            block[...] = (inputs[first : first + size] - self.offset) / self.scale
            if lengths is not None:
                block[~real_steps(inputs.shape[1], lengths[first : first + size])] = 0
        return scaled

    def needs_double(self) -> bool:
        """Whether float32 would lose what counts of its inputs: they lie far from zero for how far they spread.

        Example:
            >>> standard_scaler(np.array([[[1.7e9], [1.7e9 + 60]]])).needs_double()
            True
        """
        return bool((np.abs(self.offset) * FLOAT32_STEP > WORTH * self.scale).any())

    def inverse(self, scaled: NDArray[np.floating]) -> Float64:
        """Back in the data's own units."""
        return scaled * self.scale + self.offset

    def arrays(self) -> dict[str, Float64]:
        """What a file keeps; `Scaler(**arrays)` makes it again."""
        return {"offset": self.offset, "scale": self.scale}


def saved_scaler(tensors: Mapping[str, NDArray[Any]], prefix: str, features: int | None) -> Scaler | None:
    """The scaler whose arrays a file keeps under `prefix`, or None; raises `InputError` where it does not fit."""
    own = [name for name in tensors if name.startswith(prefix)]
    if not own:
        return None
    if sorted(own) != [f"{prefix}offset", f"{prefix}scale"]:
        raise InputError(f"its scaler has the arrays {', '.join(sorted(own))}: expected offset and scale")
    scaler = Scaler(tensors[f"{prefix}offset"], tensors[f"{prefix}scale"])
    if not scaler.offset.shape == scaler.scale.shape == (features,):
        raise InputError(f"its scaler is for {scaler.offset.shape} features, its network for ({features},)")
    return scaler


def standard_scaler(inputs: NDArray[np.floating], lengths: NDArray[np.integer] | None = None) -> Scaler:
    """To mean 0 and variance 1 over the rows and real steps of `[batch, time, features]`."""
    count, total, squares = 0, 0.0, 0.0
    for rows in _blocks(inputs, lengths):
        count, total = count + len(rows), total + rows.sum(axis=0)
    mean = np.asarray(total / count)
    for rows in _blocks(inputs, lengths):
        squares = squares + np.square(rows - mean).sum(axis=0)
    return Scaler(mean, _not_zero(np.sqrt(np.asarray(squares / count)), mean))


def minmax_scaler(inputs: NDArray[np.floating], lengths: NDArray[np.integer] | None = None) -> Scaler:
    """To 0 .. 1 over the rows and real steps of `[batch, time, features]`."""
    low, high = np.inf, -np.inf
    for rows in _blocks(inputs, lengths):
        low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))
    return Scaler(np.asarray(low), _not_zero(np.subtract(high, low), np.asarray(low)))


def real_steps(time: int, lengths: NDArray[np.integer]) -> NDArray[np.bool_]:
    """`[batch, time]`: True where a step belongs to its sequence."""
    return np.arange(time) < np.asarray(lengths)[:, None]


def _blocks(inputs: NDArray[np.floating], lengths: NDArray[np.integer] | None) -> Iterator[Float64]:
    """The real steps `[step, features]` in float64, a few sequences at a time: twice the data is never held."""
    size = _rows_of_a_block(inputs)
    for first in range(0, len(inputs), size):
        block = inputs[first : first + size]
        if lengths is None:
            yield block.reshape(-1, inputs.shape[-1]).astype(np.float64)
        else:
            yield block[real_steps(inputs.shape[1], lengths[first : first + size])].astype(np.float64)
        release(inputs)


def release(array: NDArray[Any]) -> None:
    """Let the pages of a memory-mapped array go: they are on disk, and a pass over it must not fill the memory."""
    mapped = getattr(array, "_mmap", None)
    if mapped is None:
        return
    import mmap  # what is in memory need not wait for it

    if hasattr(mmap, "MADV_DONTNEED") and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _rows_of_a_block(inputs: NDArray[Any]) -> int:
    return max(1, BLOCK_VALUES // max(1, inputs[0].size if len(inputs) else 1))


def _not_zero(scale: Float64, centre: Float64) -> Float64:
    """A constant feature is left in its own units, centred; what rounding left of its spread is not divided by."""
    return np.where(scale > 1e-9 * np.abs(centre), scale, 1.0)

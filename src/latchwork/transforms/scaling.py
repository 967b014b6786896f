"""Scalers of sequences: fitted on the training part alone, feature by feature, over real steps only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latchwork.errors import InputError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


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
        scaled = ((inputs - self.offset) / self.scale).astype(np.float32)
        if lengths is not None:
            scaled[~real_steps(scaled.shape[1], lengths)] = 0
        return scaled

    def inverse(self, scaled: NDArray[np.floating]) -> Float64:
        """Back in the data's own units."""
        return scaled * self.scale + self.offset

    def arrays(self) -> dict[str, Float64]:
        """What a file keeps; `Scaler(**arrays)` makes it again."""
        return {"offset": self.offset, "scale": self.scale}


def standard_scaler(inputs: NDArray[np.floating], lengths: NDArray[np.integer] | None = None) -> Scaler:
    """To mean 0 and variance 1 over the rows and real steps of `[batch, time, features]`."""
    rows = _rows(inputs, lengths)
    return Scaler(rows.mean(axis=0), _not_zero(rows.std(axis=0)))


def minmax_scaler(inputs: NDArray[np.floating], lengths: NDArray[np.integer] | None = None) -> Scaler:
    """To 0 .. 1 over the rows and real steps of `[batch, time, features]`."""
    rows = _rows(inputs, lengths)
    low, high = rows.min(axis=0), rows.max(axis=0)
    return Scaler(low, _not_zero(high - low))


def real_steps(time: int, lengths: NDArray[np.integer]) -> NDArray[np.bool_]:
    """`[batch, time]`: True where a step belongs to its sequence."""
    return np.arange(time) < np.asarray(lengths)[:, None]


def _rows(inputs: NDArray[np.floating], lengths: NDArray[np.integer] | None) -> Float64:
    if lengths is None:
        return inputs.reshape(-1, inputs.shape[-1]).astype(np.float64)
    return inputs[real_steps(inputs.shape[1], lengths)].astype(np.float64)


def _not_zero(scale: Float64) -> Float64:
    """A constant feature is left in its own units, centred."""
    return np.where(scale > 0, scale, 1.0)

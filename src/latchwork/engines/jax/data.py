"""Rows on the device, a chunk at a time."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from latchwork.engines.steps import Rows

CACHE_LINE = 64  # bytes


class DeviceRows:
    """Rows whose current chunk is on the device."""

    def __init__(self, rows: Rows) -> None:
        """Nothing is loaded yet."""
        self.rows = rows
        self._chunk: range | None = None
        self._arrays: dict[str, jax.Array] = {}

    def arrays(self, chunk: range) -> dict[str, jax.Array]:
        """The arrays of a chunk, loaded when it is not the last one asked for."""
        if chunk != self._chunk:
            self._arrays = {}  # let the old chunk go before the new one comes
            self._arrays = {name: jax.device_put(array) for name, array in self._filled(chunk).items()}
            self._chunk = chunk
        return self._arrays

    def _filled(self, chunk: range) -> dict[str, NDArray[Any]]:
        """The rows of a chunk, filled up with zeros to a size that other row counts share.

        A compiled program is made for one size: with sizes an eighth of a power of two apart, data that grows by some
        rows compiles nothing new and wastes an eighth at most.
        """
        size = bucket(len(chunk) if self.rows.chunk_rows is None else self.rows.chunk_rows)
        loaded: dict[str, NDArray[Any]] = {}
        for name, array in self.rows.read(chunk).items():
            rows = np.asarray(array)
            loaded[name] = filled = _aligned((size, *rows.shape[1:]), rows.dtype)
            filled[: len(rows)] = rows
            filled[len(rows) :] = 0
        return loaded


def bucket(size: int, smallest: int = 16) -> int:
    """The next size that shapes are rounded up to: a multiple of an eighth of the power of two below.

    Example:
        >>> [bucket(n) for n in (1, 16, 17, 100, 1000, 60_000)]
        [16, 16, 18, 104, 1024, 61440]
    """
    if size <= smallest:
        return smallest
    step = 1 << max((size - 1).bit_length() - 4, 0)
    return -(-size // step) * step


def _aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array that JAX on a CPU takes as it is: one that does not start on a cache line would be copied."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)

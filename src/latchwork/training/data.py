"""The rows that a model is trained on, and the order in which it sees them.

Rows live in named arrays of one length. Their order is drawn on the host from the seed and the number of the epoch
alone, never from what ran before, so that a resumed run sees what an unbroken one would have. (A permutation inside
the compiled program would need a sort, which compiles slowly and buys nothing: 60,000 rows take a millisecond here.)
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

Arrays = Mapping[str, NDArray[np.generic]]
Order = NDArray[np.int32]

CACHE_LINE = 64  # bytes
FILL = -1  # in an order: no row, the place only fills up its batch


@dataclass(frozen=True)
class Data:
    """Named arrays with one row for each example, in memory or mapped from disk.

    Args:
        arrays: `inputs`, `targets` and, where they apply, `lengths` and `weight`; others as an objective needs them.
        chunk_rows: how many rows are held on the device at a time; all where None. Set it for data larger than memory
            (arrays from `np.load(..., mmap_mode="r")`): chunks are visited in a new order each epoch, and rows are
            shuffled inside their chunk.
        shuffle: whether epochs differ in order.
    """

    arrays: Arrays
    chunk_rows: int | None = None
    shuffle: bool = True

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths, none at all, and empty chunks."""
        rows = {name: len(array) for name, array in self.arrays.items()}
        if len(set(rows.values())) != 1:
            raise InputError(f"arrays of one length expected, got {rows}")
        if self.rows == 0:
            raise InputError("there is not one row to train on")
        if self.chunk_rows is not None and self.chunk_rows < 1:
            raise InputError(f"chunk_rows must be at least 1, got {self.chunk_rows}")

    @property
    def rows(self) -> int:
        """How many examples there are."""
        return len(next(iter(self.arrays.values())))

    def chunks(self) -> list[range]:
        """Rows of each chunk, in the order they have on disk."""
        size = self.chunk_rows or self.rows
        return [range(start, min(start + size, self.rows)) for start in range(0, self.rows, size)]

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches in one pass over all rows."""
        return sum(-(-len(chunk) // batch_size) for chunk in self.chunks())

    def epoch(self, number: int, seed: int) -> list[range]:
        """The chunks in the order of that epoch."""
        chunks = self.chunks()
        if self.shuffle and len(chunks) > 1:
            np.random.default_rng([seed, number]).shuffle(chunks)
        return chunks

    def order(self, chunk: range, number: int, seed: int, batch_size: int) -> Order:
        """The rows of each batch of a chunk, counted from the chunk's first; the last batch is filled up."""
        order = in_order(len(chunk), batch_size)
        if self.shuffle:
            order.flat[: len(chunk)] = np.random.default_rng([seed, number, chunk.start]).permutation(len(chunk))
        return order

    def checksum(self) -> int:
        """Of the names, types, shapes and 4,096 evenly spaced rows at most: whether a resumed run has its data."""
        checksum = 0
        for name, array in self.arrays.items():
            checksum = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), checksum)
            for row in range(0, len(array), -(-len(array) // 4096)):  # one by one: rows may be large
                checksum = zlib.crc32(np.asarray(array[row]).tobytes(), checksum)
        return checksum

    def load(self, chunk: range) -> dict[str, NDArray[np.generic]]:
        """The rows of a chunk, filled up with zeros to a size that other row counts share.

        A compiled program is made for one size: with sizes an eighth of a power of two apart, data that grows by some
        rows compiles nothing new and wastes an eighth at most.
        """
        size = bucket(len(chunk) if self.chunk_rows is None else self.chunk_rows)
        loaded: dict[str, NDArray[np.generic]] = {}
        for name, array in self.arrays.items():
            rows = np.asarray(array[chunk.start : chunk.stop])
            loaded[name] = filled = _aligned((size, *rows.shape[1:]), rows.dtype)
            filled[: len(rows)] = rows
            filled[len(rows) :] = 0
        return loaded


def _aligned(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """An array that JAX on a CPU takes as it is: one that does not start on a cache line would be copied."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def in_order(rows: int, batch_size: int) -> Order:
    """Rows 0, 1, 2 ... as batches, the last one filled up."""
    steps = -(-rows // batch_size)
    order = np.full(steps * batch_size, FILL, np.int32)
    order[:rows] = np.arange(rows)
    return order.reshape(steps, batch_size)


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


class DeviceData:
    """Data whose current chunk is on the device."""

    def __init__(self, data: Data) -> None:
        """Nothing is loaded yet."""
        self.data = data
        self._chunk: range | None = None
        self._arrays: dict[str, jax.Array] = {}

    def arrays(self, chunk: range) -> dict[str, jax.Array]:
        """The arrays of a chunk, loaded when it is not the last one asked for."""
        if chunk != self._chunk:
            self._arrays = {}  # let the old chunk go before the new one comes
            self._arrays = {name: jax.device_put(array) for name, array in self.data.load(chunk).items()}
            self._chunk = chunk
        return self._arrays

"""The rows that a model is trained on, and the order in which it sees them.

Rows live in named arrays of one length. Their order is drawn on the host from the seed and the number of the epoch
alone, never from what ran before, so that a resumed run sees what an unbroken one would have. (A permutation inside
the compiled program would need a sort, which compiles slowly and buys nothing: 60,000 rows take a millisecond here.)
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.engines.steps import FILL, Arrays, Order, RowShape


class Source(ABC):
    """Rows in chunks, and their order: `Data` in memory or on disk, `Generated` by a function."""

    rows: int
    chunk_rows: int | None
    shuffle: bool
    draw_steps: int | None

    @abstractmethod
    def shapes(self) -> Mapping[str, RowShape]:
        """The shape and type of one row of each array."""

    @abstractmethod
    def read(self, chunk: range) -> Arrays:
        """The rows of a chunk."""

    @abstractmethod
    def checksum(self) -> int:
        """Whether a resumed run has its data."""

    def chunks(self) -> list[range]:
        """Rows of each chunk, in the order they have on disk."""
        size = self.chunk_rows or self.rows
        return [range(start, min(start + size, self.rows)) for start in range(0, self.rows, size)]

    def steps_per_epoch(self, batch_size: int, rows: NDArray[np.intp] | None = None) -> int:
        """Batches in one pass over all rows, or over those given."""
        if self.draw_steps is not None:
            return self.draw_steps
        return sum(steps_in(len(rows_in(chunk, rows)), batch_size) for chunk in self.chunks())

    def epoch(self, number: int, seed: int) -> list[range]:
        """The chunks in the order of that epoch."""
        chunks = self.chunks()
        if self.shuffle and len(chunks) > 1:
            np.random.default_rng([seed, number]).shuffle(chunks)
        return chunks

    def order(
        self,
        chunk: range,
        number: int,
        seed: int,
        batch_size: int,
        rows: NDArray[np.intp] | None = None,
        passed: int = 0,
    ) -> Order:
        """The rows of each batch of a chunk, counted from the chunk's first; the last batch is filled up.

        Args:
            chunk: the rows that are loaded.
            number: of the epoch.
            seed: of the order.
            batch_size: rows of a batch.
            rows: those to be visited, where it is not all.
            passed: how often an epoch has visited them already.
        """
        own = rows_in(chunk, rows)
        drawn_from = [seed, number, chunk.start, *([passed] if passed else [])]
        if self.draw_steps is not None:
            draw = np.random.default_rng(drawn_from)
            return draw.choice(own, (self.draw_steps, batch_size)).astype(np.int32)
        order = in_order(len(own), batch_size)
        if self.shuffle:
            order.flat[: len(own)] = np.random.default_rng(drawn_from).permutation(len(own))
        return order if rows is None else np.where(order == FILL, FILL, own[order]).astype(np.int32)


@dataclass(frozen=True)
class Data(Source):
    """Named arrays with one row for each example, in memory or mapped from disk.

    Args:
        arrays: `inputs`, `targets` and, where they apply, `lengths` and `weight`; others as an objective needs them.
        chunk_rows: how many rows are held on the device at a time; all where None. Set it for data larger than memory
            (arrays from `np.load(..., mmap_mode="r")`): chunks are visited in a new order each epoch, and rows are
            shuffled inside their chunk.
        shuffle: whether epochs differ in order.
        draw_steps: an epoch is that many steps, whose rows are drawn with replacement, in place of a pass over all.
    """

    arrays: Arrays
    chunk_rows: int | None = None
    shuffle: bool = True
    draw_steps: int | None = None

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths, none at all, and empty chunks."""
        rows = {name: len(array) for name, array in self.arrays.items()}
        if len(set(rows.values())) != 1:
            raise InputError(f"arrays of one length expected, got {rows}")
        _check_rows(self)

    @property
    def rows(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How many examples there are."""
        return len(next(iter(self.arrays.values())))

    def shapes(self) -> dict[str, RowShape]:
        """The shape and type of one row of each array."""
        return {name: RowShape(array.shape[1:], array.dtype) for name, array in self.arrays.items()}

    def read(self, chunk: range) -> dict[str, NDArray[Any]]:
        """The rows of a chunk, as they lie in memory or on disk."""
        return {name: array[chunk.start : chunk.stop] for name, array in self.arrays.items()}

    def checksum(self) -> int:
        """Of the names, types, shapes and 4,096 evenly spaced rows at most."""
        return _checksum(self.arrays)


@dataclass(frozen=True)
class Generated(Source):
    """Rows that a function makes when they are needed, a chunk at a time: more than memory or disk would hold.

    Args:
        rows: how many there are.
        chunk_rows: rows of a chunk; few enough for memory, and several batches so that little is loaded.
        make: the arrays of a chunk by name, as `Data` has them. It gives the same for the same chunk whenever it is
            asked, so that a resumed run sees what an unbroken one would have: draw from the chunk's first row.
        shuffle: whether rows are shuffled inside their chunk, and chunks among themselves.

    Example:
        >>> def make(chunk: range) -> dict[str, np.ndarray]:
        ...     inputs = np.random.default_rng([0, chunk.start]).normal(size=(len(chunk), 5, 1)).astype(np.float32)
        ...     return {"inputs": inputs, "targets": inputs[:, 0]}
        >>> Generated(48_000, 320, make).shapes()["inputs"].shape
        (5, 1)
    """

    rows: int
    chunk_rows: int  # pyright: ignore[reportIncompatibleVariableOverride]
    make: Callable[[range], Arrays]
    shuffle: bool = False

    draw_steps = None

    def __post_init__(self) -> None:
        """Refuse no rows and empty chunks."""
        _check_rows(self)

    def shapes(self) -> dict[str, RowShape]:
        """Of the first chunk's."""
        return self._first[0]

    def read(self, chunk: range) -> Arrays:
        """The chunk, made."""
        arrays = self.make(chunk)
        if wrong := [name for name, array in arrays.items() if len(array) != len(chunk)]:
            raise InputError(f"{len(chunk)} rows were to be made, {wrong[0]} has {len(arrays[wrong[0]])}")
        return arrays

    def checksum(self) -> int:
        """Of the first chunk."""
        return self._first[1]

    @cached_property
    def _first(self) -> tuple[dict[str, RowShape], int]:
        arrays = self.read(self.chunks()[0])
        return {name: RowShape(array.shape[1:], array.dtype) for name, array in arrays.items()}, _checksum(arrays)


def in_order(rows: int, batch_size: int) -> Order:
    """Rows 0, 1, 2 ... as batches, the last one filled up."""
    steps = steps_in(rows, batch_size)
    order = np.full(steps * batch_size, FILL, np.int32)
    order[:rows] = np.arange(rows)
    return order.reshape(steps, batch_size)


def steps_in(rows: int, batch_size: int) -> int:
    """Batches that so many rows make."""
    return -(-rows // batch_size)


def rows_in(chunk: range, rows: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """Those of `rows` that lie in a chunk, counted from its first; all of it where None."""
    if rows is None:
        return np.arange(len(chunk))
    return rows[(rows >= chunk.start) & (rows < chunk.stop)] - chunk.start


def _check_rows(source: Source) -> None:
    if source.rows == 0:
        raise InputError("there is not one row to train on")
    if source.chunk_rows is not None and source.chunk_rows < 1:
        raise InputError(f"chunk_rows must be at least 1, got {source.chunk_rows}")
    if source.draw_steps is not None and (source.draw_steps < 1 or source.chunk_rows is not None):
        raise InputError(f"draw_steps must be at least 1 and draws from rows in one chunk, got {source.draw_steps}")


def _checksum(arrays: Arrays) -> int:
    checksum = 0
    for name, array in arrays.items():
        checksum = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), checksum)
        for row in range(0, len(array), -(-len(array) // 4096)):  # one by one: rows may be large
            checksum = zlib.crc32(np.asarray(array[row]).tobytes(), checksum)
    return checksum

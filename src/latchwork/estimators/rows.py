"""The rows that an estimator is trained on: checked, parted, scaled, in memory or from disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.engines.steps import Arrays, RowShape
from latchwork.training import Data
from latchwork.training.data import Source
from latchwork.transforms.scaling import Scaler, release
from latchwork.transforms.sequences import Sequences

Rows = dict[str, NDArray[Any]]
"""`inputs`, `targets` and, where they apply, `lengths` and `weight`."""

LARGEST_COPY = 64 << 20  # bytes of memory-mapped inputs beyond which they are scaled a chunk at a time
CHUNK = 16 << 20  # bytes of a chunk, once scaled


def source_of(rows: Rows, scaler: Scaler | None) -> Source:
    """Rows to train on, scaled: at once, or chunk by chunk where they are mapped from a disk and large."""
    if is_large(rows["inputs"]):
        return ScaledRows(rows, scaler)
    return Data(scaled(rows, scaler))


def is_large(inputs: NDArray[Any]) -> bool:
    """Whether inputs are better left on the disk."""
    return isinstance(inputs, np.memmap) and inputs.nbytes > LARGEST_COPY


def scaled(rows: Rows, scaler: Scaler | None) -> Rows:
    """The rows with scaled inputs in float32, zero past their lengths."""
    return rows | {"inputs": scaled_inputs(rows["inputs"], rows.get("lengths"), scaler)}


def scaled_inputs(inputs: NDArray[Any], lengths: NDArray[Any] | None, scaler: Scaler | None) -> NDArray[Any]:
    """Inputs in float32, zero past their lengths; tokens as they are."""
    if inputs.ndim == 2:
        return inputs
    if scaler is None:
        if lengths is None:
            return inputs.astype(np.float32, copy=False)
        scaler = Scaler(np.zeros(inputs.shape[-1]), np.ones(inputs.shape[-1]))
    return scaler.transform(inputs, lengths)


@dataclass(frozen=True)
class ScaledRows(Source):
    """Rows on a disk, scaled when they are read: never more than a chunk of them is in memory.

    Args:
        rows: their inputs mapped from a disk.
        scaler: what inputs go through, or None.
    """

    rows_by_name: Rows
    scaler: Scaler | None

    shuffle = True
    draw_steps = None

    @property
    def rows(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How many there are."""
        return len(self.rows_by_name["targets"])

    @property
    def chunk_rows(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How many are in memory at a time."""
        return max(1, CHUNK // (4 * self.rows_by_name["inputs"][0].size))

    def shapes(self) -> dict[str, RowShape]:
        """The shape and type of one row of each array, once scaled."""
        shapes = {name: RowShape(array.shape[1:], array.dtype) for name, array in self.rows_by_name.items()}
        return shapes | {"inputs": in_float32(shapes["inputs"])}

    def read(self, chunk: range) -> Arrays:
        """A chunk, scaled; the pages that it was read from are let go."""
        part = scaled({name: array[chunk.start : chunk.stop] for name, array in self.rows_by_name.items()}, self.scaler)
        release(self.rows_by_name["inputs"])
        return part

    def checksum(self) -> int:
        """Of the rows as they are on the disk."""
        return Data(self.rows_by_name).checksum()


def in_float32(shape: RowShape) -> RowShape:
    """The same row in float32."""
    return RowShape(shape.shape, np.dtype(np.float32))


def taken(rows: Mapping[str, NDArray[Any]], index: NDArray[np.intp]) -> Rows:
    """Some of the rows."""
    return {name: np.asarray(array[index]) for name, array in rows.items()}


def parted(rows: Rows, share: float, seed: int, classes: NDArray[Any] | None) -> tuple[Rows, Rows]:
    """Training and validation rows, drawn at random; of each class alike where there are classes.

    Raises:
        InputError: too few rows to hold some out.
    """
    count = len(rows["targets"])
    rng = np.random.default_rng([seed, 1])
    if classes is None:
        order = rng.permutation(count)
        held = np.sort(order[: max(1, round(share * count))])
    else:
        held = stratified(classes, share, rng)
    if len(held) == count or not len(held):
        raise InputError(f"{count} rows are too few to hold some out: set validation_share=0")
    rest = np.setdiff1d(np.arange(count), held)
    return taken(rows, rest), taken(rows, held)


def stratified(classes: NDArray[Any], share: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows to hold out, sorted: their share of each class, to one row; at least one row, and never all of a class.

    Example:
        >>> held = stratified(np.repeat([0, 1], [90, 10]), 0.1, np.random.default_rng(0))
        >>> int((held < 90).sum()), int((held >= 90).sum())
        (9, 1)
    """
    picked: list[NDArray[np.intp]] = []
    owed = 0.0  # what rounding has left out so far
    for number in np.unique(classes):
        own = rng.permutation(np.flatnonzero(classes == number))
        wanted = share * len(own) + owed
        take = int(np.clip(round(wanted), 0, len(own) - 1))
        owed = wanted - take
        picked.append(own[:take])
    held = np.sort(np.concatenate(picked))
    if len(held) or len(classes) < 2:
        return held
    return np.array([rng.integers(len(classes))])


def fingerprint(sequences: Sequences, targets: NDArray[Any]) -> str:
    """SHA-256 of the inputs in float32, the lengths and the targets."""
    digest = hashlib.sha256()
    size = max(1, CHUNK // max(1, sequences.inputs[0].nbytes))
    for first in range(0, len(sequences.inputs), size):
        block = sequences.inputs[first : first + size]
        kind = np.float32 if block.dtype.kind == "f" or block.ndim == 3 else block.dtype
        digest.update(np.ascontiguousarray(block, kind).data)
        release(sequences.inputs)
    for array in (sequences.lengths, targets):
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def check_rows(sequences: Sequences, targets: NDArray[Any], name: str) -> None:
    """Raise `InputError` unless there is a target for each sequence."""
    if len(sequences.inputs) != len(targets):
        raise InputError(f"got {len(sequences.inputs)} sequences and {len(targets)} {name}: one for each is needed")

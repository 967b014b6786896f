"""What every reader returns: sequences in one padded array, checked once, here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from latchwork.datasets.roles import Columns
from latchwork.transforms.scaling import FLOAT32_STEP, WORTH


@dataclass(frozen=True, eq=False)
class SequenceData:
    """Sequences with their labels, ready for `fit`.

    Attributes:
        inputs: float32 [sequence, time, feature], right-padded with zeros, finite; float64 where float32 would lose
            what counts, such as seconds since 1970.
        lengths: int32 [sequence], the number of real steps of each; None where all are full.
        labels: [sequence], of integers, text or booleans; float64 where numbers are to be predicted; None
            where
            the source has none.
        feature_names: one for each feature.
        source: what was read, in words.
        names: one for each sequence (the series of a long CSV, the files of a folder); None where there are none.
        notes: what was changed on the way, each in one sentence: scaling, missing values that were filled.
        columns: of a table: what was used as what.
        names_are_made_up: whether the source names no features: then their order alone says which is which.
    """

    inputs: np.ndarray
    lengths: np.ndarray | None
    labels: np.ndarray | None
    feature_names: tuple[str, ...]
    source: str
    names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    names_are_made_up: bool = False
    columns: Columns | None = None

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.inputs)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) of the inputs, lengths and labels: the same data, the same fingerprint."""
        digest = hashlib.sha256(repr(self.inputs.shape).encode())
        digest.update(np.ascontiguousarray(self.inputs, "<f4").data)
        if self.lengths is not None:
            digest.update(b"lengths")
            digest.update(np.ascontiguousarray(self.lengths, "<i4").data)
        if self.labels is not None:
            digest.update(b"labels")
            digest.update("\0".join(map(str, self.labels.tolist())).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def pad(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Put sequences [time, feature] of any lengths into one right-padded array.

    Returns:
        [sequence, time, feature] in float32, or in float64 where that would lose what counts; and int32 lengths, or
        None where all are equally long.
    """
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    inputs = np.zeros((len(sequences), lengths.max(), sequences[0].shape[1]), _type_of(sequences))
    with np.errstate(over="ignore"):  # what is too large is named by whoever checks it
        for row, sequence in zip(inputs, sequences, strict=True):
            row[: len(sequence)] = sequence
    return inputs, None if (lengths == lengths[0]).all() else lengths


def _type_of(sequences: Sequence[np.ndarray]) -> type[np.floating]:
    if not any(sequence.dtype.itemsize > 4 for sequence in sequences):
        return np.float32
    low = np.min([sequence.min(axis=0, initial=np.inf) for sequence in sequences], axis=0)
    high = np.max([sequence.max(axis=0, initial=-np.inf) for sequence in sequences], axis=0)
    return np.float64 if loses_digits(low, high) else np.float32


def loses_digits(low: np.ndarray, high: np.ndarray) -> bool:
    """Whether float32 would lose what counts of features that lie between these."""
    largest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(((largest * FLOAT32_STEP > WORTH * (high - low)) & (high > low)).any())

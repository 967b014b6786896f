"""What every reader returns: sequences in one padded array, checked once, here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from latchwork.errors import InputError


@dataclass(frozen=True, eq=False)
class SequenceData:
    """Sequences with their labels, ready for `fit`.

    Attributes:
        inputs: float32 [sequence, time, feature], right-padded with zeros, finite.
        lengths: int32 [sequence], the number of real steps of each; None where all are full.
        labels: [sequence], of integers, text or booleans; float64 where numbers are to be predicted; None
            where
            the source has none.
        feature_names: one for each feature.
        source: what was read, in words.
        notes: what was changed on the way, each in one sentence: scaling, missing values that were filled.
    """

    inputs: np.ndarray
    lengths: np.ndarray | None
    labels: np.ndarray | None
    feature_names: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()

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


def as_inputs(inputs: Any, lengths: Any = None, *, what: str = "X") -> tuple[np.ndarray, np.ndarray | None]:
    """Check a batch of sequences and bring it into the form that everything else expects.

    Args:
        inputs: numbers [sequence, time, feature]; anything that NumPy can turn into such an array.
        lengths: [sequence], whole numbers from 1 to the number of steps; None where all sequences are full.
        what: how messages call the inputs.

    Returns:
        float32 [sequence, time, feature] with zeros after each length, and int32 lengths, or None where every
        sequence is full.

    Raises:
        InputError: wrong shape or type, no sequences, a length out of range, a value that is missing or
            infinite.

    Example:
        >>> inputs, lengths = as_inputs([[[1.0], [2.0]], [[3.0], [9.0]]], [2, 1])
        >>> inputs[1, :, 0]
        array([3., 0.], dtype=float32)
    """
    try:
        inputs = np.asarray(inputs)
    except ValueError:
        raise InputError(
            f"{what} is a list of sequences of different lengths: pad them into one array and give `lengths`"
        ) from None
    if inputs.dtype.kind not in "buif":
        raise InputError(f"got {what} of type {inputs.dtype}: a batch of sequences holds numbers")
    if inputs.ndim != 3:
        hint = f"; for one feature use {what}[..., None]" if inputs.ndim == 2 else ""
        raise InputError(
            f"got {what} of shape {inputs.shape}: a batch of sequences is (batch, time, features){hint}"
        )
    if 0 in inputs.shape:
        raise InputError(f"got {what} of shape {inputs.shape}: there is nothing in it")
    checked_lengths = None if lengths is None else _as_lengths(lengths, len(inputs), inputs.shape[1])

    with np.errstate(over="ignore"):  # what overflows float32 is reported below
        values: np.ndarray = inputs.astype(np.float32, copy=False)
    if checked_lengths is not None:
        past_end = np.arange(len(values[0])) >= checked_lengths[:, None]
        values = np.where(past_end[..., None], np.float32(0), values)
        if not past_end.any():
            checked_lengths = None
    finite = np.isfinite(values)
    if not finite.all():
        sequence, step, feature = (int(index) for index in np.argwhere(~finite)[0])
        value = inputs[sequence, step, feature]
        problem = (
            "missing" if np.isnan(value) else "too large for float32" if np.isfinite(value) else "infinite"
        )
        raise InputError(
            f"{what}[{sequence}, {step}, {feature}] is {value} ({problem}; {np.count_nonzero(~finite)} such "
            f"values): fill or remove them first"
        )
    return values, checked_lengths


def _as_lengths(lengths: Any, count: int, steps: int) -> np.ndarray:
    lengths = np.asarray(lengths)
    if lengths.shape != (count,):
        raise InputError(f"got lengths of shape {lengths.shape} for {count} sequences: give one for each")
    whole = lengths.dtype.kind in "ui" or (
        lengths.dtype.kind == "f" and bool((lengths == lengths // 1).all())
    )
    if not whole:
        raise InputError(f"got lengths of type {lengths.dtype}: lengths are whole numbers of steps")
    wrong = np.flatnonzero((lengths < 1) | (lengths > steps))
    if wrong.size:
        raise InputError(
            f"lengths[{wrong[0]}] is {lengths[wrong[0]]}: a length is from 1 to {steps} steps here"
        )
    return lengths.astype(np.int32)


def as_labels(labels: Any, count: int, *, numbers: bool = False, what: str = "y") -> np.ndarray:
    """Check the labels of `count` sequences.

    Args:
        labels: [sequence], whole numbers, text or booleans; with `numbers`, any finite numbers.
        count: how many sequences there are.
        numbers: whether these are numbers to predict rather than classes.
        what: how messages call the labels.

    Returns:
        int64, text or boolean classes, or float64 numbers.

    Raises:
        InputError: the wrong shape, count or type, or a missing value.
    """
    labels = np.asarray(labels)
    if labels.shape != (count,):
        hint = ""
        if labels.ndim == 2 and len(labels) == count:
            one_hot = labels.shape[1] > 1
            hint = f"; use {what}.argmax(axis=1) for one-hot rows" if one_hot else f"; use {what}[:, 0]"
        raise InputError(
            f"got {what} of shape {labels.shape} for {count} sequences: give one label for each{hint}"
        )
    kind = labels.dtype.kind
    if kind == "O":  # as frames give text
        labels = _from_objects(labels, what)
        kind = labels.dtype.kind
    if kind == "f" and not np.isfinite(labels).all():
        raise InputError(f"{what}[{np.flatnonzero(~np.isfinite(labels))[0]}] is missing or infinite")
    if numbers:
        if kind not in "uif":
            raise InputError(f"got {what} of type {labels.dtype}: numbers to predict are expected")
        return labels.astype(np.float64)
    if kind == "f":
        fractions = labels[labels != np.floor(labels)]
        if fractions.size:
            raise InputError(
                f"{what} has fractions such as {fractions[0]}: classes are whole numbers or text "
                "(to predict numbers use a SequenceRegressor)"
            )
        kind = "i"
    if kind in "ui":
        return labels.astype(np.int64)
    if kind == "S":
        return np.char.decode(labels, "utf-8", "replace")
    if kind not in "Ub":
        raise InputError(f"got {what} of type {labels.dtype}: labels are whole numbers, text or booleans")
    return labels


def _from_objects(labels: np.ndarray, what: str) -> np.ndarray:
    values: list[object] = labels.tolist()
    kinds = {type(value).__name__ for value in values}
    if kinds in ({"str"}, {"int"}, {"bool"}, {"float"}):
        return np.array(values)
    names = ", ".join(sorted(kinds))
    raise InputError(f"{what} mixes values of type {names}: labels are all numbers, all text or all booleans")


def pad(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Put sequences [time, feature] of any lengths into one right-padded array.

    Returns:
        float32 [sequence, time, feature], and int32 lengths, or None where all are equally long.
    """
    lengths = np.array([len(sequence) for sequence in sequences], np.int32)
    inputs = np.zeros((len(sequences), lengths.max(), sequences[0].shape[1]), np.float32)
    for row, sequence in zip(inputs, sequences, strict=True):
        row[: len(sequence)] = sequence
    return inputs, None if (lengths == lengths[0]).all() else lengths

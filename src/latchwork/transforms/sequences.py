"""What users bring, as a batch of sequences: checked, in float32, right-padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.scaling import real_steps

LENGTH_STEP = 8  # padded lengths are multiples of this, so that sets of about one length share compiled programs


class Sequences(NamedTuple):
    """A batch: inputs `[batch, time, features]` in float32, and lengths `[batch]` where they differ."""

    inputs: NDArray[np.float32]
    lengths: NDArray[np.int32] | None


def as_sequences(X: Any, lengths: Any = None, *, features: int | None = None) -> Sequences:
    """A batch from an array `[batch, time, features]`, or from a list of arrays `[time, features]`.

    Args:
        X: the sequences; what is past a length is ignored, and zero in the result.
        lengths: real steps of each row of an array; a list of arrays brings its own.
        features: the number of features expected, where it is known.

    Raises:
        InputError: other shapes, no rows, text, missing values, lengths that do not fit.

    Example:
        >>> inputs, lengths = as_sequences([np.ones((3, 2)), np.ones((5, 2))])
        >>> inputs.shape, lengths
        ((2, 8, 2), array([3, 5], dtype=int32))
    """
    if isinstance(X, Sequence) and len(X) and np.ndim(X[0]) == 2 and lengths is None:
        inputs, lengths = _padded([_numbers(row) for row in X])
    else:
        inputs = _numbers(X)
    if inputs.ndim != 3:
        hint = "; for one feature use X[..., None]" if inputs.ndim == 2 else ""
        raise InputError(f"got X of shape {inputs.shape}: a batch of sequences is (batch, time, features){hint}")
    if 0 in inputs.shape:
        raise InputError(f"got X of shape {inputs.shape}: there is nothing in it")
    if features is not None and inputs.shape[2] != features:
        raise InputError(f"got X of shape {inputs.shape}: expected {features} features as in training")
    if lengths is not None:
        lengths = as_lengths(lengths, len(inputs), inputs.shape[1])
        inputs = np.where(real_steps(inputs.shape[1], lengths)[..., None], inputs, np.float32(0))
    _check_finite(inputs)
    return Sequences(inputs, lengths)


def real_of(inputs: NDArray[Any], padding: float | None) -> NDArray[np.bool_]:
    """`[batch, time]`: True where a step holds anything but the padding's value.

    Raises:
        InputError: a sequence has no such step.
    """
    real = inputs != padding if inputs.ndim == 2 else (inputs != np.float32(padding)).any(axis=-1)
    empty = np.flatnonzero(~real.any(axis=1))
    if empty.size:
        raise InputError(f"X[{empty[0]}] holds the value {padding:g} alone, which marks what is no step: leave it out")
    return real


def _check_finite(inputs: NDArray[np.float32]) -> None:
    finite = np.isfinite(inputs)
    if finite.all():
        return
    sequence, step, feature = (int(index) for index in np.argwhere(~finite)[0])
    value = inputs[sequence, step, feature]
    problem = "missing" if np.isnan(value) else "infinite, or too large for float32"
    raise InputError(
        f"X[{sequence}, {step}, {feature}] is {problem} ({np.count_nonzero(~finite)} such values; sequence, step and "
        "feature count from 0): fill or leave out what is missing"
    )


def _numbers(values: Any) -> NDArray[np.float32]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"X cannot be made an array: {error}; give (batch, time, features)") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"X holds {array.dtype} where numbers belong")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _padded(rows: list[NDArray[np.float32]]) -> Sequences:
    widths = {row.shape[1] if row.ndim == 2 else None for row in rows}
    if len(widths) != 1 or None in widths:
        raise InputError("each sequence of the list must be an array (time, features), with the same features")
    lengths = np.array([len(row) for row in rows], np.int32)
    longest = -(-int(lengths.max()) // LENGTH_STEP) * LENGTH_STEP
    inputs = np.zeros((len(rows), longest, rows[0].shape[1]), np.float32)
    for place, row in zip(inputs, rows, strict=True):
        place[: len(row)] = row
    return Sequences(inputs, lengths)


def as_lengths(lengths: Any, batch: int, time: int) -> NDArray[np.int32]:
    """Lengths `[batch]`; raises `InputError` unless they are whole numbers from 1 to `time`."""
    checked = np.asarray(lengths)
    whole = checked.dtype.kind in "iu" or (checked.dtype.kind == "f" and bool((checked == np.floor(checked)).all()))
    if checked.shape != (batch,) or not whole:
        raise InputError(
            f"got lengths of shape {checked.shape} and type {checked.dtype}: expected {batch} whole numbers"
        )
    wrong = np.flatnonzero((checked < 1) | (checked > time))
    if wrong.size:
        raise InputError(f"lengths[{wrong[0]}] is {checked[wrong[0]]}: expected 1 to {time}, the steps of X")
    return checked.astype(np.int32)

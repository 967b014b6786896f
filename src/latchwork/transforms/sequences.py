"""What users bring, as a batch of sequences: checked, in float32, right-padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.scaling import real_steps, release

CHECKED_VALUES = 1 << 20  # looked at at a time
LARGEST = float(np.finfo(np.float32).max)
EXACT = (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.uint64), np.dtype(np.int32), np.dtype(np.uint32))
"""Types with more digits than float32 has; what is of another one is made float32 at once."""
LENGTH_STEP = 8  # padded lengths are multiples of this, so that sets of about one length share compiled programs


class Sequences(NamedTuple):
    """A batch: inputs `[batch, time, features]` (tokens: `[batch, time]`), and lengths `[batch]` where they differ."""

    inputs: NDArray[Any]
    lengths: NDArray[np.int32] | None


def as_sequences(
    X: Any, lengths: Any = None, *, features: int | None = None, exact: bool = False, tokens: bool = False
) -> Sequences:
    """A batch from an array `[batch, time, features]`, or from a list of arrays `[time, features]`.

    Args:
        X: the sequences; what is past a length is ignored, and zero in the result.
        lengths: real steps of each row of an array; a list of arrays brings its own.
        features: the number of features expected, where it is known.
        exact: leave numbers of 64 bits as they are, to be centred before they become float32; what is past a length
            is left as it is too, and nothing is copied.
        tokens: what is expected are token numbers `[batch, time]`, or a list of `[time]`.

    Raises:
        InputError: other shapes, no rows, text, missing values, lengths that do not fit.

    Example:
        >>> inputs, lengths = as_sequences([np.ones((3, 2)), np.ones((5, 2))])
        >>> inputs.shape, lengths
        ((2, 8, 2), array([3, 5], dtype=int32))
    """
    if tokens:
        return _tokens(X, lengths)
    if isinstance(X, Sequence) and len(X) and np.ndim(X[0]) == 2 and lengths is None:
        inputs, lengths = _padded([_numbers(row, exact=exact) for row in X])
    else:
        inputs = _numbers(X, exact=exact)
    if inputs.ndim != 3:
        raise InputError(
            f"got X of shape {inputs.shape}: a batch of sequences is (batch, time, features){_hint(inputs)}"
        )
    if 0 in inputs.shape:
        raise InputError(f"got X of shape {inputs.shape}: there is nothing in it")
    if features is not None and inputs.shape[2] != features:
        raise InputError(f"got X of shape {inputs.shape}: expected {features} features as in training")
    if lengths is not None:
        lengths = as_lengths(lengths, len(inputs), inputs.shape[1])
        if not exact:
            inputs = np.where(real_steps(inputs.shape[1], lengths)[..., None], inputs, np.float32(0))
    _check_finite(inputs, lengths)
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


def _check_finite(inputs: NDArray[Any], lengths: NDArray[np.int32] | None) -> None:
    """Of the real steps, some sequences at a time: nothing as large as the inputs is made."""
    first, count = None, 0
    size = max(1, CHECKED_VALUES // inputs[0].size)
    for start in range(0, len(inputs), size):
        block = inputs[start : start + size]
        wrong = ~(np.abs(block) <= LARGEST)  # a value that is missing is not smaller
        if lengths is not None and wrong.any():
            wrong &= real_steps(inputs.shape[1], lengths[start : start + size])[..., None]
        if wrong.any():
            count += int(np.count_nonzero(wrong))
            first = first or (start, *(int(index) for index in np.argwhere(wrong)[0]))
        release(inputs)
    if first is None:
        return
    start, row, step, feature = first
    problem = "missing" if np.isnan(inputs[start + row, step, feature]) else "infinite, or too large for float32"
    raise InputError(
        f"X[{start + row}, {step}, {feature}] is {problem} ({count} such values; sequence, step and "
        "feature count from 0): fill or leave out what is missing"
    )


def _hint(inputs: NDArray[Any]) -> str:
    """What somebody may have meant by an array of another shape."""
    if inputs.ndim != 2:
        return ""
    if inputs.dtype.kind in "iu":
        return "; for one feature use X[..., None], for token numbers begin the network with Embedding(tokens, units)"
    return "; for one feature use X[..., None]"


def _tokens(X: Any, lengths: Any) -> Sequences:
    """Token numbers: whole, from 0 on, right-padded with 0 where sequences differ in length."""
    if isinstance(X, Sequence) and len(X) and np.ndim(X[0]) == 1 and lengths is None:
        rows = [np.asarray(row) for row in X]
        found = np.array([len(row) for row in rows], np.int32)
        inputs = np.zeros((len(rows), max(1, int(found.max()))), np.int64)
        for place, row in zip(inputs, rows, strict=True):
            place[: len(row)] = _whole(row)
        return Sequences(inputs, None if (found == inputs.shape[1]).all() else as_lengths(found, *inputs.shape))
    inputs = np.asarray(X)
    if inputs.ndim != 2 or 0 in inputs.shape:
        raise InputError(f"got X of shape {inputs.shape}: token numbers are (batch, time), or a list of (time,)")
    inputs = _whole(inputs)
    return Sequences(inputs, None if lengths is None else as_lengths(lengths, *inputs.shape))


def _whole(tokens: NDArray[Any]) -> NDArray[np.int64]:
    kind = tokens.dtype.kind
    if kind not in "iuf" or (kind == "f" and not (tokens == np.floor(tokens)).all()) or (tokens < 0).any():
        raise InputError(f"got X of type {tokens.dtype}: token numbers are whole, from 0 on")
    return tokens.astype(np.int64)


def _numbers(values: Any, *, exact: bool = False) -> NDArray[Any]:
    try:
        array = values if isinstance(values, np.memmap) else np.asarray(values)  # which would forget where it lies
    except ValueError as error:
        raise InputError(f"X cannot be made an array: {error}; give (batch, time, features)") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"X holds {array.dtype} where numbers belong")
    if exact and array.dtype in EXACT:
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _padded(rows: list[NDArray[Any]]) -> Sequences:
    widths = {row.shape[1] if row.ndim == 2 else None for row in rows}
    if len(widths) != 1 or None in widths:
        raise InputError("each sequence of the list must be an array (time, features), with the same features")
    lengths = np.array([len(row) for row in rows], np.int32)
    longest = -(-int(lengths.max()) // LENGTH_STEP) * LENGTH_STEP
    inputs = np.zeros((len(rows), longest, rows[0].shape[1]), np.result_type(*{row.dtype for row in rows}))
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

"""What `fit`, `evaluate` and `predict` are given, as rows of plain arrays.

Steps that are masked are taken out: a row's real steps move to its front, in their order, and its length says how many
there are. A recurrent layer does with them just what Keras's does with the mask, and the kernels know lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core import spec
from latchwork.core.errors import InputError
from latchwork.interop.keras.compiled import Compiled

Array = NDArray[Any]
LEAST_WEIGHT = 1e-30  # in place of 0: a row that weighs nothing is still a row of its batch


@dataclass(frozen=True)
class Reader:
    """How a model's inputs are read.

    Attributes:
        network: its spec.
        mask_value: a step with this number in every feature is masked; None for no masking.
        mask_zero: whether steps of token 0 are masked.
    """

    network: spec.Sequential
    mask_value: float | None
    mask_zero: bool

    @property
    def masks(self) -> bool:
        """Whether any step may be masked."""
        return self.mask_zero or self.mask_value is not None

    @property
    def padding(self) -> float | None:
        """The value whose steps are masked."""
        return 0.0 if self.mask_zero else self.mask_value

    @property
    def tokens(self) -> int | None:
        """How many token numbers the network knows; None where it reads numbers."""
        first = self.network.layers[0]
        return first.tokens if isinstance(first, spec.Embedding) else None

    def inputs(self, x: Any) -> tuple[Array, Array | None, Array | None]:
        """Inputs as the kernels take them, each row's length, and where its steps stood `[rows, time]`.

        Raises:
            InputError: another shape than the network's, missing numbers, tokens that it does not know, a row without
                a step that is not masked.
        """
        array = as_array(x, "x")
        expected = self.network.input_shape
        assert expected is not None
        if array.ndim == len(expected) + 2 and array.shape[-1] == 1:
            array = array[..., 0]
        shape = array.shape[1:]
        fits = len(shape) == len(expected) and all(b in (None, a) for a, b in zip(shape, expected, strict=True))
        if not fits or not len(array):
            hint = "; for one feature use x[..., None]" if len(shape) == len(expected) - 1 else ""
            raise InputError(
                f"x has shape {array.shape}, and the model takes (batch, {spec.shape_text(expected)}){hint}"
            )
        if self.tokens is not None:
            array = self._as_tokens(array)
            return self._left_aligned(array, array != 0) if self.mask_zero else (array, None, None)
        array = np.ascontiguousarray(array, np.float32)
        if not np.isfinite(array).all():
            raise InputError(
                "x has numbers that are missing or infinite: fill them first, or mask such steps (Masking)"
            )
        if self.mask_value is None:
            return array, None, None
        return self._left_aligned(array, (array != np.float32(self.mask_value)).any(axis=-1))

    def _as_tokens(self, array: Array) -> NDArray[np.int32]:
        known = self.tokens
        assert known is not None
        if array.dtype.kind == "f" and (array != np.floor(array)).any():
            raise InputError(f"x has type {array.dtype}: the model begins with an Embedding, which takes whole numbers")
        if array.min() < 0 or array.max() >= known:
            wrong = int(array.min()) if array.min() < 0 else int(array.max())
            raise InputError(f"x has the number {wrong}: the model's Embedding knows 0 to {known - 1}")
        return np.ascontiguousarray(array, np.int32)

    def _left_aligned(self, array: Array, real: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
        lengths = real.sum(axis=1)
        if not lengths.all():
            row = int(np.flatnonzero(lengths == 0)[0])
            raise InputError(f"row {row} of x has not one step that is not masked: leave it out")
        order = np.argsort(~real, axis=1, kind="stable")
        picked = np.take_along_axis(array, order if array.ndim == 2 else order[..., None], axis=1)
        return picked, lengths.astype(np.int32), order

    def unmasked(self, outputs: Array, lengths: Array | None, order: Array | None) -> Array:
        """Each step's outputs where the step stood; zeros where it was masked."""
        if lengths is None or order is None or outputs.ndim < 3:
            return outputs
        past = np.arange(outputs.shape[1]) >= lengths[:, None]
        outputs = np.where(past[..., None], 0, outputs)
        placed = np.empty_like(outputs)
        np.put_along_axis(placed, order[..., None], outputs, axis=1)
        return placed

    def targets(self, compiled: Compiled, y: Any, rows: int, order: Array | None, steps: int | None) -> Array:
        """Targets as the kernels take them, moved as the inputs' steps were.

        Args:
            compiled: the loss says what they are.
            y: as given.
            rows: of the inputs.
            order: where the inputs' steps stood.
            steps: of the inputs' time axis.
        """
        array = as_array(y, "y")
        shape = self.network.with_input((steps, *(self.network.input_shape or ())[1:])).output_shape()
        expected = (rows, *shape)
        if len(array) != rows:
            raise InputError(f"x has {rows} rows and y has {len(array)}: one for each is needed")
        found = (_classes if compiled.loss.targets in ("classes", "one_hot") else _numbers)(array, expected, compiled)
        if order is not None and len(shape) == 2:
            found = np.take_along_axis(found, order if found.ndim == 2 else order[..., None], axis=1)
        return found

    def rows(self, compiled: Compiled, x: Any, y: Any, weight: Any, class_weight: Any) -> dict[str, Array]:
        """All arrays of training or evaluation by name; arguments as of `fit`."""
        inputs, lengths, order = self.inputs(x)
        if y is None:
            raise InputError("y is missing: give the targets, or a generator of (x, y)")
        steps = inputs.shape[1] if inputs.ndim == 3 or self.tokens is not None else None
        given = {"inputs": inputs, "targets": self.targets(compiled, y, len(inputs), order, steps)}
        if lengths is not None:
            given["lengths"] = lengths
        weights = _weights(weight, class_weight, given["targets"])
        return given if weights is None else given | {"weight": weights}


def as_array(value: Any, name: str) -> Array:
    """An array of numbers from what a script holds: arrays, frames, lists; a list of one array is that array."""
    given: Any = value
    if isinstance(given, dict):
        raise InputError(f"{name} is a dict: networks here have one input and one output")
    if isinstance(value, list | tuple) and len(given) and hasattr(given[0], "shape") and np.ndim(given[0]) > 1:
        if len(given) > 1:
            raise InputError(f"{name} is a list of {len(given)} arrays: networks here have one input and one output")
        given = given[0]
    try:
        array = np.asarray(given.to_numpy() if hasattr(given, "to_numpy") else given)
    except ValueError as error:
        raise InputError(f"{name} has rows of different lengths: pad them with pad_sequences") from error
    if array.dtype == object:
        try:
            array = array.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{name} has no plain numbers: pad sequences of different lengths with pad_sequences"
            ) from error
    if array.dtype.kind not in "fiub" or not array.ndim:
        raise InputError(f"{name} has type {array.dtype}: numbers are needed")
    return array


def _classes(array: Array, expected: tuple[int | None, ...], compiled: Compiled) -> NDArray[np.int32]:
    """Class numbers `[rows]` or `[rows, time]`."""
    name, classes = compiled.loss.name, expected[-1]
    assert classes is not None
    if compiled.loss.targets == "one_hot":
        if array.shape != expected:
            hint = "; for class numbers use sparse_categorical_crossentropy" if array.ndim < len(expected) else ""
            raise InputError(f"{name}: y has shape {array.shape}, expected {expected}{hint}")
        hot = array.argmax(axis=-1)
        if (array.max(axis=-1) != 1).any() or (array.sum(axis=-1) != 1).any():
            raise InputError(f"{name}: y has rows that are no single 1 among zeros: use utils.to_categorical")
        return hot.astype(np.int32)
    if array.shape == (*expected[:-1], 1):
        array = array[..., 0]
    if array.shape != expected[:-1]:
        hint = "; for one-hot targets use categorical_crossentropy" if array.shape == expected else ""
        raise InputError(f"{name}: y has shape {array.shape}, expected {expected[:-1]}{hint}")
    if (array != np.floor(array)).any() or array.min() < 0 or array.max() >= classes:
        raise InputError(
            f"{name}: y has classes from {array.min()} to {array.max()}, the model knows 0 to {classes - 1}"
        )
    return array.astype(np.int32)


def _numbers(array: Array, expected: tuple[int | None, ...], compiled: Compiled) -> NDArray[np.float32]:
    """Numbers in the outputs' shape; a last axis of one may be there or not."""
    if array.shape == expected[:-1] and expected[-1] == 1:
        array = array[..., None]
    elif array.shape == (*expected, 1):
        array = array[..., 0]
    if array.shape != expected:
        raise InputError(f"{compiled.loss.name}: y has shape {array.shape}, and the model gives {expected}")
    if not np.isfinite(array).all():
        raise InputError("y has numbers that are missing or infinite: fill or leave them out first")
    return np.ascontiguousarray(array, np.float32)


def _weights(weight: Any, by_class: Any, targets: Array) -> NDArray[np.float32] | None:
    """What each row weighs in the loss."""
    found: Array | None = None
    if weight is not None:
        found = as_array(weight, "sample_weight").astype(np.float32)
        if found.shape == (len(targets), 1):
            found = found[:, 0]
        if found.shape != (len(targets),):
            hint = "; to leave steps out use Masking" if found.ndim > 1 else ""
            raise InputError(f"sample_weight has shape {found.shape}: one number for each row is needed{hint}")
        if found.min() < 0:
            raise InputError("sample_weight has numbers below 0")
    if by_class is not None:
        labels = targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets
        if not isinstance(by_class, Mapping) or labels.ndim != 1:
            raise InputError("class_weight is a dict from class numbers to weights, for one class a row")
        own = {int(label): float(share) for label, share in by_class.items()}
        rates = np.array([own.get(int(label), 1.0) for label in labels], np.float32)
        found = rates if found is None else found * rates
    return None if found is None else np.maximum(found, np.float32(LEAST_WEIGHT))


def is_stream(x: Any) -> bool:
    """Whether batches come one by one: a generator, a `Sequence`, a dataset."""
    if isinstance(x, np.ndarray | list | tuple | dict) or hasattr(x, "to_numpy"):
        return False
    return hasattr(x, "__next__") or ((hasattr(x, "__iter__") or hasattr(x, "__getitem__")) and not hasattr(x, "dtype"))


def batches_of(stream: Any, steps: int | None) -> Iterator[tuple[Any, Any, Any]]:
    """One pass over a stream: inputs, targets and weights of each batch; at most so many where `steps` says so."""
    if hasattr(stream, "__getitem__") and hasattr(stream, "__len__"):
        source: Iterator[Any] = (stream[at] for at in range(len(stream)))
    else:
        source = iter(stream)
    done = 0
    while steps is None or done < steps:
        batch = next(source, None)
        if batch is None:
            break
        done += 1
        parts = batch if isinstance(batch, tuple | list) else (batch,)
        yield parts[0], parts[1] if len(parts) > 1 else None, parts[2] if len(parts) > 2 else None


def length_of(stream: Any) -> int | None:
    """Batches of one pass, where a stream knows it; raises `InputError` on one that never ends."""
    if hasattr(stream, "__len__"):
        return len(stream)
    if hasattr(stream, "__next__"):
        raise InputError("a generator never ends: give steps")
    return None


def split_off(arrays: Mapping[str, Array], share: float) -> tuple[dict[str, Array], dict[str, Array]]:
    """The last share of the rows for validation, as Keras takes it: before anything is shuffled."""
    rows = len(arrays["inputs"])
    at = int(np.floor(rows * (1.0 - share)))
    if not 0 < at < rows:
        raise InputError(f"validation_split={share}: of {rows} rows that leaves {at} to train on")
    return {name: one[:at] for name, one in arrays.items()}, {name: one[at:] for name, one in arrays.items()}

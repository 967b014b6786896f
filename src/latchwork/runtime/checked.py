"""What every model that answers checks: names in its file, its arrays, its inputs, its outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError, LatchworkError


def saved_names(names: Any, features: int | None) -> tuple[str, ...] | None:
    """The features' names in a file; raises `InputError` where they are none."""
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[Any]", names)):
        raise InputError("its features' names are no texts")
    found = tuple(cast("list[str]", names))
    if len(found) != features or len(set(found)) != features:
        raise InputError(f"it names {len(found)} features, its network has {features}")
    return found


def not_quick(*_: Any) -> None:
    """In place of what takes float32 alone."""


def finite_outputs(outputs: NDArray[Any]) -> NDArray[Any]:
    """Outputs that are numbers; raises `LatchworkError`, for no answer follows from any other."""
    if not math.isfinite(float(outputs.sum())) and not np.isfinite(outputs).all():
        row = int(np.argwhere(~np.isfinite(outputs))[0][0])
        raise LatchworkError(
            f"the network's outputs for sequence {row} overflow: its inputs are far from the training's"
        )
    return outputs


def check_finite(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise `InputError` on arrays of a file that hold numbers that are infinite or none."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise InputError(f"its array {name} holds numbers that are infinite or none: it cannot answer")


def refuse_padding(batch: NDArray[Any]) -> None:
    """What looks like padding would be read as steps, and answered wrongly in silence."""
    padded = np.flatnonzero(~batch[:, -1].any(axis=-1))
    if padded.size:
        raise InputError(
            f"X[{padded[0]}] ends in a step of zeros, as padding does, and the model was trained on sequences of "
            "different lengths: give lengths (in scikit-learn by metadata routing: set_score_request(lengths=True)), "
            "or a list of sequences"
        )

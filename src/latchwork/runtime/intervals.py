"""Intervals around a regressor's answers, by what it missed on rows that it was not trained on.

Split conformal prediction (Lei et al., 2018): whatever the errors' distribution, an interval as wide as their quantile
covers its share of new rows of the same kind, if the errors are of rows that training has not seen. Where they come
from several folds, each by a network of its own, the share is met about, not exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

LEVELS = (80.0, 95.0)
RESIDUALS = "fitted.residuals"  # in a file: sizes of errors on held-out rows, sorted, [outputs, rows]


def half_width(residuals: NDArray[np.floating], level: float) -> NDArray[np.float64]:
    """Half of an interval's width, of each output.

    Args:
        residuals: sizes of errors on held-out rows, sorted, `[outputs, rows]`.
        level: per cent of new rows to be covered.

    Raises:
        InputError: too few rows for that level, or no level.

    Example:
        >>> float(half_width(np.arange(1.0, 20.0)[None], 90)[0])
        18.0
    """
    if not 0 < level < 100:
        raise InputError(f"a level is per cent, above 0 and below 100, got {level!r}")
    rows = residuals.shape[1]
    place = math.ceil((rows + 1) * level / 100) - 1
    if place >= rows:
        raise InputError(f"{rows} held-out rows are too few for an interval of {level:g} %: it needs more than that")
    return residuals[:, place].astype(np.float64)


def levels_of(model: Any) -> tuple[float, ...]:
    """The usual levels, as far as a model has errors on enough held-out rows."""
    rows = model.tensors[RESIDUALS].shape[1] if RESIDUALS in model.tensors else 0
    return tuple(level for level in LEVELS if math.ceil((rows + 1) * level / 100) <= rows)


def interval(model: Any, answers: NDArray[np.floating], level: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """The lower and upper ends around a model's answers, of their shape.

    Raises:
        InputError: the model has seen no held-out rows, or too few.
    """
    if RESIDUALS not in model.tensors:
        raise InputError("this regressor has no intervals: nothing was held out when it was trained (validation_share)")
    width = half_width(model.tensors[RESIDUALS], level)
    width = width[0] if answers.ndim == 1 else width
    return answers - width, answers + width
